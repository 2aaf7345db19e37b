/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a page faulted, as far as the error code and the VMA can prove it at entry. What they cannot
 * tell apart gets the coarser kind: a swap-cache hit is demand_zero here, a reused page is cow.
 */
#ifndef FAULTMAP_KIND_BPF_H
#define FAULTMAP_KIND_BPF_H

#include "mapping.bpf.h"

/* arch/x86/include/asm/trap_pf.h. Where fault entry is a perf event there is no error code: PF_USER or 0. */
#define PF_PROT 0x1UL /* a page was present and refused the access */
#define PF_WRITE 0x2UL
#define PF_USER 0x4UL
#define PF_INSTR 0x10UL
#define PF_PK 0x20UL

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

static __always_inline enum fault_kind kind_at_entry(u64 error_code, u64 flags, u32 class)
{
	enum fault_kind denied = kind_if_denied(error_code, flags);

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
	switch (kind) {
	case KIND_DEMAND_ZERO:
		return RUN_ANON;
	case KIND_COW:
		return RUN_COUNT;
	default:
		/* From a red-black tree, what was found may be a moment old. */
		return kind >= KIND_FIRST_DENIED && !OLD_KERNEL ? RUN_COUNT : RUN_STAMP;
	}
}

#endif
