/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps and variables that several headers share, and what a process is called. Where max_entries is
 * 1 and the map is no per-CPU one, the collector sets it before loading
 * (src/collect/collector_load.c).
 */
#ifndef FAULTMAP_MAPS_BPF_H
#define FAULTMAP_MAPS_BPF_H

#include "compat.bpf.h"

#include "abi.h"

/* /sys/kernel/mm/transparent_hugepage/enabled is `always`. */
volatile u32 huge_pages_always = 0;
/* Which generation of names the collector is at: what was sent in one before has to be sent
 * again. */
volatile u32 names_generation = 0;

/* Many stacks wait to be unwound: only each n-th is copied. Set by the collector. */
volatile u32 stacks_wait = 0;

/* One struct cpu_state per possible CPU. Set by the collector. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_state);
} cpu_states SEC(".maps");

/* Which mapping is in a place: see mapping.bpf.h. Forgetting one splits a row, no more. */
struct anchor_key {
	u64 start_ns; /* of the process */
	u64 place;    /* one of PLACE_*: the low two bits say which */
	u32 tgid;
	u32 perms;
};
enum {
	PLACE_START = 0,    /* the start of an anonymous mapping, had it never moved */
	PLACE_ANON_VMA = 1, /* its anon_vma */
	PLACE_FILE = 2,     /* a hash of a file's name and the offset in it */
	PLACE_REUSES = 3,   /* no mapping: anchor counts those that came in the place of another */
};
#define REUSES_MAX 64
#define PLACE_SEVERAL (~0ULL) /* instead of start: this part of the file is mapped more than once */
struct anchor_value {
	u64 anchor;
	u64 start;    /* when last seen; of anonymous memory as if it had never moved */
	u64 end;      /* for PLACE_ANON_VMA, start and end are those of all its parts */
	u64 anon_vma; /* 0: not written to yet, as far as is known */
	u32 sequence; /* mm_sequence() of the fault */
	u16 written;  /* the fault was a write */
	u16 is_part;  /* its anon_vma has other parts */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct anchor_key);
	__type(value, struct anchor_value);
} anchors SEC(".maps");

/* Names that are on their way to the collector or there, and the generation they were sent in.
 * Forgetting one sends it again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u32);
} names_sent SEC(".maps");

/* About 650 exec'ed processes between two wake-ups of the reader (about 1.5 KB each). */
#define RECORDS_BYTES (1024 * 1024)
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RECORDS_BYTES);
} records SEC(".maps");

/* Where a name is put together: too large for the stack. Each has its own that may come in the
 * middle of another on the same CPU: faults, a process's beginning and end, and the iterator of
 * tasks, which may be preempted. */
enum { SCRATCH_FAULT, SCRATCH_EXIT, SCRATCH_TASKS, SCRATCH_COUNT, SCRATCH_NONE = SCRATCH_COUNT };
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_COUNT);
	__type(key, u32);
	__type(value, struct name_record);
} name_scratch SEC(".maps");

/* Where a node of a maple tree is copied to: with it, fault entry would not fit into the 512 bytes
 * that all the functions of a program share before Linux 6.13. */
struct maple_copy {
	u64 parent;
	u64 pivot[15];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct maple_copy);
} maple_scratch SEC(".maps");

/* `run`: the processes that descend from the one that called know_me. With config_attach also those
 * that were named by their pid: user space knows no start in nanoseconds, and puts 0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	/* Programs of perf events may not use such a map before Linux 6.1. */
	__uint(map_flags, OLD_KERNEL ? 0 : BPF_F_NO_PREALLOC);
	__type(key, struct process_key);
	__type(value, u32);
} followed SEC(".maps");
volatile pid_t follow_root = 0;  /* tgid whose children are followed */
volatile u32 follow_changes = 0; /* one more when user space has named one that runs already */

/* What the threads of a process that have exited since attach had counted. Forgetting one leaves
 * the final word to the process's free record. */
struct exited_counters {
	u64 minor;
	u64 major;
	u32 tgid; /* as it is shown */
	u32 pad;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process_key);
	__type(value, struct exited_counters);
} exited_threads SEC(".maps");

/* What list_tasks saw of a task, by tid: a fingerprint. Two tasks with the same slot are only read
 * more often than necessary. */
#define TASKS_SEEN 16384
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TASKS_SEEN);
	__type(key, u32);
	__type(value, u64);
} tasks_seen SEC(".maps");

/* Faultmap's own PID namespace, where that is not the initial one: how deep it is, and its address.
 * Set by know_me. */
volatile u32 namespace_level = 0;
volatile u64 namespace_address = 0;

/* The number of a task (of its leader: of the process) in the namespace at this level; which that
 * is goes to *ret_namespace. 0 where it has none there, or has been released. */
static __always_inline u32 number_at(struct task_struct *task, u32 level, u64 *ret_namespace)
{
	u64 pid = 0, number;
	u32 its_level = 0;
	int value = 0;

	bpf_core_read(&pid, sizeof(pid), &task->thread_pid);
	bpf_core_read(&its_level, sizeof(its_level), &((struct pid *)pid)->level);
	if (!pid || its_level < level)
		return 0;
	number = pid + bpf_core_field_offset(struct pid, numbers) +
		 level * bpf_core_type_size(struct upid);
	bpf_core_read(ret_namespace, sizeof(*ret_namespace), &((struct upid *)number)->ns);
	bpf_core_read(&value, sizeof(value), &((struct upid *)number)->nr);
	return value;
}

/* The number of a task as faultmap shows it; 0: it is in no namespace that faultmap sees into. */
static __always_inline u32 own_number(struct task_struct *task)
{
	u64 namespace = 0;
	u32 number = number_at(task, namespace_level, &namespace);

	return namespace == namespace_address ? number : 0;
}

static __always_inline u32 tgid_of(struct task_struct *leader)
{
	return config_host_processes ? (u32)FIELD(leader, tgid) : own_number(leader);
}

static __always_inline u32 tid_of(struct task_struct *task)
{
	return config_host_processes ? (u32)FIELD(task, pid) : own_number(task);
}

static __always_inline struct cpu_state *this_cpu_state(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpu_states, &cpu);
}

/* True when the process is to be counted. */
static __always_inline bool is_followed(u32 tgid, u64 start_ns)
{
	struct process_key key = { .start_ns = start_ns, .tgid = tgid };

	if (!config_host_processes && !tgid)
		return false;
	if (!config_follow || bpf_map_lookup_elem(&followed, &key))
		return true;
	key.start_ns = 0;
	return config_attach && bpf_map_lookup_elem(&followed, &key);
}

/* True when the process was not followed when it last faulted on this CPU: saves looking it up,
 * which takes longer than counting a fault. Children are in `followed` before they run. */
static __always_inline bool is_ignored(const struct cpu_state *cpu, struct task_struct *leader)
{
	return config_follow && cpu->ignored_start_ns == FIELD(leader, start_boottime) &&
	       cpu->ignored_tgid == (u32)FIELD(leader, tgid) &&
	       cpu->ignored_changes == follow_changes;
}

/* changes: follow_changes before it was looked up. */
static __always_inline void ignore(struct cpu_state *cpu, struct task_struct *leader, u32 changes)
{
	cpu->ignored_start_ns = FIELD(leader, start_boottime);
	cpu->ignored_tgid = FIELD(leader, tgid);
	cpu->ignored_changes = changes;
}

static __always_inline bool is_followed_task(struct task_struct *task)
{
	struct task_struct *leader = FIELD(untrusted(task), group_leader);

	return is_followed(tgid_of(leader), FIELD(leader, start_boottime));
}

/* Wakes the collector before its next tick only when half of the ring is used. */
static __always_inline u64 ring_flags(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > RECORDS_BYTES / 2 ?
		       BPF_RB_FORCE_WAKEUP :
		       BPF_RB_NO_WAKEUP;
}

#endif
