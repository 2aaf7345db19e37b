// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The life of processes: who descends from whom, and what each had counted when it ended. */
#include "row.bpf.h"
#include "task.bpf.h"

static __always_inline void send(struct task_record *record)
{
	struct cpu_state *cpu;

	record->now_ns = bpf_ktime_get_boot_ns();
	if (!bpf_ringbuf_output(&records, record, sizeof(*record), ring_flags()))
		return;
	cpu = this_cpu_state();
	if (cpu)
		__sync_fetch_and_add(&cpu->exits_lost, 1);
}

/* Run once by the collector, in its own context: which namespace's pids it is to show, and that
 * from now on its children are followed (`run`). */
SEC("raw_tp")
int know_me(void *context)
{
	struct task_struct *task = current_task();
	u64 pid = 0, namespace = 0;
	u32 level = 0;

	follow_root = FIELD(task, tgid);
	bpf_core_read(&pid, sizeof(pid), &task->thread_pid);
	bpf_core_read(&level, sizeof(level), &((struct pid *)pid)->level);
	number_at(task, level, &namespace);
	namespace_level = level;
	namespace_address = namespace;
	return 0;
}

/* sched:sched_process_fork, `run` only: the child of a followed process is followed. */
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_key key = { .start_ns = untrusted(child)->group_leader->start_boottime,
				   .tgid = tgid_of(child) };
	struct cpu_state *cpu = this_cpu_state();
	u32 one = 1;

	if (child->tgid == parent->tgid) /* a thread */
		return 0;
	if (parent->tgid != follow_root && !is_followed_task(parent))
		return 0;
	if (bpf_map_update_elem(&followed, &key, &one, BPF_ANY) && cpu)
		__sync_fetch_and_add(&cpu->not_followed, 1);
	return 0;
}

/* sched:sched_process_fork, after process_fork(): which program the child runs. */
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(program_fork, struct task_struct *parent, struct task_struct *child)
{
	if (!config_programs || child->tgid == parent->tgid || parent->flags & PF_KTHREAD)
		return 0;
	if (is_followed_task(child))
		inherit_program(child);
	return 0;
}

/* sched:sched_process_exec, in the process, which has its new memory (exec_binprm(), fs/exec.c). */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(program_exec, struct task_struct *task)
{
	struct program program = {};

	if (config_programs && is_followed_task(task))
		learn_program(&program);
	return 0;
}

/*
 * Adds the exiting thread to what those before it had counted, and puts the larger of that and what
 * the kernel has of released threads into the record. The threads of a process exit in any order
 * and are released later; the last one here has the sum.
 */
static __always_inline void add_exited(struct task_record *record, struct task_struct *task)
{
	struct process_key key = { .start_ns = record->start_ns, .tgid = task->tgid };
	struct exited_counters fresh = { .tgid = record->tgid }, *sum;

	sum = bpf_map_lookup_elem(&exited_threads, &key);
	if (!sum) {
		if (record->alone) /* it never had another, or they were there before attach */
			return;
		bpf_map_update_elem(&exited_threads, &key, &fresh, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&exited_threads, &key);
		if (!sum)
			return;
	}
	__sync_fetch_and_add(&sum->minor, record->minor);
	__sync_fetch_and_add(&sum->major, record->major);
	if (sum->minor > record->group_minor + record->minor)
		record->group_minor = sum->minor - record->minor;
	if (sum->major > record->group_major + record->major)
		record->group_major = sum->major - record->major;
}

/* The task is past all its stamped faults, or past all but a few. */
static __always_inline void give_slot_back(struct task_struct *task)
{
	struct task_fault *fault = fault_of(task);
	struct cpu_state *cpu = this_cpu_state();

	if (!fault || !cpu)
		return;
	__sync_fetch_and_add(&cpu->held, 1);
	fault_resolve(fault, task, cpu, NULL);
	__sync_fetch_and_add(&cpu->held, -1);
	fault_release(task);
}

/* Not inlined: its record and what settling the last fault needs would not fit on one stack. */
static __noinline int tell_exit(struct task_struct *task)
{
	struct task_record record = {};

	record.record.type = RECORD_EXIT;
	record.record.size = sizeof(record);
	record_of_counters(&record, task);
	add_exited(&record, task);
	if (untrusted(task)->signal->live.counter)
		return 0;
	record_of_process(&record, task, SCRATCH_EXIT);
	send(&record);
	forget_program(&record);
	return 0;
}

/*
 * sched:sched_process_exit, in the task that ends. Since Linux 6.16 before exit_mm(), so that the
 * mm is still there; until then signal->maxrss alone tells of it. The last thread of a process
 * (signal->live is 0) tells who it was.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	if (task->flags & PF_KTHREAD)
		return 0;
	give_slot_back(task);
	return is_followed_task(task) ? tell_exit(task) : 0;
}

/* A released task has its tgid, but its numbers in namespaces are gone (detach_pid()). They were
 * kept if it had threads; if not, its exit record has the final word. */
static __always_inline u32 tgid_of_released(struct task_struct *task)
{
	struct process_key key = { .start_ns = task->start_boottime, .tgid = task->tgid };
	struct exited_counters *kept;

	if (config_host_processes)
		return task->tgid;
	kept = bpf_map_lookup_elem(&exited_threads, &key);
	return kept ? kept->tgid : 0;
}

/* No fault of this process comes any more: room for others. */
static __always_inline void unfollow(u32 tgid, u64 start_ns)
{
	struct process_key key = { .start_ns = start_ns, .tgid = tgid };

	bpf_map_delete_elem(&followed, &key);
}

/*
 * sched:sched_process_free: an RCU grace period after a task was reaped. For a leader all threads
 * are gone and have added their counters to signal (__exit_signal()): these are final. An old
 * leader that exec pushed aside (de_thread()) is no leader any more.
 */
SEC("tp_btf/sched_process_free")
int BPF_PROG(process_free, struct task_struct *task)
{
	struct task_record record = {};
	u32 tgid;

	if (task->flags & PF_KTHREAD)
		return 0;
	give_slot_back(task);
	tgid = tgid_of_released(task);
	if (untrusted(task)->group_leader != task || !is_followed(tgid, task->start_boottime))
		return 0;
	record.record.type = RECORD_FREE;
	record.record.size = sizeof(record);
	record_of_counters(&record, task);
	record.tgid = tgid;
	record_of_process(&record, task, SCRATCH_NONE);
	send(&record);
	if (config_follow)
		unfollow(tgid, record.start_ns);
	return 0;
}
