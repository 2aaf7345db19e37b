// SPDX-License-Identifier: GPL-2.0-only
/*
 * One tick: tasks, then what ended (ring), then open runs, then rows. In that order, because a
 * process may be called ended only if its rows are read after its last fault; a stamped fault that
 * the task iterator counts must be in a row before rows are read; and the exit record of a process
 * that the iterator shows as a zombie must not come after it was reported.
 */
#include "collect/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/attach.h"
#include "collect/collector_kernel.h"
#include "collect/features.h"
#include "collect/guard.h"
#include "model/losses.h"
#include "collect/contexts.h"
#include "collect/names.h"
#include "collect/reader.h"
#include "collect/rows.h"
#include "collect/stack_samples.h"
#include "collect/stall_paths.h"
#include "collect/tasks.h"
#include "base/libc.h"
#include "base/util.h"

/* How many bytes of names of ended processes may stay. With more, generations turn, each after
 * TURN_NS at the earliest: a row that waits to be read needs its name for some ticks. */
#define KEPT_BYTES (1 << 20)
#define TURN_NS 10000000000ULL

struct collector {
	struct collector_info info;
	char warning[512]; /* info.warning, where there is one */
	struct kernel *kernel;
	struct snapshot *snapshot;
	struct names *names;
	struct kernel_names *kernel_names;
	struct contexts *contexts;
	struct stack_samples *samples; /* NULL: stacks are not copied */
	struct tasks *tasks;
	struct rows *rows;
	struct guard *guard;   /* NULL: nobody is guarded */
	struct reader *reader; /* uses kernel, names, rows and the pending records, with its lock */

	struct perf_counts perf; /* of this tick */
	uint64_t accounted; /* minor + major over all processes, ended ones too, since attach */
	uint64_t gup;       /* sum over all processes, ended ones too */
	uint64_t other;     /* faults in "other" rows */

	uint64_t last_tick_ns; /* CLOCK_MONOTONIC, as tick_ns */
	uint64_t tick_ns;
	uint64_t ticks;
	bool tick_failed;
	bool is_filling;  /* the kernel's table of rows */
	bool is_watching; /* the reader is */
	int turns_due;    /* generations to turn until only names of live processes are known */
	uint64_t turned_ns;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* If more stacks than this wait to be unwound, the programs copy fewer. */
#define STACKS_PENDING_MUCH 256

static void pace_stacks(struct collector *collector)
{
	if (collector->samples)
		kernel_set_stacks_wait(collector->kernel,
				       stack_samples_pending(collector->samples) >
					       STACKS_PENDING_MUCH);
}

/* ---- ring records ---- */

static int add_record(void *context, const struct record *record, size_t size)
{
	struct collector *collector = context;

	if (record->type == RECORD_NAME)
		return names_add(collector->names, (const void *)record, size);
	if (record->type == RECORD_CONTEXT)
		return contexts_add(collector->contexts, (const void *)record, size);
	if (record->type == RECORD_KERNEL_PATH)
		return contexts_add_kernel(collector->contexts, (const void *)record, size);
	if (record->type == RECORD_CODE_AREA && collector->samples)
		return stack_samples_add_area(collector->samples, (const void *)record, size);
	if (record->type == RECORD_STACK_SAMPLE && collector->samples)
		return stack_samples_add_stack(collector->samples, (const void *)record, size);
	if (record->type == RECORD_FILLING) {
		collector->is_filling = true;
		return 0;
	}
	if (size < sizeof(struct task_record))
		return -EBADMSG;
	return tasks_keep_ended(collector->tasks, (const void *)record);
}

/* ---- totals ---- */

/* Shows faults that found no room in the table as rows of the process "other", pid 0. */
static int set_other(struct collector *collector, unsigned int kind, struct fault_counts counts)
{
	struct process *process = snapshot_process(collector->snapshot, 0, 0, NULL);
	struct row *row;

	if (!process)
		return -ENOMEM;
	strcpy(process->comm, "other");
	row = snapshot_row(collector->snapshot, process, 0, kind, ACCESS_UNKNOWN, MODE_USER, NULL);
	if (!row)
		return -ENOMEM;
	row->mapping = snapshot_intern(collector->snapshot, "[other]") ?: row->mapping;
	rows_set_counts(collector->snapshot, row, counts);
	return 0;
}

static int read_totals(struct collector *collector)
{
	struct totals *totals = &collector->snapshot->totals;
	struct fault_counts other[KIND_COUNT] = {};
	struct totals sum = {};
	uint64_t completions = 0;
	size_t n_cpus;
	const struct cpu_state *cpus = kernel_cpu_states(collector->kernel, &n_cpus);
	int result = 0;

	for (size_t i = 0; i < n_cpus; i++) {
		sum.entries += cpus[i].run.entries;
		sum.aborted += cpus[i].aborted;
		completions += cpus[i].completions;
		sum.unresolved += cpus[i].unresolved;
		sum.map_full += cpus[i].rows_full;
		sum.exits_lost += cpus[i].exits_lost;
		sum.stamps_lost += cpus[i].stamps_lost;
		sum.latencies_lost += cpus[i].latencies_lost;
		sum.throttled += cpus[i].throttled;
		sum.throttled_ns += cpus[i].throttled_ns;
		sum.not_followed += cpus[i].not_followed;
		sum.gup_several += cpus[i].gup[GUP_SEVERAL];
		sum.gup_elsewhere += cpus[i].gup[GUP_ELSEWHERE];
		sum.gup_untold += cpus[i].gup[GUP_UNTOLD];
		sum.stacks_lost += cpus[i].samples_lost;
		for (unsigned int kind = 0; kind < KIND_COUNT; kind++) {
			other[kind].minor += cpus[i].other[kind].minor;
			other[kind].major += cpus[i].other[kind].major;
			other[kind].denied += cpus[i].other[kind].denied;
		}
	}
	totals->entries = sum.entries;
	totals->aborted = sum.aborted;
	/* The programs' runs are read after the events, so that the difference is never too
	 * large. */
	if (collector->perf.completed > completions)
		totals->lost_completions = max_of(totals->lost_completions,
						  collector->perf.completed - completions);
	totals->unresolved = sum.unresolved;
	totals->map_full = sum.map_full;
	totals->names_lost = rows_names_lost(collector->rows);
	totals->contexts_lost = rows_contexts_lost(collector->rows);
	if (collector->samples) {
		totals->stacks_sampled = stack_samples_unwound(collector->samples);
		totals->stacks_lost = sum.stacks_lost + stack_samples_lost(collector->samples);
	}
	totals->cgroups_lost = tasks_cgroups_lost(collector->tasks);
	totals->names_cut = strings_cut(snapshot_strings(collector->snapshot));
	totals->exits_lost = sum.exits_lost + tasks_exits_lost(collector->tasks);
	totals->stamps_lost = sum.stamps_lost;
	totals->latencies_lost = sum.latencies_lost;
	totals->throttled = sum.throttled;
	totals->throttled_ns = sum.throttled_ns;
	totals->not_followed = sum.not_followed;
	totals->gup_several = sum.gup_several;
	totals->gup_elsewhere = sum.gup_elsewhere;
	totals->gup_untold = sum.gup_untold;
	totals->has_populate = kernel_has_populate(collector->kernel);
	collector->other = 0;
	for (unsigned int kind = 0; !result && kind < KIND_COUNT; kind++)
		if (other[kind].minor || other[kind].major || other[kind].denied) {
			other[kind].pages = other[kind].minor + other[kind].major;
			collector->other += other[kind].pages;
			result = set_other(collector, kind, other[kind]);
		}
	return result;
}

/*
 * Faults that the kernel counted without an exception: its count less our rows. The kernel's count
 * is of the tick before, the rows are of now, so this never says too much while the process runs,
 * and is exact once it is quiet or gone.
 */
static void raise_gup(struct collector *collector, struct process *process, uint64_t kernel_faults)
{
	uint64_t rows = process->accounting.kernel_base + process->accounting.row_faults;

	if (kernel_faults > rows && kernel_faults - rows > process->gup) {
		collector->gup += kernel_faults - rows - process->gup;
		process->gup = kernel_faults - rows;
	}
}

/* After the tasks and before the rows: see losses_derive(). */
static int read_perf(struct collector *collector)
{
	struct totals *totals = &collector->snapshot->totals;
	int result = kernel_perf_counts(collector->kernel, &collector->perf);

	if (result)
		return result == -ENODATA ? 0 : result;
	totals->has_perf_major = true;
	totals->has_perf_minor = collector->perf.has_minor;
	totals->perf_minor = max_of(totals->perf_minor, collector->perf.minor);
	totals->perf_major = max_of(totals->perf_major, collector->perf.major);
	totals->perf_cpus_missing = collector->perf.cpus_missing;
	return 0;
}

/* The kernel never reported this process: only its rows say how many faults it had. */
static void count_unannounced(struct process *process)
{
	uint64_t minor = 0, major = 0;

	for (const struct row *row = process->rows; row; row = row->next) {
		minor += row->now.minor;
		major += row->now.major;
	}
	tasks_raise_counters(process, minor, major);
}

static void finish_process(struct collector *collector, struct process *process)
{
	uint64_t faults;

	if (!process->tgid)
		return;
	if (process->accounting.is_unannounced)
		count_unannounced(process);
	faults = process->minor + process->major;
	if (!process->accounted && !process->accounting.has_base) {
		/* Older than the collector: what it had counted before is not reported. */
		process->minor_before = process->minor;
		process->major_before = process->major;
		process->rss_before_bytes = process->rss_bytes;
		process->accounting.kernel_base = faults;
		process->accounting.has_base = true;
		process->accounting.in_sum = faults;
	}
	collector->accounted += faults - process->accounting.in_sum;
	process->accounting.in_sum = faults;
	raise_gup(collector, process,
		  process->ended ? faults : process->minor_before + process->major_before);
	if (!process->ended)
		tasks_settle_memory(collector->tasks, process);
	process->peak_vsz_bytes = max_of(process->peak_vsz_bytes, process->vsz_bytes);
	process->peak_rss_bytes = max_of(process->peak_rss_bytes, process->rss_bytes);
}

static int release_ended(struct collector *collector)
{
	const struct snapshot *snapshot = collector->snapshot;
	bool is_filling = collector->is_filling;

	collector->is_filling = false;
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->ended)
			kernel_unfollow(collector->kernel, snapshot->processes[i]->tgid,
					snapshot->processes[i]->start_ns);
	return rows_release_ended(collector->rows, is_filling);
}

/*
 * Tick 0 only knows which processes there were as the programs began to count: what was counted
 * since then belongs to the first interval. To be called right after that, or a process has faults
 * in its rows that its own counters had before.
 */
static int read_baseline(struct collector *collector, struct error *error)
{
	int result;

	collector->last_tick_ns = clock_ns(CLOCK_MONOTONIC);
	result = tasks_list(collector->tasks, collector->last_tick_ns);
	return result ? error_set(error, -result, "cannot list the processes: %s",
				  strerror(-result)) :
			0;
}

/* After processes with many long names have ended, both generations have to turn before the texts
 * are freed. True when the generation is to turn now. */
static bool is_to_forget(struct collector *collector)
{
	struct strings *strings = snapshot_strings(collector->snapshot);

	if (collector->snapshot->has_shrunk && strings_bytes(strings) > KEPT_BYTES)
		collector->turns_due = 2;
	if (!collector->turns_due || collector->tick_ns - collector->turned_ns < TURN_NS)
		return false;
	if (!--collector->turns_due)
		strings_ask_sweep(strings);
	return true;
}

/* Turns the generation of names and contexts. To be called after all rows were read. */
static void turn_generation(struct collector *collector)
{
	uint32_t before = names_generation(collector->names);
	bool wants_turn = is_to_forget(collector) || contexts_want_turn(collector->contexts);
	uint32_t number = wants_turn ? names_turn_now(collector->names) :
				       names_turn(collector->names);

	if (number != before)
		collector->turned_ns = collector->tick_ns;
	contexts_turn(collector->contexts, number);
	if (collector->samples)
		stack_samples_turn(collector->samples, number);
	kernel_set_names_generation(collector->kernel, number);
}

static int read_kernel(struct collector *collector)
{
	int result;

	kernel_watch_huge_pages(collector->kernel);
	kernel_watch_refaults(collector->kernel);
	result = tasks_list(collector->tasks, collector->tick_ns);
	if (!result)
		result = kernel_drain(collector->kernel);
	if (!result)
		result = tasks_apply_ended(collector->tasks);
	if (!result)
		result = read_perf(collector);
	if (!result)
		result = kernel_flush(collector->kernel);
	if (!result) /* the names of the rows that come next */
		result = kernel_drain(collector->kernel);
	if (!result)
		result = rows_tick(collector->rows, collector->ticks);
	if (!result && collector->samples)
		result = stack_samples_take(collector->samples, collector->snapshot);
	if (!result)
		result = stall_paths_read(kernel_stall_paths(collector->kernel),
					  collector->kernel_names, collector->snapshot);
	pace_stacks(collector);
	if (!result)
		turn_generation(collector);
	if (!result) /* last, so that entries are never fewer than the faults that ended */
		result = read_totals(collector);
	return result;
}

static int make_room(void *context)
{
	struct collector *collector = context;

	return rows_make_room_in_tick(collector->rows);
}

static int tick(struct collector *collector, const struct snapshot **ret_snapshot,
		struct error *error)
{
	struct snapshot *snapshot = collector->snapshot;
	struct timespec ts;
	int result;

	/* After a tick that failed, this one continues where it stopped. */
	result = collector->tick_failed ? 0 :
					  snapshot_begin_in_parts(snapshot, make_room, collector);
	collector->tick_failed = true;
	collector->tick_ns = clock_ns(CLOCK_MONOTONIC);
	snapshot->tick = collector->ticks;
	if (!result)
		result = collector->ticks ? read_kernel(collector) : 0;
	if (result)
		return error_set(error, -result, "cannot read the counters from the kernel: %s",
				 strerror(-result));
	clock_gettime(CLOCK_REALTIME, &ts);
	snapshot_seal(snapshot, ts, collector->tick_ns - collector->last_tick_ns);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		finish_process(collector, snapshot->processes[i]);
	/* Faults in "other" rows are missing in their process's rows. They are no GUP. */
	losses_derive(&snapshot->totals, rows_skipped_faults(collector->rows), collector->accounted,
		      collector->gup > collector->other ? collector->gup - collector->other : 0);
	result = release_ended(collector);
	if (result)
		return error_set(error, -result, "cannot take rows out of the kernel's table: %s",
				 strerror(-result));
	if (collector->ticks)
		collector->last_tick_ns = collector->tick_ns;
	collector->ticks++;
	collector->tick_failed = false;
	*ret_snapshot = snapshot;
	return 0;
}

/* ---- between ticks ---- */

/* Called by the reader with its lock held: reads the records, and makes room for rows. */
static int read_records(void *context)
{
	struct collector *collector = context;
	int result = kernel_drain(collector->kernel);

	pace_stacks(collector);
	if (result || !collector->is_filling)
		return result;
	collector->is_filling = false;
	return rows_make_room(collector->rows);
}

static int start_reader(struct collector *collector, struct error *error)
{
	int result = collector->reader ? 0 :
					 reader_new(&collector->reader, read_records, collector);

	if (result)
		return error_set(error, -result,
				 "cannot start the thread that reads the kernel's records: %s",
				 strerror(-result));
	return 0;
}

/*
 * At the first tick: by then a daemon has given up the capabilities that this thread must not have.
 */
static int watch_records(struct collector *collector, struct error *error)
{
	int result = start_reader(collector, error);

	if (!result)
		reader_watch(collector->reader, kernel_fd(collector->kernel));
	return result;
}

int collector_tick(struct collector *collector, const struct snapshot **ret_snapshot,
		   struct error *error)
{
	int result = collector->is_watching ? 0 : watch_records(collector, error);

	if (result)
		return result;
	collector->is_watching = true;
	reader_lock(collector->reader);
	result = reader_result(collector->reader);
	if (result)
		error_set(error, -result, "cannot read records from the kernel: %s",
			  strerror(-result));
	else
		result = tick(collector, ret_snapshot, error);
	reader_unlock(collector->reader);
	/* Takes some 10 ms, for which the reader must not wait: the table of rows would fill. */
	if (collector->snapshot->has_shrunk)
		libc_trim_heap();
	return result;
}

/* ---- life ---- */

static int drain_names(void *context)
{
	const struct collector *collector = context;

	return kernel_drain_names(collector->kernel);
}

static int make_samples(struct collector *collector, const struct collector_options *options,
			struct error *error)
{
	if (!collector->info.sample_every)
		return 0;
	collector->samples = stack_samples_new(options->unwinding, collector->names,
					       collector->contexts, drain_names, collector);
	return collector->samples ? 0 : error_set(error, ENOMEM, "out of memory");
}

static int make_guard(struct collector *collector, const struct collector_options *options,
		      const struct feature_set *features, struct error *error)
{
	if (!options->guard)
		return 0;
	if (!features->state[FEATURE_PERF_EVENTS].available)
		return error_set(error, ENOTSUP,
				 "cannot guard without perf events, which report the end of a "
				 "fault; see `faultmap check`");
	return guard_new(&collector->guard, collector->kernel, collector->names,
			 collector->contexts, options->guard, error);
}

/* Fills in the parts of collector_info that do not depend on the kernel. */
static void note_info(struct collector *collector, const struct collector_options *options,
		      const struct feature_set *features)
{
	struct collector_info *info = &collector->info;

	info->detail = options->detail;
	info->slice_bytes = options->slice_bytes;
	info->slices_max = options->slices_max ?: SLICES_MAX;
	info->threads = options->threads;
	info->code = options->code;
	info->stacks = options->stacks;
	if (options->stacks && options->unwinding &&
	    features->state[FEATURE_STACK_SAMPLES].available)
		info->sample_every = options->sample_every;
	/* Before Linux 5.19 the reads need CAP_BPF. Kernels with a maple tree (6.1) are newer. */
	info->reads_ask_for_bpf = !features->state[FEATURE_MAPLE_TREE].available;
}

static int make_model(struct collector *collector, const struct build_id_source *build_ids,
		      bool has_kernel_names, struct error *error)
{
	collector->snapshot = snapshot_new();
	collector->names = collector->snapshot ? names_new(snapshot_strings(collector->snapshot)) :
						 NULL;
	collector->kernel_names = kernel_names_new(has_kernel_names ? NULL : "");
	collector->contexts = collector->names && collector->kernel_names ?
				      contexts_new(collector->names, collector->kernel_names,
						   build_ids) :
				      NULL;
	return collector->contexts ? 0 : error_set(error, ENOMEM, "out of memory");
}

/* The parts that read what the kernel has. */
static int make_readers(struct collector *collector, const struct collector_options *options,
			const struct feature_set *features, struct error *error)
{
	collector->rows = rows_new(collector->kernel, collector->snapshot, collector->names,
				   collector->contexts);
	collector->tasks = tasks_new(collector->kernel, collector->snapshot, collector->names,
				     features->state[FEATURE_EXIT_WITH_MM].available &&
					     features->state[FEATURE_PROCESS_FREE].available);
	if (!collector->rows || !collector->tasks)
		return error_set(error, ENOMEM, "out of memory");
	tasks_want(collector->tasks, options->wants_exe, options->wants_command);
	kernel_on_record(collector->kernel, add_record, collector);
	return 0;
}

static int open_kernel(struct collector *collector, const struct collector_options *options,
		       struct feature_set *features, struct error *error)
{
	/* A perf event that counts this process's children counts the threads that it starts later,
	 * too. */
	int result = options->follow ? start_reader(collector, error) : 0;

	if (!result)
		result = kernel_open(&collector->kernel, options, features, &collector->info,
				     error);
	if (!result)
		result = make_samples(collector, options, error);
	if (!result)
		result = attach_processes(collector->kernel, options, error);
	return result ? result : make_guard(collector, options, features, error);
}

static int set_up(struct collector *collector, const struct collector_options *options,
		  struct error *error)
{
	struct feature_set found = {};
	struct feature_set *features = options->ret_features ?: &found;
	int result = features_probe(features, options->disabled, error);

	if (!result)
		result = features_require(features, options->follow || options->attach_children,
					  error);
	if (!result)
		result = make_model(collector, options->build_ids,
				    features->state[FEATURE_KERNEL_NAMES].available, error);
	if (result)
		return result;
	note_info(collector, options, features);
	result = open_kernel(collector, options, features, error);
	if (!result)
		result = make_readers(collector, options, features, error);
	if (!result)
		result = read_baseline(collector, error);
	if (result)
		return result;
	if (features_warn(features, options->follow || options->n_attach, collector->warning,
			  sizeof(collector->warning)))
		collector->info.warning = collector->warning;
	return 0;
}

int collector_new(struct collector **ret_collector, const struct collector_options *options,
		  struct error *error)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	int result;

	if (!collector)
		return error_set(error, ENOMEM, "out of memory");
	result = set_up(collector, options, error);
	if (result) {
		collector_free(collector);
		return result;
	}
	*ret_collector = collector;
	return 0;
}

void collector_free(struct collector *collector)
{
	if (!collector)
		return;
	reader_free(collector->reader);
	guard_free(collector->guard);
	rows_free(collector->rows);
	tasks_free(collector->tasks);
	kernel_close(collector->kernel);
	contexts_free(collector->contexts);
	stack_samples_free(collector->samples);
	names_free(collector->names);
	snapshot_free(collector->snapshot);
	kernel_names_free(collector->kernel_names);
	free(collector);
}

size_t collector_ending(const struct collector *collector, uint64_t by_ns)
{
	const struct snapshot *snapshot = collector->snapshot;
	size_t count = 0;

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		count += process->accounting.has_exited && !process->ended &&
			 process->start_ns + process->lifetime_ns <= by_ns;
	}
	return count;
}

void collector_lose_patience(struct collector *collector)
{
	tasks_lose_patience(collector->tasks);
}

size_t collector_unwinding(const struct collector *collector)
{
	return collector->samples ? stack_samples_pending(collector->samples) : 0;
}

const struct collector_info *collector_info(const struct collector *collector)
{
	return &collector->info;
}

size_t collector_programs(const struct collector *collector, struct program_stats *programs,
			  size_t max)
{
	return kernel_programs(collector->kernel, programs, max);
}

/* ---- guard ---- */

int collector_guard_fd(const struct collector *collector)
{
	return guard_fd(collector->guard);
}

int collector_guard_read(struct collector *collector, collector_guard_fn callback, void *context,
			 struct error *error)
{
	int result;

	reader_lock(collector->reader);
	result = guard_read(collector->guard, callback, context, error);
	reader_unlock(collector->reader);
	return result;
}

uint64_t collector_guard_lost(const struct collector *collector)
{
	return guard_lost(collector->guard);
}

int collector_guard_find(struct collector *collector, struct error *error)
{
	return guard_find(collector->guard, error);
}
