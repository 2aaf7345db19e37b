/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pages that had been evicted and that a fault brings back, read off the kernel's own counters.
 * workingset_refault() (mm/workingset.c) adds each to the counters of the memory cgroup that is
 * charged with the page, in the part of the CPU on which it runs: while the task stays there, nobody
 * else adds to that part. So the difference between two readings is the fault's own. It is read
 * before the first page of a file that the fault adds to the page cache, at each time that the task
 * leaves its CPU or gets one, and at the fault's end: a fault that reads nothing pays nothing.
 *
 * Only in full detail: in fast detail nobody sees a minor fault end, which may have read ahead. And
 * only while there is no swap, whose pages may be charged to another cgroup than the task's, and come
 * back without a hook before. Else fault_refaults() counts.
 */
#ifndef FAULTMAP_REFAULT_BPF_H
#define FAULTMAP_REFAULT_BPF_H

#include "cause.bpf.h"
#include "rss.bpf.h"

static __always_inline bool can_count_refaults(void)
{
	struct memcg_vmstats_percpu *parts = NULL;

	return !OLD_KERNEL && config_full && config_causes &&
	       bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id) &&
	       bpf_core_field_exists(parts->state);
}

/* The memory cgroup of the task at this address, as a plain number; its css is the first in it. */
static __always_inline u64 memory_cgroup_of(u64 task)
{
	u64 groups = read_word(task + bpf_core_field_offset(struct task_struct, cgroups));

	return read_word(groups + bpf_core_field_offset(struct css_set, subsys) +
			 sizeof(void *) *
				 bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
}

/* Refaults of the task's memory cgroup on this CPU, of swap and of files, cut off. The cgroup as
 * get_mem_cgroup_from_mm() has it (mm/memcontrol.c). Not inlined, for what that takes of the stack. */
static __noinline u32 refaults_here(struct task_struct *task)
{
	u64 group, at;

	if (!task || !can_count_refaults())
		return 0;
	at = read_word((u64)task + bpf_core_field_offset(struct task_struct, mm));
	if (!at)
		return 0;
	group = memory_cgroup_of(read_word(at + bpf_core_field_offset(struct mm_struct, owner)));
	at = read_word(group + bpf_core_field_offset(struct mem_cgroup, vmstats_percpu)) +
	     cpu_offset() + bpf_core_field_offset(struct memcg_vmstats_percpu, state) +
	     sizeof(long) * refault_counter;
	return read_word(at) + read_word(at + sizeof(long));
}

/* What comes back from here on is the fault's, unless that is counted already. */
static __always_inline void refaults_begin(struct cpu_state *cpu, const struct task_fault *fault,
					   struct task_struct *task)
{
	if (!config_full || !refault_counter || cpu->refault_since_ns == fault->entered_ns)
		return;
	cpu->refault_base = refaults_here(task);
	cpu->refault_switches = switches_of(task);
	cpu->refault_since_ns = fault->entered_ns;
}

static __always_inline void refaults_add(struct task_fault *fault, u32 pages)
{
	u32 sum = fault->causes.refaults + pages;

	fault->causes.refaults = sum < REFAULTS_MAX ? sum : REFAULTS_MAX;
}

/* Adds what has come back on this CPU. The clocks are going then. */
static __always_inline void refaults_take(const struct cpu_state *cpu, struct task_fault *fault,
					  struct task_struct *task)
{
	u32 pages = refaults_here(task) - cpu->refault_base;

	if (!pages)
		return;
	causes_begin(fault);
	refaults_add(fault, pages);
}

/* The task leaves its CPU in the fault. */
static __always_inline void refaults_pause(struct cpu_state *cpu, struct task_fault *fault,
					   struct task_struct *task)
{
	if (cpu->refault_since_ns != fault->entered_ns)
		return;
	refaults_take(cpu, fault, task);
	cpu->refault_since_ns = 0;
	fault->waits |= WAIT_REFAULTS;
}

/* It gets this one, and is not the current task yet. */
static __always_inline void refaults_resume(struct cpu_state *cpu, struct task_fault *fault,
					    struct task_struct *task)
{
	if (!(fault->waits & WAIT_REFAULTS))
		return;
	fault->waits &= ~WAIT_REFAULTS;
	refaults_begin(cpu, fault, task);
}

/* The fault is over. If the task left this CPU and no hook saw that, others have counted on. */
static __always_inline void refaults_end(struct cpu_state *cpu, struct task_fault *fault,
					 struct task_struct *task)
{
	if (cpu->refault_since_ns == fault->entered_ns &&
	    cpu->refault_switches == (u32)switches_of(task))
		refaults_take(cpu, fault, task);
	cpu->refault_since_ns = 0;
}

#endif
