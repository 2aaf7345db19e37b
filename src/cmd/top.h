/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of `top` share: tables (cmd_top.c), the screen, recorded logs. */
#ifndef FAULTMAP_TOP_H
#define FAULTMAP_TOP_H

#include "cmd/cmd.h"
#include "cmd/filter_flags.h"
#include "cmd/privileges.h"
#include "cmd/table_options.h"
#include "cmd/watch.h"
#include "sink/sink_table.h"

struct top_config {
	struct common_options common;
	struct watch_options watch;
	struct filter_flags filter;
	const char *user; /* to become; NULL: the default */
	bool once;
	bool batch;
	bool ascii;
	uint64_t width;          /* of tables; 0: the terminal's */
	bool replay;             /* the operands are recorded logs */
	const char *connect;     /* whose stream; NULL: this machine's faults */
	const char *credentials; /* the file with USER:PASSWORD */
	const char *ca;          /* the file with certificates */
	uint64_t count;          /* -n: ticks; 0: not given */
	uint64_t interval_ms;
	bool has_interval; /* given: the settings' does not count */
	struct table_options table;
};

/* Whether a screen can be had, on standard input and output. Always false without the terminal
 * (make WITHOUT=term). */
#ifdef WITHOUT_TERM
static inline bool top_has_screen(void)
{
	return false;
}
#define top_screen_has(by) true
#define top_on_screen(config, user) EXIT_FAILED
#define top_replay_on_screen(config, files) EXIT_FAILED
#else
bool top_has_screen(void);
/* It has a table by this. */
bool top_screen_has(enum grouping_by by);
/* The exit status. */
int top_on_screen(const struct top_config *config, const struct privileges_user *user);
int top_replay_on_screen(const struct top_config *config, char *const files[]);
#endif
#ifdef WITHOUT_CONNECT
static inline int top_connected(const struct top_config *config, bool has_screen)
{
	(void)config;
	(void)has_screen;
	return EXIT_FAILED;
}
#else
/* What a daemon streams, on the screen or as tables. The exit status. */
int top_connected(const struct top_config *config, bool has_screen);
#endif
/* The table that the flags ask for, on standard output. */
void top_table(const struct top_config *config, struct sink_table_options *ret_options,
	       uint64_t page_size);
/* A table of each interval of the logs. */
int top_replay_tables(const struct top_config *config, char *const files[]);

#endif
