// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Faults that the kernel resolves itself, without an exception (get_user_pages(): MAP_POPULATE,
 * mlock(2), MADV_POPULATE, O_DIRECT), with their mapping: rows of the kind populate.
 *
 * Nothing tells of one such fault. But all of them hold the mmap_lock, an ordinary fault holds it
 * seldom since Linux 6.4, and mmap_lock:mmap_lock_acquire_returned and mmap_lock_released come while
 * it is held: what the task's own counters gain in between was populated, to the fault. Where, the
 * system call says; as nobody can change the address space meanwhile, the look-up is certain. What
 * the call does not say, or says of several mappings at once, stays without a row, and is counted
 * by the reason why. A lock that is given up to wait for a page is taken again: each such part
 * counts by itself.
 *
 * How long it took is known as well: from the acquisition of the lock to its release, and the time
 * between two such parts of one call. That is the stall of the call, one for each part.
 */
#include "call.bpf.h"
#include "context.bpf.h"
#include "populate.bpf.h"
#include "task.bpf.h"

#if !OLD_KERNEL

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

#define PF_IO_WORKER 0x10   /* include/linux/sched.h */
#define PLACED_IN_DOUBT 1UL /* no address of user memory */

/* An address within what the kernel has just chosen. It may have looked for more, to align the
 * start within that (__thp_get_unmapped_area(), mm/huge_memory.c): then one that it holds wherever
 * it starts. A huge page is what it aligns to. */
static __always_inline u64 within_placed(u64 address, u64 found, u64 wanted)
{
	u64 slack;

	wanted = (wanted + 4095) & ~4095ULL;
	slack = found > wanted ? found - wanted : 0;
	if (slack && !(slack & (HUGE_PAGES * 4096ULL - 1)))
		slack -= 4096;
	return address + slack;
}

static __always_inline struct task_fault *slot_of(struct task_struct *task)
{
	struct task_fault *fault = fault_of(task);

	if (fault || FIELD(task, flags) & PF_EXITING)
		return fault;
	fault = fault_slot_new(owner_of(task));
	if (fault)
		fault->evidence = 0;
	return fault;
}

/*
 * mmap:vm_unmapped_area: an address for mmap(), mremap() or shmat(), whose mmap_lock is held. Only
 * for what is populated at once is it remembered.
 */
SEC("?tp_btf/vm_unmapped_area")
int BPF_PROG(populate_placed, unsigned long address, struct vm_unmapped_area_info *info)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = FIELD(task, mm);
	struct pt_regs *regs;
	struct task_fault *fault;
	u64 number;

	if (!mm)
		return 0;
	regs = user_registers(task);
	number = call_number(regs);
	if (!(FIELD(mm, def_flags) & VM_LOCKED) &&
	    !(number == NR_MMAP && ARGUMENT(regs, r10, 3) & (MAP_POPULATE | MAP_LOCKED)) &&
	    !(number == NR_MREMAP && FIELD(mm, locked_vm)))
		return 0;
	fault = (s64)address > 0 ? slot_of(task) : NULL;
	if (!fault || fault->open)
		return 0;
	fault->evidence = EVIDENCE_PLACED;
	fault->populate_call = call_print(task);
	fault->address = within_placed(address, READ(struct vm_unmapped_area_info, info, length),
				       number == NR_MREMAP ? ARGUMENT(regs, dx, 2) :
				       number == NR_MMAP   ? ARGUMENT(regs, si, 1) :
							     ~4095ULL);
	return 0;
}

/* What the kernel does without being told (mm_populate(), mm/gup.c): a copy of what is private and
 * may be written to. */
static __always_inline u32 access_by(u64 flags)
{
	return (flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? ACCESS_WRITE : ACCESS_READ;
}

/*
 * An address in what mmap() has just mapped; 0: not known. Where the caller named one, too, an
 * earlier call like this one may have been placed and this one not: then both places have room for
 * it.
 */
static __noinline u64 placed_by_call(struct task_fault *fault)
{
	struct task_struct *task = current_task();
	struct lookup *lookup = this_cpu_lookup(LOOKUP_END);
	struct pt_regs *regs = user_registers(task);
	u64 at = ARGUMENT(regs, di, 0);

	if (!fault || !lookup || !(fault->evidence & EVIDENCE_PLACED) ||
	    fault->populate_call != call_print(task))
		return 0;
	if (call_number(regs) != NR_MMAP || !at ||
	    find_vma((at + 4095) & ~4095ULL, &lookup->vma) != WALK_FOUND ||
	    lookup->vma.end - at < ARGUMENT(regs, si, 1))
		return fault->address;
	return fault->address < lookup->vma.end && fault->address >= lookup->vma.start ?
		       fault->address :
		       PLACED_IN_DOUBT;
}

/* Looks for the one mapping of what the task's system call populates, and leaves it and the row's
 * key in this CPU's lookup. */
static __noinline int look_up_call(u64 placed)
{
	struct task_struct *task = current_task();
	struct lookup *lookup = this_cpu_lookup(LOOKUP_END);
	struct populate_range range;
	int found;

	if (!lookup)
		return GUP_UNTOLD;
	range_of_call(&range, placed);
	if (range.start >= range.end)
		return GUP_UNTOLD;
	found = find_vma(range.start, &lookup->vma);
	if (found != WALK_FOUND && found != WALK_GAP)
		return GUP_UNTOLD;
	if (lookup->vma.end < range.end)
		return GUP_SEVERAL;
	if (found != WALK_FOUND)
		return GUP_UNTOLD;
	if (range.access == ACCESS_UNKNOWN)
		range.access = access_by(lookup->vma.flags);
	describe(lookup, range.access == ACCESS_WRITE);
	row_key_of(&lookup->key, FIELD(untrusted(task), group_leader), &lookup->mapping,
		   KIND_POPULATE, range.access, MODE_KERNEL);
	return GUP_IN_ROW;
}

/* Which of the mm's counters shows these pages. A private file's are copies, once written. */
static __always_inline u32 populated_member(const struct row_key *key)
{
	u32 class = MODE_CLASS_CLASS(key->mode_class);

	if (class != MAPPING_FILE && class != MAPPING_SHMEM)
		return MM_ANONPAGES;
	if (key->access == ACCESS_WRITE && !(key->perms & PERM_SHARED))
		return MM_ANONPAGES;
	return class == MAPPING_FILE ? MM_FILEPAGES : MM_SHMEMPAGES;
}

/* What the pages of the faults to come are told by. */
static __always_inline void begin_pages(struct task_fault *fault, const struct mapping *mapping,
					struct mm_struct *mm)
{
	u32 member = populated_member(&fault->key);

	fault->pages = 0;
	fault->populate_unit = mapping->pages;
	fault->may_be_huge = mapping->may_be_huge;
	fault->rss_member = member;
	fault->rss_count = rss_count(mm, member);
	fault->rss_offset = cpu_offset();
	fault->rss_slot = rss_slot(mm, member, fault->rss_offset);
}

/* From here on the call's time counts, unless that goes on: the part before ended in the same call.
 * Nobody has changed the address space since, nor has the task faulted or had the lock for anything
 * else. So two calls that are alike are only taken for one if the kernel took pages away meanwhile
 * and the task did nothing that shows. */
static __always_inline void begin_time(struct task_fault *fault, struct task_struct *task,
				       struct mm_struct *mm)
{
	u64 call = call_print(task), sequence = mm_sequence(mm);

	if (fault->evidence & EVIDENCE_CALL && fault->populate_call == call &&
	    fault->populate_sequence == sequence && !(sequence & 1))
		return;
	fault->populate_call = call;
	fault->populate_sequence = sequence;
	fault->populate_faults = FIELD(task, min_flt) + FIELD(task, maj_flt);
	fault->switches = (u32)FIELD(task, nvcsw);
	fault->run_delay = run_delay_of(task);
	fault->since_ns = bpf_ktime_get_ns();
}

/* What its time since then went to, in fault->causes. A task that did not go to sleep was at work,
 * or waited for a CPU; what it slept for nobody has seen. Returns the sum; 0: nothing was populated,
 * and the time counts with what comes next in the call. */
static __always_inline u64 take_time(struct task_fault *fault, struct task_struct *task)
{
	u64 faults = FIELD(task, min_flt) + FIELD(task, maj_flt), now, ns, queued, delay;
	u32 sleeps = (u32)FIELD(task, nvcsw);

	if (faults == fault->populate_faults)
		return 0;
	now = bpf_ktime_get_ns();
	ns = now - fault->since_ns;
	delay = run_delay_of(task);
	queued = delay - fault->run_delay;
	if (queued > ns) /* by another clock */
		queued = ns;
	__builtin_memset(&fault->causes, 0, sizeof(fault->causes));
	fault->causes.ns[STALL_RUNQUEUE] = queued;
	fault->causes.ns[sleeps == fault->switches ? STALL_CPU : STALL_UNKNOWN] = ns - queued;
	fault->populate_faults = faults;
	fault->switches = sleeps;
	fault->run_delay = delay;
	fault->since_ns = now;
	return ns;
}

/* The slot's counters first: see take_gain(). */
static __noinline int populate_begin(u64 is_elsewhere)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = FIELD(untrusted(task), mm);
	struct lookup *lookup = this_cpu_lookup(LOOKUP_END);
	struct task_fault *fault = slot_of(task);
	u64 placed;
	u32 told = GUP_ELSEWHERE;

	if (!fault || !lookup || !mm || fault->open || fault->evidence & EVIDENCE_POPULATES)
		return 0;
	placed = placed_by_call(fault);
	note_user(task, tgid_of(FIELD(untrusted(task), group_leader)));
	if (!is_elsewhere)
		told = FIELD(task, flags) & PF_IO_WORKER || is_call_of_32_bits(task) ?
			       GUP_UNTOLD :
			       look_up_call(placed);
	fault->minor = FIELD(task, min_flt);
	fault->major = FIELD(task, maj_flt);
	keep_order();
	fault->populate_told = told;
	if (told == GUP_IN_ROW) {
		if (has_context())
			lookup->key.context = context_of(LOOKUP_END, context_input(LOOKUP_END, 0));
		fault->key = lookup->key;
		fault->extent = lookup->mapping.extent;
		begin_pages(fault, &lookup->mapping, mm);
		begin_time(fault, task, mm);
	}
	keep_order();
	fault->evidence = (placed ? fault->evidence & EVIDENCE_PLACED : 0) | EVIDENCE_POPULATES;
	return 0;
}

/* Linux 7.2 preempts programs of tracepoints. The look-up and a row's index are this CPU's. */
static __always_inline void begin_unpreempted(bool is_elsewhere)
{
	bpf_preempt_disable();
	populate_begin(is_elsewhere);
	bpf_preempt_enable();
}

/* Memory of the mm may be populated with its lock held for writing: locked memory, as mprotect()
 * makes it writable. */
static __always_inline bool is_mprotect(struct task_struct *task, struct mm_struct *mm)
{
	u64 number;

	if (!FIELD(mm, locked_vm))
		return false;
	number = call_number(user_registers(task));
	return number == NR_MPROTECT || number == NR_PKEY_MPROTECT;
}

/*
 * mmap_lock:mmap_lock_acquire_returned: a task has an mmap_lock, in most cases its own. Preemption
 * off (before Linux 7.2). In an ordinary fault, which holds it at need, the task's stamp is open.
 */
SEC("?tp_btf/mmap_lock_acquire_returned")
int BPF_PROG(populate_lock, struct mm_struct *mm, bool write, bool success)
{
	struct task_struct *task = current_task();
	struct mm_struct *own = FIELD(task, mm);
	struct cpu_state *cpu;
	struct task_fault *fault;

	if (!success || !own)
		return 0;
	if (write && (mm != own || !is_mprotect(task, own)))
		return 0;
	/* It goes on with the lock for reading (mmap_write_downgrade()), and populates nothing. */
	if (call_number(user_registers(task)) == NR_MUNMAP)
		return 0;
	if (FIELD(task, flags) & PF_KTHREAD)
		return 0;
	fault = fault_of(task);
	if (fault && fault->open)
		return 0;
	cpu = this_cpu_state();
	if (!cpu || is_ignored(cpu, FIELD(untrusted(task), group_leader)) ||
	    !is_followed_task(task))
		return 0;
	begin_unpreempted(mm != own);
	return 0;
}

/* A function of its own, for its stack. */
static __noinline int populate_end(struct task_fault *fault)
{
	struct task_struct *task = current_task();
	struct cpu_state *cpu = this_cpu_state();
	struct addition add = {};
	struct row_key key;
	struct extent extent;
	bool is_in_row;

	if (!fault || !cpu)
		return 0;
	__sync_fetch_and_add(&cpu->held, 1);
	is_in_row = take_populated(fault, FIELD(task, min_flt), FIELD(task, maj_flt), true, &key,
				   &extent, &add);
	if (fault->populate_told == GUP_IN_ROW)
		add.stall_ns = take_time(fault, task);
	if (is_in_row || add.stall_ns) /* a tick may have counted the last of the faults */
		add_to_row(&key, &extent, &add, &fault->causes);
	__sync_fetch_and_add(&cpu->held, -1);
	/* An address stays good: the lock may be taken again. */
	fault->evidence &= ~EVIDENCE_POPULATES;
	if (fault->populate_told == GUP_IN_ROW)
		fault->evidence |= EVIDENCE_CALL;
	return 0;
}

/* mmap_lock:mmap_lock_released: while it is still held. */
SEC("?tp_btf/mmap_lock_released")
int BPF_PROG(populate_unlock, struct mm_struct *mm, bool write)
{
	struct task_struct *task = current_task();
	struct mm_struct *own = FIELD(task, mm);
	struct task_fault *fault;

	if (!own || (write && (mm != own || !FIELD(own, locked_vm))))
		return 0;
	fault = fault_of(task);
	if (!fault || !(fault->evidence & EVIDENCE_POPULATES))
		return 0;
	bpf_preempt_disable();
	populate_end(fault);
	bpf_preempt_enable();
	return 0;
}
#endif
