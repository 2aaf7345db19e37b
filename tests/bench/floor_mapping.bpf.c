// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What nobody can save who says which mapping a fault is in: its VMA is found at each fault, by the
 * code that faultmap has for that. No name, no kind, no row, and nothing at a process's end. */
#include "../../bpf/vma.bpf.h"

u64 found;

static __always_inline int find(u64 address)
{
	struct vma vma;

	if ((s64)address >= 0 && find_vma(address, &vma) == WALK_FOUND)
		found += vma.end;
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(user, unsigned long address)
{
	return find(address);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(kernel, unsigned long address)
{
	return find(address);
}

SEC("license") char _license[] = "Dual BSD/GPL";
