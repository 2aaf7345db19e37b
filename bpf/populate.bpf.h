/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts what a task populates: for the task itself as it is done, and at a tick while it goes on. */
#ifndef FAULTMAP_POPULATE_BPF_H
#define FAULTMAP_POPULATE_BPF_H

#include "row.bpf.h"

#if !OLD_KERNEL
/*
 * What the counter has gained since `base`, which moves on. The task and the tick may both want it:
 * each fault goes to one of them. The tick has read the counter first, and then base and key. If
 * the task has gone on to populate something else meanwhile, base is beyond what was read.
 */
static __always_inline u64 take_gain(u64 *base, u64 now, bool is_own)
{
	for (u32 try = 0; try < (is_own ? 4 : 1); try++) {
		u64 before = *(volatile u64 *)base;

		if ((s64)(now - before) <= 0)
			return 0;
		if (__sync_val_compare_and_swap(base, before, now) == before)
			return now - before;
	}
	return 0;
}

/* Memory whose faults map one page each, and no more. */
static __always_inline bool maps_single_pages(const struct task_fault *fault,
					      const struct row_key *key)
{
	u32 class = MODE_CLASS_CLASS(key->mode_class);

	return class == MAPPING_HUGETLB || class == MAPPING_DEVICE || class == MAPPING_SPECIAL ||
	       (fault->rss_member == MM_ANONPAGES && !fault->may_be_huge);
}

/* Pages that the mm has gained since the populating began: exact on one CPU and without other
 * threads, else within the batches that CPUs hold back. */
static __always_inline u64 pages_gained(const struct task_fault *fault)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	u64 offset = cpu_offset();
	s64 gained;

	if (!mm)
		return 0;
	gained = rss_count(mm, fault->rss_member) - fault->rss_count;
	if (offset && offset == fault->rss_offset)
		gained += rss_slot(mm, fault->rss_member, offset) - fault->rss_slot;
	return gained > 0 ? gained : 0;
}

/* Pages of these faults. What the tick has counted as one page each is made good at the end. */
static __always_inline u64 pages_populated(struct task_fault *fault, const struct row_key *key,
					   u64 faults, bool is_own)
{
	u64 told = fault->pages, gained;

	if (maps_single_pages(fault, key))
		return faults * fault->populate_unit;
	if (!is_own) {
		__sync_fetch_and_add(&fault->pages, faults);
		return faults;
	}
	gained = pages_gained(fault);
	if (gained < told + faults || gained > (told + faults) * HUGE_PAGES)
		return faults;
	return gained - told;
}

/* The task's counters, and whether it is the task itself that asks, at the end. `key` and `extent`
 * are memory for copies. True: `add` is to be added to the row. */
static __always_inline bool take_populated(struct task_fault *fault, u64 minor, u64 major,
					   bool is_own, struct row_key *key, struct extent *extent,
					   struct addition *add)
{
	u32 told = *(volatile u32 *)&fault->populate_told;
	struct cpu_state *cpu = this_cpu_state();

	*key = fault->key;
	*extent = fault->extent;
	add->minor = take_gain(&fault->minor, minor, is_own);
	add->major = take_gain(&fault->major, major, is_own);
	if (told == GUP_IN_ROW)
		add->pages = pages_populated(fault, key, add->minor + add->major, is_own);
	if (told != GUP_IN_ROW && cpu)
		__sync_fetch_and_add(&cpu->gup[told % GUP_TOLD_COUNT], add->minor + add->major);
	return told == GUP_IN_ROW && add->minor + add->major;
}
#endif /* OLD_KERNEL */

#endif
