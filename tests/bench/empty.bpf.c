// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The floor that `make bench` compares with: a program that does nothing on the tracepoint of each
 * user page fault (irqs off, once per fault).
 */
#define SEC(name) __attribute__((section(name), used))

SEC("tp_btf/page_fault_user")
int empty(void *context)
{
	(void)context;
	return 0;
}

SEC("license") char _license[] = "Dual BSD/GPL";
