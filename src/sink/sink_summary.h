/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `run` prints at the end. A process and its rows leave the snapshot after the tick in which
 * it ended, so the summary takes every snapshot (sink_summary_tick) into copies of its own. What is
 * alike is one line: sink_summary_lines.h. By row, while one process ran there is a place per
 * mapping and kind; when several did, mappings of the same name, permissions, kind and access are
 * merged, but for the few that are large. What does not fit goes to rest lines with exact sums.
 */
#ifndef FAULTMAP_SINK_SUMMARY_H
#define FAULTMAP_SINK_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/sink.h"

/* What a line is. */
enum sink_summary_by {
	SUMMARY_BY_MAPPING, /* all mappings of one name */
	SUMMARY_BY_KIND,
	SUMMARY_BY_PROCESS,
	SUMMARY_BY_COMM, /* all processes of one name */
	SUMMARY_BY_ROW,  /* mapping, kind, access and mode */
};
/* The words for them, NULL-terminated. */
extern const char *const sink_summary_by_words[];

struct sink_summary_options {
	uint64_t page_size;
	enum sink_summary_by by;
	unsigned int width;   /* of the lines, in columns; 0: 80 */
	bool show_all;        /* every row and process rather than the busiest */
	size_t max_places;    /* kept of mappings x kinds. 0: the default */
	size_t max_processes; /* kept one by one. 0: the default */
};

/* The command, as it was started and as it ended. */
struct sink_summary_run {
	const char *const *command; /* raw bytes, NULL-terminated */
	int wait_status;            /* as wait(2) gives it */
	uint64_t wall_ns;
};

/* Of all processes that were followed, by the kernel's accounting. */
struct sink_summary_totals {
	uint64_t processes;
	uint64_t minor;
	uint64_t major;
};

struct sink_summary;

/* NULL when out of memory. */
struct sink_summary *sink_summary_new(const struct sink_summary_options *options);
void sink_summary_free(struct sink_summary *summary);

/* 0, or -ENOMEM with the error set. */
int sink_summary_tick(struct sink_summary *summary, const struct snapshot *snapshot,
		      struct error *error);
extern const struct sink_ops sink_summary_ops;
struct sink_summary_totals sink_summary_totals(const struct sink_summary *summary);

/* The command and how it ended: two lines. As sink_summary_print. */
int sink_summary_print_run(const struct sink_summary_run *run, FILE *stream);
/*
 * Last of all: what page faults cost, and where. With `run`, the command and how it ended first;
 * NULL: that has been printed, or nobody knows. 0 or -ENOMEM; write errors stay in the stream
 * (ferror).
 */
int sink_summary_print(struct sink_summary *summary, const struct sink_summary_run *run,
		       FILE *stream);

#endif
