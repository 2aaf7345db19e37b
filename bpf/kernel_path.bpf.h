/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --stacks: the kernel's part of a call path. Of faults in kernel mode: which system call copied; of
 * those that sleep: where.
 * bpf_get_stack() finds it, without a fault (the kernel's own unwinder stays within the stack): 1 to
 * 2 us, which faults of user code do not take. It goes into a context that stands on the one of the
 * program's code: see struct kernel_path_record.
 */
#ifndef FAULTMAP_KERNEL_PATH_BPF_H
#define FAULTMAP_KERNEL_PATH_BPF_H

#include "context.bpf.h"

#if !OLD_KERNEL

/* Too large for the stack. */
struct kernel_work {
	u64 hash; /* of the path; 0: there is none */
	struct kernel_path_record record;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kernel_work);
} kernel_works SEC(".maps");

static __always_inline struct kernel_work *this_cpu_kernel_work(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&kernel_works, &zero);
}

/* Finds where the path of `count` addresses begins: at `from`, which the kernel was at when it
 * faulted; 0: with the first. */
VERIFIED_ONCE int kernel_path_note(u32 count, u64 from)
{
	struct kernel_work *work = this_cpu_kernel_work();
	struct kernel_path_record *record;
	u64 hash = config_secret, begun = !from;

	if (!work)
		return 0;
	record = &work->record;
	record->n_addresses = count;
	record->n_ours = 0;
	record->is_asleep = false;
	for (u32 i = 0; i < KERNEL_FRAMES_MAX; i++) {
		u64 address = record->addresses[i];

		if (i >= count)
			break;
		begun |= !is_not_zero(address ^ from);
		record->n_ours += !begun;
		hash = mix(hash, begun ? address : 0);
	}
	work->hash = begun && count ? hash | 1 : 0;
	return 0;
}

/* Takes the kernel's path to here. `context` is the program's. */
static __always_inline void kernel_path_take(void *context, u64 from)
{
	struct kernel_work *work = this_cpu_kernel_work();
	long bytes;

	if (!work)
		return;
	bytes = bpf_get_stack(context, work->record.addresses, sizeof(work->record.addresses), 0);
	kernel_path_note(bytes > 0 ? (u32)bytes / sizeof(u64) : 0, from);
}

/* The hash of the path that was taken last. */
static __always_inline u64 kernel_path_hash(void)
{
	struct kernel_work *work = this_cpu_kernel_work();

	return work ? work->hash : 0;
}

/* The id of the context that has this path above the one of the program's code. */
VERIFIED_ONCE u64 context_with_kernel(u64 base)
{
	struct kernel_work *work = this_cpu_kernel_work();
	struct sent_context now = { .generation = names_generation }, *sent;
	u32 size;
	u64 id;

	if (!work || !work->hash || !base)
		return base;
	id = mix(mix(config_secret, base), work->hash) ?: 1;
	sent = bpf_map_lookup_elem(&contexts_sent, &id);
	if (sent && sent->generation == now.generation)
		return id;
	size = KERNEL_PATH_HEADER_SIZE + work->record.n_addresses * sizeof(u64);
	work->record.record.type = RECORD_KERNEL_PATH;
	work->record.record.size = size;
	work->record.id = id;
	work->record.base = base;
	barrier_var(size);
	if (size > sizeof(work->record) || ring_room() == SEND_NOTHING ||
	    bpf_ringbuf_output(&records, &work->record, size, ring_flags()))
		return id;
	now.id = id;
	bpf_map_update_elem(&contexts_sent, &id, &now, BPF_ANY);
	return id;
}

/* The context of a fault that goes to sleep here, with the path to there. */
static __always_inline u64 context_asleep(void *context, u64 base)
{
	struct kernel_work *work = this_cpu_kernel_work();

	if (!work)
		return base;
	kernel_path_take(context, 0);
	work->record.is_asleep = true;
	return context_with_kernel(base);
}

#else

static __always_inline void kernel_path_take(void *context, u64 from)
{
}

static __always_inline u64 kernel_path_hash(void)
{
	return 0;
}

static __always_inline u64 context_with_kernel(u64 base)
{
	return base;
}

static __always_inline u64 context_asleep(void *context, u64 base)
{
	return base;
}

#endif
#endif
