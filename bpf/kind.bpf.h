/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a page faulted: all that decides on a kind. First what the error code and the VMA prove at
 * entry. What they cannot tell apart gets the coarser kind: a swap-cache hit is demand_zero here, a
 * reused page is cow. Then what the fault's end adds: a signal, a major, or what was seen to happen
 * in it.
 */
#ifndef FAULTMAP_KIND_BPF_H
#define FAULTMAP_KIND_BPF_H

#include "evidence.bpf.h"
#include "mapping.bpf.h"

/* arch/x86/include/asm/trap_pf.h. Where fault entry is a perf event there is no error code: PF_USER
 * or 0. */
#define PF_PROT 0x1UL /* a page was present and refused the access */
#define PF_WRITE 0x2UL
#define PF_USER 0x4UL
#define PF_INSTR 0x10UL
#define PF_PK 0x20UL

/* include/uapi/asm-generic/siginfo.h, asm/signal.h */
#define SIGBUS 7
#define SIGSEGV 11
#define SEGV_ACCERR 2
#define SEGV_PKUERR 4

static __always_inline enum fault_access access_of(u64 error_code)
{
	if (!config_fault_entry)
		return ACCESS_UNKNOWN;
	if (error_code & PF_WRITE)
		return ACCESS_WRITE;
	return error_code & PF_INSTR ? ACCESS_EXEC : ACCESS_READ;
}

/* arch/x86/mm/fault.c: access_error() */
static __always_inline enum fault_kind kind_if_denied(u64 error_code, u64 flags)
{
	if (error_code & PF_PK)
		return KIND_DENIED_PKEY;
	if (error_code & PF_WRITE)
		return flags & VM_WRITE ? KIND_UNKNOWN : KIND_DENIED_ACCESS;
	if (error_code & PF_INSTR && error_code & PF_PROT && !(flags & VM_EXEC))
		return KIND_DENIED_ACCESS;
	return flags & (VM_READ | VM_WRITE | VM_EXEC) ? KIND_UNKNOWN : KIND_DENIED_ACCESS;
}

/* A page was present, but write-protected (or the TLB was behind the page table). */
static __always_inline enum fault_kind kind_if_present(u64 error_code, u64 flags, u32 class)
{
	if (!(error_code & PF_WRITE))
		return KIND_WP_OTHER;
	if (flags & VM_UFFD_WP)
		return config_full ? KIND_USERFAULTFD : KIND_WP_OTHER;
	if (class == MAPPING_HUGETLB)
		return KIND_HUGETLB;
	if (!(flags & VM_SHARED))
		return KIND_COW;
	return class == MAPPING_FILE || class == MAPPING_DEVICE ? KIND_MKWRITE : KIND_WP_OTHER;
}

static __always_inline enum fault_kind kind_if_absent(u64 error_code, u64 flags, u32 class)
{
	if (class == MAPPING_HUGETLB)
		return KIND_HUGETLB;
	if (class == MAPPING_DEVICE || class == MAPPING_SPECIAL)
		return KIND_DEVICE;
	if (flags & VM_UFFD_MISSING)
		return KIND_USERFAULTFD;
	if (class != MAPPING_FILE && class != MAPPING_SHMEM)
		return KIND_DEMAND_ZERO;
	if (error_code & PF_WRITE && !(flags & VM_SHARED))
		return KIND_FILE_COW;
	return class == MAPPING_SHMEM ? KIND_SHMEM : KIND_FILE_MAP;
}

/* `found`: what find_vma() says of the address; `grows`: below a mapping that grows down. */
static __always_inline enum fault_kind kind_at_entry(int found, bool grows, u64 error_code,
						     u64 flags, u32 class)
{
	enum fault_kind denied;

	if (grows)
		return KIND_STACK_GROWTH;
	if (found == WALK_GAP)
		return KIND_DENIED_UNMAPPED;
	if (found != WALK_FOUND && found != WALK_FLUX)
		return KIND_UNKNOWN;
	denied = kind_if_denied(error_code, flags);

	if (denied != KIND_UNKNOWN)
		return denied;
	if (error_code & PF_PROT)
		return kind_if_present(error_code, flags, class);
	return kind_if_absent(error_code, flags, class);
}

/* How a fault of this kind is to be counted. */
static __always_inline enum run_treatment treatment_of(enum fault_kind kind)
{
	/* Of an unknown access nobody knows whether it is allowed. */
	if (config_full || !config_fault_entry)
		return RUN_STAMP;
	if (kind == KIND_DEMAND_ZERO)
		return RUN_ANON;
	/* What looks denied may be served: see resolve_again(). */
	return kind == KIND_COW ? RUN_COUNT : RUN_STAMP;
}

/* What looked denied at entry and was served all the same: a mapping came in between. */
static __always_inline u8 kind_if_served(u8 kind)
{
	return kind < KIND_FIRST_DENIED ? kind : KIND_UNKNOWN;
}

/* Anonymous and tmpfs memory only waits for swap. Before Linux 6.0 the first write to a page of a
 * shared mapping is a major, too (fault_dirty_shared_page(), mm/memory.c). */
static __always_inline u8 kind_of_major(u8 kind, u8 access)
{
	if (OLD_KERNEL && kind == KIND_SHMEM && access != ACCESS_READ)
		return kind;
	return kind == KIND_DEMAND_ZERO || kind == KIND_SHMEM ? KIND_SWAP_IN : kind_if_served(kind);
}

/* Of a fault that ended as a major or a minor; `kind` as it was at entry. */
static __always_inline u8 kind_at_end(u8 kind, u8 access, bool major)
{
	return major ? kind_of_major(kind, access) : kind_if_served(kind);
}

static __always_inline u8 kind_by_evidence(const struct task_fault *fault, struct task_struct *task)
{
	u32 evidence = fault->evidence;
	u8 kind = kind_if_served(fault->key.kind);

	if (evidence & EVIDENCE_SWAP)
		return KIND_SWAP_IN;
	if ((u32)numa_hints_of(task) != fault->numa_hints)
		return KIND_NUMA_HINT;
	if (kind == KIND_DEMAND_ZERO && is_huge(fault, task))
		return KIND_HUGE_ZERO;
	/* Of an unknown access: anonymous pages in a private mapping are copies of the file's, and
	 * where one of the file's goes away it was mapped. */
	if (!config_fault_entry && evidence & EVIDENCE_ANON &&
	    (kind == KIND_FILE_MAP || kind == KIND_SHMEM))
		return evidence & (EVIDENCE_FILE | EVIDENCE_SHMEM) ? KIND_COW : KIND_FILE_COW;
	/* A copy flushes the old page from the TLB, and is new to the mm if that was the file's or
	 * a zero page; a page that was only made writable is neither. */
	if (config_tlb_flush && kind == KIND_COW &&
	    !(evidence & (EVIDENCE_FLUSH | EVIDENCE_ANON)) && !pages_added(fault, task, 0))
		return KIND_WP_OTHER;
	if (kind == KIND_USERFAULTFD && evidence & EVIDENCE_FLUSH)
		return KIND_COW;
	return kind;
}

/* Of a fault that a perf event completes. */
static __always_inline u8 kind_at_completion(const struct task_fault *fault,
					     struct task_struct *task, bool major)
{
	u8 kind = config_full ? kind_by_evidence(fault, task) : fault->key.kind;

	return kind_at_end(kind, fault->key.access, major);
}

/* What a signal says of the fault that brought it about. A page that refuses all access
 * (MADV_GUARD_INSTALL, Linux 6.13) looks to the kernel as if nothing was mapped; of a stack that
 * may not grow that is true. */
static __always_inline u8 kind_by_signal(int signo, int code, const struct row_key *key)
{
	if (signo == SIGBUS)
		return KIND_DENIED_BUS;
	if (code == SEGV_PKUERR)
		return KIND_DENIED_PKEY;
	if (code == SEGV_ACCERR ||
	    (MODE_CLASS_CLASS(key->mode_class) != MAPPING_NONE && key->kind != KIND_STACK_GROWTH))
		return KIND_DENIED_ACCESS;
	return KIND_DENIED_UNMAPPED;
}

/* Of a fault that the kernel refused without a signal, or gave up. */
static __always_inline u8 kind_if_refused(const struct task_fault *fault)
{
	return fault->is_behind_file ? KIND_DENIED_BUS : fault->key.kind;
}

#endif
