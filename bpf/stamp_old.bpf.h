/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stamps without BPF's compare-and-swap (Linux 5.12): where only one may win, the locks of hashes
 * decide, by who puts an element in or takes it out. Part of stamp.bpf.h. */
#ifndef FAULTMAP_STAMP_OLD_BPF_H
#define FAULTMAP_STAMP_OLD_BPF_H

/* By owner_of(task). Preallocated, as all that grows at a fault. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct task_fault);
} task_faults SEC(".maps");

/* Stays all zero: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct task_fault);
} empty_fault SEC(".maps");

/* The open faults, each for one to take. A task has one at most, so there is always room. */
struct claim {
	u64 owner;
	u64 open;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct claim);
	__type(value, u32);
} claims SEC(".maps");

/* A task's address as a plain number, whether the verifier knows it as a pointer or not. */
static __always_inline u64 owner_of(struct task_struct *task)
{
	u64 owner = 0;

	bpf_probe_read_kernel(&owner, sizeof(owner), &task);
	return owner;
}

/* The owner's slot; NULL when it has none. */
static __always_inline struct task_fault *fault_of_owner(u64 owner)
{
	return bpf_map_lookup_elem(&task_faults, &owner);
}

static __always_inline struct task_fault *fault_of(struct task_struct *task)
{
	return fault_of_owner(owner_of(task));
}

/* A slot for a task that has none; NULL when none is left. */
static __always_inline struct task_fault *fault_slot_new(u64 owner)
{
	u32 zero = 0;
	struct task_fault *fault = bpf_map_lookup_elem(&empty_fault, &zero);

	if (!fault || bpf_map_update_elem(&task_faults, &owner, fault, BPF_NOEXIST))
		return NULL;
	return bpf_map_lookup_elem(&task_faults, &owner);
}

static __always_inline void fault_release(struct task_struct *task)
{
	u64 owner = owner_of(task);

	bpf_map_delete_elem(&task_faults, &owner);
}

static __always_inline void fault_set_open(struct task_fault *fault)
{
	struct claim claim = { .owner = owner_of(current_task()), .open = fault->stamps + 1 };
	u32 one = 1;

	bpf_map_update_elem(&claims, &claim, &one, BPF_ANY);
	fault->stamps = claim.open;
	barrier();
	fault->open = claim.open;
}

/* `open` stays as it is, for the task may have set it anew by then. */
static __always_inline bool claim_of_owner(u64 owner, struct task_fault *fault, u64 open)
{
	struct claim claim = { .owner = owner, .open = open };

	return !bpf_map_delete_elem(&claims, &claim);
}

static __always_inline bool fault_claim(struct task_struct *task, struct task_fault *fault,
					u64 open)
{
	return claim_of_owner(owner_of(task), fault, open);
}

#endif
