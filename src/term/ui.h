/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interactive top without its terminal: keys and snapshots go in, a canvas comes out. The owner
 * of the terminal (term.c, or a test) calls ui_tick(), ui_key(), ui_click() and then ui_draw().
 */
#ifndef FAULTMAP_UI_H
#define FAULTMAP_UI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/snapshot.h"
#include "term/canvas.h"
#include "term/lines.h"

/* Keys: the character, or one of these. */
enum ui_key {
	UI_KEY_TAB = '\t',
	UI_KEY_ENTER = '\n',
	UI_KEY_ESCAPE = 27,
	UI_KEY_UP = 0x110000,
	UI_KEY_DOWN,
	UI_KEY_LEFT,
	UI_KEY_RIGHT,
	UI_KEY_PAGE_UP,
	UI_KEY_PAGE_DOWN,
	UI_KEY_HOME,
	UI_KEY_END,
	UI_KEY_BACKSPACE,
	UI_KEY_DELETE,
	UI_KEY_BACKTAB,
	UI_KEY_F0, /* F1 is UI_KEY_F0 + 1 */
	UI_KEY_F12 = UI_KEY_F0 + 12,
};

/* Of the machine that is watched, in bytes; total 0: not known. */
struct ui_memory {
	uint64_t total, available, swap_total, swap_free;
};

/* Functions of the source of snapshots. NULL: this source does not have it. */
struct ui_source {
	/* Ticks come at another interval. 0 or a negative errno. */
	int (*set_interval)(void *context, uint64_t interval_ms);
	/* The command line, as raw bytes with blanks between its words; NULL: not known. It stays
	 * valid until the next call. */
	const char *(*command)(void *context, uint32_t tgid, uint64_t start_ns);
	/* For a recorded log: pause or continue; forward or back by this many intervals; to the
	 * first interval from that time on; how many times as fast. 0, or a negative errno with
	 * the error set. */
	int (*pause)(void *context, bool pause);
	int (*step)(void *context, int intervals, struct error *error);
	int (*seek)(void *context, int64_t ts_ms, struct error *error);
	int (*set_speed)(void *context, double speed);
	/* Writes the text as the settings; ret_where says where they are. 0, or a negative errno
	 * with the error set. */
	int (*save)(void *context, const char *text, char *ret_where, size_t size,
		    struct error *error);
	void *context;
};

struct ui_options {
	bool ascii;
	bool is_replay;
	bool is_remote; /* of a stream: its interval is that of its snapshots */
	uint64_t interval_ms;
	bool keeps_interval; /* whatever the settings say */
	uint64_t page_size;
	struct ui_source source;
};

struct ui;

/* NULL when out of memory. */
struct ui *ui_new(const struct ui_options *options);
void ui_free(struct ui *ui);

/* Whose faults these are; copied. May be said again. */
void ui_set_host(struct ui *ui, const char *host, const char *kernel, const char *detail);
/* Whether snapshots come: what is shown may be the last that came. */
void ui_set_connected(struct ui *ui, bool is_connected);
void ui_set_memory(struct ui *ui, const struct ui_memory *memory);
/* Sets the recent findings: one line below the header, "": none; and which process has which, the
 * most important first. Copied. */
void ui_set_findings(struct ui *ui, const char *text, const struct process_finding *list,
		     size_t count);
/* One line that stays until the next key. */
void ui_say(struct ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A command with its argument, as in the palette ("sort major"). False: there is none like it. */
bool ui_run(struct ui *ui, const char *text);

/* Takes in the snapshot, which stays in use until the next one. 0 or a negative errno. */
int ui_tick(struct ui *ui, const struct snapshot *snapshot);
/* Takes only the snapshot's rates, for the header: the table will be of a later one. */
void ui_note(struct ui *ui, const struct snapshot *snapshot);
/* What was seen so far is forgotten: a log is read from its beginning. The snapshot may go. */
void ui_forget(struct ui *ui);

/* Returns false when the user wants to leave. */
bool ui_key(struct ui *ui, int key);
/* A click, or the wheel: lines up (-) or down. */
bool ui_click(struct ui *ui, unsigned int y, unsigned int x);
void ui_wheel(struct ui *ui, int lines);

void ui_draw(struct ui *ui, struct canvas *canvas);

/* What `w` writes: lines "name = value", each a command of ui_run(). To be freed; NULL: no
 * memory. */
char *ui_settings(const struct ui *ui);
/* Takes such lines; returns the number of the first that says nothing, or 0. */
unsigned int ui_load_settings(struct ui *ui, const char *text);

#endif
