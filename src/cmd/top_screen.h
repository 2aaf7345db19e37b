/* SPDX-License-Identifier: GPL-2.0-only */
/* What the live view and that of a recorded log have in common: the terminal as `top` wants it, and
 * the settings that its key `w` writes. */
#ifndef FAULTMAP_TOP_SCREEN_H
#define FAULTMAP_TOP_SCREEN_H

#include "cmd/top.h"
#include "term/term.h"
#include "verdict/recent_findings.h"

struct top_settings {
	char path[512]; /* "": there is no home */
	int fd;         /* open before privileges went; -1: there is no file so far */
	char *text;     /* what it has */
};

/* Opens the file that $XDG_CONFIG_HOME or $HOME names, if there is one. */
void top_settings_open(struct top_settings *settings);
void top_settings_close(struct top_settings *settings);
/* As ui_source.save, with the settings as its context. */
int top_settings_save(struct top_settings *settings, const char *text, char *ret_where, size_t size,
		      struct error *error);

/* Takes the terminal and loads the settings. The options have all but fd and colours. 0, or a
 * negative errno with the error set. */
int top_open_term(struct term **ret_term, struct term_options *options,
		  const struct top_config *config, const struct top_settings *settings,
		  struct loop *loop, struct error *error);

/* Takes the snapshot, and puts what was found of late below the screen's header. 0, or -ENOMEM with
 * the error set. */
int top_show_findings(struct term *term, struct recent_findings *findings,
		      const struct snapshot *snapshot, struct error *error);

#endif
