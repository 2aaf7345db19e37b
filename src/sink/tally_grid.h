/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tallies as the lines of a table, for a terminal: the columns of `run` and `report`, which add up,
 * and those of `top`, which are rates of an interval. Narrow screens get fewer of them.
 */
#ifndef FAULTMAP_TALLY_GRID_H
#define FAULTMAP_TALLY_GRID_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/users.h"
#include "model/grouping.h"

/* Columns that were chosen, in that order. count 0: none was, the screen says which there are. */
#define TALLY_COLUMNS_MAX 32
struct tally_columns {
	unsigned char index[TALLY_COLUMNS_MAX]; /* in the table of tally_grid.c */
	size_t count;
};

/* Reads titles separated by commas, in upper or lower case: "pid,comm,min/s". 0, or -EINVAL with
 * the error naming the first one that the table does not have, and a similar title or all
 * titles. */
int tally_columns_parse(const char *names, enum grouping_by by, bool is_live,
			struct tally_columns *ret_columns, struct error *error);

struct tally_grid_view {
	enum grouping_by by;
	enum tally_sort sort;
	bool is_live;      /* rates and totals, as in `top` */
	bool has_latency;  /* is_live: the column of stalls is there, whatever is in it */
	bool has_several;  /* processes: which one it was is worth a column */
	bool has_commands; /* names of processes are command lines */
	bool has_colour;   /* the terminal's own, for what was denied and what was major */
	const struct tally_columns *columns; /* borrowed; NULL: as none */
	uint64_t page_size;
	uint64_t interval_ns; /* of the rates */
	unsigned int width;   /* columns of the screen; 0: nothing is cut or left out */
	struct users *users;  /* borrowed */
};

/* Titles, the tallies that are shown, the rest, what ended (NULL: none), the total. 0 or -ENOMEM;
 * write errors stay in the stream. */
int tally_grid_print(const struct tally_grid_view *view, const struct tallies *tallies,
		     const struct tally *ended, FILE *stream);

#endif
