// SPDX-License-Identifier: GPL-2.0-only
#include "sink/wrapped.h"
#include "sink/sink_summary.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "base/libc.h"
#include "base/text.h"
#include "base/users.h"
#include "base/util.h"
#include "model/losses.h"
#include "model/stall_causes.h"
#include "sink/denied.h"
#include "sink/grid.h"
#include "sink/tally_grid.h"
#include "sink/whose_pages.h"

#define AGAIN 2          /* times the resident memory: then the same memory was faulted in again */
#define REFAULTS_MIN 256 /* pages: some come back on any machine that has run long */
#define AGAIN_MAX 4      /* mappings that are named */
#define SLEPT_MAX 4      /* functions that are named */
#define COMMAND_MAX 2048 /* bytes of the command line that are shown */

/* A function of the kernel's in which faults slept for no cause that is known. */
struct slept {
	char name[128];
	uint64_t sum_ns;
};

struct sink_summary {
	struct sink_summary_options options;
	struct grouping *lines;
	struct grouping *people;   /* by process; may be `lines` */
	struct grouping *mappings; /* the same */
	struct users users;
	uint64_t interval_ns;
	struct timespec ts;
	struct totals totals;
	struct slept slept[STALL_PATHS_MAX];
	size_t n_slept;
};

/* Of all processes, by the kernel's accounting. */
struct people {
	struct tallies tallies;
	uint64_t count;
	uint64_t minor, major, gup;
	uint64_t rows_minor, rows_major; /* in their rows */
	/* The kernel's count less rows and GUP. Only of processes that were seen from birth to end,
	 * as counters and rows of a running process are not read at the same moment. 0 where rows
	 * are summed up over processes. */
	int64_t residual;
};

struct sink_summary *sink_summary_new(const struct sink_summary_options *options)
{
	struct grouping_options lines = { .by = options->by,
					  .has_commands = options->has_commands,
					  .sums_up = true,
					  .max_tallies = options->max_tallies,
					  .max_processes = options->max_processes };
	struct grouping_options people = lines, mappings = lines;
	struct sink_summary *summary = calloc(1, sizeof(*summary));

	if (!summary)
		return NULL;
	summary->options = *options;
	people.by = BY_PROCESS;
	summary->people = grouping_new(&people);
	mappings.by = BY_MAPPING;
	mappings.has_commands = false;
	summary->mappings = grouping_new(&mappings);
	summary->lines = options->by == BY_PROCESS ? summary->people :
			 options->by == BY_MAPPING ? summary->mappings :
						     grouping_new(&lines);
	if (!summary->people || !summary->mappings || !summary->lines) {
		sink_summary_free(summary);
		return NULL;
	}
	return summary;
}

void sink_summary_free(struct sink_summary *summary)
{
	if (!summary)
		return;
	if (summary->lines != summary->people && summary->lines != summary->mappings)
		grouping_free(summary->lines);
	grouping_free(summary->mappings);
	grouping_free(summary->people);
	free(summary);
}

/* By the function alone, whoever called it. The names do not outlive the collector. */
static void note_slept(struct sink_summary *summary, const struct slept_paths *paths)
{
	summary->n_slept = 0;
	for (size_t i = 0; paths && i < paths->count; i++) {
		const struct slept_path *path = &paths->list[i];
		const char *name = path->n_names ? path->names[0] : "[kernel]";
		struct slept *slept = summary->slept, *end = slept + summary->n_slept;

		while (slept < end && strncmp(slept->name, name, sizeof(slept->name) - 1) != 0)
			slept++;
		if (slept == end) {
			summary->n_slept++;
			snprintf(slept->name, sizeof(slept->name), "%s", name);
			slept->sum_ns = 0;
		}
		slept->sum_ns += path->now.sum_ns;
	}
}

int sink_summary_tick(struct sink_summary *summary, const struct snapshot *snapshot,
		      struct error *error)
{
	int result = grouping_add(summary->people, snapshot);

	if (!result)
		result = grouping_add(summary->mappings, snapshot);
	if (!result && summary->lines != summary->people && summary->lines != summary->mappings)
		result = grouping_add(summary->lines, snapshot);
	note_slept(summary, snapshot->slept);
	summary->totals = snapshot->totals;
	summary->interval_ns += snapshot->interval_ns;
	summary->ts = snapshot->ts;
	return result < 0 ? error_set(error, ENOMEM, "summing up: out of memory") : 0;
}

SINK_OPS(summary);

/* Processes. ----------------------------------------------------------------------------------- */

/* A log may lack the lines of a process: then only its rows are known. */
static bool has_counters(const struct tally *tally)
{
	return tally->minor + tally->major + tally->gup > 0;
}

/* Of a log: rows of several processes. What these count is in their own lines, or here. */
static bool is_folded(const struct tally *tally)
{
	return !tally->tgid && tally->start_ns;
}

static void add_person(struct people *people, const struct tally *tally)
{
	uint64_t in_rows = tally->counts.minor + tally->counts.major;

	people->rows_minor += tally->counts.minor;
	people->rows_major += tally->counts.major;
	if (!has_counters(tally) && !is_folded(tally)) {
		people->minor += tally->counts.minor;
		people->major += tally->counts.major;
		return;
	}
	people->minor += tally->minor;
	people->major += tally->major;
	people->gup += tally->gup;
	if (tally->is_whole)
		people->residual += (int64_t)(tally->minor + tally->major) -
				    (int64_t)(in_rows + tally->gup);
}

/* All processes, one by one, so that none is added up unseen; to be cleared. 0 or -ENOMEM. */
static int find_people(struct sink_summary *summary, struct people *ret_people)
{
	const struct tallies_view view = { .sort = SORT_FAULTS, .show_all = true };
	struct people people = {};
	bool has_folded = false;

	if (grouping_tallies(summary->people, &view, &people.tallies) < 0)
		return -ENOMEM;
	people.count = people.tallies.total.n_processes;
	for (size_t i = 0; i < people.tallies.shown; i++) {
		add_person(&people, people.tallies.list[i]);
		has_folded |= is_folded(people.tallies.list[i]);
	}
	if (people.tallies.n_rest)
		add_person(&people, &people.tallies.rest);
	if (has_folded)
		people.residual = 0;
	/* The counters of what still runs are read some ms before its rows. */
	people.minor = max_of(people.minor, people.rows_minor);
	people.major = max_of(people.major, people.rows_major);
	*ret_people = people;
	return 0;
}

struct sink_summary_totals sink_summary_totals(struct sink_summary *summary)
{
	struct people people = {};

	if (find_people(summary, &people) < 0)
		return (struct sink_summary_totals){};
	tallies_clear(&people.tallies);
	return (struct sink_summary_totals){ .processes = people.count,
					     .minor = people.minor,
					     .major = people.major };
}

/* The command. --------------------------------------------------------------------------------- */

/* One word as a shell would need it quoted; returns the bytes written. */
static size_t print_word(const char *word, FILE *stream)
{
	size_t plain = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-");
	size_t written = 0;

	if (plain && !word[plain]) {
		fputs(word, stream);
		return plain;
	}
	fputc('\'', stream);
	for (; word[written] && written < COMMAND_MAX; written++) {
		if (word[written] == '\'')
			fputs("'\\'", stream);
		fputc(word[written], stream);
	}
	fputc('\'', stream);
	return written;
}

/* As one would type it, with what a terminal must not see escaped. */
static int print_command(const char *const *command, FILE *stream)
{
	size_t written = 0;

	for (size_t i = 0; command[i] && written < COMMAND_MAX; i++) {
		autofree char *word = text_escape(command[i]);

		if (!word)
			return -ENOMEM;
		if (i)
			fputc(' ', stream);
		written += print_word(word, stream);
	}
	fputs(written < COMMAND_MAX ? "\n" : " ...\n", stream);
	return 0;
}

static void print_end(const struct sink_summary_run *run, FILE *stream)
{
	double seconds = (double)run->wall_ns / 1e9;
	char signal[16];

	if (WIFSIGNALED(run->wait_status))
		fprintf(stream, "killed by %s%s after %.3f s",
			libc_signal_name(WTERMSIG(run->wait_status), signal),
			WCOREDUMP(run->wait_status) ? " (core dumped)" : "", seconds);
	else
		fprintf(stream, "exit status %d after %.3f s", WEXITSTATUS(run->wait_status),
			seconds);
}

int sink_summary_print_run(const struct sink_summary_run *run, FILE *stream)
{
	int result = print_command(run->command, stream);

	if (result < 0)
		return result;
	print_end(run, stream);
	fputc('\n', stream);
	return 0;
}

/* What page faults cost, in one line. */
static void print_cost(const struct tally *total, const struct people *people,
		       const struct sink_summary_run *run, FILE *stream)
{
	char minor[TEXT_COUNT_LEN], major[TEXT_COUNT_LEN], denied[TEXT_COUNT_LEN];
	char stalled[TEXT_DURATION_LEN], count[TEXT_COUNT_LEN];

	if (run && run->command) {
		print_end(run, stream);
		fputs("; ", stream);
	} else if (run) {
		fprintf(stream, "attached for %.3f s; ", (double)run->wall_ns / 1e9);
	}
	fputs("page faults", stream);
	if (total->stalls.count)
		fprintf(stream, " took %s", text_duration(stalled, total->stalls.sum_ns));
	if (total->stalls.count && run && run->wall_ns)
		fprintf(stream, " (%.0f %%)",
			100.0 * (double)total->stalls.sum_ns / (double)run->wall_ns);
	fprintf(stream, ": %s minor, %s major, %s denied", text_count(minor, people->minor),
		text_count(major, people->major), text_count(denied, total->counts.denied));
	if (people->count > 1)
		fprintf(stream, ", in %s processes", text_count(count, people->count));
	fputc('\n', stream);
}

/* Prints what the time was spent on, the largest first; nothing if the causes are not known or
 * nobody waited. */
static void print_causes(const struct tally *total, FILE *stream)
{
	unsigned int order[STALL_CAUSE_COUNT];
	size_t count = causes_in_order(total->by_cause, order);
	char text[TEXT_DURATION_LEN];

	if (count == 1 && order[0] == STALL_CPU)
		return;
	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s %s %s", i ? "," : "stalled:", stall_cause_name(order[i]),
			text_duration(text, total->by_cause[order[i]]));
	if (count)
		fputc('\n', stream);
}

static int compare_slept(const void *left, const void *right)
{
	const struct slept *a = left, *b = right;

	return compare_u64(b->sum_ns, a->sum_ns) ?: strcmp(a->name, b->name);
}

/* Prints where the faults slept whose cause is unknown, the longest first. */
static void print_slept(struct sink_summary *summary, FILE *stream)
{
	size_t shown = min_of(summary->n_slept, SLEPT_MAX);
	char text[TEXT_DURATION_LEN];

	if (!shown)
		return;
	qsort(summary->slept, summary->n_slept, sizeof(*summary->slept), compare_slept);
	for (size_t i = 0; i < shown; i++) {
		autofree char *name = text_escape(summary->slept[i].name);

		fprintf(stream, "%s %s %s", i ? "," : "unknown: asleep in", name ? name : "?",
			text_duration(text, summary->slept[i].sum_ns));
	}
	if (summary->n_slept > shown)
		fprintf(stream, ", %zu more", summary->n_slept - shown);
	fputc('\n', stream);
}

/* Prints how many pages came back after their eviction: then this is no cold start. When they were
 * evicted is not known: memory may have been short long ago, or in another cgroup. */
static void print_refaults(const struct tally *total, uint64_t page_size, FILE *stream)
{
	char count[TEXT_COUNT_LEN], size[TEXT_SIZE_LEN];

	if (total->refaults >= REFAULTS_MIN)
		fprintf(stream,
			"refaults: %s pages (%s) came back that had been evicted: memory is short, "
			"or was when they left; this is no cold start\n",
			text_count(count, total->refaults),
			text_bytes(size, total->refaults * page_size));
}

/* What memory.high costs after the faults: it is in none of their latencies. */
static void print_throttled(const struct totals *totals, FILE *stream)
{
	char count[TEXT_COUNT_LEN], time[TEXT_DURATION_LEN];

	if (totals->throttled)
		fprintf(stream,
			"throttled by memory.high %s after faults, in no stall: their cgroup is above "
			"it (%s times)\n",
			text_duration(time, totals->throttled_ns),
			text_count(count, totals->throttled));
}

/* Tables. -------------------------------------------------------------------------------------- */

static int print_lines(struct sink_summary *summary, const struct people *people,
		       const struct tallies *lines, FILE *stream)
{
	const struct sink_summary_options *options = &summary->options;
	const struct tally_grid_view view = { .by = options->by,
					      .sort = options->sort,
					      .has_several = people->count > 1,
					      .has_commands = options->has_commands,
					      .has_colour = options->has_colour,
					      .columns = &options->columns,
					      .page_size = options->page_size,
					      .interval_ns = summary->interval_ns,
					      .width = options->width ?: WRAPPED_WIDTH,
					      .users = &summary->users };

	return tally_grid_print(&view, lines, NULL, stream);
}

static void put_person(const struct tally *person, const char *name, bool is_sum, struct grid *grid)
{
	grid_count(grid, person->minor);
	grid_count(grid, person->major);
	grid_count(grid, person->gup);
	grid_bytes(grid, person->vsz_bytes);
	if (is_sum) { /* a sum of peaks of different moments would be no fact */
		grid_empty(grid);
		grid_empty(grid);
	} else {
		grid_bytes(grid, person->rss_bytes);
		grid_format(grid, "%" PRIu64, person->tgid);
	}
	grid_name(grid, name);
}

/* The processes of the rows, with their memory. */
static int print_people(struct sink_summary *summary, const struct people *people, FILE *stream)
{
	const struct tallies_view view = { .sort = SORT_FAULTS,
					   .show_all = summary->options.show_all };
	static const struct grid_column columns[] = {
		{ .title = "MINOR" },
		{ .title = "MAJOR" },
		{ .title = "GUP", .optional = true },
		{ .title = "VSZ" },
		{ .title = "PEAK RSS" },
		{ .title = "PID" },
		{ .title = "PROCESS", .left = true },
	};
	struct grid *grid = grid_new(columns, ARRAY_SIZE(columns));
	struct tallies page;
	char text[64];
	int result;

	if (!grid || grouping_tallies(summary->people, &view, &page) < 0) {
		grid_free(grid);
		return -ENOMEM;
	}
	for (size_t i = 0; i < page.shown; i++)
		if (page.list[i]->tgid)
			put_person(page.list[i], page.list[i]->name, false, grid);
	snprintf(text, sizeof(text), "(%" PRIu64 " more)", page.n_rest);
	if (page.n_rest)
		put_person(&page.rest, text, true, grid);
	if (people->count > 1)
		put_person(&page.total, "total", true, grid);
	result = grid_print(grid, stream, 2, 0);
	tallies_clear(&page);
	grid_free(grid);
	return result;
}

/*
 * Answers faultmap's main question: how much of what was reserved was ever touched? At most what
 * was resident. Faults may have brought in more than that: the same memory again.
 */
static void print_touched(const struct sink_summary *summary, const struct tally *sum, FILE *stream)
{
	uint64_t faulted = ledger_may_repeat(&sum->ledger) * summary->options.page_size;
	uint64_t touched = min_of(sum->rss_bytes, sum->vsz_bytes);
	char reserved_text[TEXT_SIZE_LEN], touched_text[TEXT_SIZE_LEN], faulted_text[TEXT_SIZE_LEN];

	fprintf(stream, "reserved %s of address space, touched %s of it at most: %.1f %%\n",
		text_bytes(reserved_text, sum->vsz_bytes), text_bytes(touched_text, touched),
		sum->vsz_bytes ? 100.0 * (double)touched / (double)sum->vsz_bytes : 0.0);
	if (touched && faulted / AGAIN > touched)
		fprintf(stream,
			"faulted in %s: the same memory again and again, %" PRIu64 " times\n",
			text_bytes(faulted_text, faulted), faulted / touched);
}

/* Of processes that live: what stays of what was faulted in. */
static void print_growth(const struct sink_summary *summary, const struct tally *sum, FILE *stream)
{
	uint64_t size = (uint64_t)(sum->growth_bytes < 0 ? -sum->growth_bytes : sum->growth_bytes);
	char growth[TEXT_SIZE_LEN], faulted[TEXT_SIZE_LEN];

	if (sum->n_live)
		fprintf(stream, "resident memory %s by %s, while %s was faulted in\n",
			sum->growth_bytes < 0 ? "shrank" : "grew", text_bytes(growth, size),
			text_bytes(faulted, sum->ledger.brought * summary->options.page_size));
}

/* The mapping of which most was faulted in that had been there before, but for those that were told
 * of. NULL: there is none. */
static const struct tally *next_again(const struct tallies *mappings, uint64_t page_size,
				      const struct tally *const *told, size_t n_told)
{
	const struct tally *next = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < mappings->count; i++) {
		const struct tally *one = mappings->list[i];
		uint64_t bytes = one->ledger.brought * page_size;
		bool is_told = false;

		for (size_t j = 0; j < n_told; j++)
			is_told |= told[j] == one;
		if (is_told || !tally_times(one, page_size) || bytes - tally_bound(one) <= most)
			continue;
		most = bytes - tally_bound(one);
		next = one;
	}
	return next;
}

static void print_one_again(const struct tally *one, uint64_t page_size, FILE *stream)
{
	char faulted[TEXT_SIZE_LEN], bound[TEXT_SIZE_LEN], comm[COMM_LEN * 4 + 1];
	autofree char *name = text_escape(one->name);

	fprintf(stream, "the same memory was faulted in %" PRIu64 " times or more: %s",
		tally_times(one, page_size), name ?: "?");
	if (one->tgid) {
		text_escape_to(comm, sizeof(comm), one->comm);
		fprintf(stream, " of %" PRIu64 " (%s)", one->tgid, comm);
	}
	fprintf(stream, ", %s where no more than %s fits\n",
		text_bytes(faulted, one->ledger.brought * page_size),
		text_bytes(bound, tally_bound(one)));
}

/* Which mappings were faulted in more than once. 0 or -ENOMEM. */
static int print_again(struct sink_summary *summary, const struct tallies *lines, FILE *stream)
{
	const struct tallies_view view = { .sort = SORT_FAULTS, .show_all = true };
	const struct tally *told[AGAIN_MAX];
	uint64_t page_size = summary->options.page_size;
	struct tallies own = {};

	if (summary->lines != summary->mappings) {
		if (grouping_tallies(summary->mappings, &view, &own) < 0)
			return -ENOMEM;
		lines = &own;
	}
	for (size_t n = 0; n < AGAIN_MAX; n++) {
		told[n] = next_again(lines, page_size, told, n);
		if (!told[n])
			break;
		print_one_again(told[n], page_size, stream);
	}
	tallies_clear(&own);
	return 0;
}

/* Printed before the tables: what it cost, and why. 0 or -ENOMEM. */
static int print_head(struct sink_summary *summary, const struct sink_summary_run *run,
		      const struct people *people, const struct tallies *lines, FILE *stream)
{
	struct wrapped head;

	if (!wrapped_begin(&head)) {
		print_cost(&lines->total, people, run, head.lines);
		print_causes(&lines->total, head.lines);
		print_slept(summary, head.lines);
		print_refaults(&lines->total, summary->options.page_size, head.lines);
		print_throttled(&summary->totals, head.lines);
	}
	return wrapped_end(&head, summary->options.width ?: WRAPPED_WIDTH, stream);
}

/* After the tables: how much memory it was, and what is in no line of theirs. 0 or -ENOMEM. */
static int print_notes(struct sink_summary *summary, const struct people *people,
		       const struct tallies *lines, FILE *stream)
{
	struct wrapped notes;
	int result = 0, torn;

	if (!wrapped_begin(&notes)) {
		denied_print(&lines->total, notes.lines);
		whose_pages_copied(&people->tallies, summary->options.page_size, notes.lines);
		whose_pages_unmeasured(&lines->total, notes.lines);
		whose_pages_populated(&people->tallies, &summary->totals,
				      summary->options.page_size, notes.lines);
		print_touched(summary, &people->tallies.total, notes.lines);
		result = print_again(summary, lines, notes.lines);
		print_growth(summary, &people->tallies.total, notes.lines);
		losses_print(&summary->totals, notes.lines);
		if (people->residual)
			fprintf(notes.lines,
				"unexplained: %" PRId64
				" (the kernel's count, less rows and GUP)\n",
				people->residual);
	}
	torn = wrapped_end(&notes, summary->options.width ?: WRAPPED_WIDTH, stream);
	return result ?: torn;
}

static int print_text(struct sink_summary *summary, const struct sink_summary_run *run,
		      const struct people *people, const struct tallies *lines, FILE *stream)
{
	int result = run && run->command ? print_command(run->command, stream) : 0;

	if (result < 0)
		return result;
	if (run && run->attached)
		fprintf(stream, "%s\n", run->attached);
	result = print_head(summary, run, people, lines, stream);
	fputc('\n', stream);
	if (!result)
		result = print_lines(summary, people, lines, stream);
	if (!result && summary->options.by == BY_ROW) {
		fputc('\n', stream);
		result = print_people(summary, people, stream);
	}
	fputc('\n', stream);
	return result ?: print_notes(summary, people, lines, stream);
}

static int print_records(const struct sink_summary *summary, const struct tallies *lines,
			 FILE *stream)
{
	const struct tally_records_view view = { .by = summary->options.by,
						 .page_size = summary->options.page_size,
						 .interval_ns = summary->interval_ns,
						 .ts = summary->ts,
						 .has_titles = true };

	return summary->options.format == TALLY_CSV ? tally_records_csv(&view, lines, stream) :
						      tally_records_json(&view, lines, stream);
}

int sink_summary_print(struct sink_summary *summary, const struct sink_summary_run *run,
		       FILE *stream)
{
	const struct tallies_view view = { .sort = summary->options.sort,
					   .rows = summary->options.rows,
					   .show_all = summary->options.show_all };
	struct tallies lines = {};
	struct people people = {};
	int result = find_people(summary, &people);

	if (!result)
		result = grouping_tallies(summary->lines, &view, &lines);
	if (!result)
		result = summary->options.format == TALLY_TEXT ?
				 print_text(summary, run, &people, &lines, stream) :
				 print_records(summary, &lines, stream);
	tallies_clear(&lines);
	tallies_clear(&people.tallies);
	return result;
}
