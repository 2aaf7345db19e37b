/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads and attaches the BPF programs and turns their maps into snapshots: the only module (with
 * features.c) that knows libbpf. It owns everything it loaded; collector_free, or the death of the
 * process, takes all of it out of the kernel (no pins).
 */
#ifndef FAULTMAP_COLLECTOR_H
#define FAULTMAP_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/options.h"
#include "base/unwind.h"
#include "model/guard_fault.h"
#include "model/program_stats.h"
#include "model/snapshot.h"

struct feature_set;

enum detail { DETAIL_FAST, DETAIL_FULL };

/* For more processes there are --unit and --cgroup. */
#define ATTACH_MAX 64

/* Whose faults are reported one by one. */
struct guard_options {
	const pid_t *tids; /* with `attach`: only these threads of it, ... */
	size_t n_tids;
	const pid_t *tgids; /* ... and all threads of these processes; both empty: all threads */
	size_t n_tgids;
	const struct option_list *units; /* or who is in these units; NULL or empty: not by unit */
	bool since_mlockall;             /* while mlockall(MCL_FUTURE) is in force */
};

struct collector_options {
	enum detail detail;
	bool follow;          /* only what descends from this process from now on (`run`) */
	const pid_t *attach;  /* only these processes; NULL: all. Not with `follow` */
	size_t n_attach;      /* up to ATTACH_MAX */
	bool attach_children; /* and all that they have started and will start */
	bool wants_exe;       /* the path of each process's program, ... */
	bool wants_command;   /* and its command line: also of those that end before a tick */
	uint32_t max_rows;    /* rows kept in the kernel; 0: the default */
	uint64_t slice_bytes; /* mappings are split into slices of this size; 0: they are not */
	uint32_t slices_max;  /* of one mapping, up to SLICES_MAX; 0: that */
	bool threads;         /* rows are of one thread each */
	bool code;            /* and of one instruction */
	bool stacks;          /* which these called; with code */
	const struct guard_options *guard; /* NULL: nobody is guarded; else with full detail */
	/* Gets copies of stacks, of one in so many faults without a whole stack; NULL or 0: none.
	 * Borrowed; only with `stacks`. */
	const struct unwinding *unwinding;
	uint32_t sample_every;
	/* Tells the build ids of files of code; NULL: nobody. Borrowed, and to live longer than the
	 * collector and what it gave its snapshots to. */
	const struct build_id_source *build_ids;
	const struct option_list *disabled; /* features to do without (features.h); may be NULL */
	/* `check`: attach also what other commands attach only when it is needed, and write here
	 * what was found for each feature, even on failure; may be NULL. */
	bool try_all;
	struct feature_set *ret_features;
};

/* What is in use, for the `meta` line and `check`. */
#define COLLECTOR_MAX_HOOKS 40
struct collector_info {
	/* "tp_btf/page_fault_user", "perf/page-faults-major" */
	const char *hooks[COLLECTOR_MAX_HOOKS];
	size_t n_hooks;
	enum detail detail;
	uint32_t max_rows;    /* that the kernel's table holds */
	uint64_t map_bytes;   /* of kernel memory in all maps; 0 where the kernel does not tell */
	uint64_t slice_bytes; /* as asked for */
	uint32_t slices_max;  /* never 0 */
	bool threads;         /* as asked for */
	bool code;
	bool stacks;
	uint32_t sample_every;  /* 0: stacks are not copied */
	bool reads_ask_for_bpf; /* each read needs CAP_BPF, not only opening */
	const char *warning;    /* what is lost on this machine ("no perf events: ..."), or NULL */
};

struct collector;

/* Loads and attaches; counting starts before it returns. 0 or a negative errno with the error set:
 * -EPERM/-EACCES no privilege, -ENOTSUP the kernel lacks something faultmap cannot do without. */
int collector_new(struct collector **ret_collector, const struct collector_options *options,
		  struct error *error);
void collector_free(struct collector *collector);
const struct collector_info *collector_info(const struct collector *collector);

/* Processes that had ended by then (CLOCK_BOOTTIME), of which the last counters are still to come:
 * an RCU grace period after they were reaped. */
size_t collector_ending(const struct collector *collector, uint64_t by_ns);
/* As tasks_lose_patience. */
void collector_lose_patience(struct collector *collector);

/* Stacks that are being unwound, whose call paths a later tick will have. */
size_t collector_unwinding(const struct collector *collector);

/* Asks the kernel what its programs cost; at most max of them. Returns how many. */
size_t collector_programs(const struct collector *collector, struct program_stats *programs,
			  size_t max);

/* Reads the kernel's maps into the snapshot and seals it; the snapshot stays the collector's.
 * 0 or a negative errno with the error set. The first call gives tick 0, the baseline. */
int collector_tick(struct collector *collector, const struct snapshot **ret_snapshot,
		   struct error *error);

/*
 * What a collector with options->guard does between two ticks. The descriptor is readable when
 * there is a fault to read. Reading calls back for each fault, whose texts are valid during the
 * call, and ends if the callback returns a negative errno. 0 or a negative errno with the error
 * set.
 */
typedef int (*collector_guard_fn)(void *context, const struct guard_fault *fault);
int collector_guard_fd(const struct collector *collector);
int collector_guard_read(struct collector *collector, collector_guard_fn callback, void *context,
			 struct error *error);
/* Faults of guarded threads that found no room in the ring, since the start. */
uint64_t collector_guard_lost(const struct collector *collector);
/* Looks for the cgroups of the guarded units, as systemd makes new ones when a unit starts again.
 * Returns how many there are, or a negative errno with the error set. */
int collector_guard_find(struct collector *collector, struct error *error);

#endif
