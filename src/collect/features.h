/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this kernel, these privileges and this machine allow: the one list that the collector's
 * choices and `faultmap check` are based on. A feature can be switched off by name
 * (--disable-feature) to force the way without it.
 */
#ifndef FAULTMAP_FEATURES_H
#define FAULTMAP_FEATURES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/options.h"

/* Where the kernel shows its types. */
#define BTF_PATH "/sys/kernel/btf/vmlinux"

enum feature {
	FEATURE_BTF,
	FEATURE_CAPABILITIES,
	FEATURE_BPF_SYSCALL,
	FEATURE_MAPS,
	FEATURE_MMAPABLE_ARRAYS,
	FEATURE_RING_BUFFER,
	FEATURE_LOCKDOWN,
	FEATURE_JIT,
	FEATURE_PROC,
	FEATURE_SECCOMP,
	FEATURE_FAULT_ENTRY,
	FEATURE_TEST_RUN,
	FEATURE_TASK_WALK,
	FEATURE_TASK_ITERATOR,
	FEATURE_PROCESS_EXIT,
	FEATURE_PROCESS_FREE,
	FEATURE_PROCESS_FORK,
	FEATURE_PROCESS_EXEC,
	FEATURE_SIGNALS,
	FEATURE_MEMLOCK,
	FEATURE_VMA_TREE,
	FEATURE_MAPLE_TREE,
	FEATURE_MM_SEQUENCE,
	FEATURE_PERF_EVENTS,
	FEATURE_DIRECT_READS,
	FEATURE_EXIT_WITH_MM,
	FEATURE_RSS_STAT,
	FEATURE_TLB_FLUSH,
	FEATURE_MAP_PAGES,
	FEATURE_DAX,
	FEATURE_RECLAIM,
	FEATURE_MEMCG_RECLAIM,
	FEATURE_SWITCHES,
	FEATURE_RUN_DELAY,
	FEATURE_LOCKS,
	FEATURE_COMPACTION,
	FEATURE_PAGE_CACHE,
	FEATURE_WRITEBACK,
	FEATURE_STACK_SAMPLES,
	FEATURE_KERNEL_STACKS,
	FEATURE_KERNEL_NAMES,
	FEATURE_REFAULTS,
	FEATURE_POPULATE,
	FEATURE_HOST_PROCESSES,
	FEATURE_PID_NAMESPACE,
	FEATURE_COUNT,
};

struct feature_state {
	bool available;
	int refused; /* if not available: the errno of a kernel that has it and says no; else 0 */
	char error[16]; /* its name */
	char why[384];  /* what was found, or why it is not there */
};

struct feature_set {
	struct feature_state state[FEATURE_COUNT];
};

struct feature_info {
	const char *name;   /* "perf_events" */
	const char *gives;  /* what it is for */
	const char *lost;   /* what is lost without it */
	const char *remedy; /* what to do; may be NULL */
	bool required;      /* faultmap cannot run without it */
};

const struct feature_info *feature_info(enum feature feature);

/* The kernel's no to what goes with a feature. */
struct refusal {
	enum feature feature;
	int why;        /* errno; 0: nothing was refused */
	char what[160]; /* "fault_rss (tp_btf/rss_stat): BPF_PROG_LOAD" */
};

/* Examines the system; leaves nothing open. `disabled` (may be NULL) names features to take as
 * absent or, with a + before the name, as available (a test's machine may be in a container). 0, or
 * -EINVAL with the error naming an unknown feature. */
int features_probe(struct feature_set *features, const struct option_list *disabled,
		   struct error *error);

/* Not available, for this reason, whatever was found. */
void features_drop(struct feature_set *features, enum feature feature, const char *why);

/* The kernel has refused something that belongs to the feature: it is no longer available. Says
 * which policy may be the reason, if the machine shows it. */
void features_refuse(struct feature_set *features, const struct refusal *refusal);

/* 0, or -EPERM / -ENOTSUP with the error naming the first required feature that is missing.
 * `follow`: of `run`. */
int features_require(const struct feature_set *features, bool follow, struct error *error);

/* A line that warns at the start about missing features; false if there is nothing to say. */
bool features_warn(const struct feature_set *features, bool follow, char *text, size_t size);

#endif
