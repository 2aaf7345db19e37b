// SPDX-License-Identifier: GPL-2.0-only
#include "model/grouping_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/context.h"
#include "model/kinds.h"
#include "model/losses.h"
#include "model/stall_causes.h"
#include "model/unit_name.h"

/* Enough for the mappings of all running processes and the names of a large build; about 7 MiB. */
#define DEFAULT_MAX_TALLIES 16384
/* 27 MiB; beyond this number, the least busy processes that have ended are summed up. */
#define DEFAULT_MAX_PROCESSES 65536
/* As many names of usual length as there may be tallies. They stay when their tally goes. */
#define DEFAULT_MAX_NAMES (16 << 20)
/* Tallies are merged again after a fourth of their maximum number is new. */
#define FOLD_PART 4
/* Processes that are remembered to count how many a tally has. */
#define MAX_SEEN 65536
/* Fewer faults of an ended process get no line of their own: 1 MiB in small pages. */
#define SMALL_COUNT 256
#define SMALL_NS 1000000

const char *const grouping_words[] = {
	[BY_PROCESS] = "process", [BY_THREAD] = "thread", [BY_MAPPING] = "mapping",
	[BY_FILE] = "file",       [BY_KIND] = "kind",     [BY_UNIT] = "unit",
	[BY_CGROUP] = "cgroup",   [BY_COMM] = "comm",     [BY_EXE] = "exe",
	[BY_UID] = "uid",         [BY_PARENT] = "parent", [BY_ROW] = "row",
	[BY_ROW + 1] = NULL,
};

/* Says that this process is one of those in a tally. */
struct seen {
	const struct tally *tally;
	uint64_t tgid;
	uint64_t start_ns;
};

bool grouping_is_of_processes(enum grouping_by by)
{
	return by != BY_THREAD && by != BY_MAPPING && by != BY_FILE && by != BY_KIND &&
	       by != BY_ROW;
}

/* From beginning to end. ----------------------------------------------------------------------- */

/* The snapshot's process and texts, by whose addresses names are found, may be others now. */
static void forget_named(struct grouping *grouping)
{
	grouping->named = NULL;
	memset(grouping->mappings, 0, sizeof(grouping->mappings));
}

static void init_tables(struct grouping *grouping)
{
	table_init(&grouping->tallies, 0, TALLY_KEY_SIZE);
	table_init(&grouping->seen, 0, sizeof(struct seen));
	grouping->other = (struct tally){ .name = "(other)" };
	grouping->folded = (struct tally){ .name = "(other)" };
	grouping->n_folded = 0;
	grouping->is_thinned = false;
	grouping->has_several = false;
	grouping->last_tgid = grouping->last_start_ns = 0;
	forget_named(grouping);
}

struct grouping *grouping_new(const struct grouping_options *options)
{
	struct grouping *grouping = calloc(1, sizeof(*grouping));

	if (!grouping)
		return NULL;
	grouping->options = *options;
	if (!options->max_tallies)
		grouping->options.max_tallies = DEFAULT_MAX_TALLIES;
	if (!options->max_processes)
		grouping->options.max_processes = DEFAULT_MAX_PROCESSES;
	if (!options->max_names)
		grouping->options.max_names = DEFAULT_MAX_NAMES;
	table_init(&grouping->parents, 0, sizeof(uint64_t));
	init_tables(grouping);
	return grouping;
}

void grouping_reset(struct grouping *grouping)
{
	table_clear_values(&grouping->tallies, free);
	table_clear_values(&grouping->seen, free);
	interned_clear(&grouping->names);
	grouping->name_bytes = 0;
	init_tables(grouping);
}

void grouping_free(struct grouping *grouping)
{
	if (!grouping)
		return;
	grouping_reset(grouping);
	table_clear_values(&grouping->parents, free);
	free(grouping);
}

/* Tallies. ------------------------------------------------------------------------------------- */

uint64_t tally_faults(const struct tally *tally)
{
	return tally->counts.minor + tally->counts.major + tally->counts.denied + tally->gup;
}

/* Nobody looks at it for itself, when there is much else. */
static bool is_small(uint64_t faults, uint64_t pages, uint64_t stall_ns)
{
	return faults < SMALL_COUNT && pages < SMALL_COUNT && stall_ns < SMALL_NS;
}

/* Only the key of a tally, which is a twentieth of it: each row of each tick has one. */
static void set_key(struct tally *key, const char *group)
{
	memset(key, 0, TALLY_KEY_SIZE);
	key->group = group;
}

/* Makes the tally with this key. NULL: out of memory. */
static struct tally *tally_new(struct grouping *grouping, const struct tally *key)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	memcpy(tally, key, TALLY_KEY_SIZE);
	tally->name = grouping->options.by == BY_THREAD && !key->tgid ? "(other)" : key->group;
	if (!table_add(&grouping->tallies, tally))
		return tally;
	free(tally);
	return NULL;
}

/* 1 when it is seen for the first time, 0 when not, or -ENOMEM. */
static int add_seen(struct grouping *grouping, const struct seen *key)
{
	if (table_get(&grouping->seen, key))
		return 0;
	if (grouping->seen.count >= MAX_SEEN) {
		grouping->is_thinned = true;
		return 0;
	}
	return table_add_copy(&grouping->seen, key, sizeof(*key)) ? 1 : -ENOMEM;
}

/* True where one process can have several tallies: of its mappings, or of its rows. */
static bool has_parts(enum grouping_by by)
{
	return by == BY_MAPPING || by == BY_FILE || by == BY_ROW;
}

static int count_process(struct grouping *grouping, struct tally *sum, const struct tally *row)
{
	struct seen key = { .tally = sum, .tgid = row->tgid, .start_ns = row->start_ns };
	int is_first = add_seen(grouping, &key);

	sum->n_processes -= is_first == 0 ? row->n_processes : 0;
	return is_first < 0 ? is_first : 0;
}

/* The sum remains a tally of that process. */
static void keep_process(struct tally *sum, const struct tally *tally)
{
	sum->n_processes = 1;
	memcpy(sum->comm, tally->comm, COMM_LEN);
	sum->uid = tally->uid;
	sum->has_ended = tally->has_ended;
	sum->peak_rss_bytes = tally->peak_rss_bytes;
}

int grouping_fold(struct grouping *grouping, struct tally *tally, bool keeps_process)
{
	struct tally key = { .group = tally->group };
	struct tally *sum;

	if (keeps_process) {
		key.tgid = tally->tgid;
		key.start_ns = tally->start_ns;
	}
	memcpy(key.perms, tally->perms, TALLY_KEY_SIZE - offsetof(struct tally, perms));
	sum = table_get(&grouping->tallies, &key);
	if (!sum)
		sum = tally_new(grouping, &key);
	if (!sum)
		return -ENOMEM;
	tally_add(sum, tally);
	if (keeps_process)
		keep_process(sum, tally);
	/* Only for sums that stay: the next tally may have the address of one that goes. */
	else if (has_parts(grouping->options.by) && tally->tgid && !grouping->is_thinned &&
		 count_process(grouping, sum, tally) < 0)
		return -ENOMEM;
	if (!sum->hottest)
		sum->hottest = tally->hottest;
	table_remove(&grouping->tallies, tally);
	free(tally);
	return 0;
}

static int compare_busy(const void *left, const void *right)
{
	const struct tally *a = *(const struct tally *const *)left;
	const struct tally *b = *(const struct tally *const *)right;
	int order = compare_u64(tally_faults(b), tally_faults(a));

	return order ? order : compare_u64(a->start_ns, b->start_ns);
}

/* Sums up the less busy half of the processes that have ended, whose counters are final. */
static int fold_processes(struct grouping *grouping)
{
	size_t count = grouping->tallies.count;
	autofree struct tally **tallies = table_values(&grouping->tallies);

	if (!tallies)
		return -ENOMEM;
	qsort(tallies, count, sizeof(struct tally *), compare_busy);
	for (size_t i = count / 2; i < count; i++) {
		if (!tallies[i]->has_ended)
			continue;
		tally_add(&grouping->folded, tallies[i]);
		grouping->n_folded++;
		table_remove(&grouping->tallies, tallies[i]);
		free(tallies[i]);
	}
	return 0;
}

/* Before one more tally is made. 0 or -ENOMEM. */
static int make_room(struct grouping *grouping)
{
	bool by_process = grouping->options.by == BY_PROCESS;
	size_t most = by_process ? grouping->options.max_processes : grouping->options.max_tallies;
	int result;

	if (!grouping->options.sums_up ||
	    grouping->tallies.count < max_of(most, grouping->folds_from))
		return 0;
	if (by_process) {
		result = fold_processes(grouping);
	} else {
		table_clear_values(&grouping->seen, free);
		table_init(&grouping->seen, 0, sizeof(struct seen));
		grouping->is_thinned = true;
		result = grouping_fold_small(grouping);
	}
	/* If little could be merged, do not try again for each new tally. */
	grouping->folds_from = grouping->tallies.count + most / FOLD_PART;
	return result;
}

/* Whether there is room, `times` as many tallies as max_tallies: tallies of a name may have more
 * than those of a process. */
static bool has_room(const struct grouping *grouping, size_t times)
{
	return !grouping->options.sums_up || grouping->options.by == BY_PROCESS ||
	       grouping->tallies.count < times * grouping->options.max_tallies;
}

/* Finds or makes the tally of a process with this key. Without room for it, that of its name, where
 * what is small is put at once when tallies were merged before; without room for that either,
 * `other`. NULL: out of memory. */
static struct tally *tally_of(struct grouping *grouping, const struct tally *key, bool is_little)
{
	bool is_merged = is_little && grouping->is_thinned && grouping->has_several;
	struct tally *tally = table_get(&grouping->tallies, key);
	struct tally name_key;

	if (tally)
		return tally;
	if (!is_merged && make_room(grouping) < 0)
		return NULL;
	if (!is_merged && has_room(grouping, 1))
		return tally_new(grouping, key);
	set_key(&name_key, key->group);
	memcpy(name_key.perms, key->perms, TALLY_KEY_SIZE - offsetof(struct tally, perms));
	tally = table_get(&grouping->tallies, &name_key);
	if (!tally && has_room(grouping, 2))
		return tally_new(grouping, &name_key);
	return tally ? tally : &grouping->other;
}

/* What stands for several processes is in its group's sum at once. */
static void key_process(const struct grouping *grouping, struct tally *key,
			const struct process *process)
{
	key->tgid = process->tgid;
	if (grouping->options.by == BY_PROCESS || !losses_is_folded(process))
		key->start_ns = process->start_ns;
}

/* Sets the names and ids of the process in its own tally. 0 or -ENOMEM. */
static int name_process(struct grouping *grouping, struct tally *tally,
			const struct process *process)
{
	if (grouping->options.by == BY_PROCESS)
		tally->name = grouping_name(grouping, process);
	if (!tally->name)
		return -ENOMEM;
	tally->has_ended |= losses_is_folded(process);
	if (!tally->tgid || tally->tgid != process->tgid)
		return 0;
	tally->n_processes = 1;
	memcpy(tally->comm, process->comm, COMM_LEN);
	tally->uid = process->uid;
	tally->has_ended = process->ended;
	tally->is_whole = process->ended && process->accounted;
	return 0;
}

/* Adding. -------------------------------------------------------------------------------------- */

/* What the kernel counted of processes that have no lines, and of them their memory and number. */
static void add_folded(struct tally *tally, const struct process *process)
{
	tally->n_processes += process->n_folded;
	tally->vsz_bytes += process->peak_vsz_bytes;
	tally->rss_bytes += process->peak_rss_bytes;
	tally->minor += process->minor;
	tally->major += process->major;
	tally->gup += process->gup;
}

static int add_process(struct grouping *grouping, const struct process *process)
{
	bool sums_up = grouping->options.sums_up;
	struct tally key = { .group = grouping_group_of_process(grouping, process) };
	struct tally *tally;

	key_process(grouping, &key, process);
	tally = key.group ? tally_of(grouping, &key, false) : NULL;
	if (!tally || name_process(grouping, tally, process) < 0)
		return -ENOMEM;
	if (losses_is_folded(process))
		add_folded(tally, process);
	if (losses_is_other(process))
		return 0;
	tally->n_live = !process->ended;
	if (sums_up) {
		tally->vsz_bytes = max_of(tally->vsz_bytes,
					  max_of(process->vsz_bytes, process->peak_vsz_bytes));
		tally->rss_bytes = max_of(tally->rss_bytes,
					  max_of(process->rss_bytes, process->peak_rss_bytes));
	} else if (!process->ended || grouping->options.by == BY_PROCESS) {
		tally->vsz_bytes += process->vsz_bytes;
		tally->rss_bytes += process->rss_bytes;
	}
	tally->minor += process->minor - process->minor_before;
	tally->major += process->major - process->major_before;
	tally->gup += process->gup - process->gup_before;
	ledger_add_growth(&tally->growth_bytes, ledger_growth(process));
	if (!sums_up) {
		tally->minor_total += process->minor;
		tally->major_total += process->major;
	}
	return 0;
}

/* True when the row has more faults in this interval. Ties are decided by kind and name, so that
 * the order of the rows does not matter. */
static bool row_is_hotter(const struct row *row, const struct row *than)
{
	struct fault_counts delta = row_delta(row), than_delta;
	uint64_t faults = delta.minor + delta.major + delta.denied, than_faults;

	if (!faults || !than)
		return faults > 0;
	than_delta = row_delta(than);
	than_faults = than_delta.minor + than_delta.major + than_delta.denied;
	if (faults != than_faults)
		return faults > than_faults;
	if (row->kind != than->kind)
		return row->kind < than->kind;
	return strcmp(row->mapping, than->mapping) < 0;
}

static void set_key_of_row(struct grouping *grouping, struct tally *key, const struct row *row)
{
	set_key(key, grouping_group_of_row(grouping, row));
	key_process(grouping, key, row->process);
	if (has_parts(grouping->options.by))
		key->mapping_id = row->mapping_id;
	if (grouping->options.by == BY_THREAD && row->context)
		key->mapping_id = row->context->tid;
	if (grouping->options.by == BY_ROW) {
		memcpy(key->perms, row->perms, sizeof(key->perms));
		key->kind = row->kind;
		key->access = row->access;
		key->mode = row->mode;
	}
}

/* Sets where the mapping is now. The row of a slice has the mapping as it was when it last faulted
 * there, which may be smaller. */
static void place_tally(struct tally *tally, const struct row *row)
{
	tally->map_bytes = max_of(tally->map_bytes, row->map_end - row->map_start);
	if (!tally->mapping_id ||
	    (row->slice && tally->map_start <= row->map_start && row->map_end <= tally->map_end))
		return;
	tally->map_start = row->map_start;
	tally->map_end = row->map_end;
}

/* When processes are grouped, faults in the rows of "other" are already in the GUP of their
 * processes: they are not counted twice. */
static void take_off_gup(const struct grouping *grouping, const struct row *row,
			 struct fault_counts *counts)
{
	if (losses_is_other(row->process) && !losses_is_folded(row->process) &&
	    grouping_is_of_processes(grouping->options.by))
		counts->minor = counts->major = 0;
}

/* Notes whether more than one process had faults: with one alone nothing is merged. */
static void note_process(struct grouping *grouping, const struct process *process)
{
	grouping->has_several |= losses_is_folded(process) ||
				 (grouping->last_tgid &&
				  (grouping->last_tgid != process->tgid ||
				   grouping->last_start_ns != process->start_ns));
	grouping->last_tgid = process->tgid;
	grouping->last_start_ns = process->start_ns;
}

/* What is known of how much of it can be resident at once. */
static void note_bounds(struct tally *tally, const struct row *row)
{
	tally->largest_bytes = tally->mapping_id ?
				       max_of(tally->largest_bytes, ledger_largest(row)) :
				       LEDGER_NO_BOUND;
	if (tally->tgid)
		tally->peak_rss_bytes = row->process->peak_rss_bytes ?: LEDGER_NO_BOUND;
}

static void add_stalls(struct tally *tally, const struct row *row, const struct stalls *stalls)
{
	struct cause_counts causes;

	if (!row->latency)
		return;
	causes = causes_delta(row);
	stalls_add(&tally->stalls, stalls);
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		tally->by_cause[cause] += causes.sum_ns[cause];
	tally->refaults += causes.refaults;
}

static int add_row(struct grouping *grouping, const struct row *row)
{
	struct fault_counts delta = row_delta(row), now = row->now;
	struct stalls stalls = latency_stalls(row);
	bool is_little = is_small(delta.minor + delta.major + delta.denied, delta.pages,
				  stalls.sum_ns);
	struct tally key, *tally;
	struct ledger ledger;

	set_key_of_row(grouping, &key, row);
	tally = key.group ? tally_of(grouping, &key, is_little) : NULL;
	if (!tally || name_process(grouping, tally, row->process) < 0)
		return -ENOMEM;
	if (grouping->options.by == BY_THREAD && tally->tgid &&
	    (!*tally->name || grouping_thread_is_named(row)))
		tally->name = grouping_thread_name(grouping, row);
	if (!tally->name)
		return -ENOMEM;
	take_off_gup(grouping, row, &delta);
	take_off_gup(grouping, row, &now);
	note_process(grouping, row->process);
	place_tally(tally, row);
	counts_add(&tally->counts, &delta);
	if (!grouping->options.sums_up) {
		counts_add(&tally->total, &now);
		ledger = ledger_of(row, &now);
		ledger_add(&tally->ledger_total, &ledger);
	}
	tally->by_kind[row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN] +=
		delta.minor + delta.major + delta.denied;
	add_stalls(tally, row, &stalls);
	ledger = ledger_of(row, &delta);
	ledger_add(&tally->ledger, &ledger);
	note_bounds(tally, row);
	if (!grouping->options.sums_up && row_is_hotter(row, tally->hottest))
		tally->hottest = row;
	if ((grouping->options.by == BY_MAPPING || grouping->options.by == BY_FILE) &&
	    tally->mapping_id && row_changed(row))
		tally->n_mappings = 1;
	return 0;
}

/* Merges a row's tally of an ended process into that of all processes, unless it is large. 0 or
 * -ENOMEM. */
static int end_row(struct grouping *grouping, const struct row *row)
{
	bool may_stay = grouping->options.by == BY_MAPPING || grouping->options.by == BY_ROW;
	struct tally key, *tally;

	set_key_of_row(grouping, &key, row);
	tally = key.group ? table_get(&grouping->tallies, &key) : NULL;
	if (!tally || !tally->tgid)
		return key.group ? 0 : -ENOMEM;
	if (may_stay && !grouping->has_several)
		return 0;
	if (may_stay && !is_small(tally_faults(tally), tally->counts.pages, tally->stalls.sum_ns))
		return 0;
	return grouping_fold(grouping, tally, false);
}

static int end_process(struct grouping *grouping, const struct process *process)
{
	struct tally key = {};
	struct tally *tally;
	int result = 0;

	if (!grouping_is_of_processes(grouping->options.by)) {
		for (const struct row *row = process->rows; row && !result; row = row->next)
			result = end_row(grouping, row);
		return result;
	}
	key.group = grouping_group_of_process(grouping, process);
	key_process(grouping, &key, process);
	tally = key.group ? table_get(&grouping->tallies, &key) : NULL;
	if (tally)
		tally->n_live = 0;
	return tally && tally->tgid ? grouping_fold(grouping, tally, false) : 0;
}

int grouping_add(struct grouping *grouping, const struct snapshot *snapshot)
{
	bool sums_up = grouping->options.sums_up;
	size_t n_rows = sums_up ? snapshot->n_touched : snapshot->n_rows;
	int result = grouping_learn_parents(grouping, snapshot);

	forget_named(grouping);
	if (grouping_is_of_processes(grouping->options.by))
		for (size_t i = 0; i < snapshot->n_processes && !result; i++)
			result = add_process(grouping, snapshot->processes[i]);
	for (size_t i = 0; i < n_rows && !result; i++)
		if (!sums_up || row_changed(snapshot->rows[i]))
			result = add_row(grouping, snapshot->rows[i]);
	if (!sums_up || grouping->options.by == BY_PROCESS || grouping->options.by == BY_THREAD)
		return result;
	for (size_t i = 0; i < snapshot->n_processes && !result; i++)
		if (snapshot->processes[i]->ended)
			result = end_process(grouping, snapshot->processes[i]);
	return result;
}
