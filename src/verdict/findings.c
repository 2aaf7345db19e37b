// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/findings_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"
#include "base/util.h"
#include "model/grouping.h"
#include "model/latency.h"
#include "model/losses.h"

/* Beyond, small processes and mappings get no finding. Each row belongs to two subjects. 2 MiB. */
#define SUBJECTS_MAX 4096

/* Memory of one name. */
struct unused {
	uint32_t tgid;
	char comm[COMM_LEN];
	char *mapping;
	uint64_t kept_bytes, unused_bytes;
};
/* Beyond, names are left out. */
#define UNUSED_MAX 4096

struct findings {
	uint64_t page_size;
	struct grouping *rows;
	struct residents residents;
	struct table subjects;
	struct subject all; /* tgid 0: for rules of OF_ALL */
	struct finding *list;
	size_t count;
	struct unused *unused;
	size_t n_unused;
};

/* Subjects. ------------------------------------------------------------------------------------ */

/* Rows of tallies. Large ones are never merged, however few rows there are; so few stay in the CPU's
 * cache. */
#define MAX_ROWS 2048
#define FEW_ROWS 1024
#define MAX_NAME_BYTES (256 << 10)

static const struct resident nobody = { .limit_bytes = UINT64_MAX };

static struct findings *make(uint64_t page_size, findings_limit_fn limit_of, size_t max_rows)
{
	const struct grouping_options rows = {
		.by = BY_ROW, .sums_up = true, .max_tallies = max_rows, .max_names = MAX_NAME_BYTES
	};
	struct findings *findings = calloc(1, sizeof(*findings));

	if (!findings)
		return NULL;
	findings->page_size = page_size;
	findings->all.resident = &nobody;
	residents_init(&findings->residents, limit_of);
	table_init(&findings->subjects, 0, SUBJECT_KEY_SIZE);
	findings->rows = grouping_new(&rows);
	if (findings->rows)
		return findings;
	findings_free(findings);
	return NULL;
}

struct findings *findings_new(uint64_t page_size, findings_limit_fn limit_of)
{
	return make(page_size, limit_of, MAX_ROWS);
}

struct findings *findings_new_small(uint64_t page_size, findings_limit_fn limit_of)
{
	return make(page_size, limit_of, FEW_ROWS);
}

void findings_free(struct findings *findings)
{
	if (!findings)
		return;
	residents_clear(&findings->residents);
	table_clear_values(&findings->subjects, free);
	if (findings->rows)
		grouping_free(findings->rows);
	for (size_t i = 0; i < findings->n_unused; i++)
		free(findings->unused[i].mapping);
	free(findings->unused);
	free(findings->list);
	free(findings);
}

/* Counts the snapshot's own rows: relocations come from many small processes, which tallies merge. */
static void note_relocations(struct findings *findings, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		const struct row *row = snapshot->rows[i];

		if (row->kind != KIND_FILE_COW)
			continue;
		findings->all.file_cow_faults += row->now.minor + row->now.major -
						 row->before.minor - row->before.major;
		if (row->latency)
			findings->all.file_cow_ns += latency_delta(row).sum_ns;
	}
}

int findings_tick(struct findings *findings, const struct snapshot *snapshot, struct error *error)
{
	int result = grouping_add(findings->rows, snapshot);

	if (snapshot->tick)
		note_relocations(findings, snapshot);
	if (!result)
		result = residents_tick(&findings->residents, snapshot);
	return result < 0 ? error_set(error, ENOMEM, "looking for findings: out of memory") : 0;
}

static int tick_it(void *sink, const struct snapshot *snapshot, struct error *error)
{
	return findings_tick(sink, snapshot, error);
}

static void free_it(void *sink)
{
	findings_free(sink);
}

const struct sink_ops findings_ops = { "findings", tick_it, free_it };

/* NULL: out of memory, or no room. */
static struct subject *subject_of(struct findings *findings, const char *mapping,
				  const struct tally *tally)
{
	const struct subject key = { .mapping = mapping,
				     .tgid = tally->tgid,
				     .start_ns = tally->start_ns };
	struct subject *subject = table_get(&findings->subjects, &key);

	if (subject || findings->subjects.count >= SUBJECTS_MAX)
		return subject;
	return table_add_copy(&findings->subjects, &key, sizeof(key));
}

/* Counts a mapping with more major faults than it ever had pages. Where a window moves over a file,
 * the number of pages is not known. */
static void note_again(struct subject *subject, const struct tally *row, uint64_t page_size)
{
	uint64_t now = row->map_end - row->map_start;
	bool is_known = now && row->largest_bytes && row->largest_bytes != LEDGER_NO_BOUND;
	uint64_t pages = (is_known ? max_of(now, row->largest_bytes) : now) / page_size;

	if (!pages || row->counts.major <= pages)
		return;
	subject->again_major += row->counts.major;
	subject->again_pages += pages;
}

/* glibc puts each thread's arena at a multiple of 64 MiB (malloc/arena.c: HEAP_MAX_SIZE). First
 * writes to an arena are one row. */
static void note_arena(struct subject *subject, const struct tally *row)
{
	if (row->map_start % ARENA_SIZE || row->map_end - row->map_start > ARENA_SIZE ||
	    row->access != ACCESS_WRITE || row->mode != MODE_USER || row->perms[1] != 'w' ||
	    strcmp(row->name, "[anon]") != 0)
		return;
	subject->n_arenas++;
	subject->arena_pages += row->counts.pages;
}

/* NULL: there was no room. */
static void add_row(struct subject *subject, const struct tally *row, uint64_t page_size)
{
	uint64_t faults = row->counts.minor + row->counts.major;
	uint64_t stall_ns = row->stalls.sum_ns;

	if (!subject)
		return;
	memcpy(subject->comm, row->comm, COMM_LEN);
	subject->minor += row->counts.minor;
	subject->major += row->counts.major;
	subject->denied += row->counts.denied;
	if (row->kind == KIND_DEMAND_ZERO) {
		subject->zero_faults += faults;
		subject->zero_pages += row->counts.pages;
		subject->zero_reads += row->access == ACCESS_READ ? faults : 0;
		subject->zero_ns += stall_ns;
		subject->heap_faults += strcmp(row->name, "[heap]") ? 0 : faults;
		note_arena(subject, row);
	} else if (row->kind == KIND_COW) {
		subject->cow_faults += faults;
		subject->cow_ns += stall_ns;
	} else if (row->kind == KIND_SWAP_IN) {
		subject->swap_faults += faults;
		subject->swap_ahead += row->counts.minor;
		subject->swap_ns += stall_ns;
	} else if (row->kind == KIND_NUMA_HINT) {
		subject->numa_faults += faults;
		subject->numa_ns += stall_ns;
	} else if (row->kind == KIND_POPULATE) {
		subject->populate_ns += stall_ns;
		subject->populated_timed += row->stalls.count ? row->counts.pages : 0;
	} else if (row->counts.major) {
		subject->major_ns += stall_ns;
		note_again(subject, row, page_size);
	}
	if (row->kind == KIND_HUGE_ZERO) {
		subject->huge_faults += faults;
		subject->zero_pages += row->counts.pages;
	}
	if (row->perms[1] == 'w')
		subject->map_bytes = max_of(subject->map_bytes, row->map_end - row->map_start);
	subject->refaults += row->refaults;
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		subject->by_cause[cause] += row->by_cause[cause];
	subject->handler_ns += row->by_cause[STALL_USERFAULTFD] + row->by_cause[STALL_REMOTE];
}

/* Sets what is known of the process that a subject belongs to. */
static void describe_subjects(struct findings *findings)
{
	struct subject *subject;
	size_t cursor = 0;

	while ((subject = table_next(&findings->subjects, &cursor))) {
		const struct resident *resident = residents_find(&findings->residents,
								 subject->tgid, subject->start_ns);

		subject->resident = resident ?: &nobody;
		subject->populated = subject->resident->populated;
	}
}

/* Adds up each process's stacks: each thread's stack has a name of its own. */
static void count_stacks(struct findings *findings)
{
	const struct subject *subject;
	size_t cursor = 0;

	while ((subject = table_next(&findings->subjects, &cursor))) {
		const struct subject key = { .tgid = subject->tgid, .start_ns = subject->start_ns };
		struct subject *process;

		if (!subject->mapping || strncmp(subject->mapping, "[stack:", 7) != 0)
			continue;
		process = table_get(&findings->subjects, &key);
		if (!process)
			continue;
		process->n_stacks++;
		process->stack_pages += subject->zero_pages;
	}
}

/* What a child copies came to its parent, perhaps in huge pages. */
static void note_huge(struct findings *findings)
{
	const struct subject *parent;
	struct subject *child;
	size_t cursor = 0;

	while ((child = table_next(&findings->subjects, &cursor))) {
		const struct shared_fork *fork = &child->resident->fork;
		size_t inner = 0;

		if (!child->cow_faults || !child->mapping || fork->child != child->tgid)
			continue;
		while ((parent = table_next(&findings->subjects, &inner)))
			if (parent->tgid == fork->parent && parent->mapping == child->mapping)
				child->huge_faults += parent->huge_faults;
	}
}

/* NULL: out of memory. */
static struct unused *unused_of(struct findings *findings, uint32_t tgid, const char *comm,
				const char *mapping)
{
	struct unused *grown, *unused;

	for (size_t i = 0; i < findings->n_unused; i++)
		if (findings->unused[i].tgid == tgid &&
		    !strcmp(findings->unused[i].mapping, mapping))
			return &findings->unused[i];
	grown = reallocarray(findings->unused, findings->n_unused + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	findings->unused = grown;
	unused = &grown[findings->n_unused];
	*unused = (struct unused){ .tgid = tgid, .mapping = strdup(mapping) };
	snprintf(unused->comm, sizeof(unused->comm), "%s", comm);
	if (!unused->mapping)
		return NULL;
	findings->n_unused++;
	return unused;
}

int findings_note_unused(struct findings *findings, uint32_t tgid, const char *comm,
			 const char *mapping, uint64_t resident_bytes, uint64_t unused_bytes)
{
	struct unused *unused;

	if (findings->n_unused >= UNUSED_MAX)
		return 0;
	unused = unused_of(findings, tgid, comm, mapping);
	if (!unused)
		return -ENOMEM;
	unused->kept_bytes += resident_bytes;
	unused->unused_bytes += unused_bytes;
	return 0;
}

/* Subjects of their own: what nobody touches may have no row. */
static void make_unused(struct findings *findings)
{
	for (size_t i = 0; i < findings->n_unused; i++) {
		const struct unused *unused = &findings->unused[i];
		const struct subject key = { .mapping = unused->mapping, .tgid = unused->tgid };
		struct subject *subject = NULL;

		if (findings->subjects.count < SUBJECTS_MAX)
			subject = table_add_copy(&findings->subjects, &key, sizeof(key));
		if (!subject)
			return;
		memcpy(subject->comm, unused->comm, COMM_LEN);
		subject->kept_bytes = unused->kept_bytes;
		subject->unused_bytes = unused->unused_bytes;
	}
}

/* Merged rows are small and belong to several processes: they get no finding. */
static void make_subjects(struct findings *findings, const struct tallies *rows)
{
	for (size_t i = 0; i < rows->shown; i++) {
		const struct tally *row = rows->list[i];

		if (!row->tgid)
			continue;
		add_row(subject_of(findings, row->name, row), row, findings->page_size);
		add_row(subject_of(findings, NULL, row), row, findings->page_size);
	}
	make_unused(findings);
	count_stacks(findings);
	describe_subjects(findings);
	note_huge(findings);
}

/* The verdict. --------------------------------------------------------------------------------- */

static int compare_cost(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;

	if (a->cost_ns != b->cost_ns)
		return compare_u64(b->cost_ns, a->cost_ns);
	return compare_u64(b->cost_bytes, a->cost_bytes);
}

static enum scope scope_of(const struct subject *subject)
{
	if (subject->mapping)
		return OF_MAPPING;
	return subject->tgid ? OF_PROCESS : OF_ALL;
}

/* 0 or -ENOMEM. */
static int apply(struct findings *findings, const struct rule *rule, const struct subject *subject,
		 const struct rule_context *context)
{
	struct finding finding = { .name = rule->name,
				   .pid = subject->tgid,
				   .mapping = subject->mapping,
				   .advice = rule->advice,
				   .sure = rule->sure };
	struct finding *grown;

	if (rule->scope != scope_of(subject) || !rule->holds(subject, context, &finding))
		return 0;
	memcpy(finding.comm, subject->comm, COMM_LEN);
	grown = reallocarray(findings->list, findings->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	findings->list = grown;
	grown[findings->count++] = finding;
	return 0;
}

/* Of the sorted findings, keeps the first ones of each name. */
static void thin(struct findings *findings)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->count; i++) {
		size_t alike = 0;

		for (size_t j = 0; j < kept; j++)
			alike += findings->list[j].name == findings->list[i].name;
		if (alike < FINDINGS_OF_A_KIND)
			findings->list[kept++] = findings->list[i];
	}
	findings->count = kept;
}

/* 0 or -ENOMEM. */
static int apply_all(struct findings *findings, const struct subject *subject,
		     const struct rule_context *context)
{
	int result = 0;

	for (size_t i = 0; i < findings_n_rules && !result; i++)
		result = apply(findings, &findings_rules[i], subject, context);
	return result;
}

/* Drops what was found before, from fewer snapshots. */
static void begin_anew(struct findings *findings)
{
	table_clear_values(&findings->subjects, free);
	table_init(&findings->subjects, 0, SUBJECT_KEY_SIZE);
	findings->count = 0;
}

int findings_add_up(struct findings *findings)
{
	const struct tallies_view view = { .sort = SORT_FAULTS, .show_all = true };
	struct tallies rows = {};
	int result = grouping_tallies(findings->rows, &view, &rows);

	begin_anew(findings);
	if (!result)
		make_subjects(findings, &rows);
	tallies_clear(&rows);
	return result;
}

int findings_find(struct findings *findings, uint64_t wall_ns, struct finding **ret_list,
		  size_t *ret_count)
{
	const struct rule_context context = { .page_size = findings->page_size,
					      .wall_ns = wall_ns };
	const struct subject *subject;
	size_t cursor = 0;
	int result = findings_add_up(findings);

	if (!result)
		result = apply_all(findings, &findings->all, &context);
	while (!result && (subject = table_next(&findings->subjects, &cursor)))
		result = apply_all(findings, subject, &context);
	if (findings->count)
		qsort(findings->list, findings->count, sizeof(*findings->list), compare_cost);
	thin(findings);
	*ret_list = findings->list;
	*ret_count = findings->count;
	return result;
}

int findings_end(struct findings *findings, uint64_t wall_ns, const struct finding **ret_list,
		 size_t *ret_count)
{
	struct finding *list;
	int result = findings_find(findings, wall_ns, &list, ret_count);

	*ret_list = list;
	return result;
}

/* Names are compared by their text: each `findings` has its own copies. */
static bool is_about(const struct finding *finding, const struct subject *subject)
{
	if (finding->pid != subject->tgid || !finding->mapping != !subject->mapping)
		return false;
	return !finding->mapping || !strcmp(finding->mapping, subject->mapping);
}

static uint64_t member_of(const struct subject *subject, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)subject + offset, sizeof(value));
	return value;
}

uint64_t findings_weight(const struct findings *findings, const struct finding *finding)
{
	const struct subject *subject;
	const struct rule *rule = findings_rules;
	uint64_t sum = 0;
	size_t cursor = 0;

	while (rule->name != finding->name)
		rule++;
	if (rule->scope == OF_ALL)
		return member_of(&findings->all, rule->weight);
	while ((subject = table_next(&findings->subjects, &cursor)))
		if (is_about(finding, subject))
			sum += member_of(subject, rule->weight);
	return sum;
}
