/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which table is shown and how: what it is narrowed to, its order, its filter, which line is
 * selected, and the levels above it. Knows nothing of a terminal.
 *
 * The selection belongs to a process (or mapping, ...), not to a line of the screen: it moves with
 * it. Until the user moves it, it stays on the first line.
 */
#ifndef FAULTMAP_VIEW_H
#define FAULTMAP_VIEW_H

#include <regex.h>
#include <stdbool.h>

#include "term/columns.h"
#include "term/lines.h"

#define LEVELS_MAX 8
#define NAME_LEN 1024 /* of what a level is narrowed to */
#define FILTER_LEN 128

/* One level of the way in. */
struct level {
	enum view_kind view;
	struct scope scope;
	char unit[NAME_LEN], mapping[NAME_LEN]; /* what the scope points to */
	char title[NAME_LEN];                   /* of the step that led here, raw bytes */
	const struct column *sort;
	bool reversed;
	uint64_t selected; /* id; 0: the line on top */
	size_t index;      /* where it stands, or stood last */
	size_t offset;     /* of the line on top of the screen */
	/* While one is further in: what was shown, for a process that has gone meanwhile. */
	struct line_set kept;
	size_t n_kept;
};

struct order; /* of a frozen view */

struct view {
	struct level levels[LEVELS_MAX];
	size_t depth; /* of the level that is shown */
	const struct snapshot *snapshot;
	struct line_set set;    /* in the order in which they are shown */
	size_t n_shown;         /* of them: the filter's are first */
	struct line_set kinds;  /* of the process that it is narrowed to */
	bool is_gone;           /* its process has; these are the last figures */
	struct process process; /* that the level is narrowed to, as last seen; no pointers */
	struct zero zero;
	bool has_zero;
	bool is_frozen, follows, is_tree;
	bool shows_all; /* what did not fault in the interval too */
	struct process_finding findings[FINDINGS_SHOWN];
	size_t n_findings;
	bool has_findings; /* lines of it have one */
	struct order *order;
	char filter[FILTER_LEN];
	bool has_regex;
	regex_t regex;
};

void view_init(struct view *view);
void view_clear(struct view *view);
struct level *view_level(struct view *view);

/* Draws its lines anew: from the snapshot, which stays in use until the next call, or NULL for the
 * one that it has. 0 or -ENOMEM. */
int view_refresh(struct view *view, const struct snapshot *snapshot);

/* What the next lines of processes are to say; the first one of a process is shown. Copied; beyond
 * FINDINGS_SHOWN they are left out. */
void view_set_findings(struct view *view, const struct process_finding *findings, size_t count);

/* The selected line; NULL where there is none. */
const struct line *view_selected(const struct view *view);
/* Moves the selection by this many lines; view_top() makes it stay on the first line again. */
void view_move(struct view *view, long lines);
void view_top(struct view *view);
void view_bottom(struct view *view);
/* Selects the line at this place. */
void view_select(struct view *view, size_t index);
/* Selects the next line from the selected one on (itself included unless `again`) that has the
 * text. False: none has. */
bool view_search(struct view *view, const char *text, bool again, bool backwards);
bool view_find_pid(struct view *view, uint32_t pid);
/* Keeps the window of this many lines where the selection is, if it is to follow or was just
 * moved. */
void view_scroll(struct view *view, size_t height, bool must_show);

/* Opens the selected line; false if there is nothing in it, or no longer. view_leave() goes back;
 * false: it is the outermost level. */
bool view_enter(struct view *view);
bool view_leave(struct view *view);
/* Another table of what the level is narrowed to; false where it has no such table. */
bool view_show(struct view *view, enum view_kind kind);
bool view_has(const struct view *view, enum view_kind kind);

/* Substring, or /extended regular expression/; "" shows all. 0, or -EINVAL with the reason. */
int view_filter(struct view *view, const char *filter, char *ret_why, size_t size);
void view_sort(struct view *view, const struct column *column);
/* 0 or -ENOMEM. */
int view_freeze(struct view *view, bool freeze);
int view_zero(struct view *view);

#endif
