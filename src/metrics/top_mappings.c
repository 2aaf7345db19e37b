// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/top_mappings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/exposition.h"

/* Candidates beside the series: as many, and these at least. */
#define MIN_CANDIDATES 8

const char *const severity_names[SEVERITY_COUNT] = { "minor", "major", "denied" };

int top_mappings_init(struct top_mappings *top, size_t max_shown)
{
	size_t candidates = max_shown > MIN_CANDIDATES ? max_shown : MIN_CANDIDATES;

	*top = (struct top_mappings){ .max_shown = max_shown };
	if (!max_shown)
		return 0;
	top->slots = calloc(max_shown + candidates, sizeof(*top->slots));
	if (!top->slots)
		return -ENOMEM;
	top->n_slots = max_shown + candidates;
	return 0;
}

void top_mappings_clear(struct top_mappings *top)
{
	for (size_t i = 0; i < top->n_slots; i++)
		free(top->slots[i].label);
	free(top->slots);
	*top = (struct top_mappings){};
}

void top_mappings_begin(struct top_mappings *top, double keep, uint64_t now_ns)
{
	top->now_ns = now_ns;
	for (size_t i = 0; i < top->n_slots; i++) {
		top->slots[i].score *= keep;
		memset(top->slots[i].fresh, 0, sizeof(top->slots[i].fresh));
	}
}

void top_mappings_begin_block(struct top_mappings *top)
{
	for (size_t i = 0; i < top->n_slots; i++) {
		struct mapping_series *series = &top->slots[i];

		memcpy(series->then[1], series->then[0], sizeof(series->then[1]));
		memcpy(series->then[0], series->faults, sizeof(series->then[0]));
	}
}

static bool is_candidate(const struct top_mappings *top, const struct mapping_series *series)
{
	return !series->shown && series->out_until_ns <= top->now_ns;
}

/* Its slot; else one for it, if it is worth more than the weakest candidate; else NULL. */
static struct mapping_series *slot_for(struct top_mappings *top, uint64_t hash, double score)
{
	struct mapping_series *weakest = NULL;

	for (size_t i = 0; i < top->n_slots; i++) {
		struct mapping_series *series = &top->slots[i];

		if (series->hash == hash)
			return series;
		if (is_candidate(top, series) && (!weakest || series->score < weakest->score))
			weakest = series;
	}
	if (!weakest || (weakest->hash && weakest->score >= score))
		return NULL;
	free(weakest->label);
	*weakest = (struct mapping_series){ .hash = hash };
	return weakest;
}

static void add_faults(uint64_t sum[SEVERITY_COUNT], const uint64_t more[SEVERITY_COUNT])
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		sum[severity] += more[severity];
}

void top_mappings_count(struct top_mappings *top, const char *mapping,
			const uint64_t faults[SEVERITY_COUNT])
{
	double score = (double)(faults[SEVERITY_MINOR] + faults[SEVERITY_DENIED] +
				faults[SEVERITY_MAJOR] * WEIGHT_OF_MAJOR);
	struct mapping_series *series;
	char label[LABEL_LEN];

	/* "other" is the label of the rest. */
	series = top->n_slots && strcmp(mapping, "other") != 0 ?
			 slot_for(top, label_hash(mapping) ?: 1, score) :
			 NULL;
	if (series && !series->label) {
		label_text(label, mapping);
		series->label = strdup(label);
		if (!series->label) /* stays in other for now */
			series = NULL;
	}
	if (series)
		series->score += score;
	if (!series || !series->shown)
		add_faults(top->rest, faults);
	if (series)
		add_faults(series->shown ? series->faults : series->fresh, faults);
}

struct mapping_series *top_mappings_weakest(const struct top_mappings *top)
{
	struct mapping_series *weakest = NULL;

	for (size_t i = 0; i < top->n_slots; i++)
		if (top->slots[i].shown && (!weakest || top->slots[i].score < weakest->score))
			weakest = &top->slots[i];
	return weakest;
}

struct mapping_series *top_mappings_strongest(const struct top_mappings *top)
{
	struct mapping_series *strongest = NULL;

	for (size_t i = 0; i < top->n_slots; i++)
		if (top->slots[i].label && is_candidate(top, &top->slots[i]) &&
		    (!strongest || top->slots[i].score > strongest->score))
			strongest = &top->slots[i];
	return strongest;
}

void top_mappings_evict(struct top_mappings *top, struct mapping_series *series)
{
	series->shown = false;
	series->left_tick = top->tick;
	series->is_unseen = false;
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		series->is_unseen |= series->born[severity] > top->seen_tick;
	series->out_until_ns = top->now_ns + LEAVE_NS + STAY_OUT_NS;
	top->n_shown--;
}

/* Has everybody seen the last value of one that stands still? */
static bool was_seen(const struct top_mappings *top, struct mapping_series *series)
{
	if (series->left_tick > top->seen_tick)
		return series->out_until_ns <= top->now_ns + STAY_OUT_NS;
	if (!series->is_unseen)
		return true;
	series->is_unseen = false;
	series->left_tick = top->tick;
	return false;
}

void top_mappings_end(struct top_mappings *top, bool is_urgent, uint64_t ended[SEVERITY_COUNT])
{
	for (size_t i = 0; i < top->n_slots; i++) {
		struct mapping_series *series = &top->slots[i];

		if (!series->left_tick || (!is_urgent && !was_seen(top, series)))
			continue;
		add_faults(ended, series->faults);
		*series = (struct mapping_series){ .hash = series->hash,
						   .score = series->score,
						   .label = series->label,
						   .out_until_ns = top->now_ns + STAY_OUT_NS };
	}
}

static void note_births(uint64_t born[SEVERITY_COUNT], const uint64_t faults[SEVERITY_COUNT],
			uint64_t tick)
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		if (!faults[severity])
			born[severity] = 0; /* all of it is a new series' now */
		else if (!born[severity])
			born[severity] = tick;
}

void top_mappings_note_births(struct top_mappings *top)
{
	for (size_t i = 0; i < top->n_slots; i++)
		if (top->slots[i].shown)
			note_births(top->slots[i].born, top->slots[i].faults, top->tick);
	note_births(top->rest_born, top->rest, top->tick);
}

bool top_mappings_show(struct top_mappings *top, struct timespec since)
{
	struct mapping_series *series = top_mappings_strongest(top);

	if (!series || top->n_shown == top->max_shown)
		return false;
	series->shown = true;
	series->created = since;
	for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
		series->faults[severity] = series->fresh[severity];
		top->rest[severity] -= series->fresh[severity];
		series->fresh[severity] = 0;
	}
	top->n_shown++;
	return true;
}

size_t top_mappings_replace(struct top_mappings *top, struct timespec since)
{
	size_t evicted = 0;

	for (;;) {
		struct mapping_series *strongest = top_mappings_strongest(top);
		struct mapping_series *weakest = top_mappings_weakest(top);

		if (!strongest || !weakest || strongest->score <= 2 * weakest->score)
			return evicted;
		top_mappings_evict(top, weakest);
		top_mappings_show(top, since);
		evicted++;
	}
}
