/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stamps: what a task's fault looked like at entry, kept until it is known how it ended. One slot per
 * task, in an open-addressed table of our own: a look-up is a few loads, where task storage costs two
 * calls (25 ns each with return thunks) and an allocation for each task that is born. A slot belongs to
 * its task from the first stamp to process_exit().
 */
#ifndef FAULTMAP_STAMP_BPF_H
#define FAULTMAP_STAMP_BPF_H

#include "maps.bpf.h"

/* include/linux/sched.h. A task that has given its slot back must not take another. */
#define PF_EXITING 0x4

/* The stamped fault that a task is in, or was in last. */
struct task_fault {
	u64 owner; /* owner_of(task); 0: the slot is free */
	u64 open;  /* a number of its own while the fault is not counted; 0 after */
	u64 stamps;
	u64 entered_ns;
	u64 address;
	u64 minor; /* the task's counters at entry */
	u64 major;
	/* --detail=full: what was seen to happen in the fault */
	u32 evidence;
	u32 may_be_huge;
	u64 pages;     /* that it maps, as far as is known */
	s64 rss_count; /* the mm's counter of such pages at entry, and this CPU's part of it */
	s32 rss_slot;
	u32 rss_member; /* MM_FILEPAGES and so on: which */
	u64 rss_offset; /* cpu_offset() at entry */
	s64 table_bytes;
	u64 numa_hints;
	u64 switches; /* switches_of(task) at entry */
	struct row_key key;
	struct extent extent;
} __attribute__((aligned(64)));

#if OLD_KERNEL
#include "stamp_old.bpf.h"
#else
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TASK_FAULTS);
	__type(key, u32);
	__type(value, struct task_fault);
} task_faults SEC(".maps");

/* Slots that a task may have. With a sixth of them taken (5,000 tasks), one in two millions has none. */
#define FAULT_PROBES 8

/* A task's address as a plain number: the verifier lets nobody hash a pointer, but the difference of two
 * may be. Unlike pid and start time it stays when a thread execs (de_thread(), fs/exec.c). */
static __always_inline u64 owner_of(struct task_struct *task)
{
	return (u64)task - (u64)&epoch;
}

static __always_inline struct task_fault *fault_slot(u64 owner, u32 probe)
{
	u32 index = ((owner >> 6) * 0x9e3779b97f4a7c15ULL >> 32) + probe;

	index %= TASK_FAULTS;
	return bpf_map_lookup_elem(&task_faults, &index);
}

/* The task's slot; NULL when it has none. */
static __always_inline struct task_fault *fault_of(struct task_struct *task)
{
	u64 owner = owner_of(task);

	for (u32 i = 0; i < FAULT_PROBES; i++) {
		struct task_fault *fault = fault_slot(owner, i);

		if (fault && fault->owner == owner)
			return fault;
	}
	return NULL;
}

/* A slot for a task that has none; NULL when none is left in its reach. */
static __always_inline struct task_fault *fault_slot_new(u64 owner)
{
	for (u32 i = 0; i < FAULT_PROBES; i++) {
		struct task_fault *fault = fault_slot(owner, i);

		if (fault && !fault->owner &&
		    !__sync_val_compare_and_swap(&fault->owner, 0, owner)) {
			fault->open = 0;
			return fault;
		}
	}
	return NULL;
}

/* Gives the slot back: the task ends, and takes no fault that counts any more. */
static __always_inline void fault_release(struct task_fault *fault)
{
	fault->owner = 0;
}

static __always_inline void fault_set_open(struct task_fault *fault)
{
	fault->open = ++fault->stamps;
}

/* Takes the task's open fault for counting; false when another has. */
static __always_inline bool fault_claim(struct task_struct *task, struct task_fault *fault,
					u64 open)
{
	return __sync_val_compare_and_swap(&fault->open, open, 0) == open;
}
#endif /* OLD_KERNEL */

#endif
