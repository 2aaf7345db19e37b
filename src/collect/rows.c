// SPDX-License-Identifier: GPL-2.0-only
#include "collect/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/util.h"
#include "collect/rows_data.h"
#include "model/ledger.h"
#include "collect/slice.h"

/* Last counts of rows that were taken out between two ticks: more than a machine makes in a second,
 * 25 MiB. */
#define LEFT_MAX 262144

/* Rows that the snapshot keeps, of all processes and of one: 32 MiB and 4 MiB. What is beyond that
 * is counted in its process's "[other]". */
#define SNAPSHOT_ROWS_MAX 131072
#define PROCESS_ROWS_MAX 16384

struct rows *rows_new(struct kernel *kernel, struct snapshot *snapshot, const struct names *names,
		      const struct contexts *contexts)
{
	struct rows *rows = calloc(1, sizeof(*rows));
	size_t count = row_table_size(kernel_rows(kernel)) + 1;

	if (!rows)
		return NULL;
	rows->kernel = kernel;
	rows->table = kernel_rows(kernel);
	rows->snapshot = snapshot;
	rows->names = names;
	rows->contexts = contexts;
	rows->slots = calloc(count, sizeof(*rows->slots));
	rows->due = calloc(count, sizeof(*rows->due));
	rows->due_now = calloc(count, sizeof(*rows->due_now));
	rows->retired = calloc(count, sizeof(*rows->retired));
	if (rows->slots && rows->due && rows->due_now && rows->retired)
		return rows;
	rows_free(rows);
	return NULL;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	for (uint32_t i = 0; rows->slots && i <= row_table_size(rows->table); i++)
		free(rows->slots[i].stalls);
	for (size_t i = 0; i < rows->left.count; i++)
		free(rows->left.rows[i].stalls);
	free(rows->left.rows);
	free(rows->slots);
	free(rows->due);
	free(rows->due_now);
	free(rows->retired);
	free(rows);
}

uint64_t rows_skipped_faults(const struct rows *rows)
{
	return rows->skipped_faults;
}

uint64_t rows_names_lost(const struct rows *rows)
{
	return rows->names_lost;
}

uint64_t rows_contexts_lost(const struct rows *rows)
{
	return rows->contexts_lost;
}

/* ---- counts into the snapshot ---- */

static void add_counts(struct snapshot *snapshot, struct row *row,
		       const struct fault_counts *gained)
{
	struct totals *totals = &snapshot->totals;

	counts_add(&row->now, gained);
	totals->minor += gained->minor;
	totals->major += gained->major;
	totals->denied += gained->denied;
	if (row->kind == KIND_POPULATE)
		totals->populated += gained->minor + gained->major;
	row->process->accounting.row_faults += gained->minor + gained->major;
	row->process->brought_pages += ledger_of(row, gained).brought;
}

void rows_set_counts(struct snapshot *snapshot, struct row *row, struct fault_counts counts)
{
	add_counts(snapshot, row,
		   &(struct fault_counts){ .minor = counts.minor - row->now.minor,
					   .major = counts.major - row->now.major,
					   .denied = counts.denied - row->now.denied,
					   .pages = counts.pages - row->now.pages });
}

static uint64_t faults_in(const struct fault_counts *counts)
{
	return counts->minor + counts->major + counts->denied;
}

/* Warns once, as such a process does it again and again. */
static void say_folded(struct rows *rows, const struct process *process)
{
	char comm[COMM_LEN * 4 + 1];

	if (rows->has_said_folded)
		return;
	rows->has_said_folded = true;
	text_escape_to(comm, sizeof(comm), process->comm);
	log_warning(
		"process %u (%s) has faulted in more mappings than there is room for: further ones count "
		"in its \"[other]\"; --max-rows makes more room",
		process->tgid, comm);
}

static void add_gained(struct rows *rows, struct row *row, const struct fault_counts *gained)
{
	add_counts(rows->snapshot, row, gained);
	if (row->context && row->context->has_stack && !row->context->is_whole)
		rows->snapshot->totals.stacks_incomplete += faults_in(gained);
	if (row->mapping_class != MAPPING_OTHER)
		return;
	say_folded(rows, row->process);
	rows->snapshot->totals.folded += faults_in(gained);
}

/* Adds the difference of `now` and `before`. 0 or -ENOMEM. */
static int add_causes(struct row_latency *latency, const struct stall_causes *now,
		      const struct stall_causes *before)
{
	if (!latency->causes)
		latency->causes = calloc(1, sizeof(*latency->causes));
	if (!latency->causes)
		return -ENOMEM;
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		uint64_t gained_ns = now->sum_ns[i] - before->sum_ns[i];

		latency->causes->now.count[i] += (uint32_t)(now->count[i] - before->count[i]);
		latency->causes->now.sum_ns[i] += gained_ns;
		latency->causes->max_ns[i] = max_of(latency->causes->max_ns[i], now->max_ns[i]);
		latency->now.sum_ns += gained_ns;
	}
	latency->causes->now.refaults += now->refaults - before->refaults;
	if (now->holder_tid)
		latency->causes->holder_tid = now->holder_tid;
	return 0;
}

/* Adds the difference of the stalls in `now` and `before` (may be NULL). If causes are known the
 * sum is that of the causes, as a program may have written one but not yet the other. 0 or
 * -ENOMEM. */
static int add_stalls(struct row *row, const struct stalls_read *now,
		      const struct stalls_read *before)
{
	static const struct stalls_read none;
	struct row_latency *latency;

	before = before ?: &none;
	if (!memcmp(&now->latency, &before->latency, sizeof(now->latency)) &&
	    !memcmp(&now->causes, &before->causes, sizeof(now->causes)))
		return 0;
	if (!row->latency)
		row->latency = calloc(1, sizeof(*row->latency));
	latency = row->latency;
	if (!latency)
		return -ENOMEM;
	latency->now.count += (uint32_t)(now->latency.count - before->latency.count);
	latency->max_ns = max_of(latency->max_ns, now->latency.max_ns);
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		latency->now.buckets[i] +=
			(uint32_t)(now->latency.buckets[i] - before->latency.buckets[i]);
	if (now->has_causes)
		return add_causes(latency, &now->causes, &before->causes);
	latency->now.sum_ns += now->latency.sum_ns - before->latency.sum_ns;
	return 0;
}

/* ---- which row of the snapshot ---- */

static int describe_row(struct rows *rows, struct row *row, const struct row_key *key)
{
	unsigned int class = MODE_CLASS_CLASS(key->mode_class);
	uint32_t uid = row->process->uid;
	const char *name;
	bool known;
	int result = 0;

	row->mapping_class = class;
	for (unsigned int i = 0; i < 4; i++) /* PERM_READ and so on */
		row->perms[i] = (key->perms & 1u << i ? "rwxs" : "---p")[i];
	name = names_of_mapping(rows->names, class, key->name_id, uid, &known);
	/* A name is in the ring before its first fault is in a row, which may be since the ring was
	 * read. */
	if (!known) {
		result = kernel_drain(rows->kernel);
		name = names_of_mapping(rows->names, class, key->name_id, uid, &known);
	}
	if (!known && !row->mapping[0])
		rows->names_lost++;
	row->mapping = name ?: row->mapping;
	return result;
}

/* For a process that was never reported, as its exit record was lost: the name of its program is
 * that of the first mapping that it executed code from. */
static void name_after_program(struct process *process, const struct row *row)
{
	const char *name = strrchr(row->mapping, '/');

	if (process->comm[0] || !name || row->perms[2] != 'x' || strstr(name, ".so"))
		return;
	snprintf(process->comm, sizeof(process->comm), "%.*s", COMM_LEN - 1, name + 1);
}

/*
 * The process of a key. NULL if it is not known, as it was born since the tasks were listed. If it
 * was not known in an earlier tick either (*tick is that one), it will not be reported any more,
 * and is made from the key.
 */
static struct process *process_of(struct rows *rows, const struct row_key *key, uint32_t *tick,
				  int *ret_error)
{
	struct process *process = snapshot_find_process(rows->snapshot, key->tgid, key->start_ns);

	if (process)
		return process;
	if (!*tick || *tick == rows->tick) {
		*tick = rows->tick;
		return NULL;
	}
	process = snapshot_process(rows->snapshot, key->tgid, key->start_ns, NULL);
	if (!process) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	process->accounting.is_unannounced = true;
	process->accounted = true;
	return process;
}

/* The key of the "[other]" row, for rows that find no room in the snapshot. */
static struct row_key folded_key(const struct row_key *key)
{
	return (struct row_key){ .start_ns = key->start_ns,
				 .tgid = key->tgid,
				 .kind = key->kind,
				 .mode_class = MODE_CLASS(MODE_USER, MAPPING_OTHER) };
}

/* A row of the snapshot with the identity that the key gives it. */
static struct row row_like(const struct row_key *key)
{
	return (struct row){ .mapping_id = slice_mapping_id(key),
			     .kind = key->kind,
			     .access = key->access,
			     .mode = MODE_CLASS_MODE(key->mode_class),
			     .slice = slice_tag(key),
			     .context_id = key->context };
}

static bool is_full(const struct rows *rows, const struct process *process)
{
	return rows->snapshot->n_rows >= SNAPSHOT_ROWS_MAX || process->n_rows >= PROCESS_ROWS_MAX;
}

/* Its context was in the ring before its first fault was in a row, as its name was. */
static int describe_context(struct rows *rows, struct row *row, uint64_t id, bool is_new)
{
	struct context *context = contexts_find(rows->contexts, id);
	int result = context ? 0 : kernel_drain(rows->kernel);

	context = context ?: contexts_find(rows->contexts, id);
	if (context)
		row_set_context(row, context);
	else
		rows->contexts_lost += is_new;
	return result;
}

/* The snapshot's row for a key of the kernel's; NULL when out of memory. */
static struct row *row_of(struct rows *rows, struct process *process, const struct row_key *key,
			  int *ret_error)
{
	struct row_key wanted = *key;
	struct row like = row_like(key), *row;
	bool is_new;

	if (is_full(rows, process) && !snapshot_has_row_like(rows->snapshot, &like)) {
		wanted = folded_key(key);
		like = row_like(&wanted);
	}
	row = snapshot_row_like(rows->snapshot, process, &like, &is_new);
	if (!row) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	if (is_new || row->mapping[0] == '\0' || !strcmp(row->mapping, "[unnamed]"))
		*ret_error = describe_row(rows, row, &wanted);
	if (wanted.context && !row->context && !*ret_error)
		*ret_error = describe_context(rows, row, wanted.context, is_new);
	if (process->accounting.is_unannounced)
		name_after_program(process, row);
	return row;
}

static void set_place(struct row *row, const struct row_key *key, const struct extent *extent,
		      uint16_t largest)
{
	if (row->mapping_class == MAPPING_OTHER)
		return;
	/* As note_size() in bpf/row.bpf.h, which does not see it if the row was taken out meanwhile. */
	if (row->map_end && row->map_offset != extent->offset)
		largest = SIZE_CODE_WINDOW;
	row->map_start = extent->start;
	row->map_end = extent->end;
	row->map_offset = extent->offset;
	row->largest = (uint16_t)max_of(row->largest, largest);
	slice_bounds(key, extent, &row->slice_start, &row->slice_end);
}

/* ---- reading ---- */

/* What the slot's row has counted since it was last read. */
static struct fault_counts gain_of(const struct rows *rows, uint32_t index)
{
	const struct row_value *value = row_table_value(rows->table, index);
	const struct slot *slot = &rows->slots[index];

	return (struct fault_counts){
		.minor = (uint32_t)value->minor - slot->minor,
		.major = (uint32_t)value->major - slot->major,
		.denied = (uint32_t)value->denied - slot->denied,
		.pages = (value->pages - slot->pages) & ((1ULL << SLOT_PAGES_BITS) - 1),
	};
}

static void note_read(struct slot *slot, const struct fault_counts *gained)
{
	slot->minor += (uint32_t)gained->minor;
	slot->major += (uint32_t)gained->major;
	slot->denied += (uint32_t)gained->denied;
	slot->pages += gained->pages;
}

bool rows_copy_stalls(const struct rows *rows, uint32_t index, struct stalls_read *ret_stalls)
{
	const struct latency *latency = row_table_latency(rows->table, index);
	const struct stall_causes *causes = row_table_causes(rows->table, index);

	if (!latency)
		return false;
	memset(ret_stalls, 0, sizeof(*ret_stalls)); /* they are compared with memcmp() */
	ret_stalls->latency = *latency;
	ret_stalls->has_causes = causes != NULL;
	if (causes)
		ret_stalls->causes = *causes;
	return true;
}

static int read_stalls(struct rows *rows, uint32_t index, struct row *row)
{
	struct slot *slot = &rows->slots[index];
	struct stalls_read now;
	int result;

	if (!rows_copy_stalls(rows, index, &now))
		return 0;
	if (!slot->stalls)
		slot->stalls = calloc(1, sizeof(*slot->stalls));
	if (!slot->stalls)
		return -ENOMEM;
	result = add_stalls(row, &now, slot->stalls);
	*slot->stalls = now;
	return result;
}

/* Finds or makes the snapshot's row of a new index. NULL: its process is not known yet, or no
 * memory. */
static struct row *attach(struct rows *rows, uint32_t index, int *ret_error)
{
	struct row_key key = row_table_key(rows->table, index);
	struct slot *slot = &rows->slots[index];
	struct process *process = process_of(rows, &key, &slot->tick, ret_error);

	if (!process)
		return NULL;
	slot->row = row_of(rows, process, &key, ret_error);
	if (!slot->row || slot->row->mapping_class == MAPPING_OTHER)
		return slot->row;
	/* The last counts of its former index may still come: they are found by their key. */
	if (slot->row->kernel_index)
		rows->slots[slot->row->kernel_index].row = NULL;
	slot->row->kernel_index = index;
	return slot->row;
}

void rows_put_due(struct rows *rows, uint32_t index)
{
	if (rows->slots[index].is_due)
		return;
	rows->slots[index].is_due = true;
	rows->due[rows->n_due++] = index;
}

/* Counts faults of a row that is left for the next tick, as its process was born after the
 * listing. */
static void count_skipped(struct rows *rows, uint32_t index)
{
	const struct slot *slot = &rows->slots[index];
	struct fault_counts gained;

	if (slot->state == SLOT_FREE || slot->row || slot->is_dead)
		return;
	gained = gain_of(rows, index);
	rows->skipped_faults += gained.minor + gained.major;
}

/* The process was reported as ended and should not fault any more: counts what comes late all the
 * same as `late`, in no row. */
void rows_read_dead(struct rows *rows, uint32_t index)
{
	struct fault_counts gained = gain_of(rows, index);

	note_read(&rows->slots[index], &gained);
	rows->snapshot->totals.late += faults_in(&gained);
}

static bool has_new_stalls(const struct rows *rows, uint32_t index)
{
	static const struct stalls_read none;
	const struct stalls_read *before = rows->slots[index].stalls ?: &none;
	const struct latency *latency = row_table_latency(rows->table, index);
	const struct stall_causes *causes = row_table_causes(rows->table, index);

	return latency && (latency->count != before->latency.count ||
			   (causes && memcmp(causes, &before->causes, sizeof(*causes)) != 0));
}

bool rows_has_news(const struct rows *rows, uint32_t index, struct fault_counts *ret_gained)
{
	*ret_gained = gain_of(rows, index);
	return faults_in(ret_gained) || ret_gained->pages || has_new_stalls(rows, index);
}

static int read_row(struct rows *rows, uint32_t index)
{
	struct slot *slot = &rows->slots[index];
	struct row *row = slot->row;
	struct fault_counts gained;
	struct row_key key;
	int result = 0;

	if (slot->state == SLOT_FREE)
		slot->state = SLOT_LIVE;
	if (slot->is_dead) {
		rows_read_dead(rows, index);
		return 0;
	}
	if (!rows_has_news(rows, index, &gained))
		return 0;
	if (!row)
		row = attach(rows, index, &result);
	if (!row) { /* asked again next time */
		rows_put_due(rows, index);
		return result;
	}
	slot->tick = rows->tick;
	snapshot_touch(rows->snapshot, row);
	note_read(slot, &gained);
	key = row_table_key(rows->table, index);
	set_place(row, &key, &row_table_value(rows->table, index)->extent,
		  row_table_value(rows->table, index)->largest);
	add_gained(rows, row, &gained);
	return read_stalls(rows, index, row) ?: result;
}

/* Counts of a row that was taken out. 1: its process is not known yet. */
static int read_left(struct rows *rows, struct left_row *left)
{
	int result = 0;
	struct process *process = process_of(rows, &left->key, &left->tick, &result);
	struct row *row = process ? row_of(rows, process, &left->key, &result) : NULL;

	if (!process && !result) {
		rows->skipped_faults += left->gained.minor + left->gained.major;
		return 1;
	}
	if (!row)
		return result;
	set_place(row, &left->key, &left->extent, left->largest);
	add_gained(rows, row, &left->gained);
	return left->stalls ? add_stalls(row, left->stalls, NULL) ?: result : result;
}

int rows_add_left(struct left_rows *list, const struct left_row *left)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 1024;
		struct left_row *grown = capacity > LEFT_MAX ?
						 NULL :
						 realloc(list->rows, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->rows = grown;
		list->capacity = capacity;
	}
	list->rows[list->count++] = *left;
	return 0;
}

/* How many rows are read before checking whether the programs need room. */
#define ROWS_PER_CHECK 256

int rows_make_room_in_tick(struct rows *rows)
{
	return rows_has_reserve(rows) ? 0 : rows_make_room(rows);
}

/* A tick may take longer than the programs need to fill the table. */
static int make_room_sometimes(struct rows *rows)
{
	int result;

	if (++rows->n_read % ROWS_PER_CHECK)
		return 0;
	result = kernel_drain(rows->kernel);
	return result ?: rows_make_room_in_tick(rows);
}

/* Rows that move meanwhile are in the list again. */
static int read_all_left(struct rows *rows)
{
	struct left_rows batch = rows->left;
	int result = 0;

	rows->left = (struct left_rows){};
	for (size_t i = 0; i < batch.count; i++) {
		struct left_row *left = &batch.rows[i];
		int one = result < 0 ? 1 : read_left(rows, left);

		if (one != 1 || rows_add_left(&rows->left, left))
			free(left->stalls);
		if (!result)
			result = one < 0 ? one : make_room_sometimes(rows);
	}
	free(batch.rows);
	return result;
}

/* Reads the rows of the last tick once more, in case a mark was cleared before a count was
 * visible. */
static int read_due(struct rows *rows)
{
	size_t n_due = rows->n_due;
	uint32_t *due = rows->due;
	int result = 0;

	rows->due = rows->due_now;
	rows->due_now = due;
	rows->n_due = 0;
	for (size_t i = 0; i < n_due; i++)
		rows->slots[due[i]].is_due = false;
	for (size_t i = 0; i < n_due; i++) {
		if (rows->slots[due[i]].state == SLOT_FREE ||
		    row_table_has_moved(rows->table, due[i])) /* read with those that moved */
			continue;
		if (result < 0)
			row_table_set_moved(rows->table, due[i], true);
		else
			result = read_row(rows, due[i]) ?: make_room_sometimes(rows);
	}
	return result;
}

static int read_moved(struct rows *rows)
{
	uint32_t cursor = 0, index;
	int result = read_due(rows);

	while (!result && (index = row_table_next_moved(rows->table, &cursor))) {
		row_table_set_moved(rows->table, index, false);
		rows_put_due(rows, index);
		result = read_row(rows, index) ?: make_room_sometimes(rows);
	}
	for (size_t i = 0; !result && i < rows->n_retired; i++)
		result = read_row(rows, rows->retired[i]);
	return result;
}

int rows_tick(struct rows *rows, uint64_t tick)
{
	int result;

	rows->tick = tick;
	rows->n_read = 0;
	rows->skipped_faults = 0;
	rows->is_reading = true;
	result = read_all_left(rows);
	if (!result)
		result = read_moved(rows);
	rows->is_reading = false;
	if (result)
		return result;
	/* Counts of rows that were taken out meanwhile: they, too, are from before the listing. */
	rows->skipped_faults = 0;
	result = read_all_left(rows);
	for (size_t i = 0; i < rows->n_due; i++)
		count_skipped(rows, rows->due[i]);
	return result;
}
