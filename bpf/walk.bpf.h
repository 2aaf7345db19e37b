/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's list of processes, walked under RCU as for_each_process() and for_each_thread() do.
 * Each process whose counters, memory or identity have changed since it was last reported gets a
 * record with the counters of all its threads. A process that has not run since is not read: what
 * others change in it (its cgroup, its parent, what is swapped out of its memory) is reported with
 * the next generation. Where this is refused, and before Linux 6.1, list_tasks does it.
 *
 * The list changes meanwhile. A process that is taken out of it still points to the next
 * (list_del_rcu()) and stays in memory until the run is over (delayed_put_task_struct()). A new one
 * is added at the end, just before the kernel's own first task. A run that stops on its way says at
 * which process, and the next one looks for it. If it is gone the run begins anew; it reports no
 * process twice, except those that are ending.
 */
#ifndef FAULTMAP_WALK_BPF_H
#define FAULTMAP_WALK_BPF_H

#include "task.bpf.h"

/* Processes that one run looks at: about a millisecond, in which few kernels preempt it. */
#define WALK_STEPS 8192
/* The longest that a list of processes or threads can be (PID_MAX_LIMIT). */
#define WALK_LIMIT (4 << 20)
/* How often the counters of a process are read again whose threads are being released. */
#define WALK_TRIES 16

/* Where a run is. */
struct walk {
	u64 at;           /* the leader of a process */
	u64 first;        /* where it began: the list is a ring */
	u64 resume;       /* the process that it looks for; 0: it has found it */
	u64 resume_start; /* the start_boottime of that process */
	u64 found;        /* the step in which it did */
	u64 arrived;      /* the step in which it first was at `at` */
	u64 owner_0;      /* whose owner_of() would be 0 */
	u64 listing;
	u64 generation;
	u64 ended; /* it has been all around */
};

/* What was found, which user space maps, and behind it where the run is: one stack is too small for
 * all. */
struct walk_memory {
	struct walk_list list;
	struct walk walk;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk_memory);
} walk_lists SEC(".maps");

static __always_inline struct walk_memory *walk_memory(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&walk_lists, &zero);
}

/* What was seen of processes: a cache line for each four, by the leader's address. A process that
 * finds no place is only reported more often than necessary. */
#define SEEN_LINES 4096
#define SEEN_IN_LINE 4
#define SEEN_TAG 0xffff
struct process_seen {
	u64 has_run; /* has_run_print(); but for its tag 0 where it has to be looked at */
	u64 told;    /* the fingerprint of what was told last */
};
struct seen_line {
	struct process_seen at[SEEN_IN_LINE];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SEEN_LINES);
	__type(key, u32);
	__type(value, struct seen_line);
} processes_seen SEC(".maps");

/* The threads of one process. */
struct thread_walk {
	u64 at; /* a thread's thread_node */
	u64 end;
	u64 minor;
	u64 major;
	u64 owner_0; /* whose owner_of() would be 0 */
};

/* The thread that the walk is at, and on to the next; NULL after the last. */
static __always_inline struct task_struct *next_thread(struct thread_walk *walk)
{
	u64 at = walk->at;

	if (!at || at == walk->end)
		return NULL;
	walk->at = read_word(at);
	return (void *)(at - bpf_core_field_offset(struct task_struct, thread_node));
}

static long count_step(u32 index, struct thread_walk *walk)
{
	struct task_struct *task = next_thread(walk);

	if (!task)
		return 1;
	walk->minor += READ(struct task_struct, task, min_flt);
	walk->major += READ(struct task_struct, task, maj_flt);
	return 0;
}

static long stamped_step(u32 index, struct thread_walk *walk)
{
	struct task_struct *task = next_thread(walk);

	if (!task)
		return 1;
	count_stamped(((u64)task - walk->owner_0) & OWNER_MASK,
		      READ(struct task_struct, task, min_flt),
		      READ(struct task_struct, task, maj_flt), run_delay_at(task));
	return 0;
}

static long populating_step(u32 index, struct thread_walk *walk)
{
	struct task_struct *task = next_thread(walk);

	if (!task)
		return 1;
	count_populating(((u64)task - walk->owner_0) & OWNER_MASK,
			 READ(struct task_struct, task, min_flt),
			 READ(struct task_struct, task, maj_flt));
	return 0;
}

/* Counts the stamped faults of a process's threads, and what they populate. Apart from the rest,
 * which needs a stack of its own. */
__weak __noinline int count_stamps(u64 leader, u64 owner_0)
{
	struct signal_struct *signal = READ(struct task_struct, leader, signal);
	struct thread_walk threads = {
		.at = read_word((u64)&signal->thread_head.next),
		.end = (u64)&signal->thread_head,
		.owner_0 = owner_0,
	};

	bpf_loop(WALK_LIMIT, stamped_step, &threads, 0);
	if (config_full) { /* apart, for its stack */
		threads.at = read_word((u64)&signal->thread_head.next);
		bpf_loop(WALK_LIMIT, populating_step, &threads, 0);
	}
	return 0;
}

/* What a process has counted, and who it is. */
struct process_counters {
	u64 start_ns;
	u64 minor;
	u64 major;
	u64 rss_sum; /* of its mm: sum_rss() */
	u32 tgid;
	bool exited;
	bool alone;
	bool torn;
};

/* Changes when anything in a record changes. */
static __always_inline u64 fingerprint_of(const struct process_counters *counters,
					  struct task_struct *leader, struct mm_struct *mm)
{
	u64 print = mix(counters->start_ns, counters->minor);

	print = mix(print, counters->major);
	print = mix(print, read_word((u64)&leader->comm));
	print = mix(print, read_word((u64)&leader->comm + 8));
	print = mix(print, read_word((u64)&leader->real_parent));
	print = mix(print, read_word((u64)&leader->real_cred));
	print = mix(print, read_word((u64)&leader->cgroups));
	if (!mm)
		return print;
	print = mix(print, READ(struct mm_struct, mm, total_vm));
	return mix(mix(print, rss_of(mm)), counters->rss_sum);
}

static __always_inline u32 sequence_of(struct signal_struct *signal)
{
	return READ(struct signal_struct, signal, stats_lock.seqcount.seqcount.sequence);
}

/* The counters of all threads at one moment. False: a thread was released meanwhile
 * (__exit_signal()), and may have been counted twice or not at all. */
static __always_inline bool read_counters(struct process_counters *counters,
					  struct signal_struct *signal)
{
	u32 sequence = sequence_of(signal);
	struct thread_walk threads = {};

	keep_order();
	threads.at = read_word((u64)&signal->thread_head.next);
	threads.end = (u64)&signal->thread_head;
	threads.minor = READ(struct signal_struct, signal, min_flt);
	threads.major = READ(struct signal_struct, signal, maj_flt);
	bpf_loop(WALK_LIMIT, count_step, &threads, 0);
	counters->minor = threads.minor;
	counters->major = threads.major;
	keep_order();
	return !(sequence & 1) && sequence == sequence_of(signal);
}

/* The verifier knows a leader for a plain number here. */
static __always_inline void tell(struct walk_list *list, const struct process_counters *counters,
				 struct task_struct *leader, struct mm_struct *mm)
{
	struct task_record *record = &list->records[list->count & (WALK_MAX - 1)];

	__builtin_memset(record, 0, sizeof(*record));
	record->record.type = RECORD_PROCESS;
	record->record.size = sizeof(*record);
	record->start_ns = counters->start_ns;
	record->tgid = counters->tgid;
	record->minor = counters->torn ? 0 : counters->minor;
	record->major = counters->torn ? 0 : counters->major;
	record->leader = true;
	record->exited = counters->exited;
	record->alone = counters->alone;
	record->torn = counters->torn;
	record_of_process(record, leader, SCRATCH_TASKS);
	set_rss_sum(record, leader, (u64)mm, counters->rss_sum);
	list->count++;
}

/* It is on a CPU: its counter of switches does not show yet what it does now. */
static __always_inline bool is_running(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->on_cpu)) /* without CONFIG_SMP that is this task */
		return false;
	return read_word((u64)&task->on_cpu) & 0xff; /* an int, or a byte as in Linux 7.3 */
}

/*
 * Changes whenever the task has run and does so no more: it has counted a switch then. All of it
 * lies in one or two cache lines, where a record's fields lie in fourteen. The last bits tell tasks
 * apart.
 */
static __always_inline u64 has_run_print(struct task_struct *task, u64 generation, u64 tag)
{
	u64 print = mix(generation, (u64)task);

	print = mix(print, READ(struct task_struct, task, start_boottime));
	print = mix(print, READ(struct task_struct, task, nvcsw));
	print = mix(print, READ(struct task_struct, task, nivcsw));
	print = mix(print, READ(struct task_struct, task, min_flt));
	print = mix(print, READ(struct task_struct, task, maj_flt));
	return (print & ~(u64)SEEN_TAG) | tag;
}

/* Which place in the line is the task's: that with its tag, a free one, or any. Not static:
 * verified once. */
__weak __noinline u32 find_seen(u32 which, u64 tag, u32 any)
{
	struct seen_line *line = bpf_map_lookup_elem(&processes_seen, &which);
	u32 place = any % SEEN_IN_LINE;

	if (!line)
		return 0;
	for (u32 i = 0; i < SEEN_IN_LINE; i++)
		if (!line->at[i].has_run)
			place = i;
	for (u32 i = 0; i < SEEN_IN_LINE; i++)
		if ((line->at[i].has_run & SEEN_TAG) == tag)
			place = i;
	return place;
}

enum walk_step { STEP_DONE, STEP_TOLD, STEP_FULL, STEP_AGAIN };

/*
 * Puts a process that has run into the list if it has changed. If its counters cannot be read even
 * at the last try it is reported without them: a process that had ended and is not reported would
 * be taken for gone.
 */
static __always_inline enum walk_step look_closely(struct walk_list *list,
						   struct process_seen *seen,
						   struct task_struct *leader, u64 has_run,
						   u64 listing, u64 generation, bool is_last_try)
{
	struct signal_struct *signal = READ(struct task_struct, leader, signal);
	struct mm_struct *mm = (void *)read_word((u64)&leader->mm);
	struct process_counters counters = {};
	u32 flags = READ(struct task_struct, leader, flags), threads;
	u64 print;

	counters.start_ns = READ(struct task_struct, leader, start_boottime);
	counters.tgid = config_host_processes ? READ(struct task_struct, leader, tgid) :
						own_number(leader);
	if (!signal || flags & PF_KTHREAD || !is_followed(counters.tgid, counters.start_ns)) {
		seen->has_run = has_run;
		return STEP_DONE;
	}
	/* First, so that what has exited has its final counters. */
	threads = READ(struct signal_struct, signal, nr_threads);
	counters.exited = !!READ(struct task_struct, leader, exit_state);
	counters.alone = threads <= 1;
	counters.rss_sum = mm ? sum_rss((u64)mm) : RSS_UNKNOWN;
	if (!read_counters(&counters, signal)) {
		if (!is_last_try)
			return STEP_AGAIN;
		if (list->count >= WALK_MAX)
			return STEP_FULL;
		counters.torn = true;
		tell(list, &counters, leader, mm);
		return STEP_DONE;
	}
	/* A process that is ending is reported in each listing: when it no longer is, it has been
	 * reaped. */
	print = mix(fingerprint_of(&counters, leader, mm),
		    flags & PF_EXITING ? listing : generation);
	if (seen->told != print && list->count >= WALK_MAX)
		return STEP_FULL;
	seen->has_run = threads == 1 && !(flags & PF_EXITING) ? has_run : has_run & SEEN_TAG;
	if (seen->told == print)
		return STEP_DONE;
	seen->told = print;
	tell(list, &counters, leader, mm);
	return STEP_TOLD;
}

/* Gives enum walk_step. Not static: verified once. */
__weak __noinline int walk_process(u64 at, u64 listing, u64 generation, u32 is_last_try)
{
	u64 hash = mix(0, at), tag = (hash & SEEN_TAG) | 1, has_run;
	bool runs = is_running((void *)at);
	u32 which = hash >> 32 & (SEEN_LINES - 1);
	struct walk_memory *memory = walk_memory();
	struct seen_line *line = bpf_map_lookup_elem(&processes_seen, &which);

	if (!memory || !line)
		return STEP_DONE;
	has_run = has_run_print((void *)at, generation, tag);
	for (u32 i = 0; i < SEEN_IN_LINE; i++)
		if (line->at[i].has_run == has_run && !runs)
			return STEP_DONE;
	return look_closely(&memory->list,
			    &line->at[find_seen(which, tag, has_run >> 32) % SEEN_IN_LINE],
			    (void *)at, runs ? tag : has_run, listing, generation, is_last_try);
}

static long walk_step(u32 index, void *context)
{
	struct walk_memory *memory = walk_memory();
	struct task_struct *leader;
	struct walk *walk;
	int step = STEP_DONE;
	u64 next;

	if (!memory)
		return 1;
	walk = &memory->walk;
	leader = (void *)walk->at;
	if (walk->resume == walk->at &&
	    walk->resume_start == READ(struct task_struct, leader, start_boottime)) {
		walk->resume = 0;
		walk->found = index;
	}
	if (!walk->resume) {
		if (index - walk->found >= WALK_STEPS)
			return 1;
		step = walk_process(walk->at, walk->listing, walk->generation,
				    index - walk->arrived >= WALK_TRIES);
	}
	if (step == STEP_FULL || step == STEP_AGAIN)
		return step == STEP_FULL;
	if (step == STEP_TOLD)
		count_stamps(walk->at, walk->owner_0);
	next = read_word((u64)&leader->tasks.next);
	walk->at = next - bpf_core_field_offset(struct task_struct, tasks);
	walk->arrived = index + 1;
	walk->ended = walk->at == walk->first;
	return !next || walk->ended;
}

/* Gives enum tasks_told. */
static __always_inline int walk_around(struct walk_memory *memory)
{
	struct walk_list *list = &memory->list;
	struct walk *walk = &memory->walk;

	list->count = 0;
	list->next = 0;
	bpf_loop(WALK_LIMIT, walk_step, NULL, 0);
	if (walk->ended && !walk->resume)
		return TASKS_ALL;
	if (!walk->ended && !walk->resume) {
		list->next = walk->at;
		list->next_start = READ(struct task_struct, walk->at, start_boottime);
		return list->next_start ? TASKS_MORE : TASKS_BROKEN;
	}
	return walk->ended ? TASKS_MORE : TASKS_BROKEN;
}

#endif
