// SPDX-License-Identifier: GPL-2.0-only
#include "sink/folds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/util.h"
#include "model/latency.h"
#include "model/losses.h"
#include "model/stall_causes.h"

/* Sums of one tick: 1.5 MiB. Beyond come at most those of no cgroup: kinds x accesses x modes. */
#define MAX_FOLDS 2048
/* Bytes of their names. */
#define MAX_NAMES (1 << 20)
/* Live rows and processes with totals that leave something out: 6 MiB each. */
#define MAX_LEFT_OUT 65536

#define FOLD_KEY_SIZE offsetof(struct fold, n_lines)

/* Stands for no particular cgroup or process; recognised by its address. */
static const char nothing[] = "";

struct folds {
	struct fold_options options;
	/* Of this tick: by row, and by process->index. */
	bool is_planned;
	bool *row_is_told;
	bool *process_is_told;
	size_t capacity_rows, capacity_processes;
	uint64_t *weights; /* scratch */

	struct fold **list; /* in the order in which they were made */
	size_t n_folds, first, capacity_folds;
	struct table table; /* of those from first on */
	struct interned names;
	size_t name_bytes;

	struct table rows, processes; /* what they left out */
};

static void init_tables(struct folds *folds)
{
	table_init(&folds->table, 0, FOLD_KEY_SIZE);
	table_init(&folds->rows, offsetof(struct row_left_out, row), sizeof(struct row *));
	table_init(&folds->processes, offsetof(struct process_left_out, process),
		   sizeof(struct process *));
}

struct folds *folds_new(void)
{
	struct folds *folds = calloc(1, sizeof(*folds));

	if (folds)
		init_tables(folds);
	return folds;
}

static void free_row(void *value)
{
	struct row_left_out *row = value;

	if (row)
		free(row->causes);
	free(row);
}

/* Forgets all sums. */
static void clear_sums(struct folds *folds)
{
	table_clear(&folds->table);
	table_init(&folds->table, 0, FOLD_KEY_SIZE);
	interned_clear(&folds->names);
	folds->name_bytes = folds->n_folds = folds->first = 0;
}

void folds_free(struct folds *folds)
{
	if (!folds)
		return;
	while (folds_first(folds))
		folds_take_first(folds);
	table_clear(&folds->table);
	table_clear_values(&folds->rows, free_row);
	table_clear_values(&folds->processes, free);
	interned_clear(&folds->names);
	free(folds->list);
	free(folds->row_is_told);
	free(folds->process_is_told);
	free(folds->weights);
	free(folds);
}

void folds_set_options(struct folds *folds, const struct fold_options *options)
{
	folds->options = *options;
}

/* What has a line. ----------------------------------------------------------------------------- */

/* A row with a denied fault always has a line. */
static uint64_t weight_of(const struct row *row)
{
	struct fault_counts delta = row_delta(row);

	return delta.denied ? UINT64_MAX : delta.minor + delta.major;
}

static int compare_weights(const void *left, const void *right)
{
	return compare_u64(*(const uint64_t *)right, *(const uint64_t *)left);
}

/* The faults of the N-th row by faults, and how many rows with that number are among the first N. */
static uint64_t least_of_top(struct folds *folds, const struct snapshot *snapshot,
			     size_t *ret_n_equal)
{
	size_t n = snapshot->n_touched, top = (size_t)folds->options.top;
	uint64_t least;

	*ret_n_equal = n;
	if (!top || n <= top)
		return 0;
	for (size_t i = 0; i < n; i++)
		folds->weights[i] = weight_of(snapshot->rows[i]);
	qsort(folds->weights, n, sizeof(*folds->weights), compare_weights);
	least = folds->weights[top - 1];
	for (*ret_n_equal = 0; *ret_n_equal < top; (*ret_n_equal)++)
		if (folds->weights[top - 1 - *ret_n_equal] != least)
			break;
	return least;
}

static int reserve(struct folds *folds, const struct snapshot *snapshot, size_t n_processes)
{
	if (snapshot->n_touched > folds->capacity_rows) {
		size_t capacity = 2 * snapshot->n_touched;
		void *told = realloc(folds->row_is_told, capacity);
		void *weights;

		if (!told)
			return -ENOMEM;
		folds->row_is_told = told;
		weights = reallocarray(folds->weights, capacity, sizeof(*folds->weights));
		if (!weights)
			return -ENOMEM;
		folds->weights = weights;
		folds->capacity_rows = capacity;
	}
	if (n_processes > folds->capacity_processes) {
		void *told = realloc(folds->process_is_told, 2 * n_processes);

		if (!told)
			return -ENOMEM;
		folds->process_is_told = told;
		folds->capacity_processes = 2 * n_processes;
	}
	return 0;
}

static void plan_rows(struct folds *folds, const struct snapshot *snapshot)
{
	const struct fold_options *options = &folds->options;
	size_t n_equal;
	uint64_t least = least_of_top(folds, snapshot, &n_equal);

	for (size_t i = 0; i < snapshot->n_touched; i++) {
		const struct row *row = snapshot->rows[i];
		uint64_t weight = weight_of(row);
		bool is_top = weight > least || (weight == least && n_equal);

		n_equal -= weight == least && n_equal;
		folds->row_is_told[i] = losses_is_other(row->process) ||
					(weight >= options->min_faults && is_top);
		folds->process_is_told[row->process->index] |= folds->row_is_told[i];
	}
}

/* Whether it began and ended between two ticks: it has no other line. */
static bool is_brief(const struct process *process)
{
	if (!process->ended || !process->accounted || process->minor_before ||
	    process->major_before || process->gup_before || process->rss_before_bytes)
		return false;
	for (const struct row *row = process->rows; row; row = row->next)
		if (row->before.minor || row->before.major || row->before.denied ||
		    row->before.pages || (row->latency && row->latency->before.count))
			return false;
	return true;
}

int folds_plan(struct folds *folds, const struct snapshot *snapshot)
{
	const struct fold_options *options = &folds->options;
	bool by_rows = options->min_faults || options->top;
	size_t n_processes = 0;

	folds->is_planned = false;
	if (!by_rows && !options->exits)
		return 0;
	/* In a filtered snapshot indices are not consecutive. */
	for (size_t i = 0; i < snapshot->n_processes; i++)
		n_processes = max_of(n_processes, snapshot->processes[i]->index + 1);
	if (reserve(folds, snapshot, n_processes) < 0)
		return -ENOMEM;
	memset(folds->process_is_told, 0, n_processes);
	plan_rows(folds, snapshot);
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];
		bool *is_told = &folds->process_is_told[process->index];

		*is_told = (by_rows && *is_told) || !options->exits || !is_brief(process);
	}
	for (size_t i = 0; i < snapshot->n_touched; i++)
		folds->row_is_told[i] &= folds->process_is_told[snapshot->rows[i]->process->index];
	folds->is_planned = true;
	return 0;
}

bool folds_row_has_line(const struct folds *folds, size_t index)
{
	return !folds->is_planned || folds->row_is_told[index];
}

bool folds_process_has_line(const struct folds *folds, const struct process *process)
{
	return !folds->is_planned || folds->process_is_told[process->index];
}

/* What was left out. --------------------------------------------------------------------------- */

/* Both kinds of values begin with this. */
struct left_out {
	const void *whose;
	uint64_t start_ns;
};
_Static_assert(offsetof(struct row_left_out, row) == 0 &&
		       offsetof(struct row_left_out, start_ns) ==
			       offsetof(struct left_out, start_ns),
	       "a row's value begins with it");
_Static_assert(offsetof(struct process_left_out, process) == 0 &&
		       offsetof(struct process_left_out, start_ns) ==
			       offsetof(struct left_out, start_ns),
	       "a process's value begins with it");

/* NULL: there is none, or it belongs to an earlier process at this address. */
static void *find(const struct table *table, const void *key, uint64_t start_ns)
{
	struct left_out *value = table->count ? table_get(table, &key) : NULL;

	return value && value->start_ns == start_ns ? value : NULL;
}

/* The value with the identity of new_value, which is added if there is none. NULL: no memory or room. */
static void *remember(struct table *table, const void *new_value, size_t size,
		      void (*drop)(void *value))
{
	const struct left_out *key = new_value;
	struct left_out *value = find(table, key->whose, key->start_ns);

	if (value)
		return value;
	drop(table_remove(table, &key->whose));
	return table->count < MAX_LEFT_OUT ? table_add_copy(table, new_value, size) : NULL;
}

/* Before it is added to a sum. 0 or a negative errno: nothing has changed. */
static int leave_out_row(struct folds *folds, const struct row *row)
{
	struct fault_counts delta = row_delta(row);
	struct latency_counts latency = latency_delta(row);
	struct cause_counts causes = causes_delta(row);
	const struct row_left_out new_left = { .row = row, .start_ns = row->process->start_ns };
	struct row_left_out *left;

	if (row->process->ended) /* it will have no further line */
		return 0;
	left = remember(&folds->rows, &new_left, sizeof(new_left), free_row);
	if (!left)
		return -ENOMEM;
	if (causes_are_told(row) && !left->causes)
		left->causes = calloc(1, sizeof(*left->causes));
	if (causes_are_told(row) && !left->causes)
		return -ENOMEM;
	counts_add(&left->counts, &delta);
	left->stalls += latency.count;
	left->stalled_ns += latency.sum_ns;
	if (left->causes)
		causes_add(left->causes, &causes);
	return 0;
}

const struct row_left_out *folds_of_row(const struct folds *folds, const struct row *row)
{
	return find(&folds->rows, row, row->process->start_ns);
}

const struct process_left_out *folds_of_process(const struct folds *folds,
						const struct process *process)
{
	return find(&folds->processes, process, process->start_ns);
}

void folds_end_tick(struct folds *folds, const struct snapshot *snapshot)
{
	if (!folds->rows.count && !folds->processes.count)
		return;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		if (!process->ended)
			continue;
		for (const struct row *row = process->rows; row; row = row->next)
			free_row(table_remove(&folds->rows, &row));
		free(table_remove(&folds->processes, &process));
	}
}

/* Sums. ---------------------------------------------------------------------------------------- */

/* The folds' own copy of the name; NULL: no memory, or no room for names. */
static const char *keep_name(struct folds *folds, const char *name)
{
	const char *kept = interned_find(&folds->names, name);
	size_t bytes = strlen(name) + 1;

	if (kept)
		return kept;
	if (folds->name_bytes + bytes > MAX_NAMES)
		return NULL;
	kept = interned_add(&folds->names, name);
	folds->name_bytes += kept ? bytes : 0;
	return kept;
}

/* Removes sums that were taken, once they are half of the list: it must not grow if a reader never
 * takes all. */
static void compact(struct folds *folds)
{
	if (folds->first < folds->n_folds - folds->first)
		return;
	folds->n_folds -= folds->first;
	memmove(folds->list, folds->list + folds->first, folds->n_folds * sizeof(*folds->list));
	folds->first = 0;
}

static struct fold *new_fold(struct folds *folds, const struct fold *key)
{
	struct fold new_fold = {}, *fold;

	if (folds->n_folds == folds->capacity_folds && folds->first)
		compact(folds);
	if (folds->n_folds == folds->capacity_folds) {
		size_t capacity = 2 * folds->capacity_folds + 64;
		void *grown = reallocarray(folds->list, capacity, sizeof(*folds->list));

		folds->list = grown ?: folds->list;
		folds->capacity_folds = grown ? capacity : folds->capacity_folds;
	}
	if (folds->n_folds == folds->capacity_folds)
		return NULL;
	memcpy(&new_fold, key, FOLD_KEY_SIZE);
	fold = table_add_copy(&folds->table, &new_fold, sizeof(new_fold));
	if (fold)
		folds->list[folds->n_folds++] = fold;
	return fold;
}

/* The sum of this process, and of rows like this one unless it is NULL. NULL: no memory. */
static struct fold *fold_of(struct folds *folds, const struct process *process,
			    const struct row *row)
{
	bool is_hidden = !folds_process_has_line(folds, process);
	struct fold key, *fold;

	memset(&key, 0, sizeof(key)); /* it is hashed as bytes */
	key.uid = process->uid;
	key.kind = row ? row->kind : 0;
	key.access = row ? row->access : 0;
	key.mode = row ? row->mode : 0;
	key.is_exits = !row;
	key.cgroup = keep_name(folds, process->cgroup);
	key.comm = keep_name(folds, is_hidden || !row ? process->comm : "");
	fold = key.cgroup && key.comm ? table_get(&folds->table, &key) : NULL;
	if (fold)
		return fold;
	if (key.cgroup && key.comm && folds->table.count < MAX_FOLDS)
		return new_fold(folds, &key);
	key.cgroup = key.comm = nothing;
	key.uid = FOLD_NO_UID;
	return table_get(&folds->table, &key) ?: new_fold(folds, &key);
}

/* Removes the last sum if it is empty: there is no line that replaces 0 lines. */
static void drop_if_empty(struct folds *folds, struct fold *fold)
{
	if (!fold || fold->n_lines)
		return;
	table_remove(&folds->table, fold);
	folds->n_folds--;
	free(fold);
}

static void add_stalls(struct fold *fold, const struct row *row)
{
	struct latency_counts latency = latency_delta(row);
	struct cause_counts causes = causes_delta(row);

	if (!row->latency || !latency_moved(row))
		return;
	fold->has_latency = true;
	latency_add(&fold->latency, &latency);
	fold->max_ns = max_of(fold->max_ns, row->latency->max_ns);
	if (!causes_are_told(row))
		return;
	fold->has_causes = true;
	causes_add(&fold->causes, &causes);
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++)
		if (causes.count[i])
			fold->cause_max_ns[i] = max_of(fold->cause_max_ns[i],
						       row->latency->causes->max_ns[i]);
}

int folds_add_faults(struct folds *folds, const struct row *row)
{
	struct fault_counts delta = row_delta(row);
	struct fold *fold = fold_of(folds, row->process, row);
	int result = fold ? leave_out_row(folds, row) : -ENOMEM;

	if (result < 0) {
		drop_if_empty(folds, fold);
		return result;
	}
	fold->n_lines++;
	counts_add(&fold->counts, &delta);
	add_stalls(fold, row);
	return 0;
}

int folds_add_process(struct folds *folds, const struct process *process)
{
	uint64_t minor = process->minor - process->minor_before;
	uint64_t major = process->major - process->major_before;
	uint64_t gup = process->gup - process->gup_before;
	struct fold *fold = fold_of(folds, process, NULL);
	const struct process_left_out new_left = { .process = process,
						   .start_ns = process->start_ns };
	struct process_left_out *left = NULL;

	/* If there is room, the totals of its exit line leave it out. */
	if (fold && folds_process_has_line(folds, process)) {
		left = remember(&folds->processes, &new_left, sizeof(new_left), free);
		if (!left) {
			drop_if_empty(folds, fold);
			return -ENOMEM;
		}
		left->minor += minor;
		left->major += major;
		left->gup += gup;
	}
	if (!fold)
		return -ENOMEM;
	fold->n_lines++;
	fold->minor += minor;
	fold->major += major;
	fold->gup += gup;
	return 0;
}

int folds_add_exit(struct folds *folds, const struct process *process)
{
	struct fold *fold = fold_of(folds, process, NULL);

	if (!fold)
		return -ENOMEM;
	fold->n_lines++;
	fold->ended++;
	fold->failed += process->exit_status != 0;
	fold->killed += WIFSIGNALED(process->exit_status);
	fold->lifetime_ns += process->lifetime_ns;
	fold->peak_vsz_bytes += process->peak_vsz_bytes;
	fold->peak_rss_bytes += process->peak_rss_bytes;
	return 0;
}

const struct fold *folds_first(const struct folds *folds)
{
	return folds->first < folds->n_folds ? folds->list[folds->first] : NULL;
}

void folds_take_first(struct folds *folds)
{
	struct fold *fold = folds->list[folds->first++];

	table_remove(&folds->table, fold);
	free(fold);
	if (folds->first == folds->n_folds)
		clear_sums(folds);
}
