/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `guard`: each fault of a guarded thread goes to a ring of its own as soon as it is known how it
 * ended, beside being counted. Who is guarded was named by number, or is in a cgroup. All of this
 * is dead code, and its maps are as small as can be, for every other command.
 */
#ifndef FAULTMAP_GUARD_BPF_H
#define FAULTMAP_GUARD_BPF_H

#include "cause.bpf.h"

#define VM_LOCKED 0x2000UL /* include/linux/mm.h */

/* Some 1,000 faults: more do not come between two looks of a program that is meant to have none. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1); /* set by the collector */
} guard_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct guard_key);
	__type(value, u32);
} guarded SEC(".maps");

/* Faults of guarded threads that found no room in the ring. */
volatile u64 guard_lost = 0;

/* Cgroups may be nested this deep: those of systemd are some five, of Kubernetes some eight. */
#define GUARD_LEVELS 16

/* The id of the cgroup at this level above the current task's, or of that; 0: there is none. Programs
 * of tracepoints have the helper since Linux 5.15 (mainline 95b861a7935b), and until 6.1 the cgroup
 * has the ids itself (7f203bc89eb6). */
static __always_inline u64 cgroup_id_at(int level)
{
#if OLD_KERNEL
	struct css_set *set = READ(struct task_struct, current_task(), cgroups);
	struct cgroup___with_ids *cgroup = (void *)READ(struct css_set, set, dfl_cgrp);

	if (level > READ(struct cgroup___with_ids, cgroup, level))
		return 0;
	return read_word((u64)cgroup + bpf_core_field_offset(cgroup->ancestor_ids) +
			 level * sizeof(u64));
#else
	return bpf_get_current_ancestor_cgroup_id(level);
#endif
}

/* The current task is in a guarded cgroup, or below one. A function of its own, for its stack. */
static __noinline int find_guarded_unit(void)
{
	for (int level = 0; level < GUARD_LEVELS; level++) {
		struct guard_key key = {
			.id = cgroup_id_at(level),
			.what = GUARD_CGROUP,
		};

		if (!key.id)
			return 0;
		if (bpf_map_lookup_elem(&guarded, &key))
			return 1;
	}
	return 0;
}

/* True where none is asked for, too. */
static __always_inline bool is_in_guarded_unit(void)
{
	return !config_guard_units || find_guarded_unit();
}

/* The current task was named, or its process; true where nobody was. */
static __always_inline bool is_named(struct task_struct *task)
{
	struct guard_key key = { .what = GUARD_THREAD, .id = tid_of(task) };

	if (!config_guard_threads || bpf_map_lookup_elem(&guarded, &key))
		return true;
	key.what = GUARD_PROCESS;
	key.id = tgid_of(FIELD(untrusted(task), group_leader));
	return bpf_map_lookup_elem(&guarded, &key);
}

/* mlockall(MCL_FUTURE) is in force: it sets the flags that new mappings get
 * (apply_mlockall_flags(), mm/mlock.c). */
static __always_inline bool is_locked(struct task_struct *task)
{
	struct mm_struct *mm = FIELD(untrusted(task), mm);

	return !config_guard_mlockall || (mm && FIELD(mm, def_flags) & VM_LOCKED);
}

static __always_inline bool is_guarded(struct task_struct *task)
{
	return is_in_guarded_unit() && is_named(task) && is_locked(task);
}

/* NULL, and counted, where the ring is full. */
static __always_inline struct guard_record *guard_begin(struct task_struct *task,
							const struct row_key *key,
							const struct extent *extent)
{
	struct guard_record *record = bpf_ringbuf_reserve(&guard_ring, sizeof(*record), 0);
	struct task_struct *leader = FIELD(untrusted(task), group_leader);

	if (!record) {
		__sync_fetch_and_add(&guard_lost, 1);
		return NULL;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->now_ns = bpf_ktime_get_boot_ns();
	record->key = *key;
	record->extent = *extent;
	record->tid = tid_of(task);
	record->uid = bpf_get_current_uid_gid();
	bpf_probe_read_kernel(record->comm, sizeof(record->comm), &leader->comm);
	bpf_probe_read_kernel(record->thread, sizeof(record->thread), &task->comm);
	return record;
}

/* Tells of the current task's fault, which was claimed. stall_ns 0: not known. */
VERIFIED_ONCE int guard_tell(const struct task_fault *fault, u32 outcome, u64 stall_ns,
			     const struct fault_causes *causes)
{
	struct task_struct *task = current_task();
	struct guard_record *record;

	if (!config_guard || !fault || !is_guarded(task))
		return 0;
	record = guard_begin(task, &fault->key, &fault->extent);
	if (!record)
		return 0;
	record->address = fault->address;
	record->outcome = outcome;
	record->stall_ns = stall_ns;
	if (causes && stall_ns) {
		record->has_causes = 1;
		for (u32 i = 0; i < STALL_CAUSE_COUNT; i++)
			record->by_cause[i] = causes->ns[i];
	}
	bpf_ringbuf_submit(record, 0);
	return 0;
}

/* The same of one that had no stamp. */
VERIFIED_ONCE int guard_tell_unseen(const struct row_key *key, const struct extent *extent,
				    u64 address, u32 outcome)
{
	struct task_struct *task = current_task();
	struct guard_record *record;

	if (!config_guard || !key || !extent || !is_guarded(task))
		return 0;
	record = guard_begin(task, key, extent);
	if (!record)
		return 0;
	record->address = address;
	record->outcome = outcome;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

/* The fault finds no slot for a stamp, so it cannot be reported. */
static __always_inline void guard_lose(struct task_struct *task)
{
	if (config_guard && is_guarded(task))
		__sync_fetch_and_add(&guard_lost, 1);
}

#endif
