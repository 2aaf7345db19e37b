/* SPDX-License-Identifier: GPL-2.0-only */
#include "snapshot.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "util.h"

#define PROCESS_KEY_SIZE offsetof(struct process, ppid)
#define ROW_KEY_SIZE offsetof(struct row, process)

/* Interned strings that no row refers to any more are swept when this many came since the last sweep:
 * often enough to bound memory, rarely enough to cost nothing. */
#define SWEEP_AFTER 4096

struct interned {
	bool used; /* mark of the sweep */
	char text[];
};

struct snapshot_store {
	struct table processes;
	struct table rows;
	size_t process_capacity; /* of snapshot->processes */
	size_t row_capacity;
	void *strings; /* tsearch(3) tree of struct interned.text */
	size_t new_strings;
};

static struct interned *interned_of(const char *text)
{
	return (struct interned *)(text - offsetof(struct interned, text));
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(left, right);
}

struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return NULL;
	snapshot->store = calloc(1, sizeof(*snapshot->store));
	if (!snapshot->store) {
		free(snapshot);
		return NULL;
	}
	table_init(&snapshot->store->processes, 0, PROCESS_KEY_SIZE);
	table_init(&snapshot->store->rows, 0, ROW_KEY_SIZE);
	return snapshot;
}

static void free_interned(void *text)
{
	free(interned_of(text));
}

static void row_free(struct row *row)
{
	free(row->latency);
	free(row);
}

void snapshot_free(struct snapshot *snapshot)
{
	size_t cursor = 0;
	void *value;

	if (!snapshot)
		return;
	while ((value = table_next(&snapshot->store->rows, &cursor)))
		row_free(value);
	cursor = 0;
	while ((value = table_next(&snapshot->store->processes, &cursor)))
		free(value);
	table_clear(&snapshot->store->rows);
	table_clear(&snapshot->store->processes);
	tdestroy(snapshot->store->strings, free_interned);
	free(snapshot->processes);
	free(snapshot->rows);
	free(snapshot->store);
	free(snapshot);
}

/* Frees the interned strings that no row and no process points to. */
static void sweep_strings(struct snapshot *snapshot)
{
	struct snapshot_store *store = snapshot->store;
	void *kept = NULL;

	for (size_t i = 0; i < snapshot->n_rows; i++)
		if (snapshot->rows[i]->mapping)
			interned_of(snapshot->rows[i]->mapping)->used = true;
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->cgroup)
			interned_of(snapshot->processes[i]->cgroup)->used = true;
	while (store->strings) {
		char *text = *(char **)store->strings;
		struct interned *interned = interned_of(text);

		tdelete(text, &store->strings, compare_texts);
		if (!interned->used) {
			free(interned);
			continue;
		}
		interned->used = false;
		(void)tsearch(text, &kept, compare_texts); /* no memory: only its sharing is lost */
	}
	store->strings = kept;
	store->new_strings = 0;
}

static void drop_ended(struct snapshot *snapshot)
{
	struct snapshot_store *store = snapshot->store;
	size_t kept = 0;

	for (size_t i = 0; i < snapshot->n_rows; i++) {
		struct row *row = snapshot->rows[i];

		if (!row->process->ended) {
			row->before = row->now;
			if (row->latency)
				row->latency->before = row->latency->now;
			snapshot->rows[kept++] = row;
			continue;
		}
		table_remove(&store->rows, row);
		row_free(row);
	}
	snapshot->n_rows = kept;
	kept = 0;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		struct process *process = snapshot->processes[i];

		if (!process->ended) {
			process->minor_before = process->minor;
			process->major_before = process->major;
			process->gup_before = process->gup;
			snapshot->processes[kept++] = process;
			continue;
		}
		table_remove(&store->processes, process);
		free(process);
	}
	snapshot->n_processes = kept;
}

void snapshot_begin(struct snapshot *snapshot)
{
	drop_ended(snapshot);
	if (snapshot->store->new_strings > SWEEP_AFTER)
		sweep_strings(snapshot);
	snapshot->totals_before = snapshot->totals;
}

struct process *snapshot_find_process(const struct snapshot *snapshot, uint32_t tgid,
				      uint64_t start_ns)
{
	struct process key = { .start_ns = start_ns, .tgid = tgid };

	return table_get(&snapshot->store->processes, &key);
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
	process->cgroup = snapshot_intern(snapshot, "");
	if (!process->cgroup || table_add(&snapshot->store->processes, process)) {
		free(process);
		return NULL;
	}
	return process;
}

struct row *snapshot_row(struct snapshot *snapshot, struct process *process, uint64_t mapping_id,
			 enum fault_kind kind, enum fault_access access, enum fault_mode mode,
			 bool *ret_new)
{
	struct row key = { .mapping_id = mapping_id, .kind = kind, .access = access, .mode = mode };
	struct row *row = table_get(&snapshot->store->rows, &key);

	if (ret_new)
		*ret_new = !row;
	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	*row = key;
	row->process = process;
	row->mapping = snapshot_intern(snapshot, "");
	if (!row->mapping || table_add(&snapshot->store->rows, row)) {
		free(row);
		return NULL;
	}
	return row;
}

const char *snapshot_intern(struct snapshot *snapshot, const char *text)
{
	struct snapshot_store *store = snapshot->store;
	char **found = tfind(text, &store->strings, compare_texts);
	size_t length = strlen(text);
	struct interned *interned;

	if (found)
		return *found;
	interned = malloc(sizeof(*interned) + length + 1);
	if (!interned)
		return NULL;
	interned->used = false;
	memcpy(interned->text, text, length + 1);
	if (!tsearch(interned->text, &store->strings, compare_texts)) {
		free(interned);
		return NULL;
	}
	store->new_strings++;
	return interned->text;
}

/* Makes room for every value of the table and copies the pointers out. */
static int lay_out(const struct table *table, void ***array, size_t *count, size_t *capacity)
{
	size_t cursor = 0;

	if (table->count > *capacity) {
		size_t wanted = table->count + table->count / 2;
		void **grown = realloc(*array, wanted * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*array = grown;
		*capacity = wanted;
	}
	*count = 0;
	for (void *value; (value = table_next(table, &cursor));)
		(*array)[(*count)++] = value;
	return 0;
}

int snapshot_lay_out(struct snapshot *snapshot)
{
	struct snapshot_store *store = snapshot->store;
	int result = lay_out(&store->processes, (void ***)&snapshot->processes,
			     &snapshot->n_processes, &store->process_capacity);

	return result ?:
			lay_out(&store->rows, (void ***)&snapshot->rows, &snapshot->n_rows,
				&store->row_capacity);
}

int snapshot_seal(struct snapshot *snapshot, struct timespec ts, uint64_t interval_ns)
{
	int result = snapshot_lay_out(snapshot);

	if (result)
		return result;
	snapshot->ts = ts;
	snapshot->interval_ns = interval_ns;
	return 0;
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

bool row_moved(const struct row *row)
{
	return memcmp(&row->now, &row->before, sizeof(row->now)) != 0;
}

bool process_moved(const struct process *process)
{
	return process->minor != process->minor_before || process->major != process->major_before;
}
