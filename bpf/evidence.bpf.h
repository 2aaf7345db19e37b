/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --detail=full: what was seen to happen between a fault's entry and its completion, and what that says
 * about its kind and its pages.
 */
#ifndef FAULTMAP_EVIDENCE_BPF_H
#define FAULTMAP_EVIDENCE_BPF_H

#include "stamp.bpf.h"

/* Bits of task_fault.evidence. The first four are 1 << MM_FILEPAGES and so on: rss_stat fired. */
#define EVIDENCE_ANON (1u << MM_ANONPAGES)
#define EVIDENCE_SWAP (1u << MM_SWAPENTS)
#define EVIDENCE_FLUSH (1u << 4)
#define EVIDENCE_RECLAIM (1u << 5) /* the task is in reclaim now */

/* include/trace/events/tlb.h: TLB_LOCAL_MM_SHOOTDOWN */
#define TLB_LOCAL_MM_SHOOTDOWN 3

/* A huge page adds its 512 pages to the mm's counter at once, more than a per-CPU batch can hold back
 * (percpu_counter_batch is 32, or twice the number of CPUs). */
#define HUGE_PAGES 512
#define HUGE_PAGES_SEEN 400

/* NUMA hint faults that the task has taken so far, 0 without CONFIG_NUMA_BALANCING. */
static __always_inline u64 numa_hints_of(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->numa_faults_locality))
		return 0;
	return task->numa_faults_locality[0] + task->numa_faults_locality[1];
}

/* What the mm has before the fault changes it. */
static __always_inline void evidence_begin(struct task_fault *fault, struct task_struct *task)
{
	fault->anon_pages = task->mm ? task->mm->rss_stat[MM_ANONPAGES].count : 0;
	fault->table_bytes = task->mm ? task->mm->pgtables_bytes.counter : 0;
}

/* Huge pages are allowed in the mapping, and one fits around the address. */
static __always_inline bool could_be_huge(const struct task_fault *fault)
{
	u64 start = fault->address & ~(HUGE_PAGES * 4096ULL - 1);

	return fault->may_be_huge && start >= fault->extent.start &&
	       start + HUGE_PAGES * 4096ULL <= fault->extent.end;
}

/*
 * The huge zero page, as __handle_mm_fault() and do_huge_pmd_anonymous_page() come to it: a read where no
 * page table was yet, and one was added (for the day when the huge page is split); nothing was added to
 * the mm's pages. Small zero pages come in the same way where huge pages are switched off for the process
 * (PR_SET_THP_DISABLE); such a process has never used a huge zero page. Where CONFIG_PERSISTENT_HUGE_ZERO_FOLIO
 * keeps no account of that, the read stays demand_zero. Another thread's new page table in just this
 * moment can be mistaken for ours, where small zero pages are mapped in between.
 */
static __always_inline bool is_huge_zero_page(const struct task_fault *fault, struct mm_struct *mm)
{
	return fault->key.access != ACCESS_WRITE && !(fault->evidence & EVIDENCE_ANON) &&
	       mm->pgtables_bytes.counter > fault->table_bytes && mm_has_huge_zero(mm);
}

static __always_inline bool is_huge(const struct task_fault *fault, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;

	if (!mm || !could_be_huge(fault))
		return false;
	if (fault->evidence & EVIDENCE_ANON)
		return mm->rss_stat[MM_ANONPAGES].count - fault->anon_pages >= HUGE_PAGES_SEEN;
	return is_huge_zero_page(fault, mm);
}

static __always_inline u8 kind_by_evidence(const struct task_fault *fault, struct task_struct *task)
{
	u32 evidence = fault->evidence;
	u8 kind = fault->key.kind;

	if (evidence & EVIDENCE_SWAP)
		return KIND_SWAP_IN;
	if (!evidence && numa_hints_of(task) != fault->numa_hints)
		return KIND_NUMA_HINT;
	if (kind == KIND_DEMAND_ZERO && is_huge(fault, task))
		return KIND_HUGE_ZERO;
	/* A copy flushes the old page from the TLB; a page that was only made writable does not. */
	if (kind == KIND_COW && !(evidence & (EVIDENCE_FLUSH | EVIDENCE_ANON)))
		return KIND_WP_OTHER;
	if (kind == KIND_USERFAULTFD && evidence & EVIDENCE_FLUSH)
		return KIND_COW;
	return kind;
}

static __always_inline u64 pages_by_evidence(const struct task_fault *fault,
					     struct task_struct *task)
{
	if (fault->key.kind == KIND_HUGE_ZERO)
		return HUGE_PAGES;
	/* A copy of the huge zero page is huge since Linux 6.13. */
	if (fault->key.kind == KIND_COW && is_huge(fault, task))
		return HUGE_PAGES;
	return fault->pages;
}

#endif
