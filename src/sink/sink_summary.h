/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `run` and `report` print at the end: what page faults cost, and where. A process and its rows
 * leave the snapshot after the tick in which it ended, so the summary adds up every snapshot
 * (sink_summary_tick): by what the lines are, and by process.
 */
#ifndef FAULTMAP_SINK_SUMMARY_H
#define FAULTMAP_SINK_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/grouping.h"
#include "model/sink.h"
#include "sink/tally_grid.h"
#include "sink/tally_records.h"

struct sink_summary_options {
	uint64_t page_size;
	enum grouping_by by; /* what a line is */
	enum tally_sort sort;
	size_t rows;        /* lines at most. 0: a page, and what has to be shown */
	unsigned int width; /* of the lines, in columns; 0: 80 */
	bool has_commands;  /* by process: command lines */
	bool has_colour;
	struct tally_columns columns; /* with TALLY_TEXT */
	bool show_all;                /* every line rather than what cost most */
	enum tally_format format;
	size_t max_tallies; /* see struct grouping_options. 0: the default */
	size_t max_processes;
};

/* The command, as it was started and as it ended; or what was attached to. */
struct sink_summary_run {
	const char *const *command; /* raw bytes, NULL-terminated; NULL: there was none */
	const char *attached;       /* then: to what, escaped */
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
/* Zeros when out of memory. */
struct sink_summary_totals sink_summary_totals(struct sink_summary *summary);

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
