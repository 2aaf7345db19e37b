/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lines of the summary: places or processes that are alike as one, the costliest first, and how
 * many of them have to be shown. sink_summary.c prints them.
 */
#ifndef FAULTMAP_SINK_SUMMARY_LINES_H
#define FAULTMAP_SINK_SUMMARY_LINES_H

#include "sink/sink_summary_data.h"

/* Of one name: a mapping's, a kind's, a program's. */
struct line {
	/* identity: must stay first, it is the hash key; no padding */
	const char *name; /* borrowed; equal ones share it */
	uint64_t tgid;    /* by process; else 0 */
	uint64_t start_ns;
	uint64_t mapping_id; /* of one mapping that is large; else 0 */

	uint64_t pid;         /* of the large mapping's process; else 0 */
	uint64_t n_alike;     /* mappings of this name, processes of this program; 0: not known */
	uint64_t n_processes; /* that have faulted there; 0: not known */
	struct fault_counts counts;
	struct stalls stalls;
	uint64_t by_kind[KIND_COUNT]; /* faults */
};
#define LINE_KEY_SIZE offsetof(struct line, pid)

struct lines {
	struct line **lines; /* the costliest first */
	size_t count;
	size_t shown; /* of these, from the first */
	struct line rest;
	uint64_t n_rest; /* that are in it */
	struct line total;
};

/* Fills the lines, to be freed with lines_free() whatever is returned. 0 or -ENOMEM. */
int lines_make(struct lines *lines, struct sink_summary *summary);
void lines_free(struct lines *lines);
/* The kinds of the line's faults as text, the denied ones first: "denied_bus 1, file_map 60". */
void line_kinds(const struct line *line, char *text, size_t size);

#endif
