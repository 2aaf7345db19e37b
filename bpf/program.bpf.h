/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which program a process runs, with which command line: for --by exe, --exe and -c. User space
 * asks /proc for that, but of a process that lived between two ticks nothing is left there. So both
 * are named as exec ends: the new memory is there, and the stack with the arguments was written a
 * moment ago. A child has its parent's until it executes something itself. Texts go through the ring
 * once in a generation, as all names do; a process's records have the ids. Where nobody asks, all of
 * this is dead code.
 */
#ifndef FAULTMAP_PROGRAM_BPF_H
#define FAULTMAP_PROGRAM_BPF_H

#include "name.bpf.h"

struct program {
	u64 exe_id;
	u64 command_id;
};

/* Until they have ended. Forgetting one leaves it to /proc, and to its next fork. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct process_key);
	__type(value, struct program);
} programs SEC(".maps");

/* Names of programs and commands are no mapping's. */
enum { SEED_EXE = 3, SEED_COMMAND = 4 };

/* The file's path below the topmost mount. Not static: verified once. */
__weak __noinline int send_exe(u64 id, u64 file)
{
	struct name_walk walk = {
		.path = file_path(file),
		.scratch = SCRATCH_EXIT,
		.flags = NAME_PATH,
	};

	send_walk(id, &walk);
	return 0;
}

/* The id of the current program's file; sends its path as /proc/PID/exe shows it: below the topmost
 * mount, not below the process's own root, up to which it is hashed. */
static __always_inline u64 name_of_exe(u64 file)
{
	u64 id = mix(mix(SEED_EXE, hash_leaf(file)), hash_path(file));

	if (!is_sent(id))
		send_exe(id, file);
	return id;
}

/* The id of the current process's command line, as far as it goes into a name; sends the text at
 * first sight. 0 where it cannot be read: the process has none, or it is in swap. */
VERIFIED_ONCE u64 name_of_command(u64 start, u64 end)
{
	u32 scratch = SCRATCH_EXIT, generation = names_generation;
	struct name_record *name = bpf_map_lookup_elem(&name_scratch, &scratch);
	u64 id = mix(SEED_COMMAND, config_secret), size = end - start, word;

	if (!name || !start || start >= end)
		return 0;
	if (size > NAME_COMMAND_MAX - 1)
		size = NAME_COMMAND_MAX - 1;
	barrier_var(size);
	size &= NAME_COMMAND_MAX - 1;
	__builtin_memset(name->text, 0, NAME_COMMAND_MAX);
	if (bpf_probe_read_user(name->text, size, (void *)start))
		return 0;
	for (u32 i = 0; i < NAME_COMMAND_MAX; i += sizeof(word)) {
		__builtin_memcpy(&word, name->text + i, sizeof(word));
		id = mix(id, word);
	}
	if (!is_sent(id) && ring_room() == SEND_ALL &&
	    name_send(name, id, bpf_get_current_uid_gid(), NAME_COMMAND, size + 1))
		name_sent(id, generation);
	return id;
}

/* What the current process runs. Not static: verified once. */
VERIFIED_ONCE u64 command_of_current(void)
{
	struct mm_struct *mm = FIELD(untrusted(current_task()), mm);

	if (!mm)
		return 0;
	return name_of_command(READ(struct mm_struct, mm, arg_start),
			       READ(struct mm_struct, mm, arg_end));
}

VERIFIED_ONCE u64 exe_of_current(void)
{
	struct mm_struct *mm = FIELD(untrusted(current_task()), mm);
	u64 file = mm ? read_word((u64)&mm->exe_file) : 0;

	return file ? name_of_exe(file) : 0;
}

static __always_inline struct process_key process_key_of(struct task_struct *task)
{
	struct task_struct *leader = FIELD(untrusted(task), group_leader);

	return (struct process_key){ .start_ns = FIELD(leader, start_boottime),
				     .tgid = tgid_of(leader) };
}

static __always_inline void learn_program(struct program *program)
{
	struct process_key key = process_key_of(current_task());

	program->exe_id = exe_of_current();
	program->command_id = command_of_current();
	bpf_map_update_elem(&programs, &key, program, BPF_ANY);
}

/* The child runs what its parent does, which is the current process. Its names may be of a former
 * generation, whose texts user space does not have any more. */
static __always_inline void inherit_program(struct task_struct *child)
{
	struct process_key key = process_key_of(current_task());
	struct program program = {}, *known = bpf_map_lookup_elem(&programs, &key);

	if (known)
		program = *known;
	if (!known || !is_sent(program.exe_id) || !is_sent(program.command_id))
		learn_program(&program);
	key = process_key_of(child);
	bpf_map_update_elem(&programs, &key, &program, BPF_ANY);
}

/* Puts the ids into the record of a process, of which start_ns and tgid are set. */
static __always_inline void record_of_program(struct task_record *record)
{
	struct process_key key = { .start_ns = record->start_ns, .tgid = record->tgid };
	struct program *program;

	if (!config_programs)
		return;
	program = bpf_map_lookup_elem(&programs, &key);
	if (!program)
		return;
	record->exe_id = program->exe_id;
	record->command_id = program->command_id;
}

static __always_inline void forget_program(const struct task_record *record)
{
	struct process_key key = { .start_ns = record->start_ns, .tgid = record->tgid };

	if (config_programs)
		bpf_map_delete_elem(&programs, &key);
}

#endif
