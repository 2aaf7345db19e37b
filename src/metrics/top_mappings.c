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

void top_mappings_count(struct top_mappings *top, const char *mapping,
			const uint64_t faults[SEVERITY_COUNT])
{
	double score = (double)(faults[SEVERITY_MINOR] + faults[SEVERITY_DENIED] +
				faults[SEVERITY_MAJOR] * WEIGHT_OF_MAJOR);
	struct mapping_series *series;
	char label[LABEL_LEN];

	/* "other" is the label of the rest. */
	if (!top->n_slots || !strcmp(mapping, "other"))
		return;
	series = slot_for(top, label_hash(mapping) ?: 1, score);
	if (!series)
		return;
	if (!series->label) {
		label_text(label, mapping);
		series->label = strdup(label);
		if (!series->label) /* stays in other for now */
			return;
	}
	series->score += score;
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		*(series->shown ? &series->faults[severity] :
				  &series->fresh[severity]) += faults[severity];
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
	*series = (struct mapping_series){ .hash = series->hash,
					   .score = series->score,
					   .label = series->label,
					   .out_until_ns = top->now_ns + STAY_OUT_NS };
	top->n_shown--;
}

bool top_mappings_show(struct top_mappings *top, struct timespec since)
{
	struct mapping_series *series = top_mappings_strongest(top);

	if (!series || top->n_shown == top->max_shown)
		return false;
	series->shown = true;
	series->created = since;
	/* No scrape has seen them in other. */
	memcpy(series->faults, series->fresh, sizeof(series->faults));
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
