/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How counts reach the rows: an open run per CPU for faults that are counted at entry, a stamp in the
 * task's storage for those that may wait or fail, which are counted once it is known how they ended.
 */
#ifndef FAULTMAP_ROW_BPF_H
#define FAULTMAP_ROW_BPF_H

#include "maps.bpf.h"

struct addition {
	u64 minor;
	u64 major;
	u64 denied;
	u64 pages;
};

/* The table is full (or its bucket was busy): the count goes to the "other" row of its kind. */
static __always_inline void add_other(u32 kind, const struct addition *add)
{
	struct cpu_state *cpu = this_cpu_state();

	if (!cpu || kind >= KIND_COUNT)
		return;
	cpu->rows_full += add->minor + add->major + add->denied;
	cpu->other[kind].minor += add->minor;
	cpu->other[kind].major += add->major;
	cpu->other[kind].denied += add->denied;
}

/* Adds to the row, making it at need. Rows are only deleted by the collector, and only those of
 * processes that are gone. */
static __noinline int add_to_row(const struct row_key *key, const struct extent *extent,
				 const struct addition *add)
{
	struct row_value *row;

	if (!key || !extent || !add)
		return 0;
	row = bpf_map_lookup_elem(&rows, key);
	if (!row) {
		struct row_value fresh = {};

		bpf_map_update_elem(&rows, key, &fresh, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&rows, key);
		if (!row) {
			add_other(key->kind, add);
			return 0;
		}
	}
	if (add->minor)
		__sync_fetch_and_add(&row->minor, add->minor);
	if (add->major)
		__sync_fetch_and_add(&row->major, add->major);
	if (add->denied)
		__sync_fetch_and_add(&row->denied, add->denied);
	if (add->pages)
		__sync_fetch_and_add(&row->pages, add->pages);
	row->extent = *extent;
	row->epoch = epoch;
	return 0;
}

/* Writes the run's faults to its row. The run itself stays open. */
static __always_inline void run_flush(struct cpu_state *cpu)
{
	struct open_run *run = &cpu->run;
	struct addition add = {};

	if (!run->count)
		return;
	if (run->key.kind >= KIND_FIRST_DENIED) {
		add.denied = run->count;
	} else {
		add.minor = run->count;
		add.pages = run->count;
	}
	run->count = 0;
	add_to_row(&run->key, &run->extent, &add);
}

/* Takes the task's open fault for counting; false when another has. */
static __always_inline bool fault_claim(struct task_fault *fault, u64 open)
{
	return __sync_val_compare_and_swap(&fault->open, open, 0) == open;
}

static __always_inline void count_minor(struct task_fault *fault)
{
	struct addition add = { .minor = 1, .pages = 1 };

	add_to_row(&fault->key, &fault->extent, &add);
}

static __always_inline void count_major(struct task_fault *fault)
{
	struct addition add = { .major = 1, .pages = 1 };

	if (fault->key.kind == KIND_DEMAND_ZERO) /* anonymous memory only waits for swap */
		fault->key.kind = KIND_SWAP_IN;
	add_to_row(&fault->key, &fault->extent, &add);
}

static __always_inline bool same_key(const struct row_key *left, const struct row_key *right)
{
	const u64 *l = (const u64 *)left, *r = (const u64 *)right;

	return l[0] == r[0] && l[1] == r[1] && l[2] == r[2] && l[3] == r[3];
}

/*
 * The task is past its last stamped fault: how did that end? The kernel's own counters tell
 * (mm_account_fault(), mm/memory.c). A major that is still open here lost its perf event.
 * `run` is the CPU's open run where interrupts are off (at fault entry), else NULL: mostly the same
 * mapping faults again, and then the run takes the count.
 */
static __always_inline void fault_resolve(struct task_fault *fault, struct task_struct *task,
					  struct cpu_state *cpu, struct open_run *run)
{
	u64 open = fault->open;

	if (!open || !fault_claim(fault, open))
		return;
	if (task->maj_flt != fault->major) {
		if (config_perf_major)
			__sync_fetch_and_add(&cpu->lost_completions, 1);
		count_major(fault);
	} else if (task->min_flt == fault->minor) {
		__sync_fetch_and_add(&cpu->aborted, 1);
	} else if (run && same_key(&run->key, &fault->key)) {
		run->count++;
	} else {
		count_minor(fault);
	}
}

#endif
