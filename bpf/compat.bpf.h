/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How to reach kernel memory, and every difference between kernels that bpf/ has to bridge. */
#ifndef FAULTMAP_COMPAT_BPF_H
#define FAULTMAP_COMPAT_BPF_H

#include "vmlinux.h"

#include "abi.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/*
 * OLD_KERNEL: the object for kernels before Linux 6.1 (faultmap_old.bpf.c). What it does without,
 * and the release that has it: atomic operations that give a value back (5.12), the current task as
 * a typed pointer (5.11), bpf_loop() and pointers to functions (5.17, 5.13), bpf_task_pt_regs()
 * (5.15), pointers as arguments of global functions (5.12), kfuncs (5.13), the maple tree (6.1).
 */
#ifndef OLD_KERNEL
#define OLD_KERNEL 0
#endif
/* The object of which all switches are as usual (faultmap_usual.bpf.c). */
#ifndef USUAL_ONLY
#define USUAL_ONLY 0
#endif

/* The switches in abi.h. Their places stay, so that one skeleton is for all objects. */
#if USUAL_ONLY
#define SWITCH(type, name, usual)                  \
	const volatile type unused_##name = usual; \
	enum { name = usual };
#else
#define SWITCH(type, name, usual) const volatile type name = usual;
#endif
SWITCHES(SWITCH)

/* Configuration that has no usual value; frozen, too. */
const volatile bool config_follow = false; /* only followed processes count */
const volatile bool config_full = false;   /* --detail=full: every fault is stamped */
const volatile bool config_exit_with_mm = true;
const volatile bool config_tlb_flush = true;
const volatile u32 config_rows = 1;      /* that the table holds */
const volatile u32 config_latencies = 1; /* likewise */
const volatile u32 config_row_lines_mask =
	0; /* how many lines the lists of free indexes have, less 1 */
const volatile u32 config_latency_lines_mask = 0;
const volatile u32 config_task_lines_mask = 0;
const volatile u64 config_cgroup_root = 0; /* id of the root of the cgroups that we see; 0: none */
const volatile u32 config_slices_max = 0;  /* of one mapping, at most SLICES_MAX */
const volatile u64 config_secret = 0;      /* in the hashes that name a context, a command line */

/* Rows have a context. */
static __always_inline bool has_context(void)
{
	return config_threads || config_code;
}

/*
 * READ(struct type, pointer, field): one field behind any kernel pointer; 0 where the pointer is
 * bad. Linux 6.2 has bpf_rdonly_cast() (mainline a35b9af4ec2c): then it is one load with an
 * exception table entry, about 1 ns. Below it is bpf_probe_read_kernel(), about 10 ns.
 */
/* As the bpf_core_read.h of libbpf 1.2 and later declares it. */
extern void *bpf_rdonly_cast(const void *object, u32 btf_id) __ksym __weak;
#define CAN_READ_DIRECTLY (!OLD_KERNEL && config_direct_reads)

#define READ(type, pointer, field)                                                               \
	({                                                                                       \
		void *from_ = (void *)(pointer);                                                 \
		typeof(((type *)0)->field) value_;                                               \
		if (CAN_READ_DIRECTLY)                                                           \
			value_ = ((type *)bpf_rdonly_cast(from_, bpf_core_type_id_kernel(type))) \
					 ->field;                                                \
		else                                                                             \
			bpf_core_read(&value_, sizeof(value_), &((type *)from_)->field);         \
		value_;                                                                          \
	})

/*
 * The eight bytes at a kernel address as a plain number, 0 where the address is bad: for pointers
 * that are to be hashed or taken apart, which the verifier lets nobody do with what it knows as a
 * pointer.
 */
static __always_inline u64 read_word(u64 address)
{
	u64 word = 0;

	if (CAN_READ_DIRECTLY)
		return READ(struct timespec64, address, tv_sec);
	bpf_probe_read_kernel(&word, sizeof(word), (void *)address);
	return word;
}

/* The task that runs here, and a field of it or of what it points to: by copy where it is a plain
 * number. */
#if OLD_KERNEL
static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}
#define FIELD(pointer, field)                                        \
	({                                                           \
		__auto_type at_ = (pointer);                         \
		typeof(at_->field) field_;                           \
		bpf_core_read(&field_, sizeof(field_), &at_->field); \
		field_;                                              \
	})
#else
static __always_inline struct task_struct *current_task(void)
{
	return bpf_get_current_task_btf();
}
#define FIELD(pointer, field) ((pointer)->field)
#endif

/*
 * A function that is verified on its own, whatever its arguments: once per program, where a static
 * one is verified again on each path that leads to a call of it. Its arguments are numbers, and
 * pointers that may be NULL to memory that is ours; before Linux 5.12 numbers only. Such memory can
 * be no map's key or value before Linux 6.2: what is to be one is copied to the stack.
 */
#if OLD_KERNEL
#define VERIFIED_ONCE static __noinline
#else
#define VERIFIED_ONCE __weak __noinline
#endif

/*
 * A task whose pointers are to be followed. At each load of one from a task that it trusts, the
 * verifier looks up to four times through all names of the kernel's BTF
 * (btf_nested_type_is_trusted(), kernel/bpf/verifier.c): a millisecond, on each path again, which
 * was half of what loading took. From one that was cast it does not. Plain numbers are better read
 * from the task itself, which needs no check of the address.
 */
static __always_inline struct task_struct *untrusted(struct task_struct *task)
{
	if (CAN_READ_DIRECTLY)
		return bpf_rdonly_cast(task, bpf_core_type_id_kernel(struct task_struct));
	return task;
}

/* The task must not fault pages in now. copy_from_kernel_nofault(), which reads that here, has the
 * same effect while it copies. */
static __always_inline bool must_not_fault(struct task_struct *task)
{
	return FIELD(task, pagefault_disabled) != OLD_KERNEL;
}

/* The task's registers in user space. */
static __always_inline struct pt_regs *user_registers(struct task_struct *task)
{
#if OLD_KERNEL /* task_pt_regs(): at the end of the kernel stack, of 16 KiB on x86-64 */
	return FIELD(task, stack) + 16384 - bpf_core_type_size(struct pt_regs);
#else
	return (struct pt_regs *)bpf_task_pt_regs(task);
#endif
}

/* Counts one up and gives what it was before. Two that come at once may get the same where no
 * instruction does both. */
static __always_inline u64 count_up(u64 *counter)
{
#if OLD_KERNEL
	u64 before = *(volatile u64 *)counter;

	__sync_fetch_and_add(counter, 1);
	return before;
#else
	return __sync_fetch_and_add(counter, 1);
#endif
}

#if !OLD_KERNEL
/* Keeps reads before the call before reads after it: an atomic operation that gives a value back is
 * a full barrier in the kernel's memory model. */
static __always_inline void keep_order(void)
{
	u64 word = 0;

	__sync_val_compare_and_swap(&word, 0, 1);
}
#endif

/* An mm_lock_seq that never matches: the mm is being changed, or this kernel has no such
 * counter. */
#define SEQUENCE_NONE 1u

/*
 * Changes whenever a VMA of the mm changes; odd while the mm is write-locked.
 * A seqcount since mainline eb449bd96954 (6.14, backported to 6.12.y); a counter that is not odd
 * while locked in 6.4 to 6.13, so that it only proves nothing on its own there; absent before 6.4.
 */
static __always_inline u32 mm_sequence(struct mm_struct *mm)
{
	if (config_mm_sequence && bpf_core_field_exists(mm->mm_lock_seq.sequence))
		return FIELD(mm, mm_lock_seq.sequence);
	return SEQUENCE_NONE;
}

/*
 * The code that a perf event's registers are of: x86 calls its address ip, arm64 pc. The kernel has
 * the upper half of all addresses on both.
 */
static __always_inline bool in_kernel_code(struct bpf_perf_event_data *context)
{
	struct bpf_perf_event_data___arm64 *arm64 = (void *)context;

	s64 at;

	if (!bpf_core_field_exists(context->regs.ip))
		return (s64)arm64->regs.pc < 0;
	at = context->regs.ip;
	barrier_var(at); /* or clang makes one load with an offset that the verifier refuses */
	return at < 0;
}

/*
 * The process has used a huge zero page: MMF_HUGE_ZERO_FOLIO, include/linux/mm_types.h. Bit 23 of a
 * word until Linux 6.18, which made mm->flags a bitmap and moved the bit to 18.
 */
static __always_inline bool mm_has_huge_zero(struct mm_struct *mm)
{
	struct mm_struct___flags_word *old = (void *)mm;
	unsigned long flags = 0;

	if (bpf_core_field_exists(mm->flags.__mm_flags))
		return FIELD(mm, flags.__mm_flags[0]) & 1UL << 18;
	if (bpf_core_field_exists(old->flags))
		bpf_core_read(&flags, sizeof(flags), &old->flags);
	return flags & 1UL << 23;
}

/*
 * The mm's pages of one kind (MM_ANONPAGES...), within a batch per CPU. A percpu_counter each since
 * Linux 6.2 (mainline f1a7941243c1), an array of atomics in one struct before. A macro, because
 * CO-RE records an access with a constant index only. The array's elements are a typedef, which the
 * verifier of 6.1 does not follow in a direct load.
 */
#define MM_PAGES(mm, member)                                                     \
	({                                                                       \
		struct mm_struct___atomic_rss *before_ = (void *)(mm);           \
		s64 pages_;                                                      \
		if (bpf_core_field_exists(before_->rss_stat.count))              \
			bpf_core_read(&pages_, sizeof(pages_),                   \
				      &before_->rss_stat.count[member].counter); \
		else                                                             \
			pages_ = FIELD(mm, rss_stat[member].count);              \
		pages_;                                                          \
	})

/*
 * The mm has, or once had, a page in swap. Before a page of an mm goes there, the mm is on the list
 * that swapoff walks (try_to_unmap_one(), mm/rmap.c; copy_nonpresent_pte(), mm/memory.c), and stays
 * on it. The counter of its swap entries does not do: the first of them, up to a batch per CPU, do
 * not show in it.
 */
static __always_inline bool may_have_swapped(struct mm_struct *mm)
{
	u64 list;

	if (!bpf_core_field_exists(mm->mmlist))
		return true;
	list = (u64)mm + bpf_core_field_offset(mm->mmlist);
	return read_word(list) != list;
}

#endif
