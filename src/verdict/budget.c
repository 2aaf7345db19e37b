// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/budget.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/text.h"
#include "base/util.h"
#include "model/kinds.h"
#include "model/latency.h"
#include "model/losses.h"
#include "model/unit_name.h"
#include "verdict/budget_data.h"
#include "verdict/phases.h"

#define PART_KEY_SIZE offsetof(struct budget_part, seen)

struct budget *budget_new(uint64_t page_size)
{
	struct budget *budget = calloc(1, sizeof(*budget));

	if (!budget)
		return NULL;
	budget->page_size = page_size;
	for (size_t i = 0; i < BUDGET_TERMS_MAX; i++)
		table_init(&budget->terms[i].parts, 0, PART_KEY_SIZE);
	return budget;
}

static void forget_parts(struct budget_term *term)
{
	table_clear_values(&term->parts, free);
	table_init(&term->parts, 0, PART_KEY_SIZE);
}

void budget_free(struct budget *budget)
{
	if (!budget)
		return;
	for (size_t i = 0; i < budget->count; i++) {
		struct budget_term *term = &budget->terms[i];

		free(term->text);
		free(term->process);
		free(term->mapping);
		free(term->kind);
		free(term->unit);
		free(term->phase);
		free(term->step);
		forget_parts(term);
	}
	interned_clear(&budget->names);
	free(budget->phase);
	free(budget);
}

int budget_set_phase(struct budget *budget, const char *phase)
{
	for (size_t i = 0; i < budget->count; i++) {
		struct budget_term *term = &budget->terms[i];

		if (term->phase || term->step)
			continue;
		term->phase = strdup(phase);
		if (!term->phase)
			return -ENOMEM;
	}
	return 0;
}

size_t budget_count(const struct budget *budget)
{
	return budget->count;
}

bool budget_wants_times(const struct budget *budget)
{
	for (size_t i = 0; i < budget->count; i++)
		if (budget->terms[i].figure == BUDGET_STALL)
			return true;
	return false;
}

bool budget_wants_marks(const struct budget *budget)
{
	for (size_t i = 0; i < budget->count; i++)
		if (budget->terms[i].phase || budget->terms[i].step)
			return true;
	return false;
}

/* Matching. ------------------------------------------------------------------------------------ */

static const char *phase_of(const struct budget *budget)
{
	return budget->phase ?: PHASE_FIRST;
}

/* Whether the term applies to the current phase. */
static bool is_open(const struct budget *budget, const struct budget_term *term)
{
	if (term->phase && strcmp(term->phase, phase_of(budget)))
		return false;
	return !term->step || !strcmp(term->step, phase_of(budget));
}

static bool matches_unit(const char *pattern, const char *cgroup)
{
	struct unit_name unit;

	unit_name_of(&unit, cgroup);
	return unit_name_matches(&unit, pattern);
}

static bool matches_process(const struct budget_term *term, const struct process *process)
{
	if (term->process && !glob_matches(term->process, process->comm))
		return false;
	return !term->unit || matches_unit(term->unit, process->cgroup);
}

static bool matches_row(const struct budget_term *term, const struct row *row)
{
	if (term->mapping && !glob_matches(term->mapping, row->mapping))
		return false;
	if (term->kind && !glob_matches(term->kind, kind_name(row->kind)))
		return false;
	return matches_process(term, row->process);
}

/* Whether the processes' own counters give it, which include faults in no row. */
static bool is_of_processes(const struct budget_term *term)
{
	return !term->mapping && !term->kind && term->figure != BUDGET_DENIED &&
	       term->figure != BUDGET_BYTES && term->figure != BUDGET_STALL;
}

/* Adding. -------------------------------------------------------------------------------------- */

/* 0 or -ENOMEM. */
static int add_part(struct budget *budget, struct budget_term *term, const struct budget_part *key,
		    uint64_t count)
{
	struct budget_part like = *key, *part;

	if (!count)
		return 0;
	like.comm = interned_add(&budget->names, key->comm);
	like.mapping = interned_add(&budget->names, key->mapping);
	if (!like.comm || !like.mapping)
		return -ENOMEM;
	part = table_get(&term->parts, &like);
	if (!part && term->parts.count >= BUDGET_PARTS_MAX)
		return 0;
	like.seen = 0;
	if (!part)
		part = table_add_copy(&term->parts, &like, sizeof(like));
	if (!part)
		return -ENOMEM;
	part->seen += count;
	return 0;
}

static uint64_t figure_of_row(const struct budget *budget, enum budget_figure figure,
			      const struct row *row)
{
	struct fault_counts delta = row_delta(row);

	switch (figure) {
	case BUDGET_MINOR:
		return delta.minor;
	case BUDGET_MAJOR:
		return delta.major;
	case BUDGET_DENIED:
		return delta.denied;
	case BUDGET_BYTES:
		return delta.pages * budget->page_size;
	case BUDGET_STALL:
		return latency_stalls(row).sum_ns;
	default:
		return delta.minor + delta.major + delta.denied;
	}
}

static int add_row(struct budget *budget, struct budget_term *term, const struct row *row)
{
	uint64_t count = figure_of_row(budget, term->figure, row);
	struct budget_part part = { .comm = row->process->comm,
				    .mapping = row->mapping,
				    .kind = row->kind };

	if (!is_of_processes(term))
		term->seen += count;
	else if (term->figure == BUDGET_FAULTS)
		term->seen += row_delta(row).denied;
	return add_part(budget, term, &part, count);
}

/* Counts by the kernel's counters of the process; a fault without an exception has no mapping. */
static int add_process(struct budget *budget, struct budget_term *term,
		       const struct process *process)
{
	uint64_t minor = process->minor - process->minor_before;
	uint64_t major = process->major - process->major_before;
	struct budget_part part = { .comm = process->comm,
				    .mapping = "(no exception: GUP)",
				    .kind = KIND_COUNT };

	if (term->figure != BUDGET_MAJOR)
		term->seen += minor;
	if (term->figure != BUDGET_MINOR)
		term->seen += major;
	return term->figure == BUDGET_MAJOR ?
		       0 :
		       add_part(budget, term, &part, process->gup - process->gup_before);
}

static int add_snapshot(struct budget *budget, struct budget_term *term,
			const struct snapshot *snapshot)
{
	int result = 0;

	for (size_t i = 0; i < snapshot->n_touched && !result; i++)
		if (row_changed(snapshot->rows[i]) && matches_row(term, snapshot->rows[i]))
			result = add_row(budget, term, snapshot->rows[i]);
	if (!is_of_processes(term))
		return result;
	for (size_t i = 0; i < snapshot->n_processes && !result; i++)
		if (!losses_is_other(snapshot->processes[i]) &&
		    matches_process(term, snapshot->processes[i]))
			result = add_process(budget, term, snapshot->processes[i]);
	return result;
}

int budget_tick(struct budget *budget, const struct snapshot *snapshot, struct error *error)
{
	budget->totals = snapshot->totals;
	for (size_t i = 0; i < budget->count; i++) {
		struct budget_term *term = &budget->terms[i];

		if (!is_open(budget, term))
			continue;
		term->has_begun = true;
		if (add_snapshot(budget, term, snapshot) < 0)
			return error_set(error, ENOMEM, "adding up the budget: out of memory");
	}
	return 0;
}

static int tick_it(void *sink, const struct snapshot *snapshot, struct error *error)
{
	return budget_tick(sink, snapshot, error);
}

static void free_nothing(void *sink)
{
	(void)sink;
}

const struct sink_ops budget_ops = { "budget", tick_it, free_nothing };

/* Results. ------------------------------------------------------------------------------------- */

/* The part with most; of equal ones the first by name. mapping NULL: there is none. */
static struct budget_part most_of(const struct budget_term *term)
{
	struct budget_part most = {};
	const struct budget_part *part;
	size_t cursor = 0;

	while ((part = table_next(&term->parts, &cursor)))
		if (!most.mapping || part->seen > most.seen ||
		    (part->seen == most.seen && strcmp(part->mapping, most.mapping) < 0))
			most = *part;
	return most;
}

static void end_step(struct budget_term *term)
{
	term->n_steps++;
	if (term->n_steps == 1 || term->seen > term->worst_seen) {
		term->worst_seen = term->seen;
		term->worst_step = term->n_steps;
		term->worst_part = most_of(term);
	}
	term->seen = 0;
	forget_parts(term);
}

int budget_mark(struct budget *budget, const char *name)
{
	char *phase = strdup(name);

	if (!phase)
		return -ENOMEM;
	for (size_t i = 0; i < budget->count; i++)
		if (budget->terms[i].step && is_open(budget, &budget->terms[i]))
			end_step(&budget->terms[i]);
	free(budget->phase);
	budget->phase = phase;
	return 0;
}

struct budget_result budget_result(const struct budget *budget, size_t number)
{
	const struct budget_term *term = &budget->terms[number];
	struct budget_part most = term->worst_part;
	struct budget_result result = { .text = term->text,
					.figure = term->figure,
					.phase = term->phase,
					.step = term->step,
					.limit = term->limit,
					.seen = term->worst_seen,
					.n_steps = term->n_steps,
					.worst_step = term->worst_step };
	bool goes_on = !term->step || is_open(budget, term);

	if (term->step && goes_on)
		result.n_steps++;
	if (goes_on && (!term->step || !term->n_steps || term->seen > term->worst_seen)) {
		result.seen = term->seen;
		result.worst_step = result.n_steps;
		most = most_of(term);
	}
	result.is_unmeasured = (term->phase || term->step) && !term->has_begun;
	result.is_broken = result.seen > term->limit || result.is_unmeasured;
	result.comm = most.comm;
	result.mapping = most.mapping;
	result.worst = most.seen;
	if (most.mapping && most.kind < KIND_COUNT)
		result.kind = kind_name(most.kind);
	return result;
}

uint64_t budget_lacks(const struct budget *budget)
{
	const struct totals *totals = &budget->totals;
	return totals->late + totals->map_full +
	       (budget_wants_times(budget) ? totals->latencies_lost : 0);
}

size_t budget_broken(const struct budget *budget)
{
	size_t broken = 0;

	for (size_t i = 0; i < budget->count; i++)
		broken += budget_result(budget, i).is_broken;
	return broken;
}

static const char *amount(const struct budget_result *result, uint64_t value, char *buffer)
{
	if (result->figure == BUDGET_STALL)
		return text_duration(buffer, value);
	return text_count(buffer, value);
}

/* " in phase steady"; "" for all. Returns buffer. */
static char *describe_where(const struct budget_result *result, char *buffer, size_t size)
{
	char name[64];

	buffer[0] = '\0';
	if (!result->step && !result->phase)
		return buffer;
	text_escape_to(name, sizeof(name), result->step ?: result->phase);
	if (result->step)
		snprintf(buffer, size, " in step %" PRIu64 " of %" PRIu64 " of %s",
			 result->worst_step, result->n_steps, name);
	else
		snprintf(buffer, size, " in phase %s", name);
	return buffer;
}

char *budget_describe(const struct budget_result *result, char *buffer, size_t size)
{
	char text[160], comm[4 * COMM_LEN], mapping[160], seen[64], worst[64], where[128];
	int length;

	text_escape_to(text, sizeof(text), result->text);
	if (result->is_unmeasured) {
		text_escape_to(mapping, sizeof(mapping), result->step ?: result->phase);
		snprintf(buffer, size, "budget %s: broken, no mark %s came", text, mapping);
		return buffer;
	}
	length = snprintf(buffer, size, "budget %s: %s, %s %s%s", text,
			  result->is_broken ? "broken" : "kept", amount(result, result->seen, seen),
			  budget_figure_name(result->figure),
			  describe_where(result, where, sizeof(where)));
	if (!result->mapping || length < 0 || (size_t)length >= size)
		return buffer;
	text_escape_to(comm, sizeof(comm), result->comm);
	text_escape_to(mapping, sizeof(mapping), result->mapping);
	snprintf(buffer + length, size - (size_t)length, "; most: %s of %s%s%s, by %s",
		 amount(result, result->worst, worst), mapping, result->kind ? " " : "",
		 result->kind ?: "", comm);
	return buffer;
}
