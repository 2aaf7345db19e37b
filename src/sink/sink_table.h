/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of `top --once` and `top -b`: a header and one line per process, mapping, kind,
 * cgroup, or unit. The sink keeps what processes that ended had counted, so that its sums never go
 * down: give it every snapshot.
 */
#ifndef FAULTMAP_SINK_TABLE_H
#define FAULTMAP_SINK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "model/sink.h"

enum table_by { BY_PROCESS, BY_MAPPING, BY_KIND, BY_CGROUP, BY_UNIT };
/* The words for them; NULL-terminated. */
extern const char *const sink_table_by_words[];
enum table_sort {
	SORT_FAULTS, /* minor + major of the interval */
	SORT_MINOR,
	SORT_MAJOR,
	SORT_DENIED,
	SORT_PAGES,
	SORT_STALL, /* time spent in faults in the interval */
	SORT_RSS,
	SORT_VSZ,
	SORT_PID,
	SORT_NAME,
};

struct sink_table_options {
	enum table_by by;
	enum table_sort sort;
	size_t rows;        /* at most; the others are summed in one line. 0: all */
	unsigned int width; /* of the terminal in columns. 0: nothing is cut */
	FILE *stream;       /* borrowed */
};

struct sink_table;

/* True when the view has something to sort so: a kind has no pid. */
bool sink_table_can_sort(enum table_by by, enum table_sort sort);

/* NULL when out of memory. */
struct sink_table *sink_table_new(const struct sink_table_options *options);
void sink_table_free(struct sink_table *sink);

/* Prints the snapshot's interval, after an empty line if it is not the first; nothing for tick 0,
 * whose faults are from before. 0, or a negative errno with the error set. */
int sink_table_tick(struct sink_table *sink, const struct snapshot *snapshot, struct error *error);
extern const struct sink_ops sink_table_ops;

#endif
