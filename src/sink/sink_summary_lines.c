// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_summary_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "model/kinds.h"

/* What is not shown one by one is less than this part of all stalls, of all faults and of all
 * bytes. */
#define REST_PART 20
/* A page of output; what is left over is more lines, if it is more than that. */
#define SHOWN_LINES 15
/* Kinds that are named on a line. */
#define SHOWN_KINDS 3

static uint64_t faults_of(const struct fault_counts *counts)
{
	return counts->minor + counts->major + counts->denied;
}

static void line_add(struct line *sum, const struct line *more)
{
	counts_add(&sum->counts, &more->counts);
	stalls_add(&sum->stalls, &more->stalls);
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++)
		sum->by_kind[kind] += more->by_kind[kind];
}

static void line_add_place(struct line *line, const struct place *place)
{
	counts_add(&line->counts, &place->counts);
	stalls_add(&line->stalls, &place->stalls);
	line->by_kind[place->kind] += faults_of(&place->counts);
	line->n_processes = max_of(line->n_processes, place->n_processes);
}

/* The line with this key, made if need be; NULL: out of memory. */
static struct line *line_of(struct table *table, const struct line *key)
{
	struct line *line = table_get(table, key);

	if (line)
		return line;
	line = malloc(sizeof(*line));
	if (!line)
		return NULL;
	*line = *key;
	if (table_add(table, line) < 0) {
		free(line);
		return NULL;
	}
	return line;
}

/* Adds the places to the line that `key` gives each of them. 0 or -ENOMEM. */
static int add_places(struct table *table, const struct table *places,
		      struct line (*key)(const struct place *place))
{
	size_t cursor = 0;

	for (struct place *place; (place = table_next(places, &cursor));) {
		struct line wanted = key(place), *line;

		if (!has_faults(&place->counts))
			continue;
		line = line_of(table, &wanted);
		if (!line)
			return -ENOMEM;
		line_add_place(line, place);
		line->pid = place->tgid;
	}
	return 0;
}

static struct line key_by_kind(const struct place *place)
{
	return (struct line){ .name = kind_name(place->kind) };
}

static struct line key_by_name(const struct place *place)
{
	return (struct line){ .name = place->name };
}

static struct line key_by_mapping(const struct place *place)
{
	return (struct line){ .name = place->name, .mapping_id = place->mapping_id };
}

static bool is_large(const struct line *mapping, uint64_t n_pages)
{
	return mapping->counts.pages >= LARGE_PAGES &&
	       mapping->counts.pages >= n_pages / LARGE_PART;
}

/* Puts the mapping into its name's line. */
static int add_mapping(struct table *table, const struct line *mapping, bool has_several)
{
	struct line key = { .name = mapping->name };
	struct line *line = line_of(table, &key);

	if (!line)
		return -ENOMEM;
	line_add(line, mapping);
	line->n_alike += !has_several; /* else some were given up */
	line->n_processes = max_of(line->n_processes, 1);
	return 0;
}

/* A line of its own. */
static int add_large(struct table *table, const struct line *mapping, bool has_several)
{
	struct line *line = line_of(table, mapping);

	if (!line)
		return -ENOMEM;
	line->pid = has_several ? mapping->pid : 0;
	return 0;
}

/* A large mapping is what is looked for; the others are one line for each name. */
static int add_mappings(struct table *table, const struct sink_summary *summary)
{
	bool has_several = sink_summary_has_several(summary);
	struct table mappings;
	size_t cursor = 0;
	int result;

	table_init(&mappings, 0, LINE_KEY_SIZE);
	result = add_places(&mappings, &summary->own, key_by_mapping);
	for (struct line *line; !result && (line = table_next(&mappings, &cursor));)
		result = is_large(line, summary->n_pages) ? add_large(table, line, has_several) :
							    add_mapping(table, line, has_several);
	table_clear_values(&mappings, free);
	return result ? result : add_places(table, &summary->merged, key_by_name);
}

static void line_add_person(struct line *line, const struct person *person)
{
	line->n_alike++;
	counts_add(&line->counts, &person->counts);
	stalls_add(&line->stalls, &person->stalls);
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++)
		line->by_kind[kind] += person->by_kind[kind];
}

static int add_people(struct table *table, struct sink_summary *summary)
{
	size_t cursor = 0;

	for (struct person *person; (person = table_next(&summary->people, &cursor));) {
		struct line key = { .name = interned_add(&summary->names, person->comm) };
		struct line *line;

		if (summary->options.by == SUMMARY_BY_PROCESS) {
			key.tgid = person->tgid;
			key.start_ns = person->start_ns;
		}
		line = key.name ? line_of(table, &key) : NULL;
		if (!line)
			return -ENOMEM;
		line_add_person(line, person);
	}
	return 0;
}

/* By what it cost: the time that tasks stood still, where that is known, else faults. */
static int compare_lines(const void *left, const void *right)
{
	const struct line *a = *(const struct line *const *)left;
	const struct line *b = *(const struct line *const *)right;
	int order = compare_u64(b->stalls.sum_ns, a->stalls.sum_ns);

	if (!order)
		order = compare_u64(faults_of(&b->counts), faults_of(&a->counts));
	if (!order)
		order = compare_u64(b->counts.pages, a->counts.pages);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = compare_u64(a->start_ns, b->start_ns);
	return order ? order : compare_u64(a->tgid, b->tgid);
}

/* What is asked for first, when something went wrong or was slow: it is never in the rest. */
static bool has_to_be_shown(const struct line *line)
{
	return line->counts.denied || line->counts.major;
}

static void move_to_front(struct line **lines, size_t from, size_t to)
{
	struct line *line = lines[from];

	memmove(lines + to + 1, lines + to, (from - to) * sizeof(struct line *));
	lines[to] = line;
}

/* What the lines from this one on cost. */
struct cost {
	uint64_t stall_ns;
	uint64_t faults;
	uint64_t pages;
};

static struct cost cost_from(const struct lines *lines, size_t first)
{
	struct cost cost = {};

	for (size_t i = first; i < lines->count; i++) {
		cost.stall_ns += lines->lines[i]->stalls.sum_ns;
		cost.faults += faults_of(&lines->lines[i]->counts);
		cost.pages += lines->lines[i]->counts.pages;
	}
	return cost;
}

static bool is_small(const struct cost *rest, const struct cost *total)
{
	return rest->stall_ns <= total->stall_ns / REST_PART &&
	       rest->faults <= total->faults / REST_PART && rest->pages <= total->pages / REST_PART;
}

/* Puts in front what is to be shown. */
static void choose_shown(struct lines *lines, size_t most)
{
	struct cost total = cost_from(lines, 0), rest;
	size_t shown = lines->count < most ? lines->count : most;

	for (size_t i = shown; i < lines->count; i++)
		if (has_to_be_shown(lines->lines[i]))
			move_to_front(lines->lines, i, shown++);
	rest = cost_from(lines, shown);
	for (; shown < lines->count && !is_small(&rest, &total); shown++) {
		rest.stall_ns -= lines->lines[shown]->stalls.sum_ns;
		rest.faults -= faults_of(&lines->lines[shown]->counts);
		rest.pages -= lines->lines[shown]->counts.pages;
	}
	lines->shown = shown;
}

/* Of all that the lines are made of. 0 or -ENOMEM. */
static int add_all(struct table *table, struct sink_summary *summary)
{
	int result;

	switch (summary->options.by) {
	case SUMMARY_BY_PROCESS:
	case SUMMARY_BY_COMM:
		return add_people(table, summary);
	case SUMMARY_BY_KIND:
		result = add_places(table, &summary->own, key_by_kind);
		return result ? result : add_places(table, &summary->merged, key_by_kind);
	default:
		return add_mappings(table, summary);
	}
}

int lines_make(struct lines *lines, struct sink_summary *summary)
{
	bool by_process = summary->options.by == SUMMARY_BY_PROCESS ||
			  summary->options.by == SUMMARY_BY_COMM;
	struct table table;
	int result;

	*lines = (struct lines){};
	table_init(&table, 0, LINE_KEY_SIZE);
	result = add_all(&table, summary);
	lines->lines = result ? NULL : sink_summary_sorted_values(&table, compare_lines);
	if (!lines->lines) {
		table_clear_values(&table, free);
		return -ENOMEM;
	}
	lines->count = table.count;
	table_clear(&table);
	choose_shown(lines, summary->options.show_all ? lines->count : SHOWN_LINES);
	lines->n_rest = lines->count - lines->shown;
	if (by_process) {
		line_add_person(&lines->rest, &summary->rest);
		lines->n_rest += summary->n_rest;
	} else if (has_faults(&summary->other.counts)) { /* of many mappings that found no place */
		line_add_place(&lines->rest, &summary->other);
		lines->n_rest++;
	}
	for (size_t i = 0; i < lines->count; i++)
		line_add(i < lines->shown ? &lines->total : &lines->rest, lines->lines[i]);
	line_add(&lines->total, &lines->rest);
	return 0;
}

void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->lines[i]);
	free(lines->lines);
}

/* Denied ones first, then by number. */
static unsigned int next_kind(const struct line *line, const bool *is_done)
{
	unsigned int best = KIND_COUNT;

	for (unsigned int kind = KIND_COUNT; kind-- > 0;) {
		uint64_t count = line->by_kind[kind];

		if (!count || is_done[kind])
			continue;
		if (best == KIND_COUNT ||
		    (best < KIND_FIRST_DENIED && count >= line->by_kind[best]))
			best = kind;
	}
	return best;
}

void line_kinds(const struct line *line, char *text, size_t size)
{
	bool is_done[KIND_COUNT] = {};
	size_t length = 0;
	unsigned int named = 0, kind;

	text[0] = '\0';
	for (; (kind = next_kind(line, is_done)) < KIND_COUNT && length < size; named++) {
		uint64_t count = line->by_kind[kind];
		char number[TEXT_COUNT_LEN];

		if (named == SHOWN_KINDS) {
			snprintf(text + length, size - length, ", ...");
			return;
		}
		is_done[kind] = true;
		length += (size_t)snprintf(text + length, size - length, "%s%s", named ? ", " : "",
					   kind_name(kind));
		if (count != faults_of(&line->counts) && length < size)
			length += (size_t)snprintf(text + length, size - length, " %s",
						   text_count(number, count));
	}
}
