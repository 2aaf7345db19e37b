/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How to reach kernel memory, and every difference between kernels that bpf/ has to bridge. */
#ifndef FAULTMAP_COMPAT_BPF_H
#define FAULTMAP_COMPAT_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/*
 * READ(struct type, pointer, field): one field behind any kernel pointer; 0 where the pointer is bad.
 * Linux 6.2 has bpf_rdonly_cast() (mainline a35b9af4ec2c): then it is one load with an exception
 * table entry, about 1 ns. Below it is bpf_probe_read_kernel(), about 10 ns.
 */
extern void *bpf_rdonly_cast(void *pointer, u32 btf_id) __ksym __weak;

#define READ(type, pointer, field)                                                               \
	({                                                                                       \
		void *from_ = (void *)(pointer);                                                 \
		typeof(((type *)0)->field) value_;                                               \
		if (bpf_rdonly_cast)                                                             \
			value_ = ((type *)bpf_rdonly_cast(from_, bpf_core_type_id_kernel(type))) \
					 ->field;                                                \
		else                                                                             \
			bpf_core_read(&value_, sizeof(value_), &((type *)from_)->field);         \
		value_;                                                                          \
	})

/* An mm_lock_seq that never matches: the mm is being changed, or this kernel has no such counter. */
#define SEQUENCE_NONE 1u

/*
 * Changes whenever a VMA of the mm changes; odd while the mm is write-locked.
 * A seqcount since mainline eb449bd96954 (6.14, backported to 6.12.y); a counter that is not odd
 * while locked in 6.4 to 6.13, so that it only proves nothing on its own there; absent before 6.4.
 */
static __always_inline u32 mm_sequence(struct mm_struct *mm)
{
	if (bpf_core_field_exists(mm->mm_lock_seq.sequence))
		return mm->mm_lock_seq.sequence;
	return SEQUENCE_NONE;
}

#endif
