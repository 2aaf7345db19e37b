// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The fault path: entry, completion of majors, and the signal that ends a denied fault. */
#include "context.bpf.h"
#include "kernel_path.bpf.h"
#include "row.bpf.h"
#include "sample.bpf.h"

/* run_flush() with a stack of its own: see count_last_fault(). */
static __noinline int run_close(struct cpu_state *cpu)
{
	if (cpu)
		run_flush(cpu);
	return 0;
}

/* The fault is in another mapping, process or way than the run's: close that one, open its own. */
static __noinline int run_open(struct cpu_state *cpu, u64 address, u64 error_code, u32 mode)
{
	struct task_struct *task = current_task();
	struct task_struct *leader = FIELD(untrusted(task), group_leader);
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	struct open_run *run;
	struct lookup *lookup = this_cpu_lookup(LOOKUP_ENTRY);
	struct mapping *mapping;
	u32 resolved, kind, sequence, changes = follow_changes;
	bool looks_again;

	if (!cpu || !mm || !lookup)
		return 0;
	mapping = &lookup->mapping;
	run = &cpu->run;
	sequence = mm_sequence(mm);
	run->mm = 0;
	run->error_code = error_code;
	if (!is_followed(tgid_of(leader), FIELD(leader, start_boottime)) || !is_in_guarded_unit()) {
		run_close(cpu);
		run->treatment = RUN_IGNORE;
		ignore(cpu, leader, changes);
		return 0;
	}
	note_user(task, tgid_of(leader));
	resolved = resolve(lookup, address, error_code);
	kind = resolved & RESOLVED_KIND;
	row_key_of(&lookup->key, leader, mapping, kind, access_of(error_code), mode);
	if (!same_plain_key(&run->key, &lookup->key)) {
		run_close(cpu);
		__builtin_memcpy(&run->key, &lookup->key, ROW_KEY_PLAIN);
	} else if (has_left(&mapping->extent, &run->extent)) {
		run_close(cpu);
	}
	run->extent = mapping->extent;
	run->pages = mapping->pages;
	run->may_be_huge = mapping->may_be_huge;
	run->server = mapping->server;
	run->file_end = mapping->file_end;
	run->treatment = treatment_of(kind);
	/* The mapping of the task's last fault is looked up again while it is still there. */
	looks_again = cpu->doubtful_task == (u32)FIELD(task, pid);
	cpu->doubtful_task = is_doubtful(&run->key) ? FIELD(task, pid) : 0;
	/* The mapping is new, or somebody is changing the address space: the fault may yet be
	 * refused. */
	if (looks_again || !(resolved & RESOLVED_CACHABLE) || sequence & 1 ||
	    sequence != mm_sequence(mm)) {
		run->treatment = RUN_STAMP;
		return 0;
	}
	run->mm = (u64)mm;
	run->tgid = FIELD(leader, tgid);
	run->exec_id = FIELD(task, self_exec_id);
	run->vm_start = mapping->slice_start;
	run->vm_end = mapping->slice_end;
	run->sequence = sequence;
	return 0;
}

static __noinline int run_turn_to(struct cpu_state *cpu, u64 context)
{
	if (!cpu)
		return 0;
	run_flush(cpu);
	cpu->run.key.context = context;
	return 0;
}

/* Its faults are the kernel's, and kernel_path_take() has run for this one. */
static __always_inline bool has_kernel_path(const struct open_run *run)
{
	return config_kernel_paths && MODE_CLASS_MODE(run->key.mode_class) == MODE_KERNEL;
}

/* Gives the run the context that its next fault has: code, and with the kernel's path input. A
 * function of its own for what that takes of the stack: see count_last_fault(). */
static __noinline int run_turn(struct cpu_state *cpu, u64 code, u64 input)
{
	u64 context;

	if (!cpu)
		return 0;
	context = context_of(LOOKUP_ENTRY, code);
	if (has_kernel_path(&cpu->run))
		context = context_with_kernel(context);
	cpu->run.input = input;
	cpu->run_sampled = SAMPLED_NOT;
	return context == cpu->run.key.context ? 0 : run_turn_to(cpu, context);
}

/* Sees to it that the run has the context of its next fault, and that the stack of that is copied if
 * it is to be. Mostly the run has it already: then nothing but the walk of the stack is called.
 * `registers`: as of registers_at(). */
static __always_inline void run_follow(struct cpu_state *cpu, u64 registers)
{
	u64 code = context_input(LOOKUP_ENTRY, registers), input = code;

	if (has_kernel_path(&cpu->run))
		input = mix(code, kernel_path_hash());
	if (cpu->run.input != input)
		run_turn(cpu, code, input);
#if !OLD_KERNEL
	if (config_stacks && config_sample_every && may_be_sampled(cpu))
		sample_stack(cpu);
#endif
}

/* Remembers the fault until it is known how it ends. The task's last one has been counted. */
static __always_inline void fault_stamp(struct task_fault *fault, const struct open_run *run,
					struct task_struct *task, u64 address)
{
	fault->key = run->key;
	fault->extent = run->extent;
	fault->pages = run->pages;
	fault->address = address;
	fault->error_code = run->error_code;
	fault->is_behind_file = address >= run->file_end;
	fault->minor = FIELD(task, min_flt);
	fault->major = FIELD(task, maj_flt);
	if (config_full) {
		fault->evidence = 0;
		fault->may_be_huge = run->may_be_huge;
		fault->numa_hints = numa_hints_of(task);
		evidence_begin(fault, task);
	}
	if (config_causes) {
		if (fault->waits & WAIT_ASLEEP) /* nobody has seen it come back */
			__sync_fetch_and_add(&faults_asleep, -1);
		fault->waits = 0;
		fault->server = run->server;
		if (ends_unseen())
			fault->origin = origin_of(task);
	}
	fault->entered_ns = bpf_ktime_get_ns();
	fault_set_open(fault);
}

/* An exiting task has given its slot back. It may take another if somebody will see to that one,
 * too. */
static __always_inline bool may_take_slot(struct task_struct *task)
{
	return config_process_free || !(FIELD(task, flags) & PF_EXITING);
}

/*
 * Counts the task's fault before, if it is not counted yet. A function of its own, as the next one,
 * so that its stack, theirs and run_open()'s are not in use together: before Linux 6.13 all
 * functions of a program share 512 bytes.
 */
static __noinline int count_last_fault(struct cpu_state *cpu, struct task_struct *task)
{
	struct task_fault *fault = fault_of(task);

	if (cpu && fault)
		fault_resolve(fault, task, cpu, &cpu->run);
	return 0;
}

/* Remembers the fault where the task may have no slot yet. */
static __noinline int fault_stamp_new(struct cpu_state *cpu, struct task_struct *task, u64 address)
{
	struct task_fault *fault;

	if (!cpu)
		return 0;
	fault = fault_of(task);
	if (!fault) {
		fault = may_take_slot(task) ? fault_slot_new(owner_of(task)) : NULL;
		if (!fault) {
			cpu->stamps_lost++;
			guard_lose(task);
			if (config_fault_entry)
				cpu->run.count++;
			else /* for count_unseen() */
				cpu->run.entries--;
			return 0;
		}
	}
	fault_stamp(fault, &cpu->run, task, address);
	cpu->stamped = 1;
	return 0;
}

/* In full detail the task's last fault was nearly always counted as it completed: that saves a
 * call. Not with stamp_old.bpf.h, where `open` does not tell. */
static __always_inline void fault_remember(struct cpu_state *cpu, struct task_struct *task,
					   u64 address)
{
	struct task_fault *fault = config_full && !OLD_KERNEL ? fault_of(task) : NULL;

	if (fault && !fault->open) {
		fault_stamp(fault, &cpu->run, task, address);
		cpu->stamped = 1;
	} else {
		count_last_fault(cpu, task);
		fault_stamp_new(cpu, task, address);
	}
}

static __always_inline bool run_goes_on(const struct open_run *run, struct task_struct *task,
					struct mm_struct *mm, u64 address, u64 error_code)
{
	return run->mm == (u64)mm && run->vm_start <= address && address < run->vm_end &&
	       run->error_code == (u32)error_code && run->sequence == mm_sequence(mm) &&
	       run->tgid == (u32)FIELD(task, tgid) &&
	       run->exec_id == (u32)FIELD(task, self_exec_id);
}

/* The registers that the fault found, where the tracepoint has them; 0: it is a perf event's
 * program. Read again where they are wanted, for the room on the stack. */
static __always_inline u64 registers_of(void *context, bool is_tracepoint)
{
	return is_tracepoint ? ((volatile u64 *)context)[1] : 0;
}

/* Those of user space, as registers_at() wants them. What writes to a shadow stack in the kernel
 * (WRUSS) is in user mode, but its registers are not. */
static __always_inline u64 user_registers_of(void *context, bool is_tracepoint, u32 mode)
{
	u64 at = mode == MODE_USER && CAN_READ_DIRECTLY ? registers_of(context, is_tracepoint) : 0;

	return at && (s64)address_of((struct pt_regs *)at) >= 0 ? at : 0;
}

/* Where the kernel was; 0: where the context is. */
static __always_inline u64 kernel_address_of(void *context, bool is_tracepoint)
{
	u64 at = registers_of(context, is_tracepoint);

	return at ? address_of((struct pt_regs *)at) : 0;
}

/* `context`: the program's. */
static __always_inline int fault_enter(void *context, bool is_tracepoint, u64 address,
				       u64 error_code, u32 mode)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = FIELD(task, mm);
	struct cpu_state *cpu = this_cpu_state();
	u32 treatment;

	if (!cpu || !mm)
		return 0;
	if (!run_goes_on(&cpu->run, task, mm, address, error_code)) {
		if (is_ignored(cpu, FIELD(untrusted(task), group_leader)))
			return 0;
		run_open(cpu, address, error_code, mode);
		cpu->run.input = 0; /* for run_follow() */
	}
	treatment = cpu->run.treatment;
	if (treatment == RUN_IGNORE)
		return 0;
	if (has_kernel_path(&cpu->run))
		kernel_path_take(context, kernel_address_of(context, is_tracepoint));
	if (has_context())
		run_follow(cpu, user_registers_of(context, is_tracepoint, mode));
	cpu->run.entries++;
	if (treatment == RUN_COUNT || (treatment == RUN_ANON && !may_have_swapped(mm)))
		cpu->run.count++;
	else
		fault_remember(cpu, task, address);
	return 0;
}

/* An attempt that must not fault in (page faults are disabled, as in BPF's or perf's own reads): it
 * ends without a result and is usually made again. */
static __noinline int count_attempt(struct task_struct *task)
{
	struct cpu_state *cpu = this_cpu_state();

	if (!cpu || !is_followed_task(task))
		return 0;
	cpu->run.entries++;
	__sync_fetch_and_add(&cpu->aborted, 1);
	return 0;
}

/*
 * exceptions:page_fault_user and page_fault_kernel: every page fault of user code, and those of
 * kernel code, of which only the ones on user addresses are ours (copy_to_user() and its kin).
 * Interrupts off, no lock held. One program for both, so that it is verified once. What the kernel
 * writes to a shadow stack (WRUSS) is user mode here, as in the error code.
 */
SEC("?raw_tp/page_fault_user")
int BPF_PROG(page_fault, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	u32 mode = MODE_USER;

	if (!(error_code & PF_USER)) {
		struct task_struct *task = current_task();

		if ((s64)address < 0)
			return 0;
		if (must_not_fault(task))
			return count_attempt(task);
		mode = MODE_KERNEL;
	}
	return fault_enter(ctx, true, address, error_code, mode);
}

static __always_inline u32 mode_of(struct bpf_perf_event_data *context)
{
	return in_kernel_code(context) ? MODE_KERNEL : MODE_USER;
}

/*
 * Perf software event PAGE_FAULTS, period 1, where the tracepoints are not to be had: every page
 * fault on a user address that the architecture has not refused already (attempts with page faults
 * disabled, user code on kernel addresses). Task context, preemption off; interrupts are on in some
 * kernels (5.10, 6.16.12), off in others (6.1.192, 6.12.117). Misses runs as fault_end() does:
 * see count_unseen().
 */
SEC("?perf_event")
int fault_begin(struct bpf_perf_event_data *context)
{
	struct cpu_state *cpu = this_cpu_state();
	u32 mode;

	if (!cpu)
		return 0;
	cpu->busy = 1;
	barrier();
	mode = mode_of(context);
	fault_enter(context, false, context->addr, mode == MODE_USER ? PF_USER : 0, mode);
	barrier();
	cpu->busy = 0;
	return 0;
}

/* Adds the fault to the row of the mapping that was found. A function of its own, so that its stack
 * and that of finding the mapping are not in use together. */
static __noinline int add_unseen(struct lookup *lookup, u64 address, u32 kind, u32 mode, bool major)
{
	struct task_struct *task = current_task();
	struct mapping *mapping = &lookup->mapping;
	u64 pages = major && kind != KIND_HUGETLB ? 1 : mapping->pages;

	lookup->add = (struct addition){ .minor = !major, .major = major, .pages = pages };
	row_key_of(&lookup->key, FIELD(untrusted(task), group_leader), mapping,
		   kind_at_end(kind, ACCESS_UNKNOWN, major), ACCESS_UNKNOWN, mode);
	add_to_row(&lookup->key, &mapping->extent, &lookup->add, NULL);
	if (config_guard)
		guard_tell_unseen(&lookup->key, &mapping->extent, address,
				  major ? GUARD_MAJOR : GUARD_MINOR);
	return 0;
}

/* Before count_unseen(), for what that takes of the stack. */
static __always_inline void note_unseen_context(void)
{
	struct lookup *lookup = has_context() ? this_cpu_lookup(LOOKUP_END) : NULL;

	if (lookup)
		lookup->key.context = context_of(LOOKUP_END, context_input(LOOKUP_END, 0));
}

/* Counts a fault that completes but has no stamp: a perf event can miss its begin, or it found no
 * slot. Counts its entry, too. */
static __noinline int count_unseen(u64 address, u32 mode, bool major)
{
	struct task_struct *task = current_task();
	struct cpu_state *cpu = this_cpu_state();
	struct lookup *lookup = this_cpu_lookup(LOOKUP_END);
	u32 kind;

	if (!cpu || !lookup || !FIELD(untrusted(task), mm) || !is_followed_task(task) ||
	    !is_in_guarded_unit())
		return 0;
	kind = resolve(lookup, address, 0) & RESOLVED_KIND;
	cpu->run.entries++;
	return add_unseen(lookup, address, kind, mode, major);
}

/* The task's stamped fault, claimed, if it is open and at this address; else NULL. */
static __always_inline struct task_fault *claim_at(struct task_struct *task, u64 address)
{
	struct task_fault *fault = fault_of(task);
	u64 open = fault ? fault->open : 0;

	if (!open || fault->address >> PAGE_SHIFT != address >> PAGE_SHIFT ||
	    !fault_claim(task, fault, open))
		return NULL;
	return fault;
}

/* Counts these runs, to be compared with the perf events' counts: what is more there, no program
 * saw. */
static __always_inline void count_completion(struct cpu_state *cpu, struct task_struct *task,
					     const struct task_fault *fault)
{
	if (fault ||
	    (!is_ignored(cpu, FIELD(untrusted(task), group_leader)) && is_followed_task(task)))
		cpu->completions++;
}

/* Adds the completed fault to the CPU's run of such faults. */
static __always_inline void done_add(struct cpu_state *cpu, struct task_fault *fault, u64 pages,
				     u64 ns)
{
	struct done_run *done = &cpu->done;
	u32 bucket;

	if (!same_key(&done->key, &fault->key) || has_left(&fault->extent, &done->extent)) {
		done_flush(cpu);
		done->key = fault->key;
	}
	done->extent = fault->extent;
	done->minor++;
	done->pages += pages;
	if (!config_full)
		return;
	done->latency.count++;
	done->latency.sum_ns += ns;
	if (ns > done->latency.max_ns)
		done->latency.max_ns = ns;
	bucket = bucket_of(ns);
	if (bucket < LATENCY_BUCKETS)
		done->latency.buckets[bucket]++;
}

static __always_inline void fault_completes(struct cpu_state *cpu, u64 address, u32 mode,
					    bool major)
{
	struct task_struct *task = current_task();
	u64 now = bpf_ktime_get_ns();
	struct task_fault *fault = claim_at(task, address);
	struct fault_causes *causes;
	u64 pages;

	cpu->stamped = 0;
	count_completion(cpu, task, fault);
	if (!fault && !config_fault_entry) {
		note_unseen_context();
		count_unseen(address, mode, major);
	}
	if (!fault)
		return;
	if (is_doubtful(&fault->key))
		resolve_again(fault, LOOKUP_END);
	pages = pages_at_end(fault, major);
	fault->key.kind = kind_at_completion(fault, task, major);
	if (config_full)
		pages = pages_by_evidence(fault, task, pages);
	causes = major || config_full ? causes_at_end(fault, task, now) : NULL;
	if (major || causes)
		count_served(fault, major, pages, now - fault->entered_ns, causes);
	else
		done_add(cpu, fault, pages, now - fault->entered_ns);
	if (config_guard)
		guard_tell(fault, major ? GUARD_MAJOR : GUARD_MINOR, now - fault->entered_ns,
			   causes);
	note_high(cpu, fault, task);
}

/* Which of the two events it is: see src/collect/hooks.c for when there is but one. */
static __always_inline bool is_major_event(struct bpf_perf_event_data *context)
{
	struct bpf_perf_event_data_kern *kern = (void *)context;
	struct perf_event *event;

	if (!config_full && config_fault_entry)
		return true;
	event = READ(struct bpf_perf_event_data_kern, kern, event);
	return READ(struct perf_event, event, attr.config) == PERF_COUNT_SW_PAGE_FAULTS_MAJ;
}

/*
 * Perf software events PAGE_FAULTS_MAJ and, with --detail=full or where fault_begin() is,
 * PAGE_FAULTS_MIN, period 1: the kernel has accounted a fault (mm_account_fault()). One program for
 * both, so that it is verified once. Task context, preemption off; the fault's VMA is still held.
 * Misses runs while a BPF map system call is under way on this CPU: fault_resolve() then finds the
 * fault still open.
 */
SEC("?perf_event")
int fault_end(struct bpf_perf_event_data *context)
{
	struct cpu_state *cpu = this_cpu_state();

	if (!cpu)
		return 0;
	cpu->busy = 1;
	barrier();
	fault_completes(cpu, context->addr, mode_of(context), is_major_event(context));
	barrier();
	cpu->busy = 0;
	return 0;
}

/* The current task's open fault; NULL when it is in none that is stamped, or reclaims memory in it:
 * what happens then to pages of its own is not what it faulted for. */
static __always_inline struct task_fault *open_fault(void)
{
	struct task_fault *fault = fault_of(current_task());

	return fault && fault->open && !(fault->evidence & EVIDENCE_RECLAIM) ? fault : NULL;
}

/* kmem:rss_stat, full detail: an mm's page counter changes, in a fault once per kind of page. Under
 * the page table lock. Linux 6.2 on: before, it did not fire per fault. */
SEC("?tp_btf/rss_stat")
int BPF_PROG(fault_rss, struct mm_struct *mm, int member)
{
	struct task_fault *fault;

	if (FIELD(untrusted(current_task()), mm) != mm)
		return 0;
	fault = open_fault();
	if (fault)
		fault->evidence |= 1u << (member & 3);
	return 0;
}

/* tlb:tlb_flush, x86, full detail: the page was replaced by a copy. */
SEC("?tp_btf/tlb_flush")
int BPF_PROG(fault_flush, int reason)
{
	struct task_fault *fault = reason == TLB_LOCAL_MM_SHOOTDOWN ? open_fault() : NULL;

	if (fault)
		fault->evidence |= EVIDENCE_FLUSH;
	return 0;
}

/* vmscan:mm_vmscan_direct_reclaim_begin and its kin: the allocation for this fault
 * makes the task look for memory itself. Node reclaim (vm.zone_reclaim_mode) leaves mapped pages
 * alone unless it is told otherwise, and has no hook here. */
static __always_inline int reclaim_begin(u32 wait)
{
	struct task_fault *fault = config_full ? open_fault() : NULL;

	if (fault)
		fault->evidence |= EVIDENCE_RECLAIM;
	cause_begins(wait);
	return 0;
}

static __always_inline int reclaim_end(u32 wait)
{
	struct task_struct *task = current_task();
	struct task_fault *fault = config_full ? fault_of(task) : NULL;

	cause_ends(wait);
	if (fault && fault->evidence & EVIDENCE_RECLAIM) {
		fault->evidence &= ~EVIDENCE_RECLAIM;
		evidence_begin(fault, task); /* from what is left */
	}
	return 0;
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_begin")
int fault_reclaim_begin(void *context)
{
	return reclaim_begin(WAIT_RECLAIM);
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_end")
int fault_reclaim_end(void *context)
{
	return reclaim_end(WAIT_RECLAIM);
}

/* The same for a cgroup's limit. CONFIG_MEMCG. */
SEC("?tp_btf/mm_vmscan_memcg_reclaim_begin")
int fault_memcg_reclaim_begin(void *context)
{
	return reclaim_begin(WAIT_MEMCG_RECLAIM);
}

SEC("?tp_btf/mm_vmscan_memcg_reclaim_end")
int fault_memcg_reclaim_end(void *context)
{
	return reclaim_end(WAIT_MEMCG_RECLAIM);
}

/* filemap:mm_filemap_map_pages, full detail, Linux 6.12 on: pages mapped around the fault. */
SEC("?tp_btf/mm_filemap_map_pages")
int BPF_PROG(fault_around, struct address_space *mapping, unsigned long start, unsigned long end)
{
	struct task_fault *fault = open_fault();

	if (fault && end >= start)
		fault->pages = end - start + 1;
	return 0;
}

/* include/linux/mm_types.h */
#define VM_FAULT_NOPAGE 0x100

/*
 * fs_dax:dax_pmd_fault_done, full detail: a file on persistent memory (mount -o dax) was mapped by a
 * huge page, unless it fell back to a small one. Before Linux 6.15 no counter of the mm tells.
 */
SEC("?tp_btf/dax_pmd_fault_done")
int BPF_PROG(fault_dax, struct inode *inode, void *vmf, unsigned long max_pgoff, int result)
{
	struct task_fault *fault = result & VM_FAULT_NOPAGE ? open_fault() : NULL;

	if (fault)
		fault->pages = HUGE_PAGES;
	return 0;
}

/*
 * The task's stamped fault, claimed, if it is the one that a signal is about. One that has been
 * served since is not: the same page may have been touched before.
 */
static __always_inline struct task_fault *claim_denied(struct task_struct *task, u64 address)
{
	struct task_fault *fault = fault_of(task);

	if (!fault || FIELD(task, min_flt) != fault->minor || FIELD(task, maj_flt) != fault->major)
		return NULL;
	return claim_at(task, address);
}

/*
 * Takes the fault at this address back from the CPU's open run, which counted it as minor at entry.
 * Its entry was the last thing that happened to the run, or other faults of the same row were.
 * False when another task's came in between, as the task was preempted on its way here: then it
 * stays a minor.
 */
static __always_inline bool take_back(struct open_run *run, struct task_struct *task, u64 address)
{
	if (run->mm != (u64)FIELD(task, mm) || address < run->vm_start || address >= run->vm_end ||
	    !run->count || run->key.kind >= KIND_FIRST_DENIED)
		return false;
	run->count--;
	return true;
}

static __noinline int count_denied(int signo, int code, u64 address)
{
	struct task_struct *task = current_task();
	struct task_fault *fault = claim_denied(task, address);
	struct lookup *lookup = this_cpu_lookup(LOOKUP_END);
	struct cpu_state *cpu = this_cpu_state();

	if (!lookup || !cpu)
		return 0;
	if (fault)
		lookup->key = fault->key;
	else if (take_back(&cpu->run, task, address))
		lookup->key = cpu->run.key;
	else
		return 0;
	lookup->key.kind = kind_by_signal(signo, code, &lookup->key);
	lookup->add = (struct addition){ .denied = 1 };
	add_to_row(&lookup->key, fault ? &fault->extent : &cpu->run.extent, &lookup->add, NULL);
	if (config_guard)
		guard_tell_unseen(&lookup->key, fault ? &fault->extent : &cpu->run.extent, address,
				  GUARD_DENIED);
	return 0;
}

/*
 * signal:signal_generate: any signal; only a SIGSEGV or SIGBUS that the current task's fault
 * brought upon itself matters. siglock held, interrupts off.
 */
SEC("tp_btf/signal_generate")
int BPF_PROG(fault_signal, int sig, struct kernel_siginfo *info, struct task_struct *task)
{
	int code;

	if ((sig != SIGBUS && sig != SIGSEGV) || task != current_task() || (u64)info <= 1)
		return 0;
	code = READ(struct kernel_siginfo, info, si_code);
	if (code <= 0) /* SI_USER and its kin: somebody sent it */
		return 0;
	return count_denied(sig, code,
			    (u64)READ(struct kernel_siginfo, info, _sifields._sigfault._addr));
}
