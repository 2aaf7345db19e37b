// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What nobody can save who counts faults by mapping: each CPU remembers the VMA of its last fault,
 * and a fault of the same process, in the same VMA and of the same error code adds one to a number
 * beside it. Only where that has changed the VMA is found anew, and what was counted is dropped. No
 * name, no kind, no row, no losses.
 */
#include "../../bpf/vma.bpf.h"

#define CPUS 256

struct last {
	u64 mm;
	u64 start;
	u64 end;
	u64 count;
	u32 sequence;
	u32 error_code;
	u32 tgid;
	u32 exec_id;
} __attribute__((aligned(64)));

struct last last[CPUS];

static __noinline int begin(struct last *run, u64 address, u64 error_code)
{
	struct task_struct *task = current_task();
	struct vma vma;

	if (!run || find_vma(address, &vma) != WALK_FOUND)
		return 0;
	run->mm = (u64)task->mm;
	run->start = vma.start;
	run->end = vma.end;
	run->error_code = error_code;
	run->tgid = task->tgid;
	run->exec_id = task->self_exec_id;
	run->sequence = task->mm->mm_lock_seq.sequence;
	run->count = 0;
	return 0;
}

static __always_inline int count(u64 address, u64 error_code)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = task->mm;
	struct last *run = &last[bpf_get_smp_processor_id() % CPUS];

	if ((s64)address < 0 || !mm)
		return 0;
	if (run->mm != (u64)mm || address < run->start || address >= run->end ||
	    run->error_code != (u32)error_code || run->tgid != (u32)task->tgid ||
	    run->exec_id != (u32)task->self_exec_id ||
	    run->sequence != (u32)mm->mm_lock_seq.sequence)
		begin(run, address, error_code);
	run->count++;
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(user, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	return count(address, error_code);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(kernel, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	return count(address, error_code);
}

SEC("license") char _license[] = "Dual BSD/GPL";
