/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stamps: what a task's fault looked like at entry, kept until it is known how it ended. One slot
 * per task, in a hash of our own: a look-up is a few loads, where task storage costs two calls (25
 * ns each with return thunks) and an allocation for each task that is born. A slot belongs to its
 * task from the first stamp to process_exit(). What the kernel touches for the task after that
 * (since Linux 6.16: clear_child_tid and robust futexes, in exit_mm()) is stamped in a slot that
 * lasts until process_free().
 */
#ifndef FAULTMAP_STAMP_BPF_H
#define FAULTMAP_STAMP_BPF_H

#include "maps.bpf.h"

#define PF_EXITING 0x4 /* include/linux/sched.h */

/* 256 MiB: no fault reads so much ahead. */
#define REFAULTS_MAX 0xffff

/* How long a fault spent on each cause. */
struct fault_causes {
	u64 ns[STALL_CAUSE_COUNT];
	u32 holder_tid;  /* as in struct stall_causes */
	u8 is_set_aside; /* the task left its CPU within a hook of ours */
	u8 stall_path;   /* where it slept last for no cause that is known: see stall_path.bpf.h */
	u16 refaults;    /* pages that were evicted and came back; no more than REFAULTS_MAX */
};

/* The stamped fault that a task is in, or was in last. */
struct task_fault {
	u64 open; /* a number of its own while the fault is not counted; 0 after */
	u64 stamps;
	u64 entered_ns;
	u64 address;
	u64 minor; /* the task's counters at entry */
	u64 major;
	/* --detail=full: what was seen to happen in the fault */
	u32 evidence;
	u8 may_be_huge;
	u8 is_behind_file; /* no page of its file is there */
	u8 server;         /* enum page_server */
	u8 asleep_for;     /* enum stall_cause */
	u16 error_code;
	u16 rss_member; /* MM_FILEPAGES and so on: which */
	u32 waits;      /* WAIT_*: see cause.bpf.h. What is after `extent` belongs to them */
	s32 rss_slot;
	union {
		u32 lock; /* of the address of the lock that it waits for, the lower half */
		u32 populate_told; /* enum gup_told */
	};
	u64 pages;      /* that it maps, as far as is known */
	s64 rss_count;  /* the mm's counter of such pages at entry, and this CPU's part of it */
	u64 rss_offset; /* cpu_offset() at entry */
	union {
		s64 table_bytes;     /* --detail=full */
		u64 origin;          /* else: where the program was: see is_in_fault() */
		u64 populate_faults; /* the task's, minor and major, until since_ns */
	};
	union {
		u32 numa_hints;
		u32 populate_unit; /* pages of an entry of the page table */
	};
	u32 switches; /* switches_of(task) at entry */
	struct row_key key;
	struct extent extent;
	u64 since_ns; /* all before that is in `causes` */
	union {
		u64 off_ns;        /* when it last left its CPU */
		u64 populate_call; /* call_print() of the call that `address` was chosen for, or that
				    * since_ns is of */
	};
	u64 run_delay; /* run_delay_of(task) then */
	union {
		u64 end_run_delay;     /* once it has come back and the fault has ended */
		u64 populate_sequence; /* mm_sequence() in that call */
	};
	struct fault_causes causes;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct task_fault) == 320, "task_fault: one for each of 8,192 tasks");

#if OLD_KERNEL
#include "stamp_old.bpf.h"
#else
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct task_fault);
} task_faults SEC(".maps");

/* The owners of slots, in an array of their own: eight fit a cache line. 0: the slot is free. */
struct owner_line {
	u64 owner[TASKS_IN_LINE];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct owner_line);
} task_owners SEC(".maps");

/* So that a free slot is told from a taken one without a branch: see count_free_slots(). */
#define OWNER_MASK (~0ULL >> 1)

/*
 * A task's address as a plain number: the verifier lets nobody hash a pointer, but the difference
 * of two may be. Unlike pid and start time it stays when a thread execs (de_thread(), fs/exec.c).
 */
static __always_inline u64 owner_of(struct task_struct *task)
{
	return ((u64)task - (u64)&huge_pages_always) & OWNER_MASK;
}

/* Each task has two lines that it may be in, and takes the emptier one. With two thirds of all
 * slots taken, both are full for one task in a million. */
static __always_inline u32 owner_line_of(u64 owner, u32 which)
{
	u64 hash = (owner >> 6) * 0x9e3779b97f4a7c15ULL;

	return (which ? hash >> 24 : hash >> 44) & config_task_lines_mask;
}

/* The owner's slot, counted from 1; 0 when it has none. Not static: verified once, and what it
 * gives back is any number to the verifier, so that it does not go on with each of them. */
__weak __noinline u32 find_owner(u64 owner)
{
	for (u32 which = 0; which < 2; which++) {
		u32 at = owner_line_of(owner, which);
		struct owner_line *line = bpf_map_lookup_elem(&task_owners, &at);

		if (!line)
			return 0;
		for (u32 i = 0; i < TASKS_IN_LINE; i++)
			if (line->owner[i] == owner)
				return at * TASKS_IN_LINE + i + 1;
	}
	return 0;
}

/* Without a branch, or the verifier would go through all 256 cases. */
static __always_inline u64 count_free_slots(const struct owner_line *line)
{
	u64 count = 0;

	for (u32 i = 0; i < TASKS_IN_LINE; i++)
		count += (line->owner[i] - 1) >> 63;
	return count;
}

/* Takes a slot for an owner that has none; counted from 1, 0 when both lines are full. */
__weak __noinline u32 take_slot(u64 owner)
{
	u32 at = owner_line_of(owner, 0), other = owner_line_of(owner, 1);
	struct owner_line *line = bpf_map_lookup_elem(&task_owners, &at);
	struct owner_line *second = bpf_map_lookup_elem(&task_owners, &other);

	if (!line || !second)
		return 0;
	if (count_free_slots(second) > count_free_slots(line)) {
		line = second;
		at = other;
	}
	for (u32 i = 0; i < TASKS_IN_LINE; i++)
		if (!line->owner[i] && !__sync_val_compare_and_swap(&line->owner[i], 0, owner))
			return at * TASKS_IN_LINE + i + 1;
	return 0;
}

static __always_inline struct task_fault *fault_in_slot(u32 slot)
{
	u32 index = slot - 1;

	return slot ? bpf_map_lookup_elem(&task_faults, &index) : NULL;
}

/* The owner's slot; NULL when it has none. */
static __always_inline struct task_fault *fault_of_owner(u64 owner)
{
	return fault_in_slot(find_owner(owner));
}

static __always_inline struct task_fault *fault_of(struct task_struct *task)
{
	return fault_of_owner(owner_of(task));
}

/* A slot for a task that has none; NULL when none is left. */
static __always_inline struct task_fault *fault_slot_new(u64 owner)
{
	struct task_fault *fault = fault_in_slot(take_slot(owner));

	if (fault)
		fault->open = 0;
	return fault;
}

/* Gives the slot back: the task ends, and takes no fault that counts any more. */
static __always_inline void fault_release(struct task_struct *task)
{
	u32 slot = find_owner(owner_of(task)), at = (slot - 1) / TASKS_IN_LINE;
	struct owner_line *line = slot ? bpf_map_lookup_elem(&task_owners, &at) : NULL;

	if (line)
		line->owner[(slot - 1) % TASKS_IN_LINE] = 0;
}

static __always_inline void fault_set_open(struct task_fault *fault)
{
	fault->open = ++fault->stamps;
}

/* Takes the owner's open fault for counting; false when another has. */
static __always_inline bool claim_of_owner(u64 owner, struct task_fault *fault, u64 open)
{
	return __sync_val_compare_and_swap(&fault->open, open, 0) == open;
}

static __always_inline bool fault_claim(struct task_struct *task, struct task_fault *fault,
					u64 open)
{
	return claim_of_owner(0, fault, open);
}
#endif /* OLD_KERNEL */

#endif
