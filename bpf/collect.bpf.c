// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the collector runs at each tick: close open runs, list tasks. */
#include "populate.bpf.h"
#include "task.bpf.h"

#define ENOENT 2 /* include/uapi/asm-generic/errno-base.h */

/*
 * Run on each CPU by an interrupt (BPF_F_TEST_RUN_ON_CPU), with its number: gives enum
 * flush_result. It comes between two fault entries, which have interrupts off; but not all kernels
 * have where these are perf events. A program that has found a row and works with it has interrupts
 * off, or says so in `busy` or `held`: after FLUSH_DONE none of before is left on this CPU. For one
 * that is offline it is run on any other: that one has to boot before it can come in between.
 */
SEC("raw_tp")
int BPF_PROG(flush_run, unsigned long which)
{
	u32 number = which;
	bool is_here = number == bpf_get_smp_processor_id();
	struct cpu_state *cpu = bpf_map_lookup_elem(&cpu_states, &number);

	if (!cpu)
		return FLUSH_DONE;
	if (is_here && cpu->busy)
		return FLUSH_BUSY;
	run_flush(cpu);
	cpu->run.mm = 0; /* a tgid is only unique for a while */
	done_flush(cpu);
	return is_here && cpu->held ? FLUSH_HELD : FLUSH_DONE;
}

/* Takes the i-th row of the list out of the hash and sets its entry to 0. The entry stays if a lock
 * of the hash cannot be had in time. 1 at the list's end. */
static long forget_row(u32 i, struct forget_list **of)
{
	struct forget_list *list = *of;
	struct row_key *key;
	long result = 0;
	u32 index;

	if (i >= FORGET_MAX || i >= list->count)
		return 1;
	index = list->index[i];
	key = bpf_map_lookup_elem(&row_keys, &index);
	if (key)
		result = bpf_map_delete_elem(&rows, key);
	if (!result || result == -ENOENT)
		list->index[i] = 0;
	return 0;
}

/* Takes the rows of rows_to_forget out of the hash; their indexes are not free yet: see
 * table.bpf.h. */
SEC("raw_tp")
int forget_rows(void *context)
{
	u32 zero = 0;
	struct forget_list *list = bpf_map_lookup_elem(&rows_to_forget, &zero);

	if (!list)
		return 0;
#if OLD_KERNEL
	for (u32 i = 0; i < FORGET_MAX && !forget_row(i, &list); i++)
		;
#else
	bpf_loop(FORGET_MAX, forget_row, &list, 0);
#endif
	return 0;
}

/* What count_stamped() has read of a fault that its task may be about to write to; and
 * count_populating(), for which the stack is too small. */
struct told {
	struct fault_causes causes;
	struct row_key key;
	struct extent extent;
	struct addition add;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct told);
} told_causes SEC(".maps");

static __always_inline struct told *told_memory(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&told_causes, &zero);
}

/* Copies what the fault's time went to, as far as it was seen; returns how much that is. */
static __always_inline u64 tell_causes(struct fault_causes *causes, const struct task_fault *fault,
				       u64 run_delay)
{
	u64 ns = seen_ns(fault);

	if (!ns)
		return 0;
	*causes = fault->causes;
	if (fault->waits & WAIT_BACK)
		add_sleep(causes, fault, run_delay);
	return ns;
}

#if !OLD_KERNEL
/* Leaves in told_memory() what a task has populated so far; 0: nothing that a row has. */
__weak __noinline int take_populating(u64 owner, u64 minor, u64 major)
{
	struct task_fault *fault = fault_of_owner(owner);
	struct told *told = told_memory();

	if (!fault || !told || !(fault->evidence & EVIDENCE_POPULATES))
		return 0;
	__builtin_memset(&told->add, 0, sizeof(told->add));
	return take_populated(fault, minor, major, false, &told->key, &told->extent, &told->add);
}

/* Counts it. Apart from the rest, which needs a stack of its own. */
__weak __noinline int count_populating(u64 owner, u64 minor, u64 major)
{
	struct told *told;

	if (!take_populating(owner, minor, major))
		return 0;
	told = told_memory();
	if (told)
		add_to_row(&told->key, &told->extent, &told->add, NULL);
	return 0;
}
#endif

/*
 * The task, whose counters these are, has left its stamped fault and has not faulted since: count
 * it now. Everything is read before the claim, which fails if the task got there first. A fault
 * that a perf event is to complete is left to it: it may be about to run. Not static: verified
 * once.
 */
__weak __noinline int count_stamped(u64 owner, u64 minor, u64 major, u64 run_delay)
{
	struct task_fault *fault = fault_of_owner(owner);
	struct told *told = told_memory();
	struct fault_causes *causes = told ? &told->causes : NULL;
	struct addition add = {};
	struct row_key key;
	struct extent extent;
	enum fault_end end;
	u32 refaults;
	u64 open;

	if (!fault || !causes ||
	    config_guard) /* told by the task itself, as it ends or at the next */
		return 0;
	open = *(volatile u64 *)&fault->open;
	if (!open)
		return 0;
	key = fault->key;
	add.pages = fault->pages;
	extent = fault->extent;
	end = end_of(fault, minor, major);
	if (end == END_NOT_COUNTED || end == END_REFUSED || /* told at the task's next fault */
	    (end == END_MAJOR && config_perf_events) || (end == END_MINOR && !config_fault_entry))
		return 0;
	add.minor = end == END_MINOR;
	add.major = end == END_MAJOR;
	add.is_late = is_late(&key);
	key.kind = kind_at_end(key.kind, key.access, add.major);
	if (add.minor)
		add.stall_ns = tell_causes(causes, fault, run_delay);
	refaults = refaults_of(fault);
	if (!claim_of_owner(owner, fault, open))
		return 0;
	add_to_row(&key, &extent, &add, causes);
	if (refaults)
		add_refaults(&key, refaults);
	return 0;
}

/*
 * The kernel has counted a fault of the task since the last tick. If not, no fault of it has to be
  * counted: an older one was counted at that tick, and a newer one has not ended.
 */
static __always_inline bool has_faulted(struct task_struct *task)
{
	u32 slot = (u32)task->pid % TASKS_SEEN;
	u64 *seen = bpf_map_lookup_elem(&tasks_seen, &slot);
	u64 print = mix(task->start_boottime, task->min_flt + task->maj_flt);

	if (!seen || *seen == print)
		return false;
	*seen = print;
	return true;
}

#if !OLD_KERNEL
#include "walk.bpf.h"

/* Begins at the process of the current task, which is certainly in the list. */
__weak __noinline int begin_walk(u64 listing, u64 generation, u64 resume, u64 resume_start)
{
	struct task_struct *task = current_task();
	struct walk_memory *memory = walk_memory();
	u64 address = 0, first;

	if (!memory)
		return 0;
	/* A pointer as a plain number: from the stack, which the verifier lets be read as such. */
	bpf_probe_read_kernel(&address, sizeof(address), &task);
	first = read_word((u64)&task->group_leader);
	memory->walk = (struct walk){
		.at = first,
		.first = first,
		.owner_0 = address - owner_of(task),
		.listing = listing,
		.generation = generation,
		.resume = resume,
		.resume_start = resume_start,
	};
	return 0;
}

/* Run at each tick, and again while there is more: from `resume` on. In a new generation every
 * process is reported. */
SEC("?raw_tp")
int BPF_PROG(walk_tasks, unsigned long listing, unsigned long generation, unsigned long resume,
	     unsigned long resume_start)
{
	struct walk_memory *memory = walk_memory();

	if (!memory)
		return TASKS_BROKEN;
	begin_walk(listing, generation, resume, resume_start);
	return walk_around(memory);
}
#endif

/* Who a process is, and its memory. */
static __always_inline void write_leader(struct task_record *record, struct task_struct *task)
{
	u64 mm = read_word((u64)&task->mm), sum = mm ? sum_rss(mm) : RSS_UNKNOWN;

	record_of_process(record, task, SCRATCH_TASKS);
	set_rss_sum(record, task, mm, sum);
}

/* Not inlined: its record and what settling needs would not fit on one stack. */
static __noinline int write_task(struct bpf_iter__task *context, struct task_struct *task)
{
	struct task_record record = {};
	u32 sequence;

	record.record.size = sizeof(record);
	sequence = untrusted(task)->signal->stats_lock.seqcount.seqcount.sequence;
	record_of_counters(&record, task);
	/* A thread was released meanwhile (__exit_signal()): it may be counted twice. */
	if (!untrusted(task)->sighand || sequence & 1 ||
	    sequence != untrusted(task)->signal->stats_lock.seqcount.seqcount.sequence)
		return 0;
	if (record.leader)
		write_leader(&record, task);
	else if (!record.minor && !record.major)
		return 0;
	bpf_seq_write(context->meta->seq, &record, sizeof(record));
	return 0;
}

/* iter/task: every thread; counters of each, and of leaders who they are. */
SEC("?iter/task")
int list_tasks(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;

	if (!task || task->flags & PF_KTHREAD || !is_followed_task(task))
		return 0;
	if (has_faulted(task)) {
		count_stamped(owner_of(task), task->min_flt, task->maj_flt, run_delay_of(task));
#if !OLD_KERNEL
		if (config_full)
			count_populating(owner_of(task), task->min_flt, task->maj_flt);
#endif
	}
	return write_task(context, task);
}
