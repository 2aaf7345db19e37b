/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --stacks, where frame pointers lead nowhere: the registers and what is on the stack of some faults
 * go to user space, which unwinds them by what each file says of its frames (src/symbol/unwinder.c).
 * In a ring of their own, so that nothing else is lost for them. What is copied is memory that the
 * task was using: a read of a page that is not there does not fault it in, it ends the copy.
 */
#ifndef FAULTMAP_SAMPLE_BPF_H
#define FAULTMAP_SAMPLE_BPF_H

#include "context.bpf.h"

#if !OLD_KERNEL

/* STACK_SAMPLES_BYTES where stacks are copied: set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} stack_samples SEC(".maps");

/* Instructions in rows that have had their first stack. Forgetting one copies another. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1); /* set by the collector: STACKS_SAMPLED */
	__type(key, u64);
	__type(value, u32);
} stacks_sampled SEC(".maps");

/* Areas of code that were sent, and in which generation of names. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1); /* set by the collector: AREAS_SENT */
	__type(key, u64);
	__type(value, u32);
} areas_sent SEC(".maps");

/* Mappings of a process that are looked at for code, from its lowest address on: 0.2 ms. */
#define AREAS_WALK_MAX 1024

/* Wakes the collector's reader when half of the ring is used. */
static __always_inline u64 sample_flags(void)
{
	return bpf_ringbuf_query(&stack_samples, BPF_RB_AVAIL_DATA) > STACK_SAMPLES_BYTES / 2 ?
		       BPF_RB_FORCE_WAKEUP :
		       BPF_RB_NO_WAKEUP;
}

/* What is mapped to be executed seldom changes; where it does, so does its size, nearly always. */
static __always_inline u64 areas_id_of(struct task_struct *task, struct mm_struct *mm)
{
	return mix(mix(config_secret, address_space_of(task)), FIELD(mm, exec_vm)) ?: 1;
}

struct areas_walk {
	u64 address;
	struct code_area_record record;
	u32 has_record; /* not sent yet: the last one says so */
	u32 is_lost;
};

static __always_inline void areas_send(struct areas_walk *walk, bool is_last)
{
	walk->record.is_last = is_last;
	if (bpf_ringbuf_output(&stack_samples, &walk->record, sizeof(walk->record), sample_flags()))
		walk->is_lost = true;
	walk->record.number++;
	walk->has_record = false;
}

/* The mapping that has the address, or the gap; 1 at the end. */
static long areas_step(u32 index, struct areas_walk *walk)
{
	struct context_work *work = this_cpu_context_work(LOOKUP_ENTRY);
	u64 at = walk->address;
	int found;

	if (!work)
		return 1;
	found = find_vma(at, &work->vma);
	if (found != WALK_FOUND && found != WALK_GAP)
		return 1;
	walk->address = work->vma.end;
	if (found == WALK_FOUND && work->vma.flags & VM_EXEC) {
		if (walk->has_record)
			areas_send(walk, false);
		if (walk->record.number >= CODE_AREAS_MAX - 1)
			return 1;
		walk->record.start = work->vma.start;
		walk->record.end = work->vma.end;
		find_area(work, &work->stack, at, 0, SEQUENCE_NONE);
		walk->record.at.class = work->stack.class;
		walk->record.at.name_id = work->stack.name_id;
		walk->record.at.offset = work->stack.name_id ? work->stack.offset : at;
		walk->has_record = true;
	}
	return walk->address <= at; /* beyond the last gap */
}

/* Where the process has code mapped, unless that was sent. 0: it cannot be. */
VERIFIED_ONCE u64 areas_of(struct cpu_state *cpu)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	struct areas_walk walk = {};
	u32 generation = names_generation, *sent;
	u64 id;

	if (!cpu || !mm)
		return 0;
	id = areas_id_of(task, mm);
	sent = bpf_map_lookup_elem(&areas_sent, &id);
	if (sent && *sent == generation)
		return id;
	walk.record.record.type = RECORD_CODE_AREA;
	walk.record.record.size = sizeof(walk.record);
	walk.record.areas_id = id;
	walk.record.tgid = tgid_of(FIELD(untrusted(task), group_leader));
	walk.record.uid = bpf_get_current_uid_gid();
	bpf_loop(AREAS_WALK_MAX, areas_step, &walk, 0);
	if (walk.has_record)
		areas_send(&walk, true);
	if (walk.is_lost || !walk.record.number)
		return 0;
	bpf_map_update_elem(&areas_sent, &id, &generation, BPF_ANY);
	return id;
}

/* In the order in which DWARF numbers them, as the x86-64 and AArch64 ABIs say. */
static __always_inline void copy_registers(struct stack_sample_record *sample)
{
	struct pt_regs *regs = user_registers(current_task());
	struct pt_regs___of_arm64 *arm64 = (void *)regs;
	u64 *to = sample->registers;

	if (!bpf_core_field_exists(regs->ip)) {
		bpf_core_read(to, sizeof(arm64->regs), &arm64->regs);
		to[31] = READ(struct pt_regs, regs, sp);
		to[32] = READ(struct pt_regs___of_arm64, arm64, pc);
		sample->n_registers = 33;
		return;
	}
	to[0] = READ(struct pt_regs, regs, ax);
	to[1] = READ(struct pt_regs, regs, dx);
	to[2] = READ(struct pt_regs, regs, cx);
	to[3] = READ(struct pt_regs, regs, bx);
	to[4] = READ(struct pt_regs, regs, si);
	to[5] = READ(struct pt_regs, regs, di);
	to[6] = READ(struct pt_regs, regs, bp);
	to[7] = READ(struct pt_regs, regs, sp);
	to[8] = READ(struct pt_regs, regs, r8);
	to[9] = READ(struct pt_regs, regs, r9);
	to[10] = READ(struct pt_regs, regs, r10);
	to[11] = READ(struct pt_regs, regs, r11);
	to[12] = READ(struct pt_regs, regs, r12);
	to[13] = READ(struct pt_regs, regs, r13);
	to[14] = READ(struct pt_regs, regs, r14);
	to[15] = READ(struct pt_regs, regs, r15);
	to[16] = READ(struct pt_regs, regs, ip);
	sample->n_registers = 17;
}

/* From the stack pointer up, to the end of the stack's mapping at most. */
static __always_inline void copy_stack(struct stack_sample_record *sample, u64 sp, u64 end)
{
	u64 start = sp & ~(STACK_SAMPLE_CHUNK - 1ULL);

	sample->start = start;
	sample->length = 0;
#pragma unroll
	for (u32 i = 0; i < STACK_SAMPLE_BYTES / STACK_SAMPLE_CHUNK; i++) {
		u64 at = start + i * STACK_SAMPLE_CHUNK;

		if (at >= end || bpf_probe_read_user(sample->stack + i * STACK_SAMPLE_CHUNK,
						     STACK_SAMPLE_CHUNK, (void *)at))
			return;
		sample->length = (i + 1) * STACK_SAMPLE_CHUNK;
	}
}

/* Sends the stack of the fault that the run has come to. */
VERIFIED_ONCE int sample_send(struct cpu_state *cpu)
{
	struct context_work *work = this_cpu_context_work(LOOKUP_ENTRY);
	struct stack_sample_record *sample;
	u64 areas_id, sp, end;

	if (!cpu || !work)
		return 0;
	cpu->unsampled = 0;
	sp = FIELD(user_registers(current_task()), sp);
	end = work->stack.owner ? work->stack.end : sp + STACK_SAMPLE_BYTES;
	areas_id = areas_of(cpu);
	sample = areas_id ? bpf_ringbuf_reserve(&stack_samples, sizeof(*sample), 0) : NULL;
	if (!sample) {
		cpu->samples_lost++;
		return 0;
	}
	sample->record.type = RECORD_STACK_SAMPLE;
	sample->record.size = sizeof(*sample);
	sample->areas_id = areas_id;
	sample->key = cpu->run.key;
	sample->at = work->record.frames[0];
	sample->uid = bpf_get_current_uid_gid();
	copy_registers(sample);
	copy_stack(sample, sp, end);
	bpf_ringbuf_submit(sample, sample_flags());
	return 0;
}

/* The instruction in the row, whatever frame pointers made of its callers. */
static __always_inline u64 sampled_as(const struct row_key *key, u64 instruction)
{
	const u64 *words = (const u64 *)key;
	u64 hash = mix(address_space_of(current_task()), instruction);

	for (u32 i = 0; i < ROW_KEY_PLAIN / sizeof(u64); i++)
		hash = mix(hash, words[i]);
	return hash;
}

/* Sends the stack of this fault if it is to be. After run_turn(), which walked it. */
VERIFIED_ONCE int sample_stack(struct cpu_state *cpu)
{
	struct context_work *work = this_cpu_context_work(LOOKUP_ENTRY);
	u32 one = 1;
	u64 hash;

	if (!cpu || !work)
		return 0;
	cpu->run_sampled = work->context_is_whole ? SAMPLED_NEVER : SAMPLED_NOT;
	if (work->context_is_whole)
		return 0;
	hash = sampled_as(&cpu->run.key, work->addresses[0]);
	if (++cpu->unsampled < config_sample_every) {
		u64 *recent = &work->sampled[hash % CONTEXTS_RECENT];
		bool is_recent = *recent == hash;

		/* half of the ring is for each n-th */
		if (!is_recent && (stacks_wait || sample_flags() == BPF_RB_FORCE_WAKEUP))
			return 0;
		*recent = hash;
		cpu->run_sampled = SAMPLED_ONCE;
		if (is_recent || bpf_map_lookup_elem(&stacks_sampled, &hash))
			return 0;
	}
	cpu->run_sampled = SAMPLED_ONCE;
	bpf_map_update_elem(&stacks_sampled, &hash, &one, BPF_ANY);
	return sample_send(cpu);
}

/* Whether sample_stack() has anything to do at this fault, and counts it if not. */
static __always_inline bool may_be_sampled(struct cpu_state *cpu)
{
	if (cpu->run_sampled == SAMPLED_NEVER)
		return false;
	if (cpu->run_sampled == SAMPLED_NOT || cpu->unsampled + 1 >= config_sample_every)
		return true;
	cpu->unsampled++;
	return false;
}

#endif
#endif
