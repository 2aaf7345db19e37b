// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What nobody can save who counts faults by process and mapping: each fault's VMA is found, by the
 * code that faultmap has for that, and one is added to its row in a hash that is preallocated, as
 * faultmap's is. No name, no anchor, no kind but the error code, nothing that waits for an end, and
 * nothing at a process's end. Rows are a sixth of faultmap's.
 */
#include "../../bpf/vma.bpf.h"

struct floor_key {
	u64 start_ns;
	u64 vm_start;
	u32 tgid;
	u32 error_code;
};

struct floor_row {
	u64 minor;
	u64 pages;
	u64 vm_end;
	u64 file;
};

/* More than a round of execs makes: it is never full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, struct floor_key);
	__type(value, struct floor_row);
} floor_rows SEC(".maps");

static __always_inline int count(u64 address, u64 error_code)
{
	struct task_struct *task = current_task();
	struct floor_key key = { .error_code = error_code };
	struct floor_row *row, fresh = { .minor = 1, .pages = 1 };
	struct vma vma;

	if ((s64)address < 0 || find_vma(address, &vma) != WALK_FOUND)
		return 0;
	key.start_ns = task->group_leader->start_boottime;
	key.tgid = task->tgid;
	key.vm_start = vma.start;
	row = bpf_map_lookup_elem(&floor_rows, &key);
	if (row) {
		__sync_fetch_and_add(&row->minor, 1);
		__sync_fetch_and_add(&row->pages, 1);
		return 0;
	}
	fresh.vm_end = vma.end;
	fresh.file = vma.file;
	bpf_map_update_elem(&floor_rows, &key, &fresh, BPF_NOEXIST);
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
