/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A task as a record: what the iterator and the exit hooks both say of it. */
#ifndef FAULTMAP_TASK_BPF_H
#define FAULTMAP_TASK_BPF_H

#include "cgroup.bpf.h"
#include "program.bpf.h"
#include "rss.bpf.h"

/* include/linux/sched.h, include/linux/sched/signal.h */
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 4

/*
 * Pointers are loaded from a task once, and those behind them through READ(): at each load of a
 * pointer from a trusted one the verifier looks several times through all names of the kernel's BTF
 * (btf_nested_type_is_trusted(), kernel/bpf/verifier.c), which was most of the time that loading
 * took.
 */
static __always_inline void record_of_counters(struct task_record *record, struct task_struct *task)
{
	struct task_struct *leader = untrusted(task)->group_leader;
	struct signal_struct *signal = untrusted(task)->signal;

	record->start_ns = leader->start_boottime;
	record->tgid = tgid_of(leader);
	record->tid = tid_of(task);
	record->leader = leader == task;
	/* First, so that what has exited has its final counters. */
	record->exited = !!task->exit_state;
	record->alone = signal->nr_threads <= 1;
	barrier();
	record->minor = task->min_flt;
	record->major = task->maj_flt;
	record->group_minor = signal->min_flt;
	record->group_major = signal->maj_flt;
	barrier();
}

static __always_inline void record_of_memory(struct task_record *record, struct mm_struct *mm)
{
	u64 vsz = READ(struct mm_struct, mm, total_vm), rss = rss_of(mm);
	u64 peak_vsz = READ(struct mm_struct, mm, hiwater_vm),
	    peak_rss = READ(struct mm_struct, mm, hiwater_rss);

	record->vsz_pages = vsz;
	record->rss_pages = rss;
	record->rss_sum_pages = RSS_UNKNOWN;
	record->peak_vsz_pages = peak_vsz > vsz ? peak_vsz : vsz;
	record->peak_rss_pages = peak_rss > rss ? peak_rss : rss;
}

/* Exit status as wait(2) gives it (kernel/exit.c: wait_task_zombie()). */
static __always_inline s32 exit_code_of(struct signal_struct *signal, struct task_struct *leader)
{
	if (READ(struct signal_struct, signal, flags) & SIGNAL_GROUP_EXIT)
		return READ(struct signal_struct, signal, group_exit_code);
	return READ(struct task_struct, leader, exit_code);
}

/* 0 where faultmap does not see into the parent's namespace, as getppid() in its own has it. */
static __always_inline u32 parent_of(struct task_struct *leader)
{
	struct task_struct *parent = READ(struct task_struct, leader, real_parent);

	if (config_host_processes)
		return READ(struct task_struct, parent, tgid);
	return own_number(READ(struct task_struct, parent, group_leader));
}

/* Of a task that may be a plain number to the verifier. The scratch is for the name of its cgroup;
 * SCRATCH_NONE: that is not needed any more. */
static __always_inline void record_of_process(struct task_record *record, struct task_struct *task,
					      u32 scratch)
{
	struct task_struct *leader = READ(struct task_struct, task, group_leader);
	struct signal_struct *signal = READ(struct task_struct, task, signal);
	struct mm_struct *mm = READ(struct task_struct, task, mm);

	record->ppid = parent_of(leader);
	record->uid = READ(struct cred, READ(struct task_struct, task, real_cred), euid.val);
	record->cgroup_id = name_of_cgroup(task, record->uid, scratch);
	record->exit_code = exit_code_of(signal, leader);
	record_of_program(record);
	bpf_probe_read_kernel(record->comm, sizeof(record->comm), leader->comm);
	if (mm && (config_exit_with_mm || task != current_task())) {
		record_of_memory(record, mm);
		barrier();
		if (READ(struct task_struct, task, mm) !=
		    mm) /* freed meanwhile, maybe (exit_mm()) */
			record->vsz_pages = record->rss_pages = record->peak_vsz_pages =
				record->peak_rss_pages = 0;
	} else { /* also of what ran before exec, and of the parent's after vfork (exec_mmap()) */
		record->peak_rss_pages = READ(struct signal_struct, signal, maxrss);
	}
}

/* After record_of_process(): sets what sum_rss() found of that mm, unless the task has another by
 * now. */
static __always_inline void set_rss_sum(struct task_record *record, struct task_struct *task,
					u64 mm, u64 sum)
{
	record->rss_sum_pages = read_word((u64)&task->mm) == mm ? sum : RSS_UNKNOWN;
}

#endif
