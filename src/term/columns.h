/* SPDX-License-Identifier: GPL-2.0-only */
/* The columns of the terminal's tables: the contents and width of each, which are left out on a
 * narrow screen, and what each sorts by. */
#ifndef FAULTMAP_COLUMNS_H
#define FAULTMAP_COLUMNS_H

#include "base/users.h"
#include "term/lines.h"
#include "term/trend.h"

#define CELL_LEN 512
#define COLUMNS_MAX 32

/* What cells are made with, besides the line. */
struct column_context {
	uint64_t interval_ns, page_size;
	bool ascii;
	bool is_tree;
	unsigned int width;        /* of the cell */
	const struct trend *trend; /* of what the view shows; NULL: not known */
	const struct line *sum;    /* of all lines, for shares */
	struct users *users;
	const char *(*command)(void *context, const struct line *line); /* NULL: comm */
	void *context;
};

struct column {
	const char *name; /* for `sort NAME` and the settings: "major" */
	const char *title;
	unsigned int views;
	unsigned int width; /* 0: it takes what is left; at least `least` */
	unsigned int least;
	unsigned int importance; /* the smallest stays longest; 0: stays always */
	bool left, keeps_end, ascending;
	bool only_sorted;  /* shown when it orders */
	bool with_latency; /* shown when stalls are measured */
	bool with_causes;  /* shown when stalls have causes */
	bool with_copies;  /* shown when memory was copied on write */
	bool with_again;   /* shown when the same memory was faulted in again */
	bool with_finding; /* shown when a process has one */
	bool with_heat;    /* shown when faults are counted by slices */
	void (*cell)(char text[CELL_LEN], const struct line *line,
		     const struct column_context *context);
	uint64_t (*value)(const struct line *line); /* NULL: ordered by `text` */
	const char *(*text)(const struct line *line);
};

/* What there is to show in this view. */
struct shown_with {
	bool latency, heat, causes, copies, again, findings;
	bool commands; /* a tree, or command lines */
};

/* A column and where it stands. */
struct placed {
	const struct column *column;
	unsigned int x, width;
};

/* Of the view, in the order in which they stand; returns how many there are. */
size_t columns_of(enum view_kind view, const struct column *ret_columns[COLUMNS_MAX]);
/* NULL: the view has none of that name, or none that orders. */
const struct column *columns_find(enum view_kind view, const char *name);
/* What a view is ordered by at first. */
const struct column *columns_default(enum view_kind view);

/* Those that fit into this many cells, placed; returns how many. */
size_t columns_place(enum view_kind view, const struct column *sorted,
		     const struct shown_with *with, unsigned int width,
		     struct placed ret_placed[COLUMNS_MAX]);

/* "12,345", "1.23M": at most 8 characters. */
char *column_count(char text[CELL_LEN], double count);

#endif
