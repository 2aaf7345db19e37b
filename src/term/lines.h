/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a table of the terminal shows, before it is ordered: the lines of one view, summed up from a
 * snapshot. They hold copies, so that they outlive the snapshot: what has exited keeps its last
 * figures on the screen.
 */
#ifndef FAULTMAP_LINES_H
#define FAULTMAP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "model/latency.h"
#include "model/ledger.h"
#include "model/snapshot.h"
#include "term/arena.h"

enum view_kind {
	VIEW_PROCESSES,
	VIEW_UNITS,
	VIEW_MAPPINGS, /* equal names of a process are one line */
	VIEW_FILES,    /* a file over all processes */
	VIEW_KINDS,
	VIEW_THREADS, /* where rows are counted by thread (--threads) */
	VIEW_CODE,    /* by faulting instruction (--code) */
	VIEW_LATENCY, /* how long faults took, by powers of two */
	VIEW_SPACE,   /* the mappings of a process, from low to high */
	VIEW_DETAIL,  /* a mapping by kind, access and mode */
	VIEW_COUNT
};

/* What a view is narrowed to. All zero but kind and uid: nothing. */
struct scope {
	bool has_process, has_mapping_id;
	uint32_t tgid;
	uint64_t start_ns;
	uint64_t mapping_id;
	const char *unit;    /* NULL: any */
	const char *mapping; /* NULL: any */
	int kind;            /* -1: any */
	int64_t uid;         /* -1: any */
};

#define SCOPE_ALL ((struct scope){ .kind = -1, .uid = -1 })

/* Cells of a heat strip. */
#define HEAT_CELLS 32
/* Generations of a tree that are drawn as such. */
#define RAILS_MAX 16

/* A finding of a process; name: static. */
struct process_finding {
	uint32_t tgid;
	const char *name;
};
#define FINDINGS_SHOWN 64

struct line {
	uint64_t key[2]; /* while it is made; must stay first */
	uint64_t id;     /* the same thing has it in each snapshot */

	/* Raw bytes. name is what the line is about. */
	const char *name, *comm, *unit;
	uint32_t tgid, ppid, uid; /* of the one process, if it is one */
	uint64_t start_ns;
	bool has_process;
	bool ended;  /* in this interval, or before it */
	bool is_sum; /* in a tree: of its descendants too */
	uint8_t depth;
	bool is_last;   /* of its parent's children */
	uint32_t rails; /* the depths whose line goes on below it */

	uint32_t tid;
	uint64_t mapping_id, map_start, map_end, map_bytes, n_parts;
	char perms[5];
	uint8_t kind, access, mode;
	uint8_t bucket; /* of VIEW_LATENCY; LATENCY_BUCKETS: longer than all */

	uint64_t n_processes, vsz_bytes, rss_bytes;
	struct fault_counts delta, total;
	struct ledger ledger; /* since the view's zero */
	/* As in struct tally: of mappings, and of processes, where the line is one. */
	uint64_t bound_bytes, peak_rss_bytes;
	int64_t growth_bytes;                 /* of processes, in the interval */
	struct stalls stalls;                 /* of the interval */
	uint64_t by_cause[STALL_CAUSE_COUNT]; /* ns of the interval */
	uint64_t stalled_ns;                  /* since the view's zero */

	/* Of the row with most faults in this interval. */
	const char *hottest;
	uint64_t hottest_faults;
	uint8_t why; /* its kind; KIND_COUNT: none */

	const char *finding; /* of its process, the newest or costliest; static. NULL: none */

	double *heat; /* faults by where they were, HEAT_CELLS; NULL: not known */
};

/* What was counted at the view's zero. */
struct zero {
	struct table rows, processes;
	struct arena arena;
};

struct line_set {
	struct line **lines;
	size_t count;
	struct line sum; /* of all of them */
	bool has_latency, has_heat, has_causes, has_threads, has_code, has_copies, has_again;
	struct latency_counts latency; /* of the scope, in the interval and since its zero */
	struct latency_counts latency_total;
	uint64_t max_ns;
	struct arena arena;
};

/* Makes the lines of a view; the set is all zero or was cleared. 0 or -ENOMEM. zero may be NULL. */
int line_set_make(struct line_set *set, enum view_kind view, const struct scope *scope,
		  const struct snapshot *snapshot, const struct zero *zero);
void line_set_clear(struct line_set *set);

/* From now on totals count from here. 0 or -ENOMEM, with nothing changed. */
int zero_take(struct zero *zero, const struct snapshot *snapshot);
void zero_clear(struct zero *zero);

/* The process of the scope; NULL: it has none, or it is gone. */
const struct process *scope_process(const struct scope *scope, const struct snapshot *snapshot);

/* How many times the line's memory was faulted in, at least; 0: less than twice, nobody tells, or it
 * is of several processes. */
uint64_t line_times(const struct line *line, uint64_t page_size);

static inline uint64_t line_faults(const struct fault_counts *counts)
{
	return counts->minor + counts->major;
}

#endif
