/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where tasks sleep in faults for no cause that is known (STALL_UNKNOWN): the kernel's path to there,
 * taken as the task leaves its CPU, and how long that was for. A fault's path is that of its last
 * such sleep, and has all of its unknown time: so the times of all paths are that of the cause.
 */
#ifndef FAULTMAP_STALL_PATH_BPF_H
#define FAULTMAP_STALL_PATH_BPF_H

#include "cause.bpf.h"

struct stall_path stall_paths[STALL_PATHS_MAX] = {};
/* That are in use, beside the first; more when some found no place. */
u64 stall_paths_used = 0;

/* A path before it has its place: too large for the stack. Only in sched:sched_switch, of which
 * there is one at a time on a CPU. */
struct stall_work {
	u64 addresses[KERNEL_FRAMES_MAX];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct stall_work);
} stall_works SEC(".maps");

static __always_inline struct stall_work *this_cpu_stall_work(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&stall_works, &zero);
}

/* The number of the path of `count` addresses that stands in the work; 0: it has no place. */
VERIFIED_ONCE u32 stall_path_number(u32 count)
{
	struct stall_work *work = this_cpu_stall_work();
	struct stall_path *path;
	u64 hash = count, number;

	if (!work || !count)
		return 0;
	for (u32 i = 0; i < KERNEL_FRAMES_MAX && i < count; i++)
		hash = mix(hash, work->addresses[i]);
	hash = hash ?: 1;
	for (u32 i = 1; i < STALL_PATHS_MAX; i++)
		if (stall_paths[i].hash == hash)
			return i;
	if (stall_paths_used >= STALL_PATHS_MAX - 1)
		return 0;
	/* Of two that come at once with the same path, each may get a place. */
	number = count_up(&stall_paths_used) + 1;
	if (number >= STALL_PATHS_MAX)
		return 0;
	path = &stall_paths[number];
	bpf_probe_read_kernel(path->addresses, sizeof(path->addresses), work->addresses);
	path->n_addresses = count;
	barrier();
	path->hash = hash;
	return number;
}

/* The same of the path to here. `context` is the program's. */
static __always_inline u32 stall_path_here(void *context)
{
	struct stall_work *work = config_stall_paths ? this_cpu_stall_work() : NULL;
	long bytes;

	if (!work)
		return 0;
	bytes = bpf_get_stack(context, work->addresses, sizeof(work->addresses), 0);
	return bytes > 0 ? stall_path_number((u32)bytes / sizeof(u64)) : 0;
}

/* Of two CPUs that come at once neither undoes the other's: one that was overtaken tries again. */
static __always_inline void raise_to(u64 *most, u64 value)
{
#if OLD_KERNEL
	if (value > *most)
		*most = value;
#else
	for (u32 i = 0; i < 8; i++) {
		u64 before = *(volatile u64 *)most;

		if (value <= before || __sync_val_compare_and_swap(most, before, value) == before)
			return;
	}
#endif
}

/* A fault that took this path is counted, with this time of an unknown cause. */
static __always_inline void stall_path_add(u32 number, u64 ns)
{
	struct stall_path *path = &stall_paths[number < STALL_PATHS_MAX ? number : 0];

	__sync_fetch_and_add(&path->count, 1);
	__sync_fetch_and_add(&path->sum_ns, ns);
	raise_to(&path->max_ns, ns);
}

#endif
