// SPDX-License-Identifier: GPL-2.0-only
#include "model/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

#define PROCESS_KEY_SIZE offsetof(struct process, ppid)
#define ROW_KEY_SIZE offsetof(struct row, process)

/* When this many rows are freed at once, their memory is worth giving back: 2 MiB. */
#define MANY_ROWS 8192
#define MANY_BYTES (1 << 20)

struct snapshot_store {
	struct table processes;
	struct table rows;
	size_t process_capacity; /* of snapshot->processes */
	size_t row_capacity;
	size_t sampled_capacity;
	struct strings *strings;
};

struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return NULL;
	snapshot->store = calloc(1, sizeof(*snapshot->store));
	if (snapshot->store)
		snapshot->store->strings = strings_new();
	if (!snapshot->store || !snapshot->store->strings) {
		free(snapshot->store);
		free(snapshot);
		return NULL;
	}
	table_init(&snapshot->store->processes, 0, PROCESS_KEY_SIZE);
	table_init(&snapshot->store->rows, 0, ROW_KEY_SIZE);
	return snapshot;
}

static void row_free(void *value)
{
	struct row *row = value;

	context_drop(row->context);
	if (row->latency)
		free(row->latency->causes);
	free(row->latency);
	free(row);
}

static void drop_sampled(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_sampled; i++) {
		strings_drop(snapshot->sampled[i].mapping);
		context_drop(snapshot->sampled[i].context);
	}
	snapshot->n_sampled = 0;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	drop_sampled(snapshot);
	free(snapshot->slept);
	free(snapshot->sampled);
	table_clear_values(&snapshot->store->rows, row_free);
	table_clear_values(&snapshot->store->processes, free);
	strings_free(snapshot->store->strings);
	free(snapshot->processes);
	free(snapshot->rows);
	free(snapshot->store);
	free(snapshot);
}

/* Frees the strings that no row and no process points to. */
static size_t sweep_strings(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_rows; i++)
		if (snapshot->rows[i]->mapping)
			strings_mark(snapshot->rows[i]->mapping);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->cgroup)
			strings_mark(snapshot->processes[i]->cgroup);
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		if (snapshot->processes[i]->exe)
			strings_mark(snapshot->processes[i]->exe);
		if (snapshot->processes[i]->command)
			strings_mark(snapshot->processes[i]->command);
	}
	return strings_sweep(snapshot->store->strings);
}

/* Rows between two calls of `between`. */
#define PART_ROWS 1024

struct parts {
	int (*between)(void *context); /* NULL: none */
	void *context;
	size_t n_rows; /* since the last call */
	int result;    /* of the first that failed */
};

static void note_rows(struct parts *parts, size_t count)
{
	parts->n_rows += count;
	if (parts->n_rows < PART_ROWS || !parts->between || parts->result)
		return;
	parts->n_rows = 0;
	parts->result = parts->between(parts->context);
}

/* Rows that the last tick touched: their counters become those of the tick before. */
static void age_rows(struct snapshot *snapshot, struct parts *parts)
{
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		struct row *row = snapshot->rows[i];

		note_rows(parts, 1);
		row->before = row->now;
		if (row->latency)
			row->latency->before = row->latency->now;
		if (row->latency && row->latency->causes)
			row->latency->causes->before = row->latency->causes->now;
	}
	snapshot->n_touched = 0;
}

/* To be called while no row is touched. */
static void drop_rows_of(struct snapshot *snapshot, struct process *process, struct parts *parts)
{
	for (struct row *row = process->rows, *next; row; row = next) {
		struct row *last = snapshot->rows[--snapshot->n_rows];

		next = row->next;
		snapshot->rows[row->index] = last;
		last->index = row->index;
		table_remove(&snapshot->store->rows, row);
		row_free(row);
		note_rows(parts, 1);
	}
}

static void drop_process(struct snapshot *snapshot, struct process *process, struct parts *parts)
{
	struct process *last = snapshot->processes[--snapshot->n_processes];

	drop_rows_of(snapshot, process, parts);
	snapshot->processes[process->index] = last;
	last->index = process->index;
	table_remove(&snapshot->store->processes, process);
	free(process);
}

static void age_processes(struct snapshot *snapshot, struct parts *parts)
{
	for (size_t i = snapshot->n_processes;
	     i-- > 0;) { /* the last takes a dropped one's place */
		struct process *process = snapshot->processes[i];

		if (process->ended) {
			drop_process(snapshot, process, parts);
			continue;
		}
		process->minor_before = process->minor;
		process->major_before = process->major;
		process->gup_before = process->gup;
		process->rss_before_bytes = process->rss_bytes;
		process->brought_before_pages = process->brought_pages;
	}
}

int snapshot_begin_in_parts(struct snapshot *snapshot, int (*between)(void *context), void *context)
{
	struct parts parts = { .between = between, .context = context };
	size_t n_rows = snapshot->n_rows, swept = 0;

	drop_sampled(snapshot);
	if (snapshot->slept)
		slept_paths_age(snapshot->slept);
	age_rows(snapshot, &parts);
	age_processes(snapshot, &parts);
	if (strings_want_sweep(snapshot->store->strings))
		swept = sweep_strings(snapshot);
	snapshot->has_shrunk = n_rows - snapshot->n_rows > MANY_ROWS || swept > MANY_BYTES;
	if (snapshot->has_shrunk)
		table_shrink(&snapshot->store->rows);
	snapshot->totals_before = snapshot->totals;
	return parts.result;
}

void snapshot_begin(struct snapshot *snapshot)
{
	snapshot_begin_in_parts(snapshot, NULL, NULL);
}

struct process *snapshot_find_process(const struct snapshot *snapshot, uint32_t tgid,
				      uint64_t start_ns)
{
	struct process key = { .start_ns = start_ns, .tgid = tgid };

	return table_get(&snapshot->store->processes, &key);
}

/* Makes room for one more. 0 or -ENOMEM. */
static int reserve(void ***array, size_t count, size_t *capacity)
{
	size_t wanted = count + count / 2 + 16;
	void **grown;

	if (count < *capacity)
		return 0;
	grown = realloc(*array, wanted * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*capacity = wanted;
	return 0;
}

static int add_process(struct snapshot *snapshot, struct process *process)
{
	struct snapshot_store *store = snapshot->store;
	int result = reserve((void ***)&snapshot->processes, snapshot->n_processes,
			     &store->process_capacity);

	if (!result)
		result = table_add(&store->processes, process);
	if (result)
		return result;
	process->index = snapshot->n_processes;
	snapshot->processes[snapshot->n_processes++] = process;
	return 0;
}

static int add_row(struct snapshot *snapshot, struct row *row)
{
	struct snapshot_store *store = snapshot->store;
	int result = reserve((void ***)&snapshot->rows, snapshot->n_rows, &store->row_capacity);

	if (!result)
		result = table_add(&store->rows, row);
	if (result)
		return result;
	row->index = snapshot->n_rows;
	snapshot->rows[snapshot->n_rows++] = row;
	row->next = row->process->rows;
	row->process->rows = row;
	row->process->n_rows++;
	return 0;
}

/* Changes places with the first row that is not touched. */
void snapshot_touch(struct snapshot *snapshot, struct row *row)
{
	struct row *other;

	if (row->index < snapshot->n_touched)
		return;
	other = snapshot->rows[snapshot->n_touched];
	snapshot->rows[row->index] = other;
	other->index = row->index;
	row->index = snapshot->n_touched++;
	snapshot->rows[row->index] = row;
}

struct process *snapshot_process(struct snapshot *snapshot, uint32_t tgid, uint64_t start_ns,
				 bool *ret_new)
{
	struct process *process = snapshot_find_process(snapshot, tgid, start_ns);

	if (ret_new)
		*ret_new = !process;
	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->start_ns = start_ns;
	process->tgid = tgid;
	process->cgroup = process->exe = process->command = snapshot_intern(snapshot, "");
	if (!process->cgroup || add_process(snapshot, process)) {
		free(process);
		return NULL;
	}
	return process;
}

struct row *snapshot_row(struct snapshot *snapshot, struct process *process, uint64_t mapping_id,
			 enum fault_kind kind, enum fault_access access, enum fault_mode mode,
			 bool *ret_new)
{
	return snapshot_slice_row(snapshot, process, mapping_id, 0, kind, access, mode, ret_new);
}

static struct row identity_of(const struct row *row)
{
	return (struct row){ .mapping_id = row->mapping_id,
			     .kind = row->kind,
			     .access = row->access,
			     .mode = row->mode,
			     .slice = row->slice,
			     .context_id = row->context_id };
}

struct row *snapshot_row_like(struct snapshot *snapshot, struct process *process,
			      const struct row *like, bool *ret_new)
{
	struct row key = identity_of(like);
	struct row *row = table_get(&snapshot->store->rows, &key);

	if (ret_new)
		*ret_new = !row;
	if (row) {
		snapshot_touch(snapshot, row);
		return row;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	*row = key;
	row->process = process;
	row->mapping = snapshot_intern(snapshot, "");
	if (!row->mapping || add_row(snapshot, row)) {
		free(row);
		return NULL;
	}
	snapshot_touch(snapshot, row);
	return row;
}

bool snapshot_has_row_like(const struct snapshot *snapshot, const struct row *like)
{
	struct row key = identity_of(like);

	return table_get(&snapshot->store->rows, &key);
}

struct row *snapshot_slice_row(struct snapshot *snapshot, struct process *process,
			       uint64_t mapping_id, uint32_t slice, enum fault_kind kind,
			       enum fault_access access, enum fault_mode mode, bool *ret_new)
{
	struct row like = { .mapping_id = mapping_id,
			    .kind = kind,
			    .access = access,
			    .mode = mode,
			    .slice = slice };

	return snapshot_row_like(snapshot, process, &like, ret_new);
}

void row_set_context(struct row *row, struct context *context)
{
	context_hold(context);
	context_drop(row->context);
	row->context = context;
}

struct slept_path *snapshot_slept_path(struct snapshot *snapshot, const char *const *names,
				       size_t n_names)
{
	if (!snapshot->slept)
		snapshot->slept = calloc(1, sizeof(*snapshot->slept));
	return snapshot->slept ? slept_paths_find(snapshot->slept, names, n_names) : NULL;
}

int snapshot_add_sampled(struct snapshot *snapshot, const struct sampled_path *path)
{
	struct snapshot_store *store = snapshot->store;

	if (snapshot->n_sampled == store->sampled_capacity) {
		size_t capacity = store->sampled_capacity * 2 + 64;
		struct sampled_path *grown = reallocarray(snapshot->sampled, capacity,
							  sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		snapshot->sampled = grown;
		store->sampled_capacity = capacity;
	}
	snapshot->sampled[snapshot->n_sampled++] = *path;
	strings_hold(path->mapping);
	context_hold(path->context);
	return 0;
}

const char *snapshot_intern(struct snapshot *snapshot, const char *text)
{
	return strings_get(snapshot->store->strings, text);
}

struct strings *snapshot_strings(const struct snapshot *snapshot)
{
	return snapshot->store->strings;
}

void snapshot_seal(struct snapshot *snapshot, struct timespec ts, uint64_t interval_ns)
{
	snapshot->ts = ts;
	snapshot->interval_ns = interval_ns;
}

void counts_add(struct fault_counts *sum, const struct fault_counts *more)
{
	sum->minor += more->minor;
	sum->major += more->major;
	sum->denied += more->denied;
	sum->pages += more->pages;
}

struct fault_counts row_delta(const struct row *row)
{
	return (struct fault_counts){
		.minor = row->now.minor - row->before.minor,
		.major = row->now.major - row->before.major,
		.denied = row->now.denied - row->before.denied,
		.pages = row->now.pages - row->before.pages,
	};
}

uint64_t row_refaults(const struct row *row)
{
	const struct row_causes *causes = row->latency ? row->latency->causes : NULL;

	return causes ? causes->now.refaults - causes->before.refaults : 0;
}

bool row_changed(const struct row *row)
{
	return memcmp(&row->now, &row->before, sizeof(row->now)) != 0 ||
	       (row->latency &&
		(row->latency->now.count != row->latency->before.count ||
		 row->latency->now.sum_ns != row->latency->before.sum_ns || row_refaults(row)));
}

bool process_moved(const struct process *process)
{
	return process->minor != process->minor_before || process->major != process->major_before;
}
