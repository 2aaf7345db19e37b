// SPDX-License-Identifier: GPL-2.0-only
#include "collect/tasks.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/command_line.h"
#include "base/statm.h"
#include "base/util.h"
#include "collect/rss_way.h"

/* A process that is no longer listed and whose free record does not come counts as ended after this
 * time: an RCU grace period takes far less, so the record was lost. */
#define VANISHED_NS 10000000000ULL

/* Exit and free records between two ticks: more than a machine can make in a second, 35 MiB. */
#define PENDING_MAX 262144
/* Room for so many stays from tick to tick. */
#define PENDING_KEPT 1024

/* How often the kernel lists all processes, not only those that moved. That finds changes which
 * others made to a process that did not run, and processes that ended without a record. */
#define FULL_NS 30000000000ULL

struct tasks {
	struct kernel *kernel;
	struct snapshot *snapshot;
	struct names *names;
	uint64_t page_size;
	uint64_t attached_ns; /* CLOCK_BOOTTIME */

	uint64_t tick_ns;     /* CLOCK_MONOTONIC */
	uint64_t listing;     /* the number of this one; the first is 1 */
	uint64_t generation;  /* in a new one the kernel reports all processes */
	uint64_t full_ns;     /* when the last listing of all was; as tick_ns */
	uint64_t lost_then;   /* exit records that had been lost by the last listing */
	bool is_full;         /* this listing is one of all */
	bool wants_full;      /* the next one has to be */
	uint64_t patience_ns; /* how long a free record is waited for */

	struct task_record *pending; /* exit and free records, in their order */
	size_t n_pending;
	size_t pending_capacity;
	uint64_t pending_lost;
	uint64_t cgroups_lost;
	bool free_is_last;
	bool wants_exe, wants_command;
	struct rss_votes votes;
};

struct tasks *tasks_new(struct kernel *kernel, struct snapshot *snapshot, struct names *names,
			bool free_is_last)
{
	struct tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return NULL;
	tasks->kernel = kernel;
	tasks->snapshot = snapshot;
	tasks->names = names;
	tasks->free_is_last = free_is_last;
	tasks->page_size = sysconf(_SC_PAGESIZE);
	tasks->attached_ns = boottime_ns();
	tasks->patience_ns = VANISHED_NS;
	tasks->wants_full = true;
	return tasks;
}

void tasks_want(struct tasks *tasks, bool exe, bool command)
{
	tasks->wants_exe = exe;
	tasks->wants_command = command;
}

void tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return;
	free(tasks->pending);
	free(tasks);
}

uint64_t tasks_exits_lost(const struct tasks *tasks)
{
	return tasks->pending_lost;
}

uint64_t tasks_cgroups_lost(const struct tasks *tasks)
{
	return tasks->cgroups_lost;
}

int tasks_keep_ended(struct tasks *tasks, const struct task_record *record)
{
	if (tasks->n_pending >= PENDING_MAX) {
		tasks->pending_lost++;
		return 0;
	}
	if (tasks->n_pending == tasks->pending_capacity) {
		size_t capacity = tasks->pending_capacity ? tasks->pending_capacity * 2 : 256;
		struct task_record *grown = realloc(tasks->pending, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		tasks->pending = grown;
		tasks->pending_capacity = capacity;
	}
	tasks->pending[tasks->n_pending++] = *record;
	return 0;
}

/* ---- what a record says ---- */

/* Sets the process's cgroup: to "" while that is not known. */
static int set_cgroup(struct tasks *tasks, struct process *process, uint64_t id)
{
	bool known;
	const char *path = names_of_cgroup(tasks->names, id, &known);
	int result = 0;

	if (!known) { /* it may have been sent since the ring was read */
		result = kernel_drain(tasks->kernel);
		path = names_of_cgroup(tasks->names, id, &known);
	}
	if (!known && process->accounting.cgroup_id != id) {
		tasks->cgroups_lost++;
		tasks->wants_full = true; /* so that it is reported once more */
	}
	process->accounting.cgroup_id = id;
	process->cgroup = path ?: process->cgroup;
	return result;
}

/* 0 or -ENOMEM. */
static int keep_text(struct tasks *tasks, const struct process *process, const char *text,
		     const char **ret_kept)
{
	const char *kept = strings_get_for(snapshot_strings(tasks->snapshot), text, process->uid,
					   STRINGS_LAST);

	*ret_kept = kept ?: *ret_kept;
	return kept ? 0 : -ENOMEM;
}

/* Of a process that has ended /proc has nothing, or another's. */
static bool is_by_name(const struct task_record *record, uint64_t name_id)
{
	return record->record.type == RECORD_EXIT && name_id;
}

/* By the record's name where there is no link any more. If neither is known, what is known stays. */
static int set_exe(struct tasks *tasks, struct process *process, const struct task_record *record)
{
	const char *name = names_of_program(tasks->names, record->exe_id);
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%" PRIu32 "/exe", process->tgid);
	length = is_by_name(record, record->exe_id) ? 0 : readlink(link, path, sizeof(path) - 1);
	if (length <= 0) {
		process->exe = name ?: process->exe;
		return 0;
	}
	path[length] = '\0';
	return keep_text(tasks, process, path, &process->exe);
}

/* The same: a process may have written another one over that which it was started with. */
static int set_command(struct tasks *tasks, struct process *process,
		       const struct task_record *record)
{
	const char *name = names_of_program(tasks->names, record->command_id);
	char text[COMMAND_LINE_LEN];

	if (is_by_name(record, record->command_id) ||
	    !command_line_read(text, sizeof(text), process->tgid)) {
		process->command = name ?: process->command;
		return 0;
	}
	return keep_text(tasks, process, text, &process->command);
}

static int set_texts(struct tasks *tasks, struct process *process, const struct task_record *record)
{
	int result = tasks->wants_exe ? set_exe(tasks, process, record) : 0;

	if (!result && tasks->wants_command)
		result = set_command(tasks, process, record);
	process->accounting.exe_id = record->exe_id;
	process->accounting.command_id = record->command_id;
	return result;
}

/* It is new, or has executed something. */
static bool runs_another(const struct process *process, const struct task_record *record)
{
	return !*process->comm || strncmp(process->comm, record->comm, COMM_LEN) != 0 ||
	       process->accounting.exe_id != record->exe_id ||
	       process->accounting.command_id != record->command_id;
}

static int set_identity(struct tasks *tasks, struct process *process,
			const struct task_record *record)
{
	bool has_changed = runs_another(process, record);

	process->accounting.is_unannounced = false;
	process->ppid = record->ppid;
	process->uid = record->uid;
	memcpy(process->comm, record->comm, sizeof(process->comm));
	process->comm[COMM_LEN - 1] = '\0';
	if (has_changed && set_texts(tasks, process, record) < 0)
		return -ENOMEM;
	if (process->accounting.cgroup_id == record->cgroup_id && process->cgroup[0])
		return 0;
	return set_cgroup(tasks, process, record->cgroup_id);
}

/* The record has the figures of statm. */
static bool is_rss_exact(const struct tasks *tasks, const struct task_record *record)
{
	return tasks->votes.way == RSS_READ ||
	       (tasks->votes.way == RSS_SUMMED && record->rss_sum_pages != RSS_UNKNOWN);
}

/* While the kernel's figures stand still, so do those of statm. */
static bool has_other_memory(const struct process *process, const struct task_record *record)
{
	return record->vsz_pages != process->accounting.vsz_pages ||
	       record->rss_pages != process->accounting.rss_pages ||
	       record->rss_sum_pages != process->accounting.rss_sum_pages;
}

static void set_memory(struct tasks *tasks, struct process *process,
		       const struct task_record *record)
{
	uint64_t page = tasks->page_size;
	bool is_exact = is_rss_exact(tasks, record);

	if (record->vsz_pages && (is_exact || has_other_memory(process, record))) {
		process->accounting.vsz_pages = record->vsz_pages;
		process->accounting.rss_pages = record->rss_pages;
		process->accounting.rss_sum_pages = record->rss_sum_pages;
		process->vsz_bytes = record->vsz_pages * page;
		process->rss_bytes = page * (tasks->votes.way == RSS_SUMMED && is_exact ?
						     record->rss_sum_pages :
						     record->rss_pages);
		process->vsz_exact = is_exact;
	}
	process->peak_vsz_bytes = max_of(process->peak_vsz_bytes, record->peak_vsz_pages * page);
	process->peak_rss_bytes = max_of(process->peak_rss_bytes, record->peak_rss_pages * page);
}

/* What statm has just said of the process, of which a record came in this tick. */
static void vote(struct tasks *tasks, const struct process *process)
{
	if (process->accounting.listing == tasks->listing &&
	    process->vsz_bytes == process->accounting.vsz_pages * tasks->page_size)
		rss_vote(&tasks->votes, process->accounting.rss_pages,
			 process->accounting.rss_sum_pages, process->rss_bytes / tasks->page_size);
}

void tasks_settle_memory(struct tasks *tasks, struct process *process)
{
	bool is_by_record = tasks->votes.way != RSS_BY_STATM;

	if (process->vsz_exact && (is_by_record || !process_moved(process)))
		return;
	if (process->accounting.has_exited) /* its mm is gone; its last record has come */
		return;
	process->vsz_exact = !statm_read(process->tgid, tasks->page_size, &process->vsz_bytes,
					 &process->rss_bytes);
	if (process->vsz_exact)
		vote(tasks, process);
}

/* Finds or makes the process of a record; NULL when out of memory. */
static struct process *process_of(struct tasks *tasks, const struct task_record *record)
{
	bool is_new;
	struct process *process = snapshot_process(tasks->snapshot, record->tgid, record->start_ns,
						   &is_new);

	if (process && is_new)
		process->accounted = record->start_ns >= tasks->attached_ns;
	return process;
}

static void end_process(struct process *process, uint64_t now_ns)
{
	process->ended = true;
	if (!process->lifetime_ns)
		process->lifetime_ns = now_ns - process->start_ns;
}

void tasks_raise_counters(struct process *process, uint64_t minor, uint64_t major)
{
	process->minor = max_of(process->minor, minor);
	process->major = max_of(process->major, major);
}

/* ---- exit and free records ---- */

static int apply_exit(struct tasks *tasks, const struct task_record *record)
{
	struct process *process = process_of(tasks, record);
	int result;

	if (!process)
		return -ENOMEM;
	if (process->ended)
		return 0;
	result = set_identity(tasks, process, record);
	set_memory(tasks, process, record);
	tasks_raise_counters(process, record->group_minor + record->minor,
			     record->group_major + record->major);
	process->exit_status = record->exit_code;
	process->lifetime_ns = record->now_ns - record->start_ns;
	process->accounting.has_exited = true;
	process->accounting.exit_is_final = !tasks->free_is_last &&
					    (record->alone || process->accounted);
	process->accounting.missing_ns = 0;
	return result;
}

/* All threads are gone: the group's counters have all that they had. A process that was reported as
 * ended before is skipped. */
static int apply_free(struct tasks *tasks, const struct task_record *record)
{
	struct process *process = snapshot_find_process(tasks->snapshot, record->tgid,
							record->start_ns);

	if (!process)
		return 0;
	tasks_raise_counters(process, record->group_minor, record->group_major);
	process->exit_status = record->exit_code;
	end_process(process, record->now_ns);
	return 0;
}

int tasks_apply_ended(struct tasks *tasks)
{
	int result = 0;

	for (size_t i = 0; !result && i < tasks->n_pending; i++) {
		struct task_record record = tasks->pending[i]; /* more may come meanwhile */

		result = record.record.type == RECORD_EXIT ? apply_exit(tasks, &record) :
							     apply_free(tasks, &record);
	}
	tasks->n_pending = 0;
	if (tasks->pending_capacity > PENDING_KEPT) {
		free(tasks->pending);
		tasks->pending = NULL;
		tasks->pending_capacity = 0;
	}
	return result;
}

void tasks_lose_patience(struct tasks *tasks)
{
	tasks->patience_ns = 0;
}

/* ---- listing ---- */

/*
 * A record of a process has the counters of all its threads, or none if they could not be read;
 * then the former ones stay. Records of the iterator are of one thread each and are added up. The
 * counters of threads that are gone are taken from the first record, so that a thread that ends
 * meanwhile is not counted twice.
 */
static void add_counters(struct tasks *tasks, struct process *process,
			 const struct task_record *record)
{
	if (record->torn) {
		process->accounting.listing = tasks->listing;
		return;
	}
	if (process->accounting.listing != tasks->listing ||
	    record->record.type == RECORD_PROCESS) {
		process->accounting.listing = tasks->listing;
		process->accounting.minor = record->group_minor;
		process->accounting.major = record->group_major;
	}
	process->accounting.minor += record->minor;
	process->accounting.major += record->major;
}

static int add_task(void *context, const struct record *base, size_t size)
{
	struct tasks *tasks = context;
	const struct task_record *record = (const void *)base;
	bool is_zombie = record->alone && record->exited;
	bool is_known = is_zombie || record->torn;
	struct process *process;

	(void)size;
	/* A zombie that is not known was reported as ended, or died before its exit record is read
	 * (which comes next). One that is not known and could not be read is reported next time. */
	process = is_known ?
			  snapshot_find_process(tasks->snapshot, record->tgid, record->start_ns) :
			  process_of(tasks, record);
	if (!process)
		return is_known ? 0 : -ENOMEM;
	add_counters(tasks, process, record);
	if (!record->leader)
		return 0;
	set_memory(tasks, process, record);
	process->accounting.is_zombie = is_zombie;
	if (is_zombie)
		process->exit_status = record->exit_code;
	return set_identity(tasks, process, record);
}

/* The process is missing in this listing: it has been reaped, but its record has not come yet. */
static void miss_process(struct tasks *tasks, struct process *process, uint64_t boot_ns)
{
	if (!process->accounting.missing_ns)
		process->accounting.missing_ns = tasks->tick_ns;
	if (process->accounting.is_unannounced ||
	    tasks->tick_ns - process->accounting.missing_ns >= tasks->patience_ns)
		end_process(process, boot_ns);
	else if (!tasks->free_is_last || !process->accounting.has_exited)
		tasks->wants_full = true;
}

/* After all records were read: their sums are the process's counters. A process that is missing has
 * been reaped, as one that is ending is in each listing. */
static void sum_up_process(struct tasks *tasks, struct process *process, uint64_t boot_ns)
{
	bool has_exited = process->accounting.has_exited;

	if (process->accounting.listing == tasks->listing) {
		process->accounting.missing_ns = 0;
		tasks_raise_counters(process, process->accounting.minor, process->accounting.major);
		if (process->accounting.is_zombie && has_exited)
			end_process(process, boot_ns);
		return;
	}
	/* Its exit record came before this listing, and there is no more to come. */
	if (has_exited && process->accounting.exit_is_final)
		end_process(process, boot_ns);
	else if (has_exited || tasks->is_full)
		miss_process(tasks, process, boot_ns);
	else if (process->accounting.is_unannounced)
		tasks->wants_full = true;
}

/* True if exit records were lost: only a listing of all processes finds those that ended without
 * one. */
static bool has_lost_exits(struct tasks *tasks)
{
	size_t n_cpus;
	const struct cpu_state *cpus = kernel_cpu_states(tasks->kernel, &n_cpus);
	uint64_t lost = tasks->pending_lost, before = tasks->lost_then;

	for (size_t i = 0; i < n_cpus; i++)
		lost += cpus[i].exits_lost;
	tasks->lost_then = lost;
	return lost != before;
}

static void begin_listing(struct tasks *tasks, uint64_t tick_ns)
{
	bool has_lost = has_lost_exits(tasks);

	tasks->tick_ns = tick_ns;
	tasks->listing++;
	tasks->is_full = tasks->wants_full || has_lost || kernel_lists_all(tasks->kernel) ||
			 tick_ns - tasks->full_ns >= FULL_NS;
	if (tasks->is_full) {
		tasks->generation++;
		tasks->full_ns = tick_ns;
	}
	tasks->wants_full = false;
}

int tasks_list(struct tasks *tasks, uint64_t tick_ns)
{
	uint64_t boot_ns = boottime_ns();
	int result;

	begin_listing(tasks, tick_ns);
	result = kernel_each_task(tasks->kernel, tasks->listing, tasks->generation, add_task,
				  tasks);
	if (result) {
		tasks->wants_full = true;
		return result;
	}
	for (size_t i = 0; i < tasks->snapshot->n_processes; i++)
		if (tasks->snapshot->processes[i]->tgid)
			sum_up_process(tasks, tasks->snapshot->processes[i], boot_ns);
	return 0;
}
