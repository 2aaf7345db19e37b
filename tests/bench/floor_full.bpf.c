/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What nobody can save who gives each fault its latency: a program where faults begin, one where they end (the
 * perf event page-faults-minor), and a reading of the clock in each. No stamp, no kind, no row.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

u64 begun, took;

SEC("tp_btf/page_fault_user")
int begin(void *context)
{
	begun = bpf_ktime_get_ns();
	return 0;
}

SEC("perf_event")
int end(void *context)
{
	took = bpf_ktime_get_ns() - begun;
	return 0;
}

SEC("license") char _license[] = "Dual BSD/GPL";
