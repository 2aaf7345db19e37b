/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --threads and --code: who executed what when the fault came. A row's key has a hash of it, whose
 * contents go through the ring at first sight, as names do. All of this is dead code, and its maps
 * are not made, where neither is asked for.
 */
#ifndef FAULTMAP_CONTEXT_BPF_H
#define FAULTMAP_CONTEXT_BPF_H

#include "mapping.bpf.h"

/* The VMA that an address was last looked up in. */
struct area {
	u64 owner; /* the mm, the process and its exec; 0: none */
	u64 start;
	u64 end;
	u64 offset; /* of start in the file */
	u64 name_id;
	u32 class;
	u32 sequence; /* mm_sequence(); what holds no promise is not kept */
	u32 generation;
};

/* Contexts that are known to be sent, by what they were found by. */
struct sent_context {
	u64 id;
	u32 generation; /* of names */
	u32 pad;
};
struct recent_context {
	u64 found_by;
	u64 id;
	u64 generation;
};
#define CONTEXTS_RECENT 64

/* Too large for the stack. One for a fault's entry and one for its end: enum LOOKUP_*. */
struct context_work {
	struct vma vma;
	struct area area;
	u64 address; /* of the instruction */
	struct context_record record;
	struct recent_context recent[CONTEXTS_RECENT];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOOKUP_COUNT);
	__type(key, u32);
	__type(value, struct context_work);
} context_works SEC(".maps");

/* Forgetting one sends it again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, struct sent_context);
} contexts_sent SEC(".maps");

static __always_inline struct context_work *this_cpu_context_work(u32 slot)
{
	return bpf_map_lookup_elem(&context_works, &slot);
}

/* The instruction that the task is at in user space: that which faulted, or behind the one that
 * called the kernel. */
static __always_inline u64 instruction_of(struct task_struct *task)
{
	struct pt_regs *regs = user_registers(task);
	struct pt_regs___arm64 *arm64 = (void *)regs;

	if (bpf_core_field_exists(regs->ip))
		return READ(struct pt_regs, regs, ip);
	return READ(struct pt_regs___arm64, arm64, pc);
}

/* The thread, with its name: it may change it at any time. */
static __always_inline u64 mix_thread(u64 hash, struct task_struct *task)
{
	u64 name = (u64)&task->comm;

	hash = mix(hash, tid_of(task));
	return mix(mix(hash, read_word(name)), read_word(name + sizeof(u64)));
}

/* What is compared at each fault: while it is the same, and the run goes on, so is the context. */
static __always_inline u64 context_input(struct task_struct *task)
{
	u64 hash = config_secret;

	if (!has_context())
		return 0;
	if (config_threads)
		hash = mix_thread(hash, task);
	if (config_code)
		hash = mix(hash, instruction_of(task));
	return hash;
}

static __always_inline u64 address_space_of(struct task_struct *task)
{
	u64 mm = read_word((u64)&task->mm); /* a pointer cannot be hashed */

	return mix(mix(mm, (u32)FIELD(task, tgid)), FIELD(task, self_exec_id));
}

/* Looks the VMA of this address up. */
static __always_inline void find_area(struct context_work *work, u64 address, u64 owner,
				      u32 sequence)
{
	struct area *area = &work->area;
	struct vma *vma = &work->vma;

	area->owner = 0;
	area->name_id = 0;
	area->class = MAPPING_NONE;
	area->start = address;
	if (find_vma(address, vma) != WALK_FOUND)
		return;
	area->start = vma->start;
	area->end = vma->end;
	area->offset = vma->page_offset << PAGE_SHIFT;
	area->generation = names_generation;
	area->sequence = sequence;
	if (vma->file) {
		area->class = class_of_file(vma);
		area->name_id = name_of_file(vma->file);
	} else if (vma->ops) { /* [vdso] */
		struct vm_area_struct *special = vma->pointer;
		struct vm_special_mapping *mapping = BPF_CORE_READ(special, vm_private_data);

		area->class = MAPPING_SPECIAL;
		area->offset = 0;
		area->name_id = name_of_string((u64)BPF_CORE_READ(mapping, name));
	} else {
		area->class = MAPPING_ANON;
	}
	if (!(sequence & 1))
		area->owner = owner;
}

/* Puts the place of this address into the work's frames. */
VERIFIED_ONCE int frame_at(u32 slot, u32 number, u64 address)
{
	struct context_work *work = this_cpu_context_work(slot);
	struct task_struct *task = current_task();
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	struct area *area;
	struct frame *frame;
	u32 sequence;
	u64 owner;

	if (!has_context() || !work || !mm || number >= FRAMES_MAX)
		return 0;
	area = &work->area;
	sequence = mm_sequence(mm);
	owner = address_space_of(task);
	if (area->owner != owner || area->sequence != sequence || address < area->start ||
	    address >= area->end || area->generation != names_generation)
		find_area(work, address, owner, sequence);
	frame = &work->record.frames[number];
	frame->class = area->class;
	frame->name_id = area->name_id;
	frame->offset = area->name_id ? address - area->start + area->offset : address;
	return 0;
}

static __always_inline u64 mix_frame(u64 hash, const struct frame *frame)
{
	return mix(mix(mix(hash, frame->class), frame->name_id), frame->offset);
}

/* Sends the record that stands in the work; true when the collector will get it. */
static __always_inline bool context_send(struct context_work *work, u64 id,
					 struct task_struct *task)
{
	struct context_record *record = &work->record;
	struct task_struct *leader = FIELD(untrusted(task), group_leader);
	u32 size = CONTEXT_HEADER_SIZE + record->n_frames * sizeof(struct frame);

	record->record.type = RECORD_CONTEXT;
	record->record.size = size;
	record->id = id;
	record->start_ns = FIELD(leader, start_boottime);
	record->tgid = tgid_of(leader);
	record->uid = bpf_get_current_uid_gid();
	record->tid = tid_of(task);
	record->flags = (config_threads ? CONTEXT_THREAD : 0) | (config_code ? CONTEXT_CODE : 0);
	bpf_probe_read_kernel(record->thread, sizeof(record->thread), &task->comm);
	barrier_var(size);
	if (size > sizeof(*record) || ring_room() == SEND_NOTHING)
		return false;
	return !bpf_ringbuf_output(&records, record, size, ring_flags());
}

/* A hash of what the context is made of, and of nothing else: all that run the same have the same
 * id. Code outside of files is another in each process. */
static __always_inline u64 id_of_context(struct context_work *work, struct task_struct *task)
{
	u64 id = config_secret;

	if (config_threads)
		id = mix_thread(id, task);
	if (config_code) {
		id = mix_frame(id, &work->record.frames[0]);
		if (!work->record.frames[0].name_id)
			id = mix(id, address_space_of(task));
	}
	return id ?: 1;
}

/* A context that was not seen in this generation of names, or is forgotten. Not inlined, as
 * context_of() is called where the stack is short. */
static __noinline u64 new_context(u32 slot, u64 found_by)
{
	struct context_work *work = this_cpu_context_work(slot);
	struct sent_context sent = { .generation = names_generation };
	struct task_struct *task = current_task();

	if (!work)
		return 0;
	sent.id = id_of_context(work, task);
	if (context_send(work, sent.id, task))
		bpf_map_update_elem(&contexts_sent, &found_by, &sent, BPF_ANY);
	return sent.id;
}

/* The id of the context that the current task is in. `input` is its context_input(). */
VERIFIED_ONCE u64 context_of(u32 slot, u64 input)
{
	struct context_work *work = this_cpu_context_work(slot);
	struct task_struct *task = current_task();
	struct recent_context *recent;
	u32 generation = names_generation;
	struct sent_context *sent;
	u64 found_by = input;

	if (!has_context() || !work)
		return 0;
	work->record.n_frames = config_code;
	if (config_code) {
		frame_at(slot, 0, instruction_of(task));
		found_by = mix_frame(found_by, &work->record.frames[0]);
		if (!work->record.frames[0].name_id)
			found_by = mix(found_by, address_space_of(task));
	}
	recent = &work->recent[found_by % CONTEXTS_RECENT];
	if (recent->found_by == found_by && recent->generation == generation)
		return recent->id;
	sent = bpf_map_lookup_elem(&contexts_sent, &found_by);
	if (!sent || sent->generation != generation)
		return new_context(slot, found_by);
	recent->found_by = found_by;
	recent->id = sent->id;
	recent->generation = generation;
	return recent->id;
}

#endif
