/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --threads, --code, --stacks: who executed what when the fault came, called by whom. A row's key
 * has a hash of it, whose contents go through the ring at first sight, as names do. Where none is
 * asked for, all of this is dead code.
 *
 * Stacks are found by their frame pointers, at each fault. bpf_get_stack() would do that, too, but
 * it goes on until it reads what is not there, which is a page fault in the middle of a page fault:
 * 8 us, and one more to be counted. This walk stays within the stack's VMA and ends where a frame
 * is not above the one before. (Should a page of it be in swap, the exception is in a program that
 * is at work already: __bpf_trace_run(), kernel/trace/bpf_trace.c, does not run it again.)
 * Addresses that are not of code are noticed when a stack is first seen, and end it there.
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
	u32 is_code;
};

/* Contexts that are known to be sent, by what they were found by. */
struct sent_context {
	u64 id;
	u32 generation; /* of names */
	u32 is_whole;
};
struct recent_context {
	u64 found_by;
	u64 id;
	u32 generation;
	u32 is_whole;
};
#define CONTEXTS_RECENT 64

/* Too large for the stack. One for a fault's entry and one for its end: enum LOOKUP_*. */
struct context_work {
	struct vma vma;
	struct area area;   /* of the instruction */
	struct area caller; /* of the caller that was looked at last */
	struct area stack;
	u32 n_addresses;
	u32 is_whole;
	u64 frames_hash;     /* of the callers' */
	u32 caller_is_apart; /* one is in no file */
	u32 context_is_whole; /* of the context that was found last, once its callers were looked at */
	u64 addresses[FRAMES_MAX]; /* the instruction, and where its callers go on */
	struct context_record record;
	struct recent_context recent[CONTEXTS_RECENT];
	u64 sampled[CONTEXTS_RECENT]; /* see sample.bpf.h */
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

/* The instruction that the registers are of. */
static __always_inline u64 address_of(struct pt_regs *regs)
{
	struct pt_regs___of_arm64 *arm64 = (void *)regs;

	if (bpf_core_field_exists(regs->ip))
		return READ(struct pt_regs, regs, ip);
	return READ(struct pt_regs___of_arm64, arm64, pc);
}

/* The task's registers in user space. `at`: where they are, if that is known; 0: to be asked for,
 * which takes a call, as long as a tenth of a fault in full detail. */
static __always_inline struct pt_regs *registers_at(u64 at, struct task_struct *task)
{
	return CAN_READ_DIRECTLY && at ? (struct pt_regs *)at : user_registers(task);
}

/* The instruction that the task is at in user space: that which faulted, or behind the one that
 * called the kernel. */
static __always_inline u64 instruction_of(struct task_struct *task)
{
	return address_of(user_registers(task));
}

/* The thread, with its name: it may change it at any time. */
static __always_inline u64 mix_thread(u64 hash, struct task_struct *task)
{
	u64 name = (u64)&task->comm;

	hash = mix(hash, tid_of(task));
	return mix(mix(hash, read_word(name)), read_word(name + sizeof(u64)));
}

static __always_inline u64 mix_frame(u64 hash, const struct frame *frame)
{
	return mix(mix(mix(hash, frame->class), frame->name_id), frame->offset);
}

static __always_inline u64 address_space_of(struct task_struct *task)
{
	u64 mm = read_word((u64)&task->mm); /* a pointer cannot be hashed */

	return mix(mix(mm, (u32)FIELD(task, tgid)), FIELD(task, self_exec_id));
}

/* Looks the VMA of this address up. */
static __always_inline void find_area(struct context_work *work, struct area *area, u64 address,
				      u64 owner, u32 sequence)
{
	struct vma *vma = &work->vma;

	area->owner = 0;
	area->name_id = 0;
	area->class = MAPPING_NONE;
	area->start = address;
	area->is_code = false;
	if (find_vma(address, vma) != WALK_FOUND)
		return;
	area->start = vma->start;
	area->end = vma->end;
	area->offset = vma->page_offset << PAGE_SHIFT;
	area->generation = names_generation;
	area->sequence = sequence;
	area->is_code = (vma->flags & VM_EXEC) != 0;
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

static __always_inline bool is_in_area(const struct area *area, u64 address, u64 owner,
				       u32 sequence)
{
	return area->owner == owner && area->sequence == sequence && area->start <= address &&
	       address < area->end;
}

/* Puts the place of this address into the work's frames. True if there is code. */
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
	area = number ? &work->caller : &work->area;
	sequence = mm_sequence(mm);
	owner = address_space_of(task);
	if (!is_in_area(area, address, owner, sequence) || area->generation != names_generation)
		find_area(work, area, address, owner, sequence);
	frame = &work->record.frames[number];
	frame->class = area->class;
	frame->name_id = area->name_id;
	frame->offset = area->name_id ? address - area->start + area->offset : address;
	return area->is_code;
}

#if !OLD_KERNEL
struct stack_walk {
	u64 at;  /* of the frame: its caller's, and where that goes on */
	u64 low; /* frames are not below this */
	u64 end; /* of the stack */
	u64 hash;
	u32 n;
	u32 slot;
};

struct stack_frame {
	u64 caller; /* its frame */
	u64 address;
};

/* A frame can be where the walk has come to. Without frame pointers it mostly cannot. */
static __always_inline bool may_be_frame(const struct stack_walk *walk)
{
	return !(walk->at & 7) && walk->at >= walk->low &&
	       walk->at + sizeof(struct stack_frame) <= walk->end;
}

/* One frame up; 1 at the end. */
static long stack_step(u32 index, struct stack_walk *walk)
{
	struct context_work *work = this_cpu_context_work(walk->slot);
	struct stack_frame frame;

	if (!work || walk->n >= FRAMES_MAX || !may_be_frame(walk) ||
	    bpf_probe_read_user(&frame, sizeof(frame), (void *)walk->at))
		return 1;
	if (!frame.address)
		return 1;
	work->addresses[walk->n & (FRAMES_MAX - 1)] = frame.address;
	walk->hash = mix(walk->hash, frame.address);
	walk->n++;
	walk->low = walk->at + sizeof(frame);
	walk->at = frame.caller;
	work->is_whole = !frame.caller; /* as the kernel and clone() leave it */
	return work->is_whole;
}

static __always_inline u64 frame_pointer_of(struct pt_regs *regs)
{
	struct pt_regs___of_arm64 *arm64 = (void *)regs;

	if (bpf_core_field_exists(regs->bp))
		return READ(struct pt_regs, regs, bp);
	return READ(struct pt_regs___of_arm64, arm64, regs[29]);
}

/* Finds the VMA that the stack is in; 0 for its end where there is none. */
static __always_inline u64 end_of_stack(struct context_work *work, struct task_struct *task, u64 sp)
{
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	struct area *area = &work->stack;
	u32 sequence = mm ? mm_sequence(mm) : SEQUENCE_NONE;
	u64 owner = address_space_of(task);

	if (is_in_area(area, sp, owner, sequence))
		return area->end;
	area->owner = 0;
	if (find_vma(sp, &work->vma) != WALK_FOUND)
		return 0;
	area->start = work->vma.start;
	area->end = work->vma.end;
	area->sequence = sequence;
	if (!(sequence & 1))
		area->owner = owner;
	return area->end;
}

/* Leaves the stack's addresses in the work, and returns a hash of them. `registers`: as of
 * registers_at(). */
VERIFIED_ONCE u64 walk_stack(u32 slot, u64 hash, u64 registers)
{
	struct context_work *work = this_cpu_context_work(slot);
	struct task_struct *task = current_task();
	struct pt_regs *regs = registers_at(registers, task);
	struct stack_walk walk = { .slot = slot, .n = 1 };

	if (!config_stacks || !work)
		return hash;
	work->addresses[0] = address_of(regs);
	work->is_whole = false;
	walk.hash = mix(hash, work->addresses[0]);
	walk.low = READ(struct pt_regs, regs, sp);
	walk.end = end_of_stack(work, task, walk.low);
	walk.at = frame_pointer_of(regs);
	if (may_be_frame(&walk))
		bpf_loop(FRAMES_MAX, stack_step, &walk, 0);
	work->n_addresses = walk.n;
	return mix(walk.hash, work->is_whole);
}

/* The place of the caller with this number, from 0; 1 at the end. */
static long caller_step(u32 index, u32 *slot)
{
	struct context_work *work = this_cpu_context_work(*slot);
	u32 number = index + 1;

	if (!work || number >= FRAMES_MAX || number >= work->n_addresses)
		return 1;
	if (!frame_at(*slot, number, work->addresses[number & (FRAMES_MAX - 1)] - 1)) {
		work->is_whole = false;
		return 1;
	}
	work->record.n_frames = number + 1;
	if (!work->caller.name_id)
		work->caller_is_apart = true;
	work->frames_hash = mix_frame(work->frames_hash,
				      &work->record.frames[number & (FRAMES_MAX - 1)]);
	return 0;
}
#endif

/* What of the thread and of the code alone is compared at each fault. Not inlined for what it takes
 * of the stack. */
static __noinline u64 short_input(u64 registers)
{
	struct task_struct *task = current_task();
	u64 hash = config_secret;

	if (config_threads)
		hash = mix_thread(hash, task);
	if (config_code && !config_stacks)
		hash = mix(hash, address_of(registers_at(registers, task)));
	return hash;
}

/* What is compared at each fault: while it is the same, and the run goes on, so is the context.
 * `registers`: as of registers_at(). */
static __always_inline u64 context_input(u32 slot, u64 registers)
{
	if (!has_context())
		return 0;
#if !OLD_KERNEL
	if (config_stacks)
		return walk_stack(slot, config_threads ? short_input(0) : config_secret, registers);
#endif
	return short_input(registers);
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
	if (config_stacks)
		record->flags |= CONTEXT_STACK | (work->is_whole ? CONTEXT_WHOLE : 0);
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
		if (!work->record.frames[0].name_id || work->caller_is_apart)
			id = mix(id, address_space_of(task));
	}
	if (config_stacks)
		id = mix(mix(id, work->frames_hash), work->is_whole);
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
	sent.is_whole = work->context_is_whole = work->is_whole;
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
		if (config_stacks || !work->record.frames[0].name_id)
			found_by = mix(found_by, address_space_of(task));
	}
	recent = &work->recent[found_by % CONTEXTS_RECENT];
	if (recent->found_by == found_by && recent->generation == generation) {
		work->context_is_whole = recent->is_whole;
		return recent->id;
	}
	sent = bpf_map_lookup_elem(&contexts_sent, &found_by);
	if (!sent || sent->generation != generation) {
#if !OLD_KERNEL
		work->frames_hash = 0;
		work->caller_is_apart = false;
		if (config_stacks)
			bpf_loop(FRAMES_MAX, caller_step, &slot, 0);
#endif
		return new_context(slot, found_by);
	}
	recent->found_by = found_by;
	recent->id = sent->id;
	recent->is_whole = work->context_is_whole = sent->is_whole;
	recent->generation = generation;
	return recent->id;
}

#endif
