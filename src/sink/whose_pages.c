// SPDX-License-Identifier: GPL-2.0-only
#include "sink/whose_pages.h"

#include <inttypes.h>
#include <stdbool.h>

#include "base/text.h"

#define PAGES_MIN (UINT64_C(1) << 20) /* bytes: less is what any shell script has */
#define NAMED_MAX 4                   /* processes that are named */

/* Of the memory that parent and child share since fork(). */
static uint64_t copied_of(const struct tally *tally)
{
	return tally->ledger.copied;
}

static uint64_t populated_of(const struct tally *tally)
{
	return tally->gup;
}

/* The process with most pages, after the one before; NULL: none is left that has as many as `least`. */
static const struct tally *next_person(const struct tallies *people,
				       uint64_t (*pages_of)(const struct tally *tally),
				       const struct tally *before, uint64_t least)
{
	const struct tally *next = NULL;
	bool is_past = false; /* of those that have as many, the ones behind it in the list */

	for (size_t i = 0; i < people->shown; i++) {
		const struct tally *one = people->list[i];
		uint64_t pages = pages_of(one);
		bool is_left = one->tgid && (!before || pages < pages_of(before) ||
					     (pages == pages_of(before) && is_past));

		is_past |= one == before;
		if (is_left && pages >= least && (!next || pages > pages_of(next)))
			next = one;
	}
	return next;
}

/* Who has how many of these pages, the most first. False: they are not worth a line. */
static bool print_pages(const struct tallies *people, uint64_t page_size, const char *label,
			uint64_t (*pages_of)(const struct tally *tally), FILE *stream)
{
	uint64_t least = PAGES_MIN / page_size;
	const struct tally *one = NULL;
	char size[TEXT_SIZE_LEN], comm[COMM_LEN * 4 + 1];

	if (pages_of(&people->total) < least)
		return false;
	fprintf(stream, "%s: %s", label, text_bytes(size, pages_of(&people->total) * page_size));
	for (size_t n = 0; n < NAMED_MAX; n++) {
		one = next_person(people, pages_of, one, least);
		if (!one)
			break;
		text_escape_to(comm, sizeof(comm), one->comm);
		fprintf(stream, "%s %s by %" PRIu64 " (%s)", n ? "," : ":",
			text_bytes(size, pages_of(one) * page_size), one->tgid, comm);
	}
	return true;
}

void whose_pages_copied(const struct tallies *people, uint64_t page_size, FILE *stream)
{
	if (print_pages(people, page_size, "copied on write", copied_of, stream))
		fputc('\n', stream);
}

static const char *why_unknown(const struct totals *totals)
{
	if (totals->has_populate)
		return "the system calls do not tell";
	return totals->has_perf_minor ? "this kernel does not tell" : "fast detail does not tell";
}

/* Faults without an exception (mm_account_fault(), mm/memory.c, without registers), as far as they
 * are in no row: of each the task's counter alone tells. Each fills a page at least. The major ones
 * are those that the kernel counted, less the rows'. */
void whose_pages_populated(const struct tallies *people, const struct totals *totals,
			   uint64_t page_size, FILE *stream)
{
	const struct tally *total = &people->total;
	uint64_t major = total->major > total->counts.major ? total->major - total->counts.major :
							      0;
	char count[TEXT_COUNT_LEN];

	if (!print_pages(people, page_size, "populated without an exception", populated_of, stream))
		return;
	fprintf(stream, "; at least, and %s where, nor how long it took", why_unknown(totals));
	if (major)
		fprintf(stream, ", nor of the %s major faults among these",
			text_count(count, major < total->gup ? major : total->gup));
	fputs(" (execve, MAP_POPULATE, mlock, O_DIRECT, KVM)\n", stream);
}

void whose_pages_unmeasured(const struct tally *total, FILE *stream)
{
	char count[TEXT_COUNT_LEN];

	if (total->by_kind[KIND_POPULATE])
		fprintf(stream,
			"no latency of their own: %s faults of the kind populate, major ones too; "
			"STALL is how long the calls took that made them\n",
			text_count(count, total->by_kind[KIND_POPULATE]));
}
