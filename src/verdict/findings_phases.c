// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/findings_phases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/findings_data.h"
#include "verdict/phases.h"

struct findings_phases {
	struct findings *whole;
	struct {
		char *name;
		struct findings *part;
	} list[FINDINGS_PHASES_MAX];
	size_t count;
	size_t current;
	uint64_t page_size;
};

/* 0 or -ENOMEM. */
static int add_phase(struct findings_phases *phases, const char *name)
{
	bool is_last = phases->count == FINDINGS_PHASES_MAX - 1;
	struct findings *part = findings_new_small(phases->page_size, NULL);

	phases->list[phases->count].name = strdup(is_last ? PHASE_OTHERS : name);
	phases->list[phases->count].part = part;
	if (!part || !phases->list[phases->count].name) {
		findings_free(part);
		free(phases->list[phases->count].name);
		return -ENOMEM;
	}
	phases->count++;
	return 0;
}

struct findings_phases *findings_phases_new(uint64_t page_size, findings_limit_fn limit_of)
{
	struct findings_phases *phases = calloc(1, sizeof(*phases));

	if (!phases)
		return NULL;
	phases->page_size = page_size;
	phases->whole = findings_new(page_size, limit_of);
	if (phases->whole && !add_phase(phases, PHASE_FIRST))
		return phases;
	findings_phases_free(phases);
	return NULL;
}

void findings_phases_free(struct findings_phases *phases)
{
	for (size_t i = 0; phases && i < phases->count; i++) {
		free(phases->list[i].name);
		findings_free(phases->list[i].part);
	}
	if (phases)
		findings_free(phases->whole);
	free(phases);
}

int findings_phases_tick(struct findings_phases *phases, const struct snapshot *snapshot,
			 struct error *error)
{
	int result = findings_tick(phases->whole, snapshot, error);

	return result < 0 ? result :
			    findings_tick(phases->list[phases->current].part, snapshot, error);
}

static int tick_it(void *sink, const struct snapshot *snapshot, struct error *error)
{
	return findings_phases_tick(sink, snapshot, error);
}

static void free_it(void *sink)
{
	findings_phases_free(sink);
}

const struct sink_ops findings_phases_ops = { "findings", tick_it, free_it };

int findings_phases_mark(struct findings_phases *phases, const char *name)
{
	size_t i;
	int result = 0;

	for (i = 0; i < phases->count && strcmp(phases->list[i].name, name) != 0; i++)
		;
	if (i == FINDINGS_PHASES_MAX)
		i--;
	if (i == phases->count)
		result = add_phase(phases, name);
	if (!result)
		phases->current = i;
	return result;
}

/* Sets the phase that has most of it, and how much. */
static void attribute(const struct findings_phases *phases, struct finding *finding)
{
	uint64_t most = 0, sum = 0;

	for (size_t i = 0; i < phases->count; i++) {
		uint64_t weight = findings_weight(phases->list[i].part, finding);

		sum += weight;
		if (weight <= most)
			continue;
		most = weight;
		finding->phase = phases->list[i].name;
	}
	finding->phase_share = sum ? (double)most / (double)sum : 0;
}

int findings_phases_note_unused(struct findings_phases *phases, uint32_t tgid, const char *comm,
				const char *mapping, uint64_t resident_bytes, uint64_t unused_bytes)
{
	return findings_note_unused(phases->whole, tgid, comm, mapping, resident_bytes,
				    unused_bytes);
}

int findings_phases_end(struct findings_phases *phases, uint64_t wall_ns,
			const struct finding **ret_list, size_t *ret_count)
{
	struct finding *list;
	int result = findings_find(phases->whole, wall_ns, &list, ret_count);

	*ret_list = list;
	if (result || phases->count < 2)
		return result;
	for (size_t i = 0; i < phases->count && !result; i++)
		result = findings_add_up(phases->list[i].part);
	for (size_t i = 0; i < *ret_count && !result; i++)
		attribute(phases, &list[i]);
	return result;
}
