/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted over all processes: the one list of the counters of struct totals. The JSON lines
 * and their reader, /metrics and the line below a summary go through it, so that a counter that is
 * added here is in all of them; the manual pages and the schema are held against it by tests.
 */
#ifndef FAULTMAP_TOTALS_H
#define FAULTMAP_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cumulative since the collector attached; none of them ever goes down.
 * entries = minor + major - populated + denied + aborted + in flight. */
struct totals {
	uint64_t entries;
	uint64_t minor;
	uint64_t major;
	uint64_t denied;
	uint64_t aborted; /* entered the fault handler and left without a result */
	/* Kernel-counted faults with no exception (see struct process): those in rows of the kind
	 * populate, which minor and major have too; and those in no row. Why these have none, as far
	 * as that was seen: one call for several mappings, another address space, a call that does
	 * not say where. */
	uint64_t populated;
	uint64_t gup;
	uint64_t gup_several, gup_elsewhere, gup_untold;
	uint64_t lost_completions; /* perf events that no program of ours saw: no latency */
	uint64_t map_full; /* faults counted in the process "other": the kernel's table was full */
	uint64_t folded;   /* faults counted in their process's "[other]": it has too many rows */
	uint64_t late;     /* faults counted after their process was reported as ended: in no row */
	uint64_t latencies_lost; /* stalls in no row's latency: too many rows have one */
	/* Times that tasks slept for memory.high after a fault, and how long that took: it is in no
	 * latency. */
	uint64_t throttled, throttled_ns;
	uint64_t not_followed;  /* `run`: processes that found no room among the followed */
	uint64_t unresolved;    /* faults whose mapping could not be found */
	uint64_t names_lost;    /* rows whose mapping's name did not reach user space in time */
	uint64_t names_cut;     /* names of which only a part, or "...", was kept */
	uint64_t contexts_lost; /* rows whose thread or code did not reach user space in time */
	uint64_t
		stacks_incomplete; /* faults whose callers are not known up to the thread's start */
	uint64_t stacks_sampled;   /* stacks that were copied and unwound (--stack-samples) */
	uint64_t stacks_lost;      /* that were to be, and were lost on the way */
	uint64_t cgroups_lost; /* processes whose cgroup's path did not reach user space in time */
	uint64_t exits_lost;   /* processes whose exit record did not reach user space */
	uint64_t stamps_lost;  /* faults counted as minor at entry: no memory to remember them */
	/* The kernel's own count of completed faults, by perf events: what minor and major have to
	 * be. missed: what they lack. Each only where the flag says that it is counted here. */
	uint64_t perf_minor;
	uint64_t perf_major;
	uint64_t missed;
	bool has_perf_minor; /* and missed: full detail */
	bool has_perf_major;
	bool has_populate; /* populated and the reasons: full detail, where the hooks are */
	unsigned int perf_cpus_missing; /* CPUs that are online and have none: no counter */
};

struct total {
	const char *name;  /* of the member, in JSON lines and, behind faultmap_, of the metric */
	size_t offset;     /* in struct totals */
	const char *words; /* as a loss, behind its number; NULL: it is none */
	/* Of the metric faultmap_NAME_total; NULL: it is in another, or in sums over rows. */
	const char *help;
	size_t has_offset; /* of the flag that says that it is counted here; 0: always */
	bool is_no_loss;   /* every busy machine has some: nothing is lacking */
	bool in_no_row;    /* these faults are in no row; else they are, with less detail */
	bool is_late;      /* not in the logs of version 0.1: a reader takes 0 */
};

extern const struct total totals_table[];
extern const size_t totals_count;

uint64_t total_of(const struct totals *totals, const struct total *total);
uint64_t *total_in(struct totals *totals, const struct total *total);
/* False where this machine or detail does not count it. */
bool total_is_counted(const struct totals *totals, const struct total *total);

#endif
