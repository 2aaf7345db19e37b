/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a fault's time goes to. Its stamp has a clock for each cause, and `since_ns`: all of the
 * fault's time before that is on one of them. Each hook that sees the fault's cause change first
 * puts the time since then on the clock that has run so far; so the clocks add up to the latency,
 * to the nanosecond, and time that no hook explains is STALL_CPU or STALL_UNKNOWN.
 *
 * A fault that waits for nothing costs one store at its entry: its clocks start at the first hook
 * that is called in it (causes_begin()).
 */
#ifndef FAULTMAP_CAUSE_BPF_H
#define FAULTMAP_CAUSE_BPF_H

#include "kind.bpf.h"

/* Bits of task_fault.waits. Those of the first line stand while the task is in it. */
#define WAIT_RECLAIM 0x1u
#define WAIT_MEMCG_RECLAIM 0x2u
#define WAIT_COMPACTION 0x4u
#define WAIT_LOCK 0x8u
#define WAIT_WRITEBACK 0x10u /* it is about to sleep for that */
#define WAIT_OWN_READ 0x20u  /* it has begun to read the page itself */
#define WAIT_OFF 0x40u       /* it is off its CPU now */
#define WAIT_BACK 0x80u      /* it was, until since_ns, and that is on no clock yet */
#define WAIT_RUNNABLE 0x100u /* meanwhile it could have run */
#define WAIT_BEGUN 0x200u    /* the clocks are going */
#define WAIT_OVER 0x400u     /* the fault has ended, and end_run_delay is set */
#define WAIT_BUSY 0x800u     /* a hook is at work with the clocks: see cause_hook_begins() */
#define WAIT_HIGH 0x1000u /* it has ended, and memory.high holds its task back: see note_high() */
#define WAIT_HIGH_OFF 0x2000u /* its task is off its CPU for that */
#define WAIT_PATH 0x4000u     /* its context has the kernel's path to where it slept */

/* The task is off its CPU, and counted in faults_asleep. */
#define WAIT_ASLEEP (WAIT_OFF | WAIT_HIGH_OFF)

/* Faults whose tasks are off their CPUs, on all CPUs: while there is none, a switch need not look
 * whose the task is that comes. */
u32 faults_asleep = 0;

/* What the task has waited for a CPU so far, while it could have run. Written as it gets one, after
 * sched:sched_switch has told of it. 0 without CONFIG_SCHED_INFO. */
static __always_inline u64 run_delay_of(struct task_struct *task)
{
	if (!config_run_delay || !bpf_core_field_exists(task->sched_info.run_delay))
		return 0;
	return FIELD(task, sched_info.run_delay);
}

/* The same of a task that is a plain number to the verifier. */
static __always_inline u64 run_delay_at(struct task_struct *task)
{
	if (!config_run_delay || !bpf_core_field_exists(task->sched_info.run_delay))
		return 0;
	return READ(struct task_struct, task, sched_info.run_delay);
}

/* Where the task was in user space when it faulted, so that a later system call of the task is not
 * taken for the fault. x86: orig_ax is -1 in an exception. */
static __always_inline u64 origin_of(struct task_struct *task)
{
	struct pt_regs *regs = user_registers(task);

	if (!bpf_core_field_exists(regs->ip))
		return 0;
	return FIELD(regs, ip) ^ FIELD(regs, orig_ax) << 48;
}

/* Minor faults complete unseen, and their stamps stay open until the task's next one or a tick. */
static __always_inline bool ends_unseen(void)
{
	return !config_full && config_fault_entry;
}

/* The fault of the open stamp is still under way. The kernel counts a fault at its end. One that
 * was refused or given up is not counted, and its stamp may be open for long in fast detail. */
static __always_inline bool is_in_fault(const struct task_fault *fault, struct task_struct *task)
{
	if (FIELD(task, min_flt) != fault->minor || FIELD(task, maj_flt) != fault->major)
		return false;
	return !ends_unseen() || origin_of(task) == fault->origin;
}

static __always_inline void add_to_clock(struct fault_causes *causes, u32 cause, u64 ns)
{
	if (cause < STALL_CAUSE_COUNT)
		causes->ns[cause] += ns;
}

/* What it was off its CPU for, shared out: it was asleep, and then it waited for a CPU. run_delay
 * is the task's own until now; it is by another clock, so that the wait may come out longer than
 * the whole. */
static __always_inline void add_sleep(struct fault_causes *causes, const struct task_fault *fault,
				      u64 run_delay)
{
	u32 waits = *(volatile u32 *)&fault->waits;
	u64 off = fault->since_ns - fault->off_ns, queued;

	queued = (waits & WAIT_OVER ? fault->end_run_delay : run_delay) - fault->run_delay;
	if (waits & WAIT_RUNNABLE || queued > off)
		queued = off;
	causes->ns[STALL_RUNQUEUE] += queued;
	add_to_clock(causes, fault->asleep_for, off - queued);
}

static __always_inline void end_sleep(struct task_fault *fault, struct task_struct *task)
{
	if (!(fault->waits & WAIT_BACK))
		return;
	fault->waits &= ~WAIT_BACK;
	add_sleep(&fault->causes, fault, run_delay_of(task));
}

static __always_inline void causes_begin(struct task_fault *fault)
{
	if (fault->waits & WAIT_BEGUN)
		return;
	fault->waits |= WAIT_BEGUN;
	fault->since_ns = fault->entered_ns;
	__builtin_memset(&fault->causes, 0, sizeof(fault->causes));
}

/* The task is past the fault, and about to leave its CPU, if it has not before. The clocks stay as
 * they are: count_stamped() may be reading them on another CPU. */
static __always_inline void note_over(struct task_fault *fault, struct task_struct *task)
{
	if (!(fault->waits & WAIT_BACK) || fault->waits & WAIT_OVER)
		return;
	fault->end_run_delay = run_delay_of(task);
	barrier();
	fault->waits |= WAIT_OVER;
}

/* The fault that the current task is in, if it is stamped. */
static __always_inline struct task_fault *fault_under_way(struct cpu_state *cpu,
							  struct task_struct *task)
{
	struct task_fault *fault = cpu && cpu->stamped ? fault_of(task) : NULL;

	return fault && fault->open && is_in_fault(fault, task) ? fault : NULL;
}

/* What the task is in. Reclaim may take locks, and is then what the time is for. */
static __always_inline u32 cause_of_waits(u32 waits)
{
	if (waits & (WAIT_RECLAIM | WAIT_MEMCG_RECLAIM))
		return STALL_RECLAIM;
	if (waits & WAIT_COMPACTION)
		return STALL_COMPACTION;
	return waits & WAIT_LOCK ? STALL_LOCK : STALL_CPU;
}

/* The task runs, and is in the fault: puts all its time until now on the clocks. */
static __always_inline void causes_until(struct task_fault *fault, struct task_struct *task,
					 u64 now)
{
	causes_begin(fault);
	end_sleep(fault, task);
	add_to_clock(&fault->causes, cause_of_waits(fault->waits), now - fault->since_ns);
	fault->since_ns = now;
}

/* bit-fields: through the macro that fits how the task may be read */
#if OLD_KERNEL
#define TASK_BIT(task, bit) BPF_CORE_READ_BITFIELD_PROBED(task, bit)
#else
#define TASK_BIT(task, bit) BPF_CORE_READ_BITFIELD(task, bit)
#endif

/* psi_memstall_enter(): it sleeps because there is too little memory, not in reclaim (that has
 * hooks) and not for a page (it would be in io_schedule()): memory.high. 0 without CONFIG_PSI, and
 * where PSI is off. */
static __always_inline bool in_memstall(struct task_struct *task)
{
	return bpf_core_field_exists(task->in_memstall) && TASK_BIT(task, in_memstall);
}

/* A page is there, and the file system has to see to it before it is written to. */
static __always_inline bool is_shared_write(const struct task_fault *fault)
{
	return MODE_CLASS_CLASS(fault->key.mode_class) == MAPPING_FILE &&
	       fault->key.perms & PERM_SHARED && fault->key.access == ACCESS_WRITE;
}

/* In io_schedule() the task waits for a page. For memory that is no file's, only the fault's end
 * tells whether that page was in swap. */
static __always_inline u32 cause_of_io(const struct task_fault *fault)
{
	if (fault->server == SERVER_REMOTE)
		return STALL_REMOTE;
	if (fault->key.kind == KIND_MKWRITE)
		return STALL_WRITEBACK;
	return fault->waits & WAIT_OWN_READ ? STALL_DISK : STALL_PAGE_WAIT;
}

/* What the task, which leaves its CPU in the fault, sleeps for. */
static __always_inline u32 cause_of_sleep(const struct task_fault *fault, struct task_struct *task)
{
	u32 cause = cause_of_waits(fault->waits);

	if (cause != STALL_CPU)
		return cause;
	if (fault->waits & WAIT_WRITEBACK)
		return STALL_WRITEBACK;
	if (TASK_BIT(task, in_iowait))
		return cause_of_io(fault);
	if (fault->server != SERVER_KERNEL)
		return fault->server == SERVER_USER ? STALL_USERFAULTFD : STALL_REMOTE;
	if (in_memstall(task))
		return STALL_THROTTLE;
	return is_shared_write(fault) ? STALL_WRITEBACK : STALL_UNKNOWN;
}

/* Pages that had been evicted and that the fault, which is claimed, brought back. */
static __always_inline u32 refaults_of(const struct task_fault *fault)
{
	return config_causes && fault->waits & WAIT_BEGUN ? fault->causes.refaults : 0;
}

/* The fault ends as one from swap: what it waited for was that. */
static __always_inline void causes_of_swap(struct fault_causes *causes)
{
	causes->ns[STALL_SWAP] += causes->ns[STALL_DISK] + causes->ns[STALL_PAGE_WAIT];
	causes->ns[STALL_DISK] = causes->ns[STALL_PAGE_WAIT] = 0;
}

/* The fault ends now, with its final kind: closes its clocks. NULL where it did not wait. */
static __always_inline struct fault_causes *causes_at_end(struct task_fault *fault,
							  struct task_struct *task, u64 now)
{
	if (!config_causes || !fault->waits)
		return NULL;
	causes_until(fault, task, now);
	if (fault->key.kind == KIND_SWAP_IN)
		causes_of_swap(&fault->causes);
	return &fault->causes;
}

/*
 * In fast detail nobody sees a minor fault's end. Its time is known up to the last that was seen of
 * it: most often that it got back to a CPU, with microseconds to go. 0: it did not wait.
 */
static __always_inline u64 seen_ns(const struct task_fault *fault)
{
	if (!config_causes || !ends_unseen() || !(fault->waits & WAIT_BEGUN))
		return 0;
	return fault->since_ns - fault->entered_ns;
}

/*
 * The fault has been counted. Where its cgroup is above memory.high, the kernel makes the task pay on
 * its way back to user space (try_charge_memcg() notes it, __mem_cgroup_handle_over_high() reclaims
 * and sleeps, mm/memcontrol.c): that is after the fault, and in no latency. fault_switch() sees it.
 */
static __always_inline void note_high(struct cpu_state *cpu, struct task_fault *fault,
				      struct task_struct *task)
{
	if (!config_causes || !bpf_core_field_exists(task->memcg_nr_pages_over_high) ||
	    !FIELD(task, memcg_nr_pages_over_high))
		return;
	fault->origin = origin_of(task);
	if (!fault->origin) /* a later system call of the task's could not be told from it */
		return;
	fault->waits |= WAIT_HIGH;
	cpu->stamped = 1;
}

/*
 * A hook is about to change the clocks of the fault that the current task is in; NULL where it is
 * in none. From Linux 7.0 on the task may be preempted in such a hook. The hook on sched_switch
 * then does not touch the clocks: the time until the task is back goes to the clock that runs.
 */
static __always_inline struct task_fault *cause_hook_begins(void)
{
	struct task_struct *task = current_task();
	struct task_fault *fault = config_causes ? fault_under_way(this_cpu_state(), task) : NULL;

	if (!fault)
		return NULL;
	fault->waits |= WAIT_BUSY;
	barrier();
	causes_until(fault, task, bpf_ktime_get_ns());
	return fault;
}

static __always_inline void cause_hook_ends(struct task_fault *fault)
{
	barrier();
	fault->waits &= ~WAIT_BUSY;
}

/* The current task's fault begins something that takes time. */
static __always_inline void cause_begins(u32 wait)
{
	struct task_fault *fault = cause_hook_begins();

	if (!fault)
		return;
	fault->waits |= wait;
	cause_hook_ends(fault);
}

static __always_inline void cause_ends(u32 wait)
{
	struct task_fault *fault = cause_hook_begins();

	if (!fault)
		return;
	fault->waits &= ~wait;
	cause_hook_ends(fault);
}

#endif
