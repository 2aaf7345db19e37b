// SPDX-License-Identifier: GPL-2.0-only
#include "model/filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/users.h"
#include "base/util.h"
#include "model/losses.h"
#include "model/unit_name.h"

struct filter {
	const struct filter_options *options;
	struct snapshot view;
	bool *is_shown; /* by process->index */
	size_t capacity_processes, capacity_rows, capacity_sampled;
	struct totals totals; /* of what was shown so far */
	struct users users;
	bool has_matched;
};

bool filter_is_empty(const struct filter_options *options)
{
	return !options->comm.count && !options->exe.count && !options->unit.count &&
	       !options->cgroup.count && !options->uid.count;
}

struct filter *filter_new(const struct filter_options *options)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (filter)
		filter->options = options;
	return filter;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	free(filter->view.processes);
	free(filter->view.rows);
	free(filter->view.sampled);
	free(filter->is_shown);
	free(filter);
}

bool filter_has_matched(const struct filter *filter)
{
	return filter->has_matched;
}

/* Matching. ------------------------------------------------------------------------------------ */

static bool matches_one(const struct option_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (glob_matches(list->values[i], text))
			return true;
	return false;
}

static bool matches_exe(const struct option_list *list, const char *exe)
{
	const char *leaf = strrchr(exe, '/');

	return *exe && (matches_one(list, exe) || (leaf && matches_one(list, leaf + 1)));
}

bool filter_matches_unit(const struct option_list *list, const char *cgroup)
{
	struct unit_name unit;

	unit_name_of(&unit, cgroup);
	for (size_t i = 0; i < list->count; i++)
		if (unit_name_matches(&unit, list->values[i]))
			return true;
	return false;
}

static bool matches_cgroup(const struct option_list *list, const char *cgroup)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *wanted = list->values[i];
		size_t length = strlen(wanted);

		if (glob_matches(wanted, cgroup) || !strcmp(wanted, "/"))
			return true;
		if (!strncmp(wanted, cgroup, length) && cgroup[length] == '/')
			return true;
	}
	return false;
}

static bool matches_uid(struct filter *filter, uint32_t uid)
{
	char number[USER_LEN], name[USER_LEN];

	snprintf(number, sizeof(number), "%" PRIu32, uid);
	return matches_one(&filter->options->uid, number) ||
	       matches_one(&filter->options->uid, users_name(&filter->users, uid, name));
}

static bool matches(struct filter *filter, const struct process *process)
{
	const struct filter_options *options = filter->options;

	if (losses_is_other(process) && !losses_is_folded(process))
		return false;
	if (options->comm.count && !matches_one(&options->comm, process->comm))
		return false;
	if (options->exe.count && !matches_exe(&options->exe, process->exe))
		return false;
	if (options->unit.count && !filter_matches_unit(&options->unit, process->cgroup))
		return false;
	if (options->cgroup.count && !matches_cgroup(&options->cgroup, process->cgroup))
		return false;
	return !options->uid.count || matches_uid(filter, process->uid);
}

/* The view. ------------------------------------------------------------------------------------ */

static bool reserve(struct filter *filter, const struct snapshot *snapshot)
{
	if (snapshot->n_processes > filter->capacity_processes) {
		size_t capacity = 2 * snapshot->n_processes;
		void *grown = reallocarray(filter->view.processes, capacity, sizeof(void *));
		void *shown;

		if (!grown)
			return false;
		filter->view.processes = grown;
		shown = reallocarray(filter->is_shown, capacity, sizeof(bool));
		if (!shown)
			return false;
		filter->is_shown = shown;
		filter->capacity_processes = capacity;
	}
	if (snapshot->n_rows > filter->capacity_rows) {
		size_t capacity = 2 * snapshot->n_rows;
		void *grown = reallocarray(filter->view.rows, capacity, sizeof(void *));

		if (!grown)
			return false;
		filter->view.rows = grown;
		filter->capacity_rows = capacity;
	}
	if (snapshot->n_sampled > filter->capacity_sampled) {
		size_t capacity = 2 * snapshot->n_sampled;
		void *grown = reallocarray(filter->view.sampled, capacity,
					   sizeof(*snapshot->sampled));

		if (!grown)
			return false;
		filter->view.sampled = grown;
		filter->capacity_sampled = capacity;
	}
	return true;
}

static void add_totals(struct filter *filter, const struct row *row)
{
	struct fault_counts delta = row_delta(row);

	filter->totals.minor += delta.minor;
	filter->totals.major += delta.major;
	filter->totals.denied += delta.denied;
	if (row->kind == KIND_POPULATE)
		filter->totals.populated += delta.minor + delta.major;
	else
		filter->totals.entries += delta.minor + delta.major + delta.denied;
}

/* Counters of losses stay those of all processes, as any of them may concern the chosen ones. */
static void set_totals(struct filter *filter, const struct snapshot *snapshot)
{
	struct totals *totals = &filter->view.totals;

	*totals = snapshot->totals;
	totals->entries = filter->totals.entries;
	totals->minor = filter->totals.minor;
	totals->major = filter->totals.major;
	totals->denied = filter->totals.denied;
	totals->populated = filter->totals.populated;
	totals->gup = filter->totals.gup;
	totals->gup_several = totals->gup_elsewhere = totals->gup_untold = 0; /* not by process */
	totals->aborted = totals->missed = totals->late = 0;
	totals->perf_minor = totals->perf_major = 0;
	totals->has_perf_minor = totals->has_perf_major = false;
}

static void show_processes(struct filter *filter, const struct snapshot *snapshot)
{
	struct snapshot *view = &filter->view;

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		struct process *process = snapshot->processes[i];

		filter->is_shown[process->index] = matches(filter, process);
		if (!filter->is_shown[process->index])
			continue;
		filter->has_matched = true;
		view->processes[view->n_processes++] = process;
		filter->totals.gup += process->gup - process->gup_before;
	}
}

static void show_rows(struct filter *filter, const struct snapshot *snapshot)
{
	struct snapshot *view = &filter->view;

	for (size_t i = 0; i < snapshot->n_rows; i++) {
		struct row *row = snapshot->rows[i];

		if (!filter->is_shown[row->process->index])
			continue;
		view->rows[view->n_rows++] = row;
		if (i >= snapshot->n_touched)
			continue;
		view->n_touched = view->n_rows;
		add_totals(filter, row);
	}
}

static void show_sampled(struct filter *filter, const struct snapshot *snapshot)
{
	struct snapshot *view = &filter->view;

	for (size_t i = 0; i < snapshot->n_sampled; i++) {
		const struct sampled_path *path = &snapshot->sampled[i];
		const struct process *process = snapshot_find_process(snapshot, path->tgid,
								      path->start_ns);

		if (process && filter->is_shown[process->index])
			view->sampled[view->n_sampled++] = *path;
	}
}

const struct snapshot *filter_apply(struct filter *filter, const struct snapshot *snapshot)
{
	struct snapshot *view = &filter->view;
	struct totals before = view->totals;
	struct process **processes;
	struct sampled_path *sampled;
	struct row **rows;

	if (!reserve(filter, snapshot))
		return NULL;
	processes = view->processes;
	rows = view->rows;
	sampled = view->sampled;
	*view = *snapshot;
	view->processes = processes;
	view->rows = rows;
	view->sampled = sampled;
	view->n_processes = view->n_rows = view->n_touched = view->n_sampled = 0;
	view->totals_before = before;
	show_processes(filter, snapshot);
	show_rows(filter, snapshot);
	show_sampled(filter, snapshot);
	set_totals(filter, snapshot);
	return view;
}
