// SPDX-License-Identifier: GPL-2.0-only
#include "model/losses.h"

#include "base/text.h"
#include "base/util.h"

uint64_t losses_in_flight(const struct totals *totals)
{
	uint64_t ended = totals->minor + totals->major - totals->populated + totals->denied +
			 totals->aborted;

	/* Entries are read last, so they are the larger number. Should one be counted late all the
	 * same, the difference must not wrap around. */
	return totals->entries > ended ? totals->entries - ended : 0;
}

bool losses_is_other(const struct process *process)
{
	return process->tgid == 0; /* the kernel's own pid 0, the idle task, has no user memory */
}

bool losses_is_folded(const struct process *process)
{
	return losses_is_other(process) && process->start_ns;
}

static void raise_to(uint64_t *counter, uint64_t value)
{
	if (value > *counter)
		*counter = value;
}

void losses_derive(struct totals *totals, uint64_t skipped, uint64_t accounted, uint64_t gup)
{
	uint64_t perf = totals->perf_minor + totals->perf_major;
	uint64_t rows = totals->minor + totals->major - totals->populated + skipped;
	/* Faults that have begun and are in no row yet: they get there when their task faults again
	 * or exits. */
	uint64_t on_the_way = losses_in_flight(totals);

	on_the_way = on_the_way > skipped ? on_the_way - skipped : 0;
	if (totals->has_perf_minor && perf > rows + on_the_way)
		raise_to(&totals->missed, perf - rows - on_the_way);
	/* A missed fault is in no row either, but it had an exception. */
	if (gup > totals->missed)
		raise_to(&totals->gup, gup - totals->missed);
	/* Perf events count exactly the faults that had an exception, so the rest is GUP. But an
	 * inherited event ends at the exec of a set-uid program (begin_new_exec()), and rows do
	 * not. */
	if (perf < rows)
		perf = rows;
	if (totals->has_perf_minor && accounted > perf + totals->populated)
		raise_to(&totals->gup, accounted - perf - totals->populated);
}

/* Prints one loss, after a comma if it is not the first; nothing where nothing was lost. */
static void print_loss(FILE *stream, const char **label, uint64_t count, const char *words)
{
	char text[TEXT_COUNT_LEN];

	if (!count)
		return;
	fprintf(stream, "%s%s %s", *label, text_count(text, count), words);
	*label = ", ";
}

static void print_line(const struct totals *totals, bool in_no_row, const char *label, FILE *stream)
{
	const char *first = label;

	for (size_t i = 0; i < totals_count; i++)
		if (totals_table[i].words && totals_table[i].in_no_row == in_no_row)
			print_loss(stream, &label, total_of(totals, &totals_table[i]),
				   totals_table[i].words);
	if (in_no_row)
		print_loss(stream, &label, losses_in_flight(totals), "in flight");
	if (label != first)
		fputc('\n', stream);
}

void losses_print(const struct totals *totals, FILE *stream)
{
	print_line(totals, true, "not in rows: ", stream);
	print_line(totals, false, "less detail: ", stream);
}
