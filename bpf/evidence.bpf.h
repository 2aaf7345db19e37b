/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --detail=full: what was seen to happen between a fault's entry and its completion, and how many
 * pages that means. What it says about the kind: see kind.bpf.h.
 */
#ifndef FAULTMAP_EVIDENCE_BPF_H
#define FAULTMAP_EVIDENCE_BPF_H

#include "rss.bpf.h"
#include "stamp.bpf.h"

/* Bits of task_fault.evidence. The first four are 1 << MM_FILEPAGES and so on: rss_stat fired.
 * Where fault entry tells the access, that hook is only there for EVIDENCE_SWAP, and only once
 * there is swap: the other three can be read off the mm's counters, which costs a tenth. */
#define EVIDENCE_FILE (1u << MM_FILEPAGES)
#define EVIDENCE_SHMEM (1u << MM_SHMEMPAGES)
#define EVIDENCE_ANON (1u << MM_ANONPAGES)
#define EVIDENCE_SWAP (1u << MM_SWAPENTS)
#define EVIDENCE_FLUSH (1u << 4)
#define EVIDENCE_RECLAIM (1u << 5) /* the task is in reclaim now */
/* Of no fault: see populate.bpf.c. */
#define EVIDENCE_PLACED (1u << 6)    /* `address` is one of what is about to be populated */
#define EVIDENCE_POPULATES (1u << 7) /* the task is in get_user_pages() */
#define EVIDENCE_CALL (1u << 8)      /* or was, last: since_ns is of that call */

/* include/trace/events/tlb.h: TLB_LOCAL_MM_SHOOTDOWN */
#define TLB_LOCAL_MM_SHOOTDOWN 3

#define HUGE_PAGES 512
/* Of these a per-CPU batch (percpu_counter_batch: 32, or twice the number of CPUs) holds some
 * back. */
#define HUGE_PAGES_SEEN 400

/* NUMA hint faults that the task has taken so far, 0 without CONFIG_NUMA_BALANCING. Of pages taken
 * away before kernel.numa_balancing was switched off the kernel keeps no account per task
 * (task_numa_fault()): their faults look like the first of their mapping. */
static __always_inline u64 numa_hints_of(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->numa_faults_locality))
		return 0;
	return FIELD(task, numa_faults_locality[0]) + FIELD(task, numa_faults_locality[1]);
}

/* Which of the mm's counters a fault of this kind moves. */
static __always_inline u32 rss_member(u8 kind)
{
	if (kind == KIND_FILE_MAP)
		return MM_FILEPAGES;
	return kind == KIND_SHMEM ? MM_SHMEMPAGES : MM_ANONPAGES;
}

static __always_inline s64 rss_count(struct mm_struct *mm, u32 member)
{
	if (member == MM_FILEPAGES)
		return MM_PAGES(mm, MM_FILEPAGES);
	return member == MM_SHMEMPAGES ? MM_PAGES(mm, MM_SHMEMPAGES) : MM_PAGES(mm, MM_ANONPAGES);
}

/* What this CPU holds back of the counter (percpu_counter_add_batch()); 0 before Linux 6.2. */
static __always_inline s32 rss_slot(struct mm_struct *mm, u32 member, u64 offset)
{
	u64 slots;

	if (!bpf_core_field_exists(mm->rss_stat[MM_ANONPAGES].counters))
		return 0;
	if (member == MM_FILEPAGES)
		slots = (u64)FIELD(mm, rss_stat[MM_FILEPAGES].counters);
	else if (member == MM_SHMEMPAGES)
		slots = (u64)FIELD(mm, rss_stat[MM_SHMEMPAGES].counters);
	else
		slots = (u64)FIELD(mm, rss_stat[MM_ANONPAGES].counters);
	return read_word(slots + offset);
}

/* How often the task has left its CPU, of itself or not. */
static __always_inline u64 switches_of(struct task_struct *task)
{
	return FIELD(task, nvcsw) + FIELD(task, nivcsw);
}

/* The task left its CPU in the fault, and other threads of its process may have faulted there. */
static __always_inline bool may_have_company(const struct task_fault *fault,
					     struct task_struct *task)
{
	return (u32)switches_of(task) != fault->switches &&
	       FIELD(FIELD(untrusted(task), signal), nr_threads) > 1;
}

/* One fault maps one page of private memory, unless it may be huge; no need to look at the slot. */
static __always_inline bool counts_pages(const struct task_fault *fault)
{
	return fault->may_be_huge || fault->rss_member != MM_ANONPAGES;
}

/* What the mm has before the fault changes it. */
static __always_inline void evidence_begin(struct task_fault *fault, struct task_struct *task)
{
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	u32 member = rss_member(fault->key.kind);

	fault->rss_member = member;
	if (!mm || (!counts_pages(fault) && fault->key.kind != KIND_COW))
		return;
	fault->rss_count = rss_count(mm, member);
	fault->switches = switches_of(task);
	fault->table_bytes = FIELD(mm, pgtables_bytes.counter);
	fault->rss_offset = cpu_offset();
	fault->rss_slot = rss_slot(mm, member, fault->rss_offset);
}

static __always_inline bool is_plausible(s64 pages, s64 most)
{
	return pages > 0 && pages <= most;
}

/*
 * What the mm's sum has gained beside what this CPU's part did, where other threads write to it,
 * too: their CPUs' parts come a batch at a time, 33 in place of 1. That is more than a fault maps
 * of a file around itself; private memory comes in powers of two. Of a file in large folios this
 * may be too few.
 */
static __always_inline u64 pages_in_company(const struct task_fault *fault, s64 part, s64 whole,
					    u64 known)
{
	s64 most = fault->pages > 1 ? fault->pages : HUGE_PAGES;

	if (is_plausible(whole, most) &&
	    !(fault->rss_member == MM_ANONPAGES && whole & (whole - 1)))
		return whole;
	return is_plausible(part, most) ? part : known;
}

/*
 * Pages that the fault added to the mm; `known` where the counters do not tell: another CPU's part
 * of them is not read. This CPU's part grows by them, unless they fill it: then it is written to
 * the sum and becomes 0, and only both together tell. One fault maps no more than a page table has:
 * large folios of files are mapped whole, beyond the range that mm_filemap_map_pages tells of
 * (Linux 6.18).
 */
static __always_inline u64 pages_added(const struct task_fault *fault, struct task_struct *task,
				       u64 known)
{
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	u32 member = fault->rss_member;
	u64 offset = cpu_offset();
	s64 part, gained;

	if (!mm || !offset || fault->rss_offset != offset)
		return known;
	part = rss_slot(mm, member, offset) - fault->rss_slot;
	gained = rss_count(mm, member) - fault->rss_count;
	if (!gained)
		return is_plausible(part, HUGE_PAGES) ? part : known;
	if (FIELD(FIELD(untrusted(task), signal), nr_threads) > 1)
		return pages_in_company(fault, part, part + gained, known);
	return is_plausible(part + gained, HUGE_PAGES) ? part + gained : known;
}

/* Huge pages are allowed in the mapping, and one fits around the address. */
static __always_inline bool could_be_huge(const struct task_fault *fault)
{
	u64 start = fault->address & ~(HUGE_PAGES * 4096ULL - 1);

	return fault->may_be_huge && start >= fault->extent.start &&
	       start + HUGE_PAGES * 4096ULL <= fault->extent.end;
}

/*
 * The huge zero page, as __handle_mm_fault() and do_huge_pmd_anonymous_page() come to it: a read
 * where no page table was yet, and one was added (for the day when the huge page is split); nothing
 * was added to the mm's pages. Small zero pages come in the same way where huge pages are switched
 * off for the process (PR_SET_THP_DISABLE); such a process has never used a huge zero page. Where
 * CONFIG_PERSISTENT_HUGE_ZERO_FOLIO keeps no account of that, the read stays demand_zero. Another
 * thread's new page table in just this moment can be mistaken for ours, where small zero pages are
 * mapped in between.
 */
static __always_inline bool is_huge_zero_page(const struct task_fault *fault, struct mm_struct *mm)
{
	return fault->key.access != ACCESS_WRITE && !(fault->evidence & EVIDENCE_ANON) &&
	       FIELD(mm, pgtables_bytes.counter) > fault->table_bytes && mm_has_huge_zero(mm);
}

static __always_inline bool is_huge(const struct task_fault *fault, struct task_struct *task)
{
	struct mm_struct *mm = FIELD(untrusted(task), mm);

	if (!mm || !could_be_huge(fault))
		return false;
	return MM_PAGES(mm, MM_ANONPAGES) - fault->rss_count >= HUGE_PAGES_SEEN ||
	       is_huge_zero_page(fault, mm);
}

static __always_inline u64 pages_by_evidence(const struct task_fault *fault,
					     struct task_struct *task, u64 known)
{
	if (fault->key.kind == KIND_HUGE_ZERO)
		return HUGE_PAGES;
	/* A copy of the huge zero page is huge since Linux 6.13. */
	if (fault->key.kind == KIND_COW && is_huge(fault, task))
		return HUGE_PAGES;
	/* The copy takes the place of the file's page, whose counter goes down: it says nothing
	 * here. */
	if (fault->key.kind == KIND_COW && fault->rss_member != MM_ANONPAGES)
		return known;
	if (counts_pages(fault) && !may_have_company(fault, task))
		return pages_added(fault, task, known);
	return known;
}

#endif
