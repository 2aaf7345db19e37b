/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of `top --once` and `top -b`: a header, and a line for each thing of --by. The sink
 * keeps what processes that ended had counted, so that its sums never go down: give it every
 * snapshot.
 */
#ifndef FAULTMAP_SINK_TABLE_H
#define FAULTMAP_SINK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "model/grouping.h"
#include "model/sink.h"
#include "sink/tally_grid.h"
#include "sink/tally_records.h"
#include "verdict/findings.h"

struct sink_table_options {
	enum grouping_by by;
	enum tally_sort sort;
	size_t rows;        /* at most; the others are summed in one line. 0: as in a summary */
	bool show_all;      /* rather than what cost most */
	unsigned int width; /* of the terminal in columns. 0: nothing is cut */
	bool has_commands;  /* by process: command lines */
	bool has_colour;
	struct tally_columns columns; /* with TALLY_TEXT */
	enum tally_format format;
	uint64_t page_size;
	bool has_findings; /* those of the interval: a line below the table, a member of JSON */
	findings_limit_fn limit_of; /* as findings_new() */
	FILE *stream;               /* borrowed */
};

struct sink_table;

/* NULL when out of memory. */
struct sink_table *sink_table_new(const struct sink_table_options *options);
void sink_table_free(struct sink_table *sink);

/* Prints the snapshot's interval, after an empty line if it is not the first; nothing for tick 0,
 * whose faults are from before. 0, or a negative errno with the error set. */
int sink_table_tick(struct sink_table *sink, const struct snapshot *snapshot, struct error *error);
extern const struct sink_ops sink_table_ops;

#endif
