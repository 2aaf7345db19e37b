// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/phases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/latency.h"
#include "model/losses.h"

struct phases {
	struct phase list[PHASES_MAX];
	size_t count;
	size_t current;
	struct phase since; /* the last mark; its name is that of the current phase */
	uint64_t mark_ns;
};

/* Sets the current phase, which is added if it is new. 0 or -ENOMEM. */
static int begin_phase(struct phases *phases, const char *name)
{
	for (phases->current = 0; phases->current < phases->count; phases->current++)
		if (!strcmp(phases->list[phases->current].name, name))
			break;
	if (phases->current == PHASES_MAX)
		phases->current = PHASES_MAX - 1;
	if (phases->current == phases->count) {
		struct phase *phase = &phases->list[phases->count];

		phase->name = strdup(phases->count == PHASES_MAX - 1 ? PHASE_OTHERS : name);
		if (!phase->name)
			return -ENOMEM;
		phases->count++;
	}
	phases->list[phases->current].n_times++;
	return 0;
}

struct phases *phases_new(uint64_t begin_ns)
{
	struct phases *phases = calloc(1, sizeof(*phases));

	if (!phases || begin_phase(phases, PHASE_FIRST) < 0) {
		free(phases);
		return NULL;
	}
	phases->mark_ns = begin_ns;
	return phases;
}

void phases_free(struct phases *phases)
{
	for (size_t i = 0; phases && i < phases->count; i++)
		free(phases->list[i].name);
	free(phases);
}

int phases_tick(struct phases *phases, const struct snapshot *snapshot, struct error *error)
{
	struct phase *since = &phases->since;

	(void)error;
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		struct fault_counts delta = row_delta(snapshot->rows[i]);

		since->denied += delta.denied;
		since->pages += delta.pages;
		since->stall_ns += latency_stalls(snapshot->rows[i]).sum_ns;
	}
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		if (losses_is_other(process))
			continue;
		since->minor += process->minor - process->minor_before;
		since->major += process->major - process->major_before;
	}
	return 0;
}

static int tick_it(void *sink, const struct snapshot *snapshot, struct error *error)
{
	return phases_tick(sink, snapshot, error);
}

static void free_it(void *sink)
{
	phases_free(sink);
}

const struct sink_ops phases_ops = { "phases", tick_it, free_it };

static void end_phase(struct phases *phases, uint64_t now_ns)
{
	struct phase *phase = &phases->list[phases->current], *since = &phases->since;

	since->name = phase->name;
	since->n_times = 1;
	since->duration_ns = now_ns - phases->mark_ns;
	phases->mark_ns = now_ns;
	phase->duration_ns += since->duration_ns;
	phase->minor += since->minor;
	phase->major += since->major;
	phase->denied += since->denied;
	phase->pages += since->pages;
	phase->stall_ns += since->stall_ns;
}

int phases_mark(struct phases *phases, const char *name, uint64_t now_ns, struct phase *ret_since)
{
	end_phase(phases, now_ns);
	*ret_since = phases->since;
	phases->since = (struct phase){};
	return begin_phase(phases, name);
}

void phases_end(struct phases *phases, uint64_t now_ns)
{
	end_phase(phases, now_ns);
	phases->since = (struct phase){};
}

const struct phase *phases_list(const struct phases *phases, size_t *ret_count)
{
	*ret_count = phases->count;
	return phases->list;
}
