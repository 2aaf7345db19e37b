// SPDX-License-Identifier: GPL-2.0-only
#include "model/grouping_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "model/kinds.h"
#include "model/stall_causes.h"

/* The rest, which is not shown one by one, has less than one part in this many of all stalls, of
 * all faults and of all bytes. */
#define SMALL_PART 20
/* A page of output. There are more lines while the rest is not small. */
#define SHOWN_LINES 15
/* The most lines that are shown because they have major faults: a thousand programs that each read
 * their libraries are summed up in the rest. */
#define MAJOR_LINES 40
/* Kinds that are named on a line. */
#define SHOWN_KINDS 3

const char *const tally_sort_words[] = {
	[SORT_STALL] = "stall", [SORT_FAULTS] = "faults", [SORT_MINOR] = "minor",
	[SORT_MAJOR] = "major", [SORT_DENIED] = "denied", [SORT_BYTES] = "bytes",
	[SORT_RATE] = "rate",   [SORT_PAGES] = "pages",   [SORT_RSS] = "rss",
	[SORT_VSZ] = "vsz",     [SORT_PID] = "pid",       [SORT_NAME] = "name",
	[SORT_NAME + 1] = NULL,
};

bool grouping_has_times(enum grouping_by by)
{
	return by == BY_MAPPING || by == BY_PROCESS;
}

uint64_t tally_bound(const struct tally *tally)
{
	uint64_t largest = tally->largest_bytes ?: LEDGER_NO_BOUND;

	return min_of(largest, tally->peak_rss_bytes ?: LEDGER_NO_BOUND);
}

uint64_t tally_times(const struct tally *tally, uint64_t page_size)
{
	uint64_t pages = max_of(ledger_may_repeat(&tally->ledger),
				ledger_may_repeat(&tally->ledger_total));

	return ledger_times(pages * page_size, tally_bound(tally));
}

/* What nothing was brought into needs no bound. Two mappings of one process are within its peak
 * still: grouping_fold() sees to that. */
static void add_bounds(struct tally *sum, const struct tally *more)
{
	uint64_t bound = tally_bound(more);

	if (!ledger_may_repeat(&more->ledger) && !ledger_may_repeat(&more->ledger_total))
		return;
	sum->largest_bytes = bound < LEDGER_NO_BOUND - sum->largest_bytes ?
				     sum->largest_bytes + bound :
				     LEDGER_NO_BOUND;
}

void tally_add(struct tally *sum, const struct tally *more)
{
	sum->n_processes += more->n_processes;
	sum->n_live += more->n_live;
	sum->n_mappings += more->n_mappings;
	sum->map_bytes = max_of(sum->map_bytes, more->map_bytes);
	sum->vsz_bytes += more->vsz_bytes;
	sum->rss_bytes += more->rss_bytes;
	counts_add(&sum->counts, &more->counts);
	counts_add(&sum->total, &more->total);
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++)
		sum->by_kind[kind] += more->by_kind[kind];
	stalls_add(&sum->stalls, &more->stalls);
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		sum->by_cause[cause] += more->by_cause[cause];
	sum->refaults += more->refaults;
	add_bounds(sum, more);
	ledger_add(&sum->ledger, &more->ledger);
	ledger_add(&sum->ledger_total, &more->ledger_total);
	ledger_add_growth(&sum->growth_bytes, more->growth_bytes);
	sum->minor += more->minor;
	sum->major += more->major;
	sum->gup += more->gup;
	sum->minor_total += more->minor_total;
	sum->major_total += more->major_total;
}

bool grouping_can_sort(enum grouping_by by, enum tally_sort sort)
{
	switch (sort) {
	case SORT_RSS:
	case SORT_VSZ:
		return grouping_is_of_processes(by);
	case SORT_PID:
		return by == BY_PROCESS || by == BY_THREAD || by == BY_MAPPING || by == BY_ROW;
	default:
		return true;
	}
}

/* Putting together. ---------------------------------------------------------------------------- */

/* The figures that are compared. */
struct cost {
	uint64_t stall_ns;
	uint64_t faults;
	uint64_t pages;
};

static void cost_add(struct cost *cost, const struct tally *tally)
{
	cost->stall_ns += tally->stalls.sum_ns;
	cost->faults += tally_faults(tally);
	cost->pages += tally->counts.pages;
}

/* A mapping with this many pages (1 MiB) has a line beside others of its name. Smaller ones, such
 * as text, rodata and data of a library, are merged. */
#define LARGE_PAGES 256

static bool is_large(const struct grouping *grouping, const struct tally *tally,
		     const struct cost *total)
{
	struct cost cost = {};

	cost_add(&cost, tally);
	if (grouping->options.by == BY_MAPPING && cost.pages < LARGE_PAGES)
		return false;
	return cost.stall_ns > total->stall_ns / SMALL_PART ||
	       cost.faults > total->faults / SMALL_PART || cost.pages > total->pages / SMALL_PART;
}

/* Whether a process's own part of what is grouped so can be a line. */
static bool has_own_lines(enum grouping_by by)
{
	return by == BY_PROCESS || by == BY_THREAD || by == BY_MAPPING || by == BY_ROW;
}

/* Compares everything that identifies a tally but its process, so that those that may be merged are
 * neighbours. */
static int compare_identity(const void *left, const void *right)
{
	const struct tally *a = *(const struct tally *const *)left;
	const struct tally *b = *(const struct tally *const *)right;
	int order = compare_u64((uintptr_t)a->group, (uintptr_t)b->group);

	if (!order)
		order = memcmp(a->perms, b->perms, TALLY_KEY_SIZE - offsetof(struct tally, perms));
	if (!order)
		order = compare_u64(a->start_ns, b->start_ns);
	if (!order)
		order = compare_u64(a->tgid, b->tgid);
	return order ? order : compare_u64(a->mapping_id, b->mapping_id);
}

static bool is_alike(const struct tally *a, const struct tally *b, bool of_process)
{
	return a->group == b->group &&
	       !memcmp(a->perms, b->perms, TALLY_KEY_SIZE - offsetof(struct tally, perms)) &&
	       (!of_process || (a->tgid == b->tgid && a->start_ns == b->start_ns));
}

/* True when the tally may be merged: a mapping's within a process, or a process's with others'. */
static bool is_part(const struct tally *tally, bool of_process)
{
	return of_process ? tally->tgid && tally->mapping_id : tally->tgid > 0;
}

/* Merges the small ones of these tallies, which have the same name; a single one stays as it is. */
static int fold_alike(struct grouping *grouping, struct tally **tallies, size_t count,
		      bool of_process, const struct cost *total)
{
	bool may_stay = has_own_lines(grouping->options.by);
	size_t n_small = 0;
	int result = 0;

	for (size_t i = 0; i < count; i++)
		n_small += !is_part(tallies[i], of_process) ||
			   !is_large(grouping, tallies[i], total);
	for (size_t i = 0; i < count && !result; i++)
		if (is_part(tallies[i], of_process) &&
		    !(may_stay && (n_small < 2 || is_large(grouping, tallies[i], total))))
			result = grouping_fold(grouping, tallies[i], of_process);
	return result;
}

static int fold_all_alike(struct grouping *grouping, bool of_process)
{
	size_t count = grouping->tallies.count, alike;
	autofree struct tally **tallies = table_values(&grouping->tallies);
	struct cost total = {};
	int result = 0;

	if (!tallies)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		cost_add(&total, tallies[i]);
	qsort(tallies, count, sizeof(struct tally *), compare_identity);
	for (size_t i = 0; i < count && !result; i += alike) {
		for (alike = 1;
		     i + alike < count && is_alike(tallies[i], tallies[i + alike], of_process);)
			alike++;
		result = fold_alike(grouping, tallies + i, alike, of_process, &total);
	}
	return result;
}

int grouping_fold_small(struct grouping *grouping)
{
	int result = grouping->options.by == BY_MAPPING ? fold_all_alike(grouping, true) : 0;

	return result || (has_own_lines(grouping->options.by) && !grouping->has_several) ?
		       result :
		       fold_all_alike(grouping, false);
}

static int put_together(struct grouping *grouping, bool show_all)
{
	enum grouping_by by = grouping->options.by;

	if (by == BY_PROCESS || by == BY_THREAD || (has_own_lines(by) && show_all))
		return 0;
	return grouping_fold_small(grouping);
}

/* Order. --------------------------------------------------------------------------------------- */

static uint64_t value_of(const struct tally *tally, enum tally_sort sort)
{
	switch (sort) {
	case SORT_STALL:
		return tally->stalls.sum_ns;
	case SORT_MINOR:
		return max_of(tally->counts.minor, tally->minor);
	case SORT_MAJOR:
		return max_of(tally->counts.major, tally->major);
	case SORT_DENIED:
		return tally->counts.denied;
	case SORT_BYTES:
	case SORT_PAGES:
		return tally->counts.pages;
	case SORT_RSS:
		return tally->rss_bytes;
	case SORT_VSZ:
		return tally->vsz_bytes;
	case SORT_PID: /* the lowest first, several processes last */
		return UINT64_MAX - (tally->tgid ?: UINT64_MAX);
	case SORT_NAME:
		return 0;
	default:
		return tally_faults(tally);
	}
}

/* Ties are decided by cost, then by identity, so that equal snapshots print alike. */
static int compare_tallies(const void *left, const void *right, void *context)
{
	const struct tally *a = *(const struct tally *const *)left;
	const struct tally *b = *(const struct tally *const *)right;
	enum tally_sort sort = *(const enum tally_sort *)context;
	int order = sort == SORT_NAME ? strcmp(a->name, b->name) :
					compare_u64(value_of(b, sort), value_of(a, sort));

	if (!order)
		order = compare_u64(b->stalls.sum_ns, a->stalls.sum_ns);
	if (!order)
		order = compare_u64(tally_faults(b), tally_faults(a));
	if (!order)
		order = compare_u64(b->counts.pages, a->counts.pages);
	if (!order)
		order = compare_u64(b->minor_total + b->total.minor,
				    a->minor_total + a->total.minor);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = compare_u64(a->start_ns, b->start_ns);
	if (!order)
		order = compare_u64(a->tgid, b->tgid);
	if (!order)
		order = compare_u64(a->map_start, b->map_start);
	if (!order)
		order = memcmp(a->perms, b->perms, TALLY_KEY_SIZE - offsetof(struct tally, perms));
	return order ? order : compare_u64(a->mapping_id, b->mapping_id);
}

/* Major faults are the first thing to look at when something was slow. */
static bool has_major(const struct tally *tally)
{
	return tally->counts.major || tally->major;
}

static void move_to_front(struct tally **list, size_t from, size_t to)
{
	struct tally *tally = list[from];

	memmove(list + to + 1, list + to, (from - to) * sizeof(struct tally *));
	list[to] = tally;
}

/* Tallies without any cost are not shown, unless all fit the page. */
static bool has_cost(const struct tally *tally)
{
	return tally_faults(tally) || tally->counts.pages || tally->minor || tally->major;
}

static bool is_small(const struct cost *rest, const struct cost *total)
{
	return rest->stall_ns <= total->stall_ns / SMALL_PART &&
	       rest->faults <= total->faults / SMALL_PART &&
	       rest->pages <= total->pages / SMALL_PART;
}

/* Moves the tallies to be shown to the front and returns their number. */
static size_t choose_page(struct tally **list, size_t count)
{
	size_t shown = 0;
	struct cost total = {}, rest = {};

	while (shown < count && shown < SHOWN_LINES &&
	       (count <= SHOWN_LINES || has_cost(list[shown])))
		shown++;

	for (size_t i = 0; i < count; i++)
		cost_add(&total, list[i]);
	for (size_t i = shown; i < count; i++)
		if (list[i]->counts.denied || (has_major(list[i]) && shown < MAJOR_LINES))
			move_to_front(list, i, shown++);
	for (size_t i = shown; i < count; i++)
		cost_add(&rest, list[i]);
	for (; shown < count && !is_small(&rest, &total); shown++) {
		rest.stall_ns -= list[shown]->stalls.sum_ns;
		rest.faults -= tally_faults(list[shown]);
		rest.pages -= list[shown]->counts.pages;
	}
	return shown;
}

static void sum_up(struct tallies *tallies)
{
	tallies->rest = (struct tally){ .name = "" };
	tallies->total = (struct tally){ .name = "" };
	for (size_t i = 0; i < tallies->count; i++)
		tally_add(i < tallies->shown ? &tallies->total : &tallies->rest, tallies->list[i]);
	tallies->n_rest = tallies->count - tallies->shown;
}

/* The sums of what is in no tally of its own. */
static void add_leftovers(struct tallies *tallies, const struct grouping *grouping)
{
	tally_add(&tallies->rest, &grouping->folded);
	tallies->n_rest += grouping->n_folded;
	if (tally_faults(&grouping->other) || grouping->other.counts.pages) {
		tally_add(&tallies->rest, &grouping->other);
		tallies->n_rest++;
	}
	tally_add(&tallies->total, &tallies->rest);
}

static void hide_unknown(struct tallies *tallies)
{
	for (size_t i = 0; i < tallies->count; i++)
		if (!tallies->list[i]->tgid)
			tallies->list[i]->n_processes = tallies->list[i]->n_mappings = 0;
}

/* If most faults were not timed, stall says little: sorts by faults then. What is populated has one
 * stall for many. */
static enum tally_sort sort_by_cost(const struct grouping *grouping)
{
	uint64_t timed = grouping->folded.stalls.count, faults = tally_faults(&grouping->folded);
	size_t cursor = 0;

	for (const struct tally *tally; (tally = table_next(&grouping->tallies, &cursor));) {
		timed += tally->stalls.count;
		faults += tally->counts.minor + tally->counts.major;
		faults -= tally->by_kind[KIND_POPULATE];
	}
	faults -= grouping->folded.by_kind[KIND_POPULATE];
	return 2 * timed >= faults ? SORT_STALL : SORT_FAULTS;
}

int grouping_tallies(struct grouping *grouping, const struct tallies_view *view,
		     struct tallies *ret_tallies)
{
	enum tally_sort sort = view->sort == SORT_COST ? sort_by_cost(grouping) : view->sort;
	struct tallies tallies = {};

	if (put_together(grouping, view->show_all) < 0)
		return -ENOMEM;
	tallies.list = table_values(&grouping->tallies);
	if (!tallies.list)
		return -ENOMEM;
	tallies.count = grouping->tallies.count;
	qsort_r(tallies.list, tallies.count, sizeof(struct tally *), compare_tallies, &sort);
	if (grouping->is_thinned)
		hide_unknown(&tallies);
	if (view->rows)
		tallies.shown = min_of(view->rows, tallies.count);
	else
		tallies.shown = view->show_all ? tallies.count :
						 choose_page(tallies.list, tallies.count);
	sum_up(&tallies);
	add_leftovers(&tallies, grouping);
	*ret_tallies = tallies;
	return 0;
}

void tallies_clear(struct tallies *tallies)
{
	free(tallies->list);
	*tallies = (struct tallies){};
}

/* Kinds. --------------------------------------------------------------------------------------- */

/* One more than the kinds: GUP is no kind, but is listed with them. */
#define N_WORDS (KIND_COUNT + 1)
#define WORD_GUP KIND_COUNT

static uint64_t count_of(const struct tally *tally, unsigned int word)
{
	return word == WORD_GUP ? tally->gup : tally->by_kind[word];
}

static bool is_denied(unsigned int word)
{
	return word >= KIND_FIRST_DENIED && word < KIND_COUNT;
}

/* Denied ones first, then by number. */
static unsigned int next_word(const struct tally *tally, const bool *is_done)
{
	unsigned int best = N_WORDS;

	for (unsigned int word = N_WORDS; word-- > 0;) {
		uint64_t count = count_of(tally, word);

		if (!count || is_done[word])
			continue;
		if (best == N_WORDS || (is_denied(word) && !is_denied(best)) ||
		    (is_denied(word) == is_denied(best) && count >= count_of(tally, best)))
			best = word;
	}
	return best;
}

static uint64_t all_words(const struct tally *tally)
{
	uint64_t sum = 0;

	for (unsigned int word = 0; word < N_WORDS; word++)
		sum += count_of(tally, word);
	return sum;
}

void tally_kinds(const struct tally *tally, char *text, size_t size)
{
	bool is_done[N_WORDS] = {};
	uint64_t sum = all_words(tally);
	size_t length = 0;
	unsigned int named = 0, word;

	text[0] = '\0';
	for (; (word = next_word(tally, is_done)) < N_WORDS && length < size; named++) {
		uint64_t count = count_of(tally, word);
		char number[TEXT_COUNT_LEN];

		if (named == SHOWN_KINDS) {
			snprintf(text + length, size - length, ", ...");
			return;
		}
		is_done[word] = true;
		length += (size_t)snprintf(text + length, size - length, "%s%s", named ? ", " : "",
					   word == WORD_GUP ? "gup" : kind_name(word));
		if (count != sum && length < size)
			length += (size_t)snprintf(text + length, size - length, " %s",
						   text_count(number, count));
	}
}

const char *tally_why(const struct tally *tally)
{
	unsigned int worst = causes_worst(tally->by_cause);

	return worst == STALL_CAUSE_COUNT || worst == STALL_CPU ? "" : stall_cause_name(worst);
}
