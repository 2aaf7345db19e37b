/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every sink reads: all processes and rows (process x mapping x kind x access x mode), with
  * cumulative counters as of the last tick and of the tick before. The collector
 * fills it (snapshot_begin, snapshot_process, snapshot_row, snapshot_seal); sinks only read it. A
 * snapshot owns its processes, rows and every string reachable from them; they stay valid until the
 * snapshot_begin that follows the one in which their process was marked ended. A row may only be
 * changed after snapshot_row has found or made it in the same tick: that is how the snapshot knows
 * which may have moved, so that a tick costs nothing for those that did not.
 */
#ifndef FAULTMAP_SNAPSHOT_H
#define FAULTMAP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "model/context.h"
#include "model/kinds.h"
#include "model/sampled_path.h"
#include "model/slept_path.h"
#include "model/totals.h"
#include "model/strings.h"

/* Faults of one row. minor and major as the kernel accounts them; denied is neither. */
struct fault_counts {
	uint64_t minor;
	uint64_t major;
	uint64_t denied;
	uint64_t pages; /* pages that these faults mapped */
};

/*
 * Stalls: from fault entry to the kernel's account of the fault. buckets[i] counts the stalls of at
 * most 2^(LATENCY_FIRST_LOG2 + i) ns and more than half of that (the first: all up to its bound),
 * so that a stall of exactly 4,096 ns is in the bucket of 4,096. Longer than the last bound: in
 * count only.
 */
struct latency_counts {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t buckets[LATENCY_BUCKETS];
};

/* What stalls were for, by enum stall_cause. The sums add up to that of the latencies, exactly; a
 * stall counts for each cause that had a part in it. */
struct cause_counts {
	uint64_t count[STALL_CAUSE_COUNT];
	uint64_t sum_ns[STALL_CAUSE_COUNT];
	uint64_t refaults; /* pages that these faults brought back, which had been evicted */
};

struct row_causes {
	struct cause_counts now;
	struct cause_counts before;
	uint64_t max_ns[STALL_CAUSE_COUNT]; /* since attach */
	uint32_t holder_tid; /* the thread that had the lock, the last time that is known; or 0 */
};

struct row_latency {
	struct latency_counts now;
	struct latency_counts before;
	uint64_t max_ns;           /* since attach */
	struct row_causes *causes; /* NULL where nothing tells them */
};

/* A thread group; a reused pid is another process because start_ns differs. */
struct process {
	/* identity: must stay first, it is the hash key */
	uint64_t start_ns; /* CLOCK_BOOTTIME */
	uint32_t tgid;
	uint32_t pad;

	uint32_t ppid;
	uint32_t uid;
	char comm[COMM_LEN]; /* raw bytes, NUL-terminated */
	const char *cgroup;  /* cgroup v2 path, "/" for the root, "" when not known */
	const char *exe;     /* path of the program's file, "" when not known */
	const char *
		command; /* as /proc/PID/cmdline had it, words with blanks between; "" when not known */

	uint64_t vsz_bytes;
	uint64_t rss_bytes, rss_before_bytes; /* now and one tick ago; 0 before it was born */
	bool vsz_exact; /* both as ps shows them, not the kernel's cheap estimate */
	uint64_t peak_vsz_bytes;
	uint64_t peak_rss_bytes;                      /* 0: not known */
	uint64_t brought_pages, brought_before_pages; /* by its rows: struct ledger */

	/* The kernel's own totals since the process began (getrusage), now and one tick ago. A
	 * process older than the collector starts with before == what it had when the collector
	 * came. */
	uint64_t minor, minor_before;
	uint64_t major, major_before;
	/* Faults the kernel took itself on user pages without an exception (exec arguments,
	 * O_DIRECT, ptrace, mlock): in minor/major above, in no row. */
	uint64_t gup, gup_before;

	bool ended;           /* in this interval; gone from the next snapshot */
	bool accounted;       /* the collector has seen this process from its birth */
	int exit_status;      /* as wait(2) gives it: WIFEXITED() and so on; valid when ended */
	uint64_t lifetime_ns; /* birth to exit; valid when ended */
	uint64_t n_folded;    /* of a log: so many that ended are this one (losses_is_folded()) */

	struct row *rows; /* all of this process: the first; then row->next */
	size_t n_rows;
	size_t index; /* private to snapshot.c: in snapshot->processes */

	/* Private to the collector. */
	struct {
		uint64_t listing; /* the last one in which the kernel reported it */
		uint64_t
			missing_ns; /* CLOCK_MONOTONIC, since when it does not though it should; or 0 */
		uint64_t minor;     /* what this tick's records add up to so far */
		uint64_t major;
		uint64_t vsz_pages; /* the kernel's estimates when last seen */
		uint64_t rss_pages;
		uint64_t rss_sum_pages; /* with what CPUs hold back */
		uint64_t cgroup_id;
		uint64_t exe_id, command_id; /* of the names that exe and command were set by */
		bool has_exited;             /* its exit record has come */
		bool exit_is_final;          /* it says all there is, once the process is gone */
		bool is_zombie;
		bool is_unannounced; /* known by its rows alone: its exit record was lost */
		bool has_base;
		uint64_t kernel_base; /* kernel minor + major when the collector first saw it */
		uint64_t row_faults;  /* minor + major over its rows */
		uint64_t in_sum;      /* how much of minor + major is in the sum over all */
	} accounting;
};

struct row {
	/* identity: must stay first, it is the hash key */
	uint64_t mapping_id;
	uint8_t kind;   /* enum fault_kind */
	uint8_t access; /* enum fault_access */
	uint8_t mode;   /* enum fault_mode */
	uint8_t pad;
	uint32_t slice;      /* tells the slices of a mapping apart; 0: it is not split */
	uint64_t context_id; /* with --threads or --code; else 0 */

	struct process *process;
	struct row *next;    /* of the same process; NULL after the last */
	size_t index;        /* private to snapshot.c: in snapshot->rows */
	const char *mapping; /* "[heap]", "/usr/lib/libc.so.6", ...: raw bytes of a kernel path */
	uint64_t map_start;  /* of the VMA as last seen; 0,0 for denied_unmapped */
	uint64_t map_end;
	uint64_t map_offset;  /* of map_start in the file, bytes; 0 for anonymous memory */
	uint64_t slice_start; /* the part that this row counts, maybe beyond the edge; 0,0: all */
	uint64_t slice_end;
	char perms[5];           /* "rw-p" as in /proc/PID/maps */
	uint16_t largest;        /* see ledger_largest() */
	struct context *context; /* held; NULL: not asked for, not arrived, or of "[other]" */

	struct fault_counts now;
	struct fault_counts before;
	struct row_latency *latency; /* NULL where no stall was measured */

	/* Private to the collector. */
	uint32_t kernel_index; /* where the kernel counts it now; 0: nowhere */
	uint8_t mapping_class; /* enum mapping_class */
};

struct snapshot {
	uint64_t tick;        /* 0 is the baseline taken at attach */
	struct timespec ts;   /* CLOCK_REALTIME of the seal */
	uint64_t interval_ns; /* since the previous snapshot */
	struct totals totals;
	struct totals totals_before;
	struct process **processes; /* every live process that is known, and those that ended */
	size_t n_processes;
	struct row **rows; /* every row of these processes; first those that may have moved */
	size_t n_rows;
	size_t n_touched; /* rows that snapshot_row gave out since snapshot_begin: no other moved */

	/* Call paths that came since the snapshot before: see sampled_path.h. */
	struct sampled_path *sampled;
	size_t n_sampled;

	struct slept_paths *slept; /* of stalls whose cause is unknown; NULL: there was none */

	bool has_shrunk; /* snapshot_begin freed much: malloc_trim(3) gives it back */

	struct snapshot_store *store; /* private to snapshot.c */
};

/* NULL when out of memory. */
struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *snapshot);

/* Starts the next tick: drops what ended in the last one, copies now to before. */
void snapshot_begin(struct snapshot *snapshot);
/* The same, but calls `between` every thousand rows or so, for work that must not wait that long.
 * It may not use the snapshot. Returns 0, or its first result that is not 0. */
int snapshot_begin_in_parts(struct snapshot *snapshot, int (*between)(void *context),
			    void *context);
/* Finds the process, or makes it (ret_new, may be NULL, says which). NULL when out of memory. */
struct process *snapshot_process(struct snapshot *snapshot, uint32_t tgid, uint64_t start_ns,
				 bool *ret_new);
/* Finds without making; NULL when not known. */
struct process *snapshot_find_process(const struct snapshot *snapshot, uint32_t tgid,
				      uint64_t start_ns);
/* Finds the row, or makes it for `process`, to be changed. NULL when out of memory. */
struct row *snapshot_row(struct snapshot *snapshot, struct process *process, uint64_t mapping_id,
			 enum fault_kind kind, enum fault_access access, enum fault_mode mode,
			 bool *ret_new);
/* The same for one slice of the mapping (row->slice). */
struct row *snapshot_slice_row(struct snapshot *snapshot, struct process *process,
			       uint64_t mapping_id, uint32_t slice, enum fault_kind kind,
			       enum fault_access access, enum fault_mode mode, bool *ret_new);
/* The same for the identity of this one (its first members). */
struct row *snapshot_row_like(struct snapshot *snapshot, struct process *process,
			      const struct row *like, bool *ret_new);
/* Whether there is such a row. */
bool snapshot_has_row_like(const struct snapshot *snapshot, const struct row *like);
/* Holds the context, which may be NULL, for the row. */
void row_set_context(struct row *row, struct context *context);
/* The row is about to be changed, as if snapshot_row had found it. */
void snapshot_touch(struct snapshot *snapshot, struct row *row);
/* Adds a copy of the path, which holds what it points to, until the next snapshot_begin. 0 or
 * -ENOMEM. */
int snapshot_add_sampled(struct snapshot *snapshot, const struct sampled_path *path);
/* Finds the path of snapshot->slept that has these names, which have to live longer, or adds it. NULL
 * when out of memory, or there are STALL_PATHS_MAX. */
struct slept_path *snapshot_slept_path(struct snapshot *snapshot, const char *const *names,
				       size_t n_names);
/* A copy of `text` that lives as long as a row's mapping or a process's cgroup points to it; equal
 * texts share one. NULL: no memory. Of any size: what is to be within a budget comes from
 * snapshot_strings(). */
const char *snapshot_intern(struct snapshot *snapshot, const char *text);
/* Where these are. */
struct strings *snapshot_strings(const struct snapshot *snapshot);
/* Ends the tick: sets ts and interval_ns. */
void snapshot_seal(struct snapshot *snapshot, struct timespec ts, uint64_t interval_ns);

void counts_add(struct fault_counts *sum, const struct fault_counts *more);
/* What the row gained since the snapshot before. */
struct fault_counts row_delta(const struct row *row);
/* Pages that the row's faults brought back since the snapshot before, which had been evicted. */
uint64_t row_refaults(const struct row *row);
/* True when the row has faults or stalls that the snapshot before did not have. */
bool row_changed(const struct row *row);
bool process_moved(const struct process *process);

#endif
