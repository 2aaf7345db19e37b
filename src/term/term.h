/* SPDX-License-Identifier: GPL-2.0-only */
/* The interactive top on a terminal: what ui.h draws, on the screen, with keys, the mouse and
 * signals from the event loop. */
#ifndef FAULTMAP_TERM_H
#define FAULTMAP_TERM_H

#include "base/loop.h"
#include "model/sink.h"
#include "term/ui.h"

struct term;

struct term_options {
	struct ui_options ui;
	int fd; /* of the terminal */
	bool has_colours;
	/* The user wants to leave, or the terminal has gone. */
	void (*on_quit)(void *context);
	void *context;
};

/* Whether a screen can be had on fd; else it is a table per tick. */
bool term_is_possible(int fd);
/* Takes the terminal; the loop is borrowed. 0 or a negative errno with the error set. */
int term_open(struct term **ret_term, const struct term_options *options, struct loop *loop,
	      struct error *error);
/* Gives it back; NULL is fine. Before the loop is freed. */
void term_close(struct term *term);

struct ui *term_ui(struct term *term);
/* Draws, if anything has changed. */
void term_draw(struct term *term);

/* As a sink: the view of each snapshot. */
int sink_term_tick(struct term *term, const struct snapshot *snapshot, struct error *error);
void sink_term_free(struct term *term);
extern const struct sink_ops sink_term_ops;

#endif
