// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/findings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"
#include "base/util.h"
#include "model/grouping.h"
#include "model/losses.h"

/* The thresholds. Less is there in every program, and no change would be noticed. ---------------- */

/* Of memory: 64 MiB take some 20 ms to fault in, the least that somebody sees. */
#define MANY_BYTES (64UL << 20)
/* Times the peak of what was resident: allocators return and take again up to twice of it when a
 * program goes through phases; four times is a loop. */
#define TIMES_AGAIN 4
/* Of stalls: 100 ms is what a person notices, and ... */
#define LONG_NS 100000000UL
/* ... a twentieth of the run what is worth a change. */
#define WALL_SHARE 20
/* Of major faults: a cold start of any program has dozens. */
#define MANY_MAJOR 256
/* Of denied faults: a crash has one, a test of a guard page a few. */
#define MANY_DENIED 1000

/* Beyond, what is small is in no finding. */
#define SUBJECTS_MAX 65536

/* How much memory a process had at most. */
struct resident {
	uint64_t tgid, start_ns; /* identity: must stay first, it is the hash key */
	uint64_t peak_rss;
};
#define RESIDENT_KEY_SIZE offsetof(struct resident, peak_rss)

/* All that one process did in the mappings of one name; or, mapping NULL, in all. */
struct subject {
	/* identity: must stay first, it is the hash key */
	const char *mapping;
	uint64_t tgid, start_ns;

	char comm[COMM_LEN];
	uint64_t minor, major, denied;
	uint64_t zero_faults, zero_reads, cow_faults, swap_faults;
	uint64_t cow_ns, major_ns, swap_ns, zero_ns;
	uint64_t by_cause[STALL_CAUSE_COUNT];
	uint64_t peak_rss;
};
#define SUBJECT_KEY_SIZE offsetof(struct subject, comm)

struct findings {
	uint64_t page_size;
	struct grouping *rows;
	struct table residents, subjects;
	uint64_t wall_ns;
	struct finding *list;
	size_t count;
};

struct rule {
	const char *name;
	bool of_process; /* looks at processes, not at their mappings */
	/* True: it is so; sets seen and the costs. */
	bool (*holds)(const struct findings *findings, const struct subject *subject,
		      struct finding *finding);
	const char *sure;
	const char *advice;
};

/* Rules. --------------------------------------------------------------------------------------- */

static bool is_long(const struct findings *findings, uint64_t stall_ns)
{
	return stall_ns >= LONG_NS && stall_ns >= findings->wall_ns / WALL_SHARE;
}

static bool faults_again(const struct findings *findings, const struct subject *subject,
			 struct finding *finding)
{
	uint64_t bytes = subject->zero_faults * findings->page_size;
	char faulted[TEXT_SIZE_LEN], resident[TEXT_SIZE_LEN];

	if (!subject->peak_rss || bytes < MANY_BYTES || bytes / TIMES_AGAIN <= subject->peak_rss)
		return false;
	finding->cost_ns = subject->zero_ns;
	finding->cost_bytes = bytes - subject->peak_rss;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s were touched for the first time, where at most %s were resident: the same "
		 "memory %" PRIu64 " times",
		 text_bytes(faulted, bytes), text_bytes(resident, subject->peak_rss),
		 bytes / subject->peak_rss);
	return true;
}

/* A page that was read first is the zero page: its copy comes from no fork. */
static bool copies_after_fork(const struct findings *findings, const struct subject *subject,
			      struct finding *finding)
{
	uint64_t copies = subject->cow_faults > subject->zero_reads ?
				  subject->cow_faults - subject->zero_reads :
				  0;
	uint64_t bytes = copies * findings->page_size;
	char copied[TEXT_SIZE_LEN];

	if (bytes < MANY_BYTES || subject->mapping[0] != '[')
		return false;
	finding->cost_ns = subject->cow_ns;
	finding->cost_bytes = bytes;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s were copied, page by page, because another process shared them after a fork",
		 text_bytes(copied, bytes));
	return true;
}

static bool reads_cold_file(const struct findings *findings, const struct subject *subject,
			    struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	if (subject->mapping[0] != '/' || subject->major < MANY_MAJOR ||
	    !is_long(findings, subject->major_ns))
		return false;
	finding->cost_ns = subject->major_ns;
	finding->cost_bytes = subject->major * findings->page_size;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s major faults read the file from the disk, piece by piece",
		 text_count(count, subject->major));
	return true;
}

static bool waits_for_lock(const struct findings *findings, const struct subject *subject,
			   struct finding *finding)
{
	uint64_t stall_ns = subject->by_cause[STALL_LOCK];
	char shown[TEXT_DURATION_LEN];

	if (!is_long(findings, stall_ns))
		return false;
	finding->cost_ns = stall_ns;
	snprintf(finding->seen, sizeof(finding->seen),
		 "faults waited %s for the lock of the address space, which mmap, munmap and "
		 "mprotect hold",
		 text_duration(shown, stall_ns));
	return true;
}

static bool waits_for_swap(const struct findings *findings, const struct subject *subject,
			   struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	if (!is_long(findings, subject->swap_ns))
		return false;
	finding->cost_ns = subject->swap_ns;
	finding->cost_bytes = subject->swap_faults * findings->page_size;
	snprintf(finding->seen, sizeof(finding->seen), "%s faults brought memory back from swap",
		 text_count(count, subject->swap_faults));
	return true;
}

static bool waits_for_handler(const struct findings *findings, const struct subject *subject,
			      struct finding *finding)
{
	uint64_t stall_ns = subject->by_cause[STALL_USERFAULTFD];
	char shown[TEXT_DURATION_LEN];

	if (!is_long(findings, stall_ns))
		return false;
	finding->cost_ns = stall_ns;
	snprintf(finding->seen, sizeof(finding->seen),
		 "faults waited %s for the program that handles them, behind userfaultfd",
		 text_duration(shown, stall_ns));
	return true;
}

static bool is_denied_often(const struct findings *findings, const struct subject *subject,
			    struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	(void)findings;
	if (subject->denied < MANY_DENIED)
		return false;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s faults were denied, and the process went on: it handles SIGSEGV or EFAULT",
		 text_count(count, subject->denied));
	return true;
}

static const struct rule rules[] = {
	{ "again", true, faults_again, "likely",
	  "keep freed memory: GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824:"
	  "glibc.malloc.mmap_threshold=1073741824, or fewer madvise(MADV_DONTNEED)" },
	{ "cow-storm", false, copies_after_fork, "likely",
	  "fork before memory is filled, use posix_spawn or vfork for programs, or write less "
	  "while the child lives" },
	{ "cold-file", false, reads_cold_file, "certain",
	  "read it ahead: madvise(MADV_WILLNEED) or MADV_POPULATE_READ, or read the file once "
	  "before" },
	{ "lock-convoy", true, waits_for_lock, "certain",
	  "map and unmap less while other threads fault: pool memory, raise malloc's mmap "
	  "threshold" },
	{ "swap-in", true, waits_for_swap, "certain",
	  "give it memory: raise memory.high or memory.max, or keep it in with mlock(2) or "
	  "memory.low" },
	{ "slow-handler", true, waits_for_handler, "certain",
	  "answer sooner: more handler threads, larger UFFDIO_COPY, or fill ahead" },
	{ "denied-mechanism", true, is_denied_often, "certain",
	  "nothing, if a garbage collector or a debugger means it; else look at what handles "
	  "SIGSEGV" },
};

/* Subjects. ------------------------------------------------------------------------------------ */

/* What is large is kept apart whatever comes: so few stay in the CPU's cache. */
#define MAX_ROWS 2048

struct findings *findings_new(uint64_t page_size)
{
	const struct grouping_options rows = { .by = BY_ROW,
					       .sums_up = true,
					       .max_tallies = MAX_ROWS };
	struct findings *findings = calloc(1, sizeof(*findings));

	if (!findings)
		return NULL;
	findings->page_size = page_size;
	table_init(&findings->residents, 0, RESIDENT_KEY_SIZE);
	table_init(&findings->subjects, 0, SUBJECT_KEY_SIZE);
	findings->rows = grouping_new(&rows);
	if (findings->rows)
		return findings;
	findings_free(findings);
	return NULL;
}

void findings_free(struct findings *findings)
{
	if (!findings)
		return;
	table_clear_values(&findings->residents, free);
	table_clear_values(&findings->subjects, free);
	if (findings->rows)
		grouping_free(findings->rows);
	free(findings->list);
	free(findings);
}

/* 0 or -ENOMEM. */
static int note_resident(struct findings *findings, const struct process *process)
{
	const struct resident key = { .tgid = process->tgid, .start_ns = process->start_ns };
	uint64_t rss = max_of(process->rss_bytes, process->peak_rss_bytes);
	struct resident *resident = table_get(&findings->residents, &key);

	if (!resident && rss && findings->residents.count < SUBJECTS_MAX) {
		resident = malloc(sizeof(*resident));
		if (!resident)
			return -ENOMEM;
		*resident = key;
		if (table_add(&findings->residents, resident) < 0) {
			free(resident);
			return -ENOMEM;
		}
	}
	if (resident)
		resident->peak_rss = max_of(resident->peak_rss, rss);
	return 0;
}

int findings_tick(struct findings *findings, const struct snapshot *snapshot, struct error *error)
{
	int result = grouping_add(findings->rows, snapshot);

	for (size_t i = 0; i < snapshot->n_processes && !result; i++)
		if (!losses_is_other(snapshot->processes[i]))
			result = note_resident(findings, snapshot->processes[i]);
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
	subject = malloc(sizeof(*subject));
	if (!subject)
		return NULL;
	*subject = key;
	if (!table_add(&findings->subjects, subject))
		return subject;
	free(subject);
	return NULL;
}

/* NULL: there was no room. */
static void add_row(struct subject *subject, const struct tally *row)
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
		subject->zero_reads += row->access == ACCESS_READ ? faults : 0;
		subject->zero_ns += stall_ns;
	} else if (row->kind == KIND_COW) {
		subject->cow_faults += faults;
		subject->cow_ns += stall_ns;
	} else if (row->kind == KIND_SWAP_IN) {
		subject->swap_faults += faults;
		subject->swap_ns += stall_ns;
	} else if (row->counts.major) {
		subject->major_ns += stall_ns;
	}
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		subject->by_cause[cause] += row->by_cause[cause];
}

/* Rows that were put together are of several processes, and small: of them nothing is said. */
static void make_subjects(struct findings *findings, const struct tallies *rows)
{
	const struct resident *resident;
	size_t cursor = 0;

	for (size_t i = 0; i < rows->shown; i++) {
		const struct tally *row = rows->list[i];

		if (!row->tgid)
			continue;
		add_row(subject_of(findings, row->name, row), row);
		add_row(subject_of(findings, NULL, row), row);
	}
	while ((resident = table_next(&findings->residents, &cursor))) {
		const struct subject key = { .tgid = resident->tgid,
					     .start_ns = resident->start_ns };
		struct subject *subject = table_get(&findings->subjects, &key);

		if (subject)
			subject->peak_rss = resident->peak_rss;
	}
}

/* The verdict. --------------------------------------------------------------------------------- */

static int compare_cost(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;

	if (a->cost_ns != b->cost_ns)
		return compare_u64(b->cost_ns, a->cost_ns);
	return compare_u64(b->cost_bytes, a->cost_bytes);
}

/* 0 or -ENOMEM. */
static int apply(struct findings *findings, const struct rule *rule, const struct subject *subject)
{
	struct finding finding = { .name = rule->name,
				   .pid = subject->tgid,
				   .mapping = subject->mapping,
				   .advice = rule->advice,
				   .sure = rule->sure };
	struct finding *grown;

	if (rule->of_process != !subject->mapping || !rule->holds(findings, subject, &finding))
		return 0;
	memcpy(finding.comm, subject->comm, COMM_LEN);
	grown = reallocarray(findings->list, findings->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	findings->list = grown;
	grown[findings->count++] = finding;
	return 0;
}

/* Of those that are sorted: the first of each kind. */
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

int findings_end(struct findings *findings, uint64_t wall_ns, const struct finding **ret_list,
		 size_t *ret_count)
{
	const struct tallies_view view = { .sort = SORT_FAULTS, .show_all = true };
	struct tallies rows = {};
	const struct subject *subject;
	size_t cursor = 0;
	int result = grouping_tallies(findings->rows, &view, &rows);

	findings->wall_ns = wall_ns;
	if (!result)
		make_subjects(findings, &rows);
	while (!result && (subject = table_next(&findings->subjects, &cursor)))
		for (size_t i = 0; i < ARRAY_SIZE(rules) && !result; i++)
			result = apply(findings, &rules[i], subject);
	tallies_clear(&rows);
	if (findings->count)
		qsort(findings->list, findings->count, sizeof(*findings->list), compare_cost);
	thin(findings);
	*ret_list = findings->list;
	*ret_count = findings->count;
	return result;
}
