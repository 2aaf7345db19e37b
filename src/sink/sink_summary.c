// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_summary.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "sink/grid.h"
#include "model/losses.h"
#include "sink/sink_summary_lines.h"
#include "base/text.h"
#include "base/util.h"

/* Of a page of output: the busiest, unless --all. */
#define SHOWN_PLACES 40
#define SHOWN_PROCESSES 20
#define AGAIN 2 /* times the resident memory: then the same memory was faulted in again */
#define DEFAULT_WIDTH 80
#define WIDE 100
#define COMMAND_MAX 2048 /* bytes of the command line that are shown */

const char *const sink_summary_by_words[] = {
	[SUMMARY_BY_MAPPING] = "mapping", [SUMMARY_BY_KIND] = "kind",
	[SUMMARY_BY_PROCESS] = "process", [SUMMARY_BY_COMM] = "comm",
	[SUMMARY_BY_ROW] = "row",         NULL
};

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

	if (WIFSIGNALED(run->wait_status))
		fprintf(stream, "killed by SIG%s%s after %.3f s",
			sigabbrev_np(WTERMSIG(run->wait_status)) ?: "?",
			WCOREDUMP(run->wait_status) ? " (core dumped)" : "", seconds);
	else
		fprintf(stream, "exit status %d after %.3f s", WEXITSTATUS(run->wait_status),
			seconds);
}

/* By pages, then everything else that tells places apart. */
static int compare_places(const void *left, const void *right)
{
	const struct place *a = *(const struct place *const *)left;
	const struct place *b = *(const struct place *const *)right;
	int order = compare_u64(b->counts.pages, a->counts.pages);

	if (!order)
		order = compare_u64(b->counts.denied, a->counts.denied);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = compare_u64(a->map_start, b->map_start);
	if (!order)
		order = memcmp(a->perms, b->perms, PLACE_KEY_SIZE - offsetof(struct place, perms));
	return order ? order : compare_u64(a->mapping_id, b->mapping_id);
}

static void put_counts(const struct sink_summary *summary, const struct place *place,
		       struct grid *grid)
{
	const struct stalls *stalls = &place->stalls;

	grid_count(grid, place->counts.minor);
	grid_count(grid, place->counts.major);
	grid_count(grid, place->counts.denied);
	grid_bytes(grid, place->counts.pages * summary->options.page_size);
	if (stalls->count) {
		grid_duration(grid, stalls->sum_ns / stalls->count);
		grid_duration(grid, stalls->max_ns);
	} else {
		grid_empty(grid);
		grid_empty(grid);
	}
}

#define COUNT_COLUMNS 6 /* those of put_counts */
static const struct grid_column place_columns[] = {
	{ .title = "MINOR" },
	{ .title = "MAJOR" },
	{ .title = "DENIED", .optional = true },
	{ .title = "BYTES" },
	{ .title = "AVG", .optional = true },
	{ .title = "MAX", .optional = true },
	{ .title = "KIND", .left = true },
	{ .title = "ACCESS", .left = true },
	{ .title = "PERMS", .left = true },
	{ .title = "PROCS", .optional = true },
	{ .title = "PID", .optional = true },
	{ .title = "SIZE", .optional = true },
	{ .title = "ADDRESS", .optional = true },
	{ .title = "MAPPING", .left = true },
};

static void put_place(const struct sink_summary *summary, const struct place *place,
		      struct grid *grid)
{
	put_counts(summary, place, grid);
	grid_format(grid, "%s", kind_name(place->kind));
	grid_format(grid, "%s%s", access_name(place->access),
		    place->mode == MODE_KERNEL ? " kernel" : "");
	grid_name(grid, place->perms);
	if (place->mapping_id) {
		grid_empty(grid);
		if (sink_summary_has_several(summary))
			grid_format(grid, "%" PRIu64, place->tgid);
		else
			grid_empty(grid);
		grid_bytes(grid, place->map_end - place->map_start);
		grid_format(grid, "%" PRIx64, place->map_start);
	} else {
		if (sink_summary_has_several(summary) && place->n_processes)
			grid_count(grid, place->n_processes);
		else
			grid_empty(grid);
		for (size_t i = 0; i < 3; i++)
			grid_empty(grid);
	}
	grid_name(grid, *place->name ? place->name : "-");
}

/* A line of sums: counts and what they are of. */
static void put_sum(const struct sink_summary *summary, const struct place *sum, const char *what,
		    struct grid *grid)
{
	put_counts(summary, sum, grid);
	for (size_t i = COUNT_COLUMNS; i + 1 < ARRAY_SIZE(place_columns); i++)
		grid_empty(grid);
	grid_format(grid, "%s", what);
}

/* The places to show, in order: when several processes ran, only large mappings stand alone. */
static struct place **shown_places(struct sink_summary *summary, size_t *ret_count)
{
	const struct table *tables[] = { &summary->own, &summary->merged };
	struct place **places;
	size_t count = 0;

	if (sink_summary_has_several(summary) && !summary->options.show_all &&
	    sink_summary_thin(summary) < 0)
		return NULL;
	places = calloc(summary->own.count + summary->merged.count + 1, sizeof(*places));
	if (!places)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		size_t cursor = 0;

		for (struct place *place; (place = table_next(tables[i], &cursor));)
			if (has_faults(&place->counts))
				places[count++] = place;
	}
	qsort(places, count, sizeof(*places), compare_places);
	*ret_count = count;
	return places;
}

static int print_places(struct sink_summary *summary, FILE *stream)
{
	size_t count = 0, shown;
	autofree struct place **places = shown_places(summary, &count);
	struct grid *grid = grid_new(place_columns, ARRAY_SIZE(place_columns));
	struct place total = {}, rest = {};
	char text[64];
	int result = -ENOMEM;

	if (places && grid) {
		shown = summary->options.show_all || count < SHOWN_PLACES ? count : SHOWN_PLACES;
		for (size_t i = 0; i < count; i++) {
			place_add(i < shown ? &total : &rest, places[i]);
			if (i < shown)
				put_place(summary, places[i], grid);
		}
		snprintf(text, sizeof(text), "(%zu more)", count - shown);
		if (shown < count)
			put_sum(summary, &rest, text, grid);
		if (has_faults(&summary->other.counts))
			put_sum(summary, &summary->other, summary->other.name, grid);
		place_add(&total, &rest);
		place_add(&total, &summary->other);
		put_sum(summary, &total, "total", grid);
		result = grid_print(grid, stream, 2, 0);
	}
	grid_free(grid);
	return result;
}

static void put_person(const struct person *person, const char *name, struct grid *grid)
{
	grid_count(grid, person->minor);
	grid_count(grid, person->major);
	grid_count(grid, person->gup);
	grid_bytes(grid, person->vsz_bytes);
	if (person->tgid) {
		grid_bytes(grid, person->rss_bytes);
		grid_format(grid, "%" PRIu64, person->tgid);
	} else { /* a sum of peaks of different moments would be no fact */
		grid_empty(grid);
		grid_empty(grid);
	}
	grid_name(grid, name);
}

static int print_people(const struct sink_summary *summary, const struct person *sum, FILE *stream)
{
	static const struct grid_column columns[] = {
		{ .title = "MINOR" },
		{ .title = "MAJOR" },
		{ .title = "GUP", .optional = true },
		{ .title = "VSZ" },
		{ .title = "PEAK RSS" },
		{ .title = "PID" },
		{ .title = "PROCESS", .left = true },
	};
	size_t count = summary->people.count, shown = count;
	autofree struct person **people = sink_summary_sorted_values(&summary->people,
								     sink_summary_compare_people);
	struct grid *grid = grid_new(columns, ARRAY_SIZE(columns));
	struct person rest = summary->rest;
	char text[64];
	int result = -ENOMEM;

	if (people && grid) {
		if (!summary->options.show_all && count > SHOWN_PROCESSES)
			shown = SHOWN_PROCESSES;
		for (size_t i = 0; i < shown; i++)
			put_person(people[i], people[i]->comm, grid);
		for (size_t i = shown; i < count; i++)
			sink_summary_person_sum(&rest, people[i]);
		snprintf(text, sizeof(text), "(%" PRIu64 " more)", summary->n_rest + count - shown);
		if (summary->n_rest + count > shown)
			put_person(&rest, text, grid);
		if (summary->n_rest + count > 1)
			put_person(sum, "total", grid);
		result = grid_print(grid, stream, 2, 0);
	}
	grid_free(grid);
	return result;
}

/*
 * The question that faultmap is for: of what was reserved, how much was ever touched? No more than
 * was resident. Faults may have brought in more than that: the same memory again.
 */
static void print_touched(const struct sink_summary *summary, const struct person *sum,
			  uint64_t pages, FILE *stream)
{
	uint64_t faulted = pages * summary->options.page_size;
	uint64_t touched = sum->rss_bytes < sum->vsz_bytes ? sum->rss_bytes : sum->vsz_bytes;
	char reserved_text[TEXT_SIZE_LEN], touched_text[TEXT_SIZE_LEN], faulted_text[TEXT_SIZE_LEN];

	fprintf(stream, "reserved %s of address space, touched %s of it at most: %.1f %%\n",
		text_bytes(reserved_text, sum->vsz_bytes), text_bytes(touched_text, touched),
		sum->vsz_bytes ? 100.0 * (double)touched / (double)sum->vsz_bytes : 0.0);
	if (touched && faulted / AGAIN > touched)
		fprintf(stream,
			"faulted in %s: the same memory again and again, %" PRIu64 " times\n",
			text_bytes(faulted_text, faulted), faulted / touched);
}

/* What page faults cost, in one line. */
static void print_cost(const struct line *total, const struct person *sum, uint64_t n_processes,
		       const struct sink_summary_run *run, FILE *stream)
{
	char minor[TEXT_COUNT_LEN], major[TEXT_COUNT_LEN], denied[TEXT_COUNT_LEN];
	char stalled[TEXT_DURATION_LEN], count[TEXT_COUNT_LEN];

	if (run) {
		print_end(run, stream);
		fputs("; ", stream);
	}
	fputs("page faults", stream);
	if (total->stalls.count)
		fprintf(stream, " took %s", text_duration(stalled, total->stalls.sum_ns));
	if (total->stalls.count && run && run->wall_ns)
		fprintf(stream, " (%.0f %%)",
			100.0 * (double)total->stalls.sum_ns / (double)run->wall_ns);
	fprintf(stream, ": %s minor, %s major, %s denied", text_count(minor, sum->minor),
		text_count(major, sum->major), text_count(denied, total->counts.denied));
	if (n_processes > 1)
		fprintf(stream, ", in %s processes", text_count(count, n_processes));
	fputc('\n', stream);
}

static const struct grid_column line_columns[] = {
	{ .title = "FAULTS" },
	{ .title = "MAJOR", .optional = true },
	{ .title = "DENIED", .optional = true },
	{ .title = "STALL", .optional = true },
	{ .title = "MAX", .optional = true },
	{ .title = "BYTES" },
	{ .title = "KIND", .left = true, .flexible = true },
	{ .title = "PROCS", .optional = true },
	{ .title = "PID", .optional = true },
	{ .title = "MAPPING", .left = true, .flexible = true, .least = 28, .keeps_end = true },
};
#define LINE_KINDS 6
#define LINE_NAME (ARRAY_SIZE(line_columns) - 1)

/* There is room for what is less important. */
static bool is_wide(const struct sink_summary *summary)
{
	return summary->options.width >= WIDE;
}

static void put_line_costs(const struct sink_summary *summary, const struct line *line,
			   struct grid *grid)
{
	char kinds[128];

	grid_count(grid, line->counts.minor + line->counts.major + line->counts.denied);
	grid_count(grid, line->counts.major);
	grid_count(grid, line->counts.denied);
	if (line->stalls.count)
		grid_duration(grid, line->stalls.sum_ns);
	else
		grid_empty(grid);
	if (line->stalls.count && is_wide(summary))
		grid_duration(grid, line->stalls.max_ns);
	else
		grid_empty(grid);
	grid_bytes(grid, line->counts.pages * summary->options.page_size);
	line_kinds(line, kinds, sizeof(kinds));
	if (summary->options.by == SUMMARY_BY_KIND)
		grid_empty(grid);
	else
		grid_format(grid, "%s", kinds);
}

static void put_cost_line(const struct sink_summary *summary, const struct line *line,
			  struct grid *grid)
{
	autofree char *name = text_escape(*line->name ? line->name : "-");

	put_line_costs(summary, line, grid);
	if (line->n_processes && sink_summary_has_several(summary) && is_wide(summary))
		grid_count(grid, line->n_processes);
	else
		grid_empty(grid);
	if (line->tgid || (line->mapping_id && line->pid))
		grid_format(grid, "%" PRIu64, line->tgid ?: line->pid);
	else
		grid_empty(grid);
	if (line->n_alike > 1 && name)
		grid_format(grid, "%s (%" PRIu64 ")", name, line->n_alike);
	else
		grid_take(grid, name ? strdup(name) : NULL);
}

static void put_cost_sum(const struct sink_summary *summary, const struct line *sum,
			 const char *what, struct grid *grid)
{
	struct line without_kinds = *sum;

	memset(without_kinds.by_kind, 0, sizeof(without_kinds.by_kind));
	put_line_costs(summary, &without_kinds, grid);
	grid_empty(grid);
	grid_empty(grid);
	grid_format(grid, "%s", what);
}

static int print_lines(const struct sink_summary *summary, const struct lines *lines, FILE *stream)
{
	static const char *const titles[] = { [SUMMARY_BY_MAPPING] = "MAPPING",
					      [SUMMARY_BY_KIND] = "KIND",
					      [SUMMARY_BY_PROCESS] = "PROCESS",
					      [SUMMARY_BY_COMM] = "COMM" };
	struct grid_column columns[ARRAY_SIZE(line_columns)];
	struct grid *grid;
	char text[64];
	int result;

	memcpy(columns, line_columns, sizeof(columns));
	columns[LINE_NAME].title = titles[summary->options.by];
	columns[LINE_KINDS].optional = summary->options.by == SUMMARY_BY_KIND;
	grid = grid_new(columns, ARRAY_SIZE(columns));
	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < lines->shown; i++)
		put_cost_line(summary, lines->lines[i], grid);
	snprintf(text, sizeof(text), "(%" PRIu64 " more)", lines->n_rest);
	if (lines->n_rest)
		put_cost_sum(summary, &lines->rest, text, grid);
	put_cost_sum(summary, &lines->total, "total", grid);
	result = grid_print(grid, stream, 0, summary->options.width ?: DEFAULT_WIDTH);
	grid_free(grid);
	return result;
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

/* Why the kernel refused what it did. */
static void print_denied(const struct line *total, FILE *stream)
{
	static const char *const why[KIND_COUNT] = {
		[KIND_DENIED_UNMAPPED] = "SIGSEGV or EFAULT, no mapping at the address",
		[KIND_DENIED_ACCESS] = "SIGSEGV or EFAULT, the mapping does not allow it",
		[KIND_DENIED_PKEY] = "SIGSEGV or EFAULT, a protection key forbids it",
		[KIND_DENIED_BUS] = "SIGBUS or EFAULT, no page there (behind a file's end)",
	};
	char count[TEXT_COUNT_LEN];

	for (unsigned int kind = KIND_FIRST_DENIED; kind < KIND_COUNT; kind++)
		if (total->by_kind[kind])
			fprintf(stream, "denied: %s %s: %s\n",
				text_count(count, total->by_kind[kind]), kind_name(kind),
				why[kind]);
}

/* After the tables: how much memory that was, and what is in no line of theirs. */
static void print_notes(const struct sink_summary *summary, const struct line *total,
			const struct person *sum, FILE *stream)
{
	/* What is in no process's row is GUP to the process: not to be taken off twice. */
	int64_t residual = (int64_t)(sum->minor + sum->major + summary->n_homeless) -
			   (int64_t)(total->counts.minor + total->counts.major + sum->gup);

	fputc('\n', stream);
	print_denied(total, stream);
	print_touched(summary, sum, total->counts.pages, stream);
	losses_print(&summary->totals, stream);
	if (residual)
		fprintf(stream,
			"unexplained: %" PRId64 " (the kernel's count, less rows and GUP)\n",
			residual);
}

/* The tables by row: a line for each mapping, kind, access and mode, and one for each process. */
static int print_rows(struct sink_summary *summary, const struct person *sum, FILE *stream)
{
	int result = print_places(summary, stream);

	if (result < 0)
		return result;
	fputc('\n', stream);
	return print_people(summary, sum, stream);
}

int sink_summary_print(struct sink_summary *summary, const struct sink_summary_run *run,
		       FILE *stream)
{
	struct person sum = sink_summary_people_sum(summary);
	struct lines lines;
	int result = lines_make(&lines, summary);

	if (!result && run)
		result = print_command(run->command, stream);
	if (!result) {
		print_cost(&lines.total, &sum, sink_summary_totals(summary).processes, run, stream);
		fputc('\n', stream);
		result = summary->options.by == SUMMARY_BY_ROW ?
				 print_rows(summary, &sum, stream) :
				 print_lines(summary, &lines, stream);
	}
	if (!result)
		print_notes(summary, &lines.total, &sum, stream);
	lines_free(&lines);
	return result;
}
