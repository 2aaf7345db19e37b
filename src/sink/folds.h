/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has no line of its own in the JSON lines, and its sums: so that a log stays small, or its
 * reader need not keep up, and no fault is missing all the same. A row's delta is added to the
 * `other` line of its cgroup, user, kind, access and mode; a process that began and ended between
 * two ticks to the `exits` line of its cgroup, user and name, with an `other` line for what it
 * faulted. Each fault is in one line: the totals of a row or process that goes on leave out what is
 * in these sums, and that is remembered here as long as it lives. Bounded: beyond MAX_FOLDS sums or
 * their names, the sums are those of no cgroup in particular; what cannot be remembered is refused.
 */
#ifndef FAULTMAP_FOLDS_H
#define FAULTMAP_FOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

/* All zero: everything has its line. */
struct fold_options {
	uint64_t
		min_faults; /* rows with fewer in an interval have none; those with a denied one do */
	uint64_t top;       /* at most so many rows of an interval have one; 0: any number */
	bool exits;         /* nor have processes that lived between two ticks, and no such row */
};

/* Of a user that is not known: what found no room among the sums. */
#define FOLD_NO_UID UINT32_MAX

/* One `other` or `exits` line. */
struct fold {
	const char *cgroup; /* raw bytes */
	const char *comm;   /* of processes that have no line either; "" where they are several */
	uint32_t uid;
	uint8_t kind, access, mode;
	bool is_exits; /* so far the key */

	uint64_t n_lines; /* that it is in place of */
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

/* What the lines of a row or a process have left out so far. A later process may be where one was
 * whose end was not told here, as a filter left it out: start_ns tells them apart. */
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

/* Adds what would have been in the line of that name. 0, or a negative errno: it is in no sum. */
int folds_add_faults(struct folds *folds, const struct row *row);
int folds_add_process(struct folds *folds, const struct process *process);
int folds_add_exit(struct folds *folds, const struct process *process);
/* NULL: nothing was. */
const struct row_left_out *folds_of_row(const struct folds *folds, const struct row *row);
const struct process_left_out *folds_of_process(const struct folds *folds,
						const struct process *process);
/* At the end of the tick: forgets what was remembered of the processes that have ended. */
void folds_end_tick(struct folds *folds, const struct snapshot *snapshot);

/* The first sum that has not been taken; NULL: none is left. */
const struct fold *folds_first(const struct folds *folds);
/* Takes it away. */
void folds_take_first(struct folds *folds);

#endif
