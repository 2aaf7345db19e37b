// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Hooks within a fault that tell what it waits for: cause.bpf.h says what they make of it. All of
 * them are called for whatever the machine does, so each first asks one word of its CPU whether the
 * task that runs there may be in a stamped fault.
 */
#include "kernel_path.bpf.h"
#include "row.bpf.h"

/* include/trace/events/lock.h: who waits spins, and that is work. */
#define LCB_F_SPIN 1u

/* It is on its way from its CPU, but could run on. */
static __always_inline bool is_runnable(struct task_struct *task, bool preempted)
{
#if OLD_KERNEL
	struct task_struct___long_state *before = (void *)task;

	if (bpf_core_field_exists(before->state))
		return preempted || !FIELD(before, state);
#endif
	return preempted || !FIELD(task, __state);
}

/* The fault is over, and its task leaves its CPU. Not in a later system call: that may reclaim, too. */
static __always_inline void high_out(struct task_fault *fault, struct task_struct *task,
				     bool preempted)
{
	if (!(fault->waits & WAIT_HIGH))
		return;
	if (origin_of(task) != fault->origin) {
		fault->waits &= ~WAIT_HIGH;
		return;
	}
	fault->off_ns = !is_runnable(task, preempted) && in_memstall(task) ? bpf_ktime_get_ns() : 0;
	fault->waits |= WAIT_HIGH_OFF;
	__sync_fetch_and_add(&faults_asleep, 1);
}

static __always_inline void high_in(struct cpu_state *cpu, struct task_fault *fault)
{
	__sync_fetch_and_add(&faults_asleep, -1);
	fault->waits &= ~WAIT_HIGH_OFF;
	cpu->stamped = 1;
	if (!fault->off_ns)
		return;
	cpu->throttled++;
	cpu->throttled_ns += bpf_ktime_get_ns() - fault->off_ns;
}

/* The task leaves its CPU, in the stamped fault or after it. `context` is the program's. */
static __always_inline void switch_out(void *context, struct task_struct *task, bool preempted)
{
	struct task_fault *fault = fault_of(task);
	u64 now;

	if (!fault)
		return;
	if (!fault->open) {
		high_out(fault, task, preempted);
		return;
	}
	if (fault->waits & WAIT_BUSY) {
		fault->causes.is_set_aside = 1;
		__sync_fetch_and_add(&faults_asleep, 1);
		return;
	}
	if (!is_in_fault(fault, task)) {
		note_over(fault, task);
		return;
	}
	now = bpf_ktime_get_ns();
	causes_until(fault, task, now);
	fault->asleep_for = cause_of_sleep(fault, task);
	fault->off_ns = now;
	fault->run_delay = run_delay_of(task);
	fault->waits &= ~(WAIT_RUNNABLE | WAIT_WRITEBACK);
	fault->waits |= is_runnable(task, preempted) ? WAIT_OFF | WAIT_RUNNABLE : WAIT_OFF;
	if (config_kernel_paths && !(fault->waits & (WAIT_RUNNABLE | WAIT_PATH))) {
		fault->key.context = context_asleep(context, fault->key.context);
		fault->waits |= WAIT_PATH; /* the first time stands for all */
	}
	if (fault->asleep_for == STALL_UNKNOWN && !(fault->waits & WAIT_RUNNABLE))
		fault->causes.stall_path = stall_path_here(context);
	__sync_fetch_and_add(&faults_asleep, 1);
}

/* The task gets this CPU. */
static __always_inline void switch_in(struct cpu_state *cpu, struct task_struct *task)
{
	struct task_fault *fault = fault_of(task);

	if (fault && fault->waits & WAIT_HIGH_OFF)
		high_in(cpu, fault);
	if (!fault || !(fault->waits & WAIT_OFF || fault->causes.is_set_aside))
		return;
	__sync_fetch_and_add(&faults_asleep, -1);
	cpu->stamped = 1;
	if (fault->causes.is_set_aside) {
		fault->causes.is_set_aside = 0;
		return;
	}
	fault->since_ns = bpf_ktime_get_ns();
	fault->waits &= ~WAIT_OFF;
	fault->waits |= WAIT_BACK;
}

/*
 * sched:sched_switch: each time that a CPU goes from one task to another. Interrupts off, the CPU's
 * run queue locked. `prev` still runs here.
 */
SEC("?tp_btf/sched_switch")
int BPF_PROG(fault_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct cpu_state *cpu = this_cpu_state();

	if (!cpu)
		return 0;
	if (cpu->stamped) {
		cpu->stamped = 0;
		switch_out(ctx, prev, preempt);
	}
	if (faults_asleep)
		switch_in(cpu, next);
	return 0;
}

/* kernel/locking/rwsem.c: in rw_semaphore.owner. A reader leaves itself there when it has gone. */
#define RWSEM_READER_OWNED 1UL
#define RWSEM_OWNER_FLAGS_MASK 7UL

/* Notes which thread has the process's mmap_lock for writing, if the task waits for that. */
static __always_inline void note_holder(struct task_fault *fault, void *lock)
{
	struct mm_struct *mm = FIELD(untrusted(current_task()), mm);
	struct rw_semaphore *own = (void *)((u64)mm + bpf_core_field_offset(mm->mmap_lock));
	struct task_struct *holder;
	u64 word;

	if (!mm || (u64)own != (u64)lock || !bpf_core_field_exists(own->owner))
		return;
	word = READ(struct rw_semaphore, lock, owner.counter);
	holder = (void *)(word & ~RWSEM_OWNER_FLAGS_MASK);
	if (!holder || word & RWSEM_READER_OWNED)
		return;
	fault->causes.holder_tid = config_host_processes ?
					   (u32)READ(struct task_struct, holder, pid) :
					   own_number(holder);
}

/* lock:contention_begin, Linux 5.19 on: a lock is not to be had at once. In a fault that is mostly
 * the process's mmap_lock. */
SEC("?tp_btf/contention_begin")
int BPF_PROG(fault_lock_begin, void *lock, unsigned int flags)
{
	struct task_fault *fault = flags & LCB_F_SPIN ? NULL : cause_hook_begins();

	if (!fault)
		return 0;
	fault->waits |= WAIT_LOCK;
	fault->lock = (u32)(u64)lock;
	note_holder(fault, lock);
	cause_hook_ends(fault);
	return 0;
}

/* lock:contention_end, also of locks that were spun for, as that of the wait queue may be. */
SEC("?tp_btf/contention_end")
int BPF_PROG(fault_lock_end, void *lock, int result)
{
	struct task_fault *fault = cause_hook_begins();

	if (!fault)
		return 0;
	if (fault->lock == (u32)(u64)lock)
		fault->waits &= ~WAIT_LOCK;
	cause_hook_ends(fault);
	return 0;
}

/* compaction:mm_compaction_begin and _end. CONFIG_COMPACTION. */
SEC("?tp_btf/mm_compaction_begin")
int fault_compaction_begin(void *context)
{
	cause_begins(WAIT_COMPACTION);
	return 0;
}

SEC("?tp_btf/mm_compaction_end")
int fault_compaction_end(void *context)
{
	cause_ends(WAIT_COMPACTION);
	return 0;
}

/* The page of its file that the fault is for. */
static __always_inline u64 page_of(const struct task_fault *fault)
{
	return (fault->address - fault->extent.start + fault->extent.offset) >> PAGE_SHIFT;
}

/* A page before Linux 5.16. */
static __always_inline u64 index_of(struct folio *folio)
{
#if OLD_KERNEL
	struct page___with_index *page = (void *)folio;

	if (!bpf_core_field_exists(folio->index))
		return FIELD(page, index);
#endif
	return FIELD(folio, index);
}

/*
 * filemap:mm_filemap_add_to_page_cache: the task is about to read this page, or has room for it.
 * What it reads ahead lies behind the page that it waits for, and that one may be another's read.
 */
SEC("?tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(fault_reads, struct folio *added)
{
	struct task_fault *fault = cause_hook_begins();

	if (!fault)
		return 0;
	if (index_of(added) <= page_of(fault))
		fault->waits |= WAIT_OWN_READ;
	cause_hook_ends(fault);
	return 0;
}

/*
 * memcg:mod_memcg_lruvec_state, Linux 6.13 on: a counter of the task's memory cgroup moves, each
 * page that is mapped for the first time among them. Interrupts off. workingset_refault() tells of
 * pages of a file or of swap that had been evicted, in the task that brings them back. Those that a
 * fault reads ahead are its own, too.
 */
SEC("?tp_btf/mod_memcg_lruvec_state")
int BPF_PROG(fault_refaults, void *memcg, int item, int pages)
{
	struct cpu_state *cpu = this_cpu_state();
	struct task_fault *fault;
	u32 sum;

	if (!cpu)
		return 0;
	if (item != (int)bpf_core_enum_value(enum node_stat_item___refaults,
					     WORKINGSET_REFAULT_FILE) &&
	    item != (int)bpf_core_enum_value(enum node_stat_item___refaults,
					     WORKINGSET_REFAULT_ANON))
		return 0;
	/* Seen on 6.18, for an unknown reason: no run of fault_switch reported that this task had
	 * returned to its CPU. */
	if (!cpu->stamped)
		switch_in(cpu, current_task());
	fault = pages > 0 ? cause_hook_begins() : NULL;
	if (!fault)
		return 0;
	sum = fault->causes.refaults + (u32)pages;
	fault->causes.refaults = sum < REFAULTS_MAX ? sum : REFAULTS_MAX;
	cause_hook_ends(fault);
	return 0;
}

/* writeback:folio_wait_writeback and balance_dirty_pages: the task goes to sleep until what was
 * written is on the disk. */
SEC("?tp_btf/folio_wait_writeback")
int fault_waits_for_writeback(void *context)
{
	cause_begins(WAIT_WRITEBACK);
	return 0;
}

SEC("?tp_btf/balance_dirty_pages")
int fault_is_throttled(void *context)
{
	cause_begins(WAIT_WRITEBACK);
	return 0;
}
