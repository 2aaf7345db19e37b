/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sums of rows and processes without a line of their own in the JSON lines, so that a log stays
 * small, or a slow reader keeps up, and no fault is missing. A row's delta is added to the `other`
 * line of its cgroup, user, kind, access and mode. A process that began and ended between two ticks
 * is added to the `exits` line of its cgroup, user and name, and its faults to an `other` line.
 * Each fault is in one line: totals of a row or process leave out what is in these sums, which is
 * remembered here while the process lives. Bounded: beyond MAX_FOLDS sums or their names, sums of no
 * particular cgroup take the rest; a row that cannot be remembered is refused.
 */
#ifndef FAULTMAP_FOLDS_H
#define FAULTMAP_FOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

/* All zero: every row and process has a line. */
struct fold_options {
	uint64_t
		min_faults; /* rows with fewer faults in an interval have no line, unless one was denied */
	uint64_t top; /* at most this many rows of an interval have one; 0: all */
	bool exits; /* processes that began and ended between two ticks have none, nor have their rows */
};

/* The user of the sums that take the rest. */
#define FOLD_NO_UID UINT32_MAX

/* One `other` or `exits` line. */
struct fold {
	const char *cgroup; /* raw bytes */
	const char *comm;   /* of processes without a line; "" if there are several names */
	uint32_t uid;
	uint8_t kind, access, mode;
	bool is_exits; /* so far the key */

	uint64_t n_lines; /* how many lines it replaces */
	struct fault_counts counts;
	bool has_latency, has_causes;
	struct latency_counts latency;
	uint64_t max_ns; /* of the rows' */
	struct cause_counts causes;
	uint64_t cause_max_ns[STALL_CAUSE_COUNT];

	/* Of processes. */
	uint64_t ended, failed, killed; /* the last two of the first */
	uint64_t lifetime_ns, peak_vsz_bytes, peak_rss_bytes;
	uint64_t minor, major, gup; /* the kernel's own */
};

/* What the lines of a row or a process have left out so far. A filter may hide the end of a process,
 * and a later one may have the same address: start_ns tells them apart. */
struct row_left_out {
	const struct row *row; /* the hash key; only compared */
	uint64_t start_ns;     /* of its process */
	struct fault_counts counts;
	uint64_t stalls, stalled_ns;
	struct cause_counts *causes; /* NULL: none */
};

struct process_left_out {
	const struct process *process; /* the hash key; only compared */
	uint64_t start_ns;
	uint64_t minor, major, gup;
};

struct folds;

/* NULL when out of memory. */
struct folds *folds_new(void);
/* NULL is fine. */
void folds_free(struct folds *folds);
void folds_set_options(struct folds *folds, const struct fold_options *options);

/* Decides which rows and processes of the snapshot have lines. 0, or -ENOMEM: all. */
int folds_plan(struct folds *folds, const struct snapshot *snapshot);
/* Of snapshot->rows[index], one of the first n_touched. */
bool folds_row_has_line(const struct folds *folds, size_t index);
bool folds_process_has_line(const struct folds *folds, const struct process *process);

/* Adds the contents of a line of that name. 0, or a negative errno: nothing was added. */
int folds_add_faults(struct folds *folds, const struct row *row);
int folds_add_process(struct folds *folds, const struct process *process);
int folds_add_exit(struct folds *folds, const struct process *process);
/* NULL: nothing was left out. */
const struct row_left_out *folds_of_row(const struct folds *folds, const struct row *row);
const struct process_left_out *folds_of_process(const struct folds *folds,
						const struct process *process);
/* At the end of the tick: forgets processes that have ended. */
void folds_end_tick(struct folds *folds, const struct snapshot *snapshot);

/* The first sum that has not been taken; NULL: none is left. */
const struct fold *folds_first(const struct folds *folds);
/* Removes that sum. */
void folds_take_first(struct folds *folds);

#endif
