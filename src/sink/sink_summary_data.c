// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_summary_data.h"

#include <errno.h>
#include <string.h>

#include "model/losses.h"
#include "base/util.h"

/* Mappings x kinds of what runs at a time, and distinct names x kinds of a large build: some
 * thousands, about 3 MiB each at this limit. Beyond, mappings are merged by name, and names go to
 * one "(other)" place. */
#define DEFAULT_MAX_PLACES 16384
/* 16 MiB; beyond, the least busy of those that ended become a sum. */
#define DEFAULT_MAX_PROCESSES 65536

struct sink_summary *sink_summary_new(const struct sink_summary_options *options)
{
	struct sink_summary *summary = calloc(1, sizeof(*summary));

	if (!summary)
		return NULL;
	summary->options = *options;
	if (!options->max_places)
		summary->options.max_places = DEFAULT_MAX_PLACES;
	if (!options->max_processes)
		summary->options.max_processes = DEFAULT_MAX_PROCESSES;
	summary->other.name = "(other)";
	table_init(&summary->own, 0, PLACE_KEY_SIZE);
	table_init(&summary->merged, 0, PLACE_KEY_SIZE);
	table_init(&summary->people, 0, PERSON_KEY_SIZE);
	return summary;
}

static void person_free(void *value)
{
	struct person *person = value;

	table_clear(&person->seen);
	free(person);
}

void sink_summary_free(struct sink_summary *summary)
{
	if (!summary)
		return;
	table_clear_values(&summary->own, free);
	table_clear_values(&summary->merged, free);
	table_clear_values(&summary->people, person_free);
	interned_clear(&summary->names);
	free(summary);
}

/* Places. -------------------------------------------------------------------------------------- */

bool sink_summary_has_several(const struct sink_summary *summary)
{
	return summary->people.count + summary->n_rest > 1;
}

static bool place_is_large(const struct sink_summary *summary, const struct place *place)
{
	return place->counts.pages >= LARGE_PAGES &&
	       place->counts.pages >= summary->n_pages / LARGE_PART;
}

static void place_give_up(struct sink_summary *summary, struct place *own)
{
	place_add(own->merged, own);
	table_remove(&summary->own, own);
	free(own);
}

/* The place with this key, made if need be. NULL: out of memory. */
static struct place *place_get(struct table *places, const struct place *key)
{
	struct place *place = table_get(places, key);

	if (place)
		return place;
	place = malloc(sizeof(*place));
	if (!place)
		return NULL;
	*place = *key;
	if (table_add(places, place) < 0) {
		free(place);
		return NULL;
	}
	return place;
}

static struct place place_key(const struct row *row, const char *name)
{
	struct place key = {
		.name = name, .kind = row->kind, .access = row->access, .mode = row->mode
	};

	memcpy(key.perms, row->perms, sizeof(key.perms));
	return key;
}

/* The place of the row's name, or "other" when there are too many. NULL: out of memory. */
static struct place *merged_place(struct sink_summary *summary, const struct row *row)
{
	struct place key = place_key(row, interned_find(&summary->names, row->mapping));

	if (key.name && table_get(&summary->merged, &key))
		return table_get(&summary->merged, &key);
	if (summary->merged.count >= summary->options.max_places)
		return &summary->other;
	key.name = interned_add(&summary->names, row->mapping);
	return key.name ? place_get(&summary->merged, &key) : NULL;
}

/* Makes room: only the few large mappings keep a place of their own. */
int sink_summary_thin(struct sink_summary *summary)
{
	size_t count = summary->own.count;
	autofree struct place **own = table_values(&summary->own);

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (!place_is_large(summary, own[i]))
			place_give_up(summary, own[i]);
	return 0;
}

/* The place that the row's faults go to. NULL: out of memory. */
static struct place *own_place(struct sink_summary *summary, const struct row *row,
			       struct place *merged)
{
	struct place key = place_key(row, merged->name);
	struct place *own;

	if (merged == &summary->other || !row->mapping_id)
		return merged;
	key.mapping_id = row->mapping_id;
	key.merged = merged;
	key.tgid = row->process->tgid;
	own = table_get(&summary->own, &key);
	if (!own && summary->own.count >= summary->options.max_places &&
	    sink_summary_thin(summary) < 0)
		return NULL;
	if (!own && summary->own.count >= summary->options.max_places)
		return merged;
	if (!own)
		own = place_get(&summary->own, &key);
	/* A slice's row has the mapping as it was when it last faulted there: smaller, maybe. */
	if (own &&
	    !(row->slice && own->map_start <= row->map_start && row->map_end <= own->map_end)) {
		own->map_start = row->map_start;
		own->map_end = row->map_end;
	}
	return own;
}

/* Processes. ----------------------------------------------------------------------------------- */

static uint64_t person_faults(const struct person *person)
{
	return person->minor + person->major;
}

void sink_summary_person_sum(struct person *sum, const struct person *more)
{
	sum->minor += more->minor;
	sum->major += more->major;
	sum->gup += more->gup;
	sum->vsz_bytes += more->vsz_bytes;
	sum->rss_bytes += more->rss_bytes;
	counts_add(&sum->counts, &more->counts);
	stalls_add(&sum->stalls, &more->stalls);
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++)
		sum->by_kind[kind] += more->by_kind[kind];
}

int sink_summary_compare_people(const void *left, const void *right)
{
	const struct person *a = *(const struct person *const *)left;
	const struct person *b = *(const struct person *const *)right;
	int order = compare_u64(person_faults(b), person_faults(a));

	if (!order)
		order = compare_u64(a->start_ns, b->start_ns);
	return order ? order : compare_u64(a->tgid, b->tgid);
}

void *sink_summary_sorted_values(const struct table *table,
				 int (*compare)(const void *, const void *))
{
	void *values = table_values(table);

	if (values)
		qsort(values, table->count, sizeof(void *), compare);
	return values;
}

/* Turns the less busy half of those that ended into a sum: their counters are final. */
static int people_fold(struct sink_summary *summary)
{
	size_t count = summary->people.count;
	autofree struct person **people = sink_summary_sorted_values(&summary->people,
								     sink_summary_compare_people);

	if (!people)
		return -ENOMEM;
	for (size_t i = count / 2; i < count; i++) {
		if (!people[i]->ended)
			continue;
		sink_summary_person_sum(&summary->rest, people[i]);
		summary->n_rest++;
		table_remove(&summary->people, people[i]);
		person_free(people[i]);
	}
	return 0;
}

/* The copy of this process, new if need be. NULL: out of memory. */
static struct person *person_of(struct sink_summary *summary, const struct process *process)
{
	struct person key = { .start_ns = process->start_ns, .tgid = process->tgid };
	struct person *person = table_get(&summary->people, &key);

	if (person)
		return person;
	if (summary->people.count >= summary->options.max_processes && people_fold(summary) < 0)
		return NULL;
	person = malloc(sizeof(*person));
	if (!person)
		return NULL;
	*person = key;
	table_init(&person->seen, 0, PLACE_KEY_SIZE);
	if (table_add(&summary->people, person) < 0) {
		free(person);
		return NULL;
	}
	return person;
}

static int add_process(struct sink_summary *summary, const struct process *process)
{
	struct person *person = person_of(summary, process);

	if (!person)
		return -ENOMEM;
	memcpy(person->comm, process->comm, COMM_LEN);
	person->vsz_bytes = max_of(person->vsz_bytes,
				   max_of(process->vsz_bytes, process->peak_vsz_bytes));
	person->rss_bytes = max_of(person->rss_bytes,
				   max_of(process->rss_bytes, process->peak_rss_bytes));
	person->minor = process->minor;
	person->major = process->major;
	person->gup = process->gup;
	return 0;
}

static int add_row(struct sink_summary *summary, const struct row *row)
{
	struct fault_counts delta = row_delta(row);
	struct stalls stalls = latency_stalls(row);
	bool is_homeless = losses_is_other(row->process);
	struct person *person = is_homeless ? NULL : person_of(summary, row->process);
	struct place *merged = person || is_homeless ? merged_place(summary, row) : NULL;
	struct place *place = merged ? own_place(summary, row, merged) : NULL;

	if (!place)
		return -ENOMEM;
	counts_add(&place->counts, &delta);
	stalls_add(&place->stalls, &stalls);
	summary->n_pages += delta.pages;
	if (person) {
		counts_add(&person->counts, &delta);
		person->by_kind[row->kind] += (uint32_t)(delta.minor + delta.major + delta.denied);
		stalls_add(&person->stalls, &stalls);
	}
	if (is_homeless)
		summary->n_homeless += delta.minor + delta.major;
	if (is_homeless || merged == &summary->other || table_get(&person->seen, merged))
		return 0;
	merged->n_processes++;
	return table_add(&person->seen, merged);
}

/* What is small of a process that has ended will never have a row of its own. */
static void end_row(struct sink_summary *summary, const struct row *row)
{
	struct place key = place_key(row, interned_find(&summary->names, row->mapping));
	struct place *own;

	key.mapping_id = row->mapping_id;
	own = table_get(&summary->own, &key);
	if (own && own->counts.pages < LARGE_PAGES)
		place_give_up(summary, own);
}

static void end_process(struct sink_summary *summary, const struct process *process)
{
	struct person *person = person_of(summary, process);

	if (!person)
		return;
	person->ended = true;
	table_clear(&person->seen);
}

int sink_summary_tick(struct sink_summary *summary, const struct snapshot *snapshot,
		      struct error *error)
{
	bool keeps_all = summary->options.show_all;
	int result = 0;

	summary->totals = snapshot->totals;
	for (size_t i = 0; i < snapshot->n_processes && !result; i++)
		if (!losses_is_other(snapshot->processes[i]))
			result = add_process(summary, snapshot->processes[i]);
	for (size_t i = 0; i < snapshot->n_touched && !result; i++)
		if (row_changed(snapshot->rows[i]))
			result = add_row(summary, snapshot->rows[i]);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->ended)
			end_process(summary, snapshot->processes[i]);
	for (size_t i = 0; i < snapshot->n_rows && !keeps_all && sink_summary_has_several(summary);
	     i++)
		if (snapshot->rows[i]->process->ended)
			end_row(summary, snapshot->rows[i]);
	return result < 0 ? error_set(error, ENOMEM, "summing up: out of memory") : 0;
}

SINK_OPS(summary);

struct person sink_summary_people_sum(const struct sink_summary *summary)
{
	struct person sum = summary->rest;
	size_t cursor = 0;

	for (const struct person *person; (person = table_next(&summary->people, &cursor));)
		sink_summary_person_sum(&sum, person);
	return sum;
}

struct sink_summary_totals sink_summary_totals(const struct sink_summary *summary)
{
	struct person sum = sink_summary_people_sum(summary);

	return (struct sink_summary_totals){ .processes = summary->people.count + summary->n_rest,
					     .minor = sum.minor,
					     .major = sum.major };
}
