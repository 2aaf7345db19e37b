/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lines of the summary: places or processes that are alike as one, the costliest first, and how
 * many of them have to be shown. sink_summary.c prints them.
 */
#ifndef FAULTMAP_SINK_SUMMARY_LINES_H
#define FAULTMAP_SINK_SUMMARY_LINES_H

#include "sink/sink_summary_data.h"

struct line {
	/* identity: must stay first, it is the hash key; no padding */
	const char *
		name; /* a mapping's, a kind's, or of a process's program: borrowed; equal ones share it */
	uint64_t tgid; /* by process; else 0 */
	uint64_t start_ns;

	uint64_t n_alike;     /* mappings of this name, processes of this program; 0: not known */
	uint64_t n_processes; /* that have faulted there; 0: not known */
	struct fault_counts counts;
	struct stalls stalls;
	uint64_t by_kind[KIND_COUNT]; /* faults */
};
#define LINE_KEY_SIZE offsetof(struct line, n_alike)

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
/* The kinds of the line's faults, the most important first, as text: "denied_bus 1, file_map 60 (3
 * major)". */
void line_kinds(const struct line *line, char *text, size_t size);

#endif
