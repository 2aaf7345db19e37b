// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What nobody can save who gives each fault its latency: a program where faults begin, one where
 * they end (the perf event page-faults-minor), a reading of the clock in each, and a place per task
 * to keep the first one in, since a fault may sleep. No mapping, no kind, no row; tasks that share
 * a place are not told apart.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#define TASKS 32768

u64 begun[TASKS][8]; /* a cache line each */
u64 took;

static __always_inline u64 *begun_of(struct task_struct *task)
{
	return begun[(u32)task->pid % TASKS];
}

SEC("tp_btf/page_fault_user")
int begin(void *context)
{
	*begun_of(bpf_get_current_task_btf()) = bpf_ktime_get_ns();
	return 0;
}

SEC("perf_event")
int end(void *context)
{
	took = bpf_ktime_get_ns() - *begun_of(bpf_get_current_task_btf());
	return 0;
}

SEC("license") char _license[] = "Dual BSD/GPL";
