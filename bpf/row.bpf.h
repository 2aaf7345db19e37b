/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How counts reach the rows: an open run per CPU for faults that are counted at entry, a stamp for
 * those that may wait or fail, which are counted once it is known how they ended.
 */
#ifndef FAULTMAP_ROW_BPF_H
#define FAULTMAP_ROW_BPF_H

#include "cause.bpf.h"
#include "guard.bpf.h"
#include "resolve.bpf.h"
#include "stall_path.bpf.h"

#include "bucket.bpf.h"
#include "table.bpf.h"

/* There is no room for a row: adds to the "other" of the kind. */
static __always_inline void add_other(struct cpu_state *cpu, u32 kind, const struct addition *add)
{
	if (kind >= KIND_COUNT)
		return;
	cpu->rows_full += add->minor + add->major + add->denied;
	cpu->other[kind].minor += add->minor;
	cpu->other[kind].major += add->major;
	cpu->other[kind].denied += add->denied;
}

/* The mapping was never larger than this, as far as its faults go: what is resident of it has been
 * faulted in within an extent that was seen here. Another part of a file is other memory. */
static __always_inline void note_size(struct row_value *row, const struct extent *extent)
{
	u64 size = extent->end - extent->start;
	u32 code;

	if (extent->offset != row->extent.offset) {
		row->largest = SIZE_CODE_WINDOW;
		return;
	}
	if (row->largest && size == row->extent.end - row->extent.start)
		return;
	code = size_code(size);
	if (code > row->largest)
		row->largest = code;
}

static __always_inline void add_counts(struct row_value *row, const struct extent *extent,
				       const struct addition *add)
{
	note_size(row, extent);
	if (add->minor)
		__sync_fetch_and_add(&row->minor, add->minor);
	if (add->major)
		__sync_fetch_and_add(&row->major, add->major);
	if (add->denied)
		__sync_fetch_and_add(&row->denied, add->denied);
	if (add->pages)
		__sync_fetch_and_add(&row->pages, add->pages);
	if (!add->is_late)
		row->extent = *extent;
}

VERIFIED_ONCE u32 stall_bucket(u64 ns)
{
	return bucket_of(ns);
}

static __always_inline void add_cause(struct stall_causes *all, u32 cause, u64 ns, u32 count,
				      u64 max_ns)
{
	if (cause >= STALL_CAUSE_COUNT)
		return;
	__sync_fetch_and_add(&all->count[cause], count);
	__sync_fetch_and_add(&all->sum_ns[cause], ns);
	if (max_ns > all->max_ns[cause])
		all->max_ns[cause] = max_ns;
}

/* What the row's stalls were for. The row has a latency. */
static __always_inline struct stall_causes *causes_of(struct row_value *row)
{
	u32 own = row->latency;

	return config_causes ? bpf_map_lookup_elem(&stall_causes, &own) : NULL;
}

/* Adds one stall by its causes; NULL: all of it was work. */
VERIFIED_ONCE int add_causes(u32 own, u64 ns, const struct fault_causes *causes)
{
	struct stall_causes *all = bpf_map_lookup_elem(&stall_causes, &own);

	if (!all)
		return 0;
	if (!causes) {
		add_cause(all, STALL_CPU, ns, 1, ns);
		return 0;
	}
	for (u32 i = 0; i < STALL_CAUSE_COUNT; i++)
		if (causes->ns[i])
			add_cause(all, i, causes->ns[i], 1, causes->ns[i]);
	if (causes->ns[STALL_UNKNOWN])
		stall_path_add(causes->stall_path, causes->ns[STALL_UNKNOWN]);
	if (causes->holder_tid)
		all->holder_tid = causes->holder_tid;
	return 0;
}

static __always_inline void add_stall(struct cpu_state *cpu, struct row_value *row, u32 index,
				      u64 ns, const struct fault_causes *causes)
{
	struct latency *latency = latency_of(cpu, row, index);
	u32 bucket;

	if (!latency) {
		__sync_fetch_and_add(&cpu->latencies_lost, 1);
		return;
	}
	__sync_fetch_and_add(&latency->count, 1);
	__sync_fetch_and_add(&latency->sum_ns, ns);
	if (ns > latency->max_ns)
		latency->max_ns = ns;
	bucket = stall_bucket(ns);
	if (bucket < LATENCY_BUCKETS)
		__sync_fetch_and_add(&latency->buckets[bucket], 1);
	if (config_causes)
		add_causes(row->latency, ns, causes);
}

/* Adds to the row of the key, or makes it. NULL when that cannot be. */
static __always_inline struct row_value *row_add(struct cpu_state *cpu, const struct row_key *key,
						 const struct extent *extent,
						 const struct addition *add, u32 *ret_index)
{
	struct row_value *row = row_find(key, ret_index);

	if (!row) {
		row = row_new(cpu, key, extent, add, ret_index);
		if (row)
			return row;
		row = row_find(key, ret_index);
		if (!row)
			return NULL;
	}
	add_counts(row, extent, add);
	return row;
}

/* The process's row for what found no room in rows of its own: "[other]". */
VERIFIED_ONCE int add_folded(struct cpu_state *cpu, const struct row_key *key,
			     const struct extent *extent, const struct addition *add)
{
	struct row_key on_stack, *other = &on_stack;
	struct row_value *row;
	u32 index = 0;

	if (!cpu || !key || !extent || !add)
		return 0;
#if OLD_KERNEL /* its programs are short of stack, and none of them is preempted here */
	other = &cpu->folded_key;
#endif
	__builtin_memset(other, 0, sizeof(*other));
	other->start_ns = key->start_ns;
	other->tgid = key->tgid;
	other->kind = key->kind;
	other->mode_class = MODE_CLASS(MODE_USER, MAPPING_OTHER);
	row = row_add(cpu, other, extent, add, &index);
	if (!row) {
		add_other(cpu, key->kind, add);
		return 0;
	}
	__sync_fetch_and_add(&cpu->rows_folded, add->minor + add->major + add->denied);
	row_moved(index);
	return 0;
}

static __always_inline void note_unresolved(struct cpu_state *cpu, const struct row_key *key,
					    u64 faults)
{
	if (MODE_CLASS_CLASS(key->mode_class) == MAPPING_UNRESOLVED)
		__sync_fetch_and_add(&cpu->unresolved, faults);
}

/* `causes`: of add->stall_ns; NULL where it waited for nothing. */
VERIFIED_ONCE int add_to_row(const struct row_key *key, const struct extent *extent,
			     const struct addition *add, const struct fault_causes *causes)
{
	struct cpu_state *cpu = this_cpu_state();
	struct row_value *row;
	struct row_key copy;
	u32 index = 0;

	if (!key || !extent || !add || !cpu)
		return 0;
	copy = *key;
	note_unresolved(cpu, key, add->minor + add->major + add->denied);
	row = row_add(cpu, &copy, extent, add, &index);
	if (!row)
		return add_folded(cpu, key, extent, add);
	if (add->stall_ns)
		add_stall(cpu, row, index, add->stall_ns, causes);
	row_moved(index);
	return 0;
}

/* Notes what came back with a fault that is in its row. */
VERIFIED_ONCE int add_refaults(const struct row_key *key, u32 pages)
{
	struct cpu_state *cpu = this_cpu_state();
	struct stall_causes *causes;
	struct row_value *row;
	struct row_key copy;
	u32 index = 0;

	if (!key || !cpu)
		return 0;
	copy = *key;
	row = row_find(&copy, &index);
	causes = row && latency_of(cpu, row, index) ? causes_of(row) : NULL;
	if (!causes) {
		__sync_fetch_and_add(&cpu->latencies_lost, 1);
		return 0;
	}
	__sync_fetch_and_add(&causes->refaults, pages);
	row_moved(index);
	return 0;
}

/* Writes the run's faults to its row. The run itself stays open. */
static __always_inline void run_flush(struct cpu_state *cpu)
{
	struct open_run *run = &cpu->run;
	struct addition add = {};

	if (!run->count)
		return;
	if (run->key.kind >= KIND_FIRST_DENIED) {
		add.denied = run->count;
	} else {
		add.minor = run->count;
		add.pages = run->count * run->pages;
	}
	add_to_row(&run->key, &run->extent, &add, NULL);
	run->count = 0; /* the collector does not interrupt a CPU without such faults */
}

static __always_inline void add_stalls(struct latency *latency, const struct latency *more)
{
	__sync_fetch_and_add(&latency->count, more->count);
	__sync_fetch_and_add(&latency->sum_ns, more->sum_ns);
	if (more->max_ns > latency->max_ns)
		latency->max_ns = more->max_ns;
	for (u32 i = 0; i < LATENCY_BUCKETS; i++)
		if (more->buckets[i])
			__sync_fetch_and_add(&latency->buckets[i], more->buckets[i]);
}

/* Adds the stalls of a done_run, whose faults waited for nothing. */
static __always_inline void add_work(struct row_value *row, const struct latency *done)
{
	struct stall_causes *causes = causes_of(row);

	if (causes)
		add_cause(causes, STALL_CPU, done->sum_ns, done->count, done->max_ns);
}

/* Writes the completed faults to their row. */
VERIFIED_ONCE int done_flush(struct cpu_state *cpu)
{
	struct addition add = {};
	struct done_run *done;
	struct latency *latency;
	struct row_value *row;
	struct row_key key;
	u32 index = 0;

	if (!cpu || !cpu->done.minor)
		return 0;
	done = &cpu->done;
	key = done->key;
	add.minor = done->minor;
	add.pages = done->pages;
	note_unresolved(cpu, &key, add.minor);
	row = row_add(cpu, &key, &done->extent, &add, &index);
	if (row) {
		latency = done->latency.count ? latency_of(cpu, row, index) : NULL;
		if (latency) {
			add_stalls(latency, &done->latency);
			add_work(row, &done->latency);
		} else {
			__sync_fetch_and_add(&cpu->latencies_lost, done->latency.count);
		}
		row_moved(index);
	} else {
		add_folded(cpu, &done->key, &done->extent, &add);
	}
	done->minor = 0;
	done->pages = 0;
	__builtin_memset(&done->latency, 0, sizeof(done->latency));
	return 0;
}

/* The mapping has shrunk since, or is of another part of its file: what was counted before goes to
 * its row first, with its extent then. */
static __always_inline bool has_left(const struct extent *now, const struct extent *before)
{
	return now->end - now->start < before->end - before->start || now->offset != before->offset;
}

/* Compares the keys without their context. */
static __always_inline bool same_plain_key(const struct row_key *left, const struct row_key *right)
{
	const u64 *l = (const u64 *)left, *r = (const u64 *)right;

	return l[0] == r[0] && l[1] == r[1] && l[2] == r[2] && l[3] == r[3];
}

/* Faults of this kind are mostly counted at entry: the mapping may have moved since a stamped
 * one. */
static __always_inline bool is_late(const struct row_key *key)
{
	return treatment_of(key->kind) != RUN_STAMP;
}

static __always_inline bool same_key(const struct row_key *left, const struct row_key *right)
{
	return same_plain_key(left, right) && (!has_context() || left->context == right->context);
}

/* Counts a fault that was served in the row of its key, with its stall and what that consists of. */
static __always_inline void count_served(struct task_fault *fault, bool major, u64 pages,
					 u64 stall_ns, const struct fault_causes *causes)
{
	struct addition add = {
		.minor = !major, .major = major, .pages = pages, .stall_ns = stall_ns
	};

	add.is_late = !major && is_late(&fault->key);
	add_to_row(&fault->key, &fault->extent, &add, causes);
	if (refaults_of(fault))
		add_refaults(&fault->key, refaults_of(fault));
}

/* Around a page that had to be read, what else is in the cache cannot be told from the range. */
static __always_inline u64 pages_at_end(const struct task_fault *fault, bool major)
{
	return !major || fault->key.kind == KIND_HUGETLB ? fault->pages : 1;
}

/* Neither minor nor major, and no signal: refused with EFAULT, or given up. */
static __always_inline void count_failed(struct task_fault *fault, struct cpu_state *cpu)
{
	struct addition add = { .denied = 1 };

	fault->key.kind = kind_if_refused(fault);
	if (fault->key.kind >= KIND_FIRST_DENIED) {
		add_to_row(&fault->key, &fault->extent, &add, NULL);
		if (config_guard)
			guard_tell(fault, GUARD_DENIED, 0, NULL);
	} else {
		__sync_fetch_and_add(&cpu->aborted, 1);
	}
}

/* How a task's open fault ended, as far as can be told. */
enum fault_end {
	END_NOT_COUNTED, /* it is under way; or it is over, and was refused or given up */
	END_REFUSED,
	END_MINOR,
	END_MAJOR,
};

/*
 * Was it refused, whatever the task's counters say? They move without a fault, too, by
 * get_user_pages(), and in fast detail by faults without a stamp. Nothing is served behind a file's
 * end. What looked denied at entry is served if a mapping came in between; a perf event tells of
 * that where minor faults have one. In fast detail the program's own access would end in a signal,
 * and the kernel's for it is taken at its word.
 */
static __always_inline bool was_refused(const struct task_fault *fault)
{
	if (fault->is_behind_file)
		return true;
	if (fault->key.kind < KIND_FIRST_DENIED)
		return false;
	return MODE_CLASS_MODE(fault->key.mode_class) == MODE_KERNEL ||
	       (config_perf_events && (config_full || !config_fault_entry));
}

/* The kernel counts at the end of a fault (mm_account_fault(), mm/memory.c). One that is still open
 * had no perf event; where these tell of majors and a minor came too, that was it, and the major
 * came from get_user_pages(), which no event tells of. */
static __always_inline enum fault_end end_of(const struct task_fault *fault, u64 minor, u64 major)
{
	bool has_minor = minor != fault->minor;

	if (was_refused(fault))
		return END_REFUSED;
	if (major != fault->major && !(config_perf_events && has_minor))
		return END_MAJOR;
	return has_minor ? END_MINOR : END_NOT_COUNTED;
}

/* Counts the claimed fault of the task, which may be another's (process_free()), as it ended. A
 * function of its own, for its stack: see count_last_fault(). */
static __noinline int count_ended(struct task_fault *fault, struct task_struct *task,
				  struct cpu_state *cpu, u32 end)
{
	bool is_major = end == END_MAJOR;
	u64 waited;

	if (!fault || !task || !cpu)
		return 0;
	if (end == END_REFUSED || end == END_NOT_COUNTED) {
		count_failed(fault, cpu);
		return 0;
	}
	waited = is_major ? 0 : seen_ns(fault);
	if (waited)
		end_sleep(fault, task);
	fault->key.kind = kind_at_end(fault->key.kind, fault->key.access, is_major);
	if (is_major)
		count_served(fault, true, pages_at_end(fault, true), 0, NULL);
	else
		count_served(fault, false, fault->pages, waited, &fault->causes);
	if (config_guard && task == current_task())
		guard_tell(fault, is_major ? GUARD_MAJOR : GUARD_MINOR, waited, &fault->causes);
	return 0;
}

/*
 * The task is past its last stamped fault: counts that one as it ended. Where perf events complete
 * faults (majors, in full detail any), one that is still open here lost its own. `run` is the CPU's
 * open run where interrupts are off (at fault entry), else NULL: mostly the same mapping faults
 * again, and then the run takes the count.
 */
static __always_inline void fault_resolve(struct task_fault *fault, struct task_struct *task,
					  struct cpu_state *cpu, struct open_run *run)
{
	u64 open = fault->open;
	enum fault_end end;

	if (!open || !fault_claim(task, fault, open))
		return;
	end = end_of(fault, FIELD(task, min_flt), FIELD(task, maj_flt));
	if (run && (end == END_MAJOR || end == END_MINOR) && is_doubtful(&fault->key))
		resolve_again(fault, LOOKUP_ENTRY);
	if (run && end == END_MINOR && !config_guard && fault->key.kind < KIND_FIRST_DENIED &&
	    fault->pages == run->pages && !seen_ns(fault) && !refaults_of(fault) &&
	    same_key(&run->key, &fault->key) && !has_left(&run->extent, &fault->extent))
		run->count++;
	else
		count_ended(fault, task, cpu, end);
}

#endif
