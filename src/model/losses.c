// SPDX-License-Identifier: GPL-2.0-only
#include "model/losses.h"

#include "base/text.h"
#include "base/util.h"

uint64_t losses_in_flight(const struct totals *totals)
{
	uint64_t settled = totals->minor + totals->major + totals->denied + totals->aborted;

	/* Entries are read last; but what is counted late for an entry must not wrap around. */
	return totals->entries > settled ? totals->entries - settled : 0;
}

bool losses_is_other(const struct process *process)
{
	return process->tgid == 0; /* the kernel's own pid 0, the idle task, has no user memory */
}

static void raise_to(uint64_t *counter, uint64_t value)
{
	if (value > *counter)
		*counter = value;
}

void losses_settle(struct totals *totals, uint64_t skipped, uint64_t accounted, uint64_t gup)
{
	uint64_t perf = totals->perf_minor + totals->perf_major;
	uint64_t rows = totals->minor + totals->major + skipped;

	if (totals->has_perf_minor && perf > rows)
		raise_to(&totals->missed, perf - rows);
	/* A missed fault is in no row either, but had its exception. */
	if (gup > totals->missed)
		raise_to(&totals->gup, gup - totals->missed);
	/* Perf events count what had an exception: no row is needed to tell the rest. An event that was
	 * inherited ends with the exec of a set-uid program (begin_new_exec()), rows do not. */
	if (perf < rows)
		perf = rows;
	if (totals->has_perf_minor && accounted > perf)
		raise_to(&totals->gup, accounted - perf);
}

void losses_print(const struct totals *totals, const char *label, FILE *stream)
{
	const struct {
		const char *what;
		uint64_t count;
	} losses[] = {
		{ "aborted", totals->aborted },
		{ "without an exception (GUP)", totals->gup },
		{ "completions lost", totals->lost_completions },
		{ "missed", totals->missed },
		{ "in \"[other]\" rows (map full)", totals->map_full },
		{ "without a mapping", totals->unresolved },
		{ "names lost", totals->names_lost },
		{ "names cut", totals->names_cut },
		{ "cgroups lost", totals->cgroups_lost },
		{ "exits lost", totals->exits_lost },
		{ "stamps lost", totals->stamps_lost },
		{ "in flight", losses_in_flight(totals) },
	};
	bool is_first = true;
	char text[TEXT_COUNT_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		if (!losses[i].count)
			continue;
		fprintf(stream, "%s%s %s", is_first ? label : ", ",
			text_count(text, losses[i].count), losses[i].what);
		is_first = false;
	}
	if (!is_first)
		fputc('\n', stream);
}
