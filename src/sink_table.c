/* SPDX-License-Identifier: GPL-2.0-only */
#include "sink_table.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>

#include "grid.h"
#include "losses.h"
#include "table.h"
#include "text.h"
#include "util.h"

/* Users whose names are kept: beyond (a host with one uid per container) the number is shown. */
#define MAX_USERS 256
#define USER_LEN 32

/* One line of the table: a thing and all that was counted for it. */
struct line {
	uint64_t key; /* a process, mapping id, kind or cgroup string: what the view is by */
	const struct process *process; /* NULL: several */
	const char *name;
	uint64_t map_bytes;
	uint64_t n_processes;
	uint64_t vsz_bytes, rss_bytes;
	struct fault_counts delta;
	struct fault_counts total;
	const struct row *hottest; /* in this interval */
};

struct user {
	uint32_t uid;
	char name[USER_LEN];
};

struct sink_table {
	struct sink_table_options options;
	struct user users[MAX_USERS];
	size_t n_users;
	struct fault_counts ended_processes; /* the kernel's totals of processes that are gone */
	struct fault_counts ended_kinds[KIND_COUNT];

	/* of the table being printed */
	const struct snapshot *snapshot;
	struct table lines;
	bool out_of_memory;
};

/* Columns. ------------------------------------------------------------------------------------- */

enum shown { SHOWN_ALWAYS, SHOWN_WHEN_SORTED, SHOWN_NEVER };

#define VIEW(by) (1U << (by))
#define ALL_VIEWS (VIEW(BY_PROCESS) | VIEW(BY_MAPPING) | VIEW(BY_KIND) | VIEW(BY_CGROUP))
#define SORT_NONE (-1)

/* The one description of a column: title, place, cells and order. */
struct column {
	struct grid_column grid;
	unsigned int views;
	enum shown shown;
	int sort; /* enum table_sort that this column answers, or SORT_NONE */
	bool ascending;
	void (*cell)(struct sink_table *sink, const struct line *line, struct grid *grid);
	uint64_t (*value)(const struct line *line); /* NULL: by name */
};

static uint64_t faults_of(const struct fault_counts *counts)
{
	return counts->minor + counts->major;
}

static uint64_t value_faults(const struct line *line)
{
	return faults_of(&line->delta);
}

static uint64_t value_minor(const struct line *line)
{
	return line->delta.minor;
}

static uint64_t value_major(const struct line *line)
{
	return line->delta.major;
}

static uint64_t value_denied(const struct line *line)
{
	return line->delta.denied;
}

static uint64_t value_pages(const struct line *line)
{
	return line->delta.pages;
}

static uint64_t value_rss(const struct line *line)
{
	return line->rss_bytes;
}

static uint64_t value_vsz(const struct line *line)
{
	return line->vsz_bytes;
}

static uint64_t value_pid(const struct line *line)
{
	return line->process ? line->process->tgid : 0;
}

/* Per second; few faults with a decimal, none as a plain 0. */
static void grid_rate(struct grid *grid, uint64_t count, uint64_t interval_ns)
{
	double rate = interval_ns ? (double)count * 1e9 / (double)interval_ns : 0;

	if (rate > 0 && rate < 10)
		grid_format(grid, "%.1f", rate);
	else
		grid_count(grid, (uint64_t)(rate + 0.5));
}

static void cell_minor_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.minor, sink->snapshot->interval_ns);
}

static void cell_major_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.major, sink->snapshot->interval_ns);
}

static void cell_denied_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.denied, sink->snapshot->interval_ns);
}

static void cell_pages_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.pages, sink->snapshot->interval_ns);
}

static void cell_minor(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->total.minor);
}

static void cell_major(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->total.major);
}

static void cell_denied(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->total.denied);
}

static void cell_pid(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	if (line->process)
		grid_format(grid, "%" PRIu32, line->process->tgid);
	else
		grid_empty(grid);
}

static void cell_processes(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->n_processes);
}

static void grid_size(struct grid *grid, uint64_t bytes)
{
	if (bytes)
		grid_bytes(grid, bytes);
	else
		grid_empty(grid);
}

static void cell_vsz(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_size(grid, line->vsz_bytes);
}

static void cell_rss(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_size(grid, line->rss_bytes);
}

static void cell_size(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_size(grid, line->map_bytes);
}

static void cell_name(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_name(grid, *line->name ? line->name : "-");
}

static void cell_comm(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_name(grid, line->process ? line->process->comm : "");
}

static void cell_hottest(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	autofree char *mapping = line->hottest ? text_escape(line->hottest->mapping) : NULL;

	(void)sink;
	if (mapping)
		grid_format(grid, "%s%s%s", kind_name(line->hottest->kind), *mapping ? " " : "",
			    mapping);
	else
		grid_empty(grid);
}

/* The user's name, looked up once per uid: the answer may come from a directory server. */
static const char *user_name(struct sink_table *sink, uint32_t uid)
{
	struct passwd entry, *found = NULL;
	char buffer[4096]; /* an entry that is longer shows as the number */
	struct user *user;

	for (size_t i = 0; i < sink->n_users; i++)
		if (sink->users[i].uid == uid)
			return sink->users[i].name;
	if (sink->n_users == MAX_USERS)
		return NULL;
	user = &sink->users[sink->n_users++];
	user->uid = uid;
	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
	    strlen(entry.pw_name) < USER_LEN)
		strcpy(user->name, entry.pw_name);
	else
		snprintf(user->name, USER_LEN, "%" PRIu32, uid);
	return user->name;
}

static void cell_user(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	const char *name = line->process ? user_name(sink, line->process->uid) : "";

	if (name)
		grid_name(grid, name);
	else
		grid_format(grid, "%" PRIu32, line->process->uid);
}

#define RIGHT(name)           \
	{                     \
		.title = name \
	}
#define LEFT(name)                          \
	{                                   \
		.title = name, .left = true \
	}
#define NAME(name)                                            \
	{                                                     \
		.title = name, .left = true, .flexible = true \
	}

static const struct column columns[] = {
	{ RIGHT("PID"), VIEW(BY_PROCESS) | VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_PID, true, cell_pid,
	  value_pid },
	{ LEFT("USER"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_NONE, true, cell_user, NULL },
	{ LEFT("COMM"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
	{ LEFT("COMM"), VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_NONE, true, cell_comm, NULL },
	{ RIGHT("PROCS"), VIEW(BY_CGROUP), SHOWN_ALWAYS, SORT_NONE, false, cell_processes, NULL },
	{ RIGHT("VSZ"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_VSZ, false, cell_vsz, value_vsz },
	{ RIGHT("RSS"), VIEW(BY_PROCESS) | VIEW(BY_CGROUP), SHOWN_ALWAYS, SORT_RSS, false, cell_rss,
	  value_rss },
	{ RIGHT("SIZE"), VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_NONE, false, cell_size, NULL },
	{ RIGHT("FAULTS/s"), ALL_VIEWS, SHOWN_NEVER, SORT_FAULTS, false, NULL, value_faults },
	{ RIGHT("MIN/s"), ALL_VIEWS, SHOWN_ALWAYS, SORT_MINOR, false, cell_minor_rate,
	  value_minor },
	{ RIGHT("MAJ/s"), ALL_VIEWS, SHOWN_ALWAYS, SORT_MAJOR, false, cell_major_rate,
	  value_major },
	{ RIGHT("DENY/s"), ALL_VIEWS, SHOWN_WHEN_SORTED, SORT_DENIED, false, cell_denied_rate,
	  value_denied },
	{ RIGHT("PAGES/s"), ALL_VIEWS, SHOWN_WHEN_SORTED, SORT_PAGES, false, cell_pages_rate,
	  value_pages },
	{ RIGHT("MINOR"), ALL_VIEWS, SHOWN_ALWAYS, SORT_NONE, false, cell_minor, NULL },
	{ RIGHT("MAJOR"), ALL_VIEWS, SHOWN_ALWAYS, SORT_NONE, false, cell_major, NULL },
	{ RIGHT("DENIED"), VIEW(BY_MAPPING) | VIEW(BY_KIND), SHOWN_ALWAYS, SORT_NONE, false,
	  cell_denied, NULL },
	{ RIGHT("DENIED"), VIEW(BY_PROCESS) | VIEW(BY_CGROUP), SHOWN_WHEN_SORTED, SORT_DENIED,
	  false, cell_denied, value_denied },
	{ NAME("HOTTEST"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_NONE, true, cell_hottest, NULL },
	{ NAME("MAPPING"), VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
	{ NAME("KIND"), VIEW(BY_KIND), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
	{ NAME("CGROUP"), VIEW(BY_CGROUP), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
};

static const struct column *column_for_sort(enum table_by by, enum table_sort sort)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if ((columns[i].views & VIEW(by)) && columns[i].sort == (int)sort)
			return &columns[i];
	return NULL;
}

bool sink_table_can_sort(enum table_by by, enum table_sort sort)
{
	return column_for_sort(by, sort) != NULL;
}

static bool column_is_shown(const struct column *column, const struct sink_table_options *options)
{
	if (!(column->views & VIEW(options->by)))
		return false;
	return column->shown == SHOWN_ALWAYS ||
	       (column->shown == SHOWN_WHEN_SORTED && column->sort == (int)options->sort);
}

/* Lines. --------------------------------------------------------------------------------------- */

static void counts_add(struct fault_counts *sum, const struct fault_counts *more)
{
	sum->minor += more->minor;
	sum->major += more->major;
	sum->denied += more->denied;
	sum->pages += more->pages;
}

/* The line with this key, new if need be; NULL when out of memory. */
static struct line *line_get(struct sink_table *sink, uint64_t key, const struct process *process,
			     const char *name)
{
	struct line *line = table_get(&sink->lines, &key);

	if (line)
		return line;
	line = calloc(1, sizeof(*line));
	if (!line) {
		sink->out_of_memory = true;
		return NULL;
	}
	line->key = key;
	line->process = process;
	line->name = name;
	if (table_add(&sink->lines, line) < 0) {
		sink->out_of_memory = true;
		free(line);
		return NULL;
	}
	return line;
}

static struct line *line_of_process(struct sink_table *sink, const struct process *process)
{
	const char *cgroup = process->cgroup && *process->cgroup ? process->cgroup : "(unknown)";

	if (sink->options.by == BY_CGROUP) /* the snapshot shares equal strings */
		return line_get(sink, (uintptr_t)cgroup, NULL, cgroup);
	return line_get(sink, (uintptr_t)process, process, process->comm);
}

static struct line *line_of_row(struct sink_table *sink, const struct row *row)
{
	switch (sink->options.by) {
	case BY_MAPPING:
		return line_get(sink, row->mapping_id, row->process, row->mapping);
	case BY_KIND:
		return line_get(sink, row->kind, NULL, kind_name(row->kind));
	default:
		return line_of_process(sink, row->process);
	}
}

/* In the views by process and by cgroup, minor and major are the kernel's own totals. */
static bool counts_processes(const struct sink_table *sink)
{
	return sink->options.by == BY_PROCESS || sink->options.by == BY_CGROUP;
}

static void add_process(struct sink_table *sink, const struct process *process)
{
	struct line *line = line_of_process(sink, process);

	if (!line)
		return;
	if (!process->ended || sink->options.by == BY_PROCESS) {
		line->n_processes++;
		line->vsz_bytes += process->vsz_bytes;
		line->rss_bytes += process->rss_bytes;
	}
	line->delta.minor += process->minor - process->minor_before;
	line->delta.major += process->major - process->major_before;
	line->total.minor += process->minor;
	line->total.major += process->major;
}

/* More faults in this interval; equal ones by kind and name, whatever order the rows came in. */
static bool row_is_hotter(const struct row *row, const struct row *than)
{
	struct fault_counts delta = row_delta(row), than_delta;

	if (faults_of(&delta) + delta.denied == 0 || !than)
		return faults_of(&delta) + delta.denied > 0;
	than_delta = row_delta(than);
	if (faults_of(&delta) + delta.denied != faults_of(&than_delta) + than_delta.denied)
		return faults_of(&delta) + delta.denied >
		       faults_of(&than_delta) + than_delta.denied;
	if (row->kind != than->kind)
		return row->kind < than->kind;
	return strcmp(row->mapping, than->mapping) < 0;
}

static void add_row(struct sink_table *sink, const struct row *row)
{
	struct fault_counts delta = row_delta(row), total = row->now;
	struct line *line = line_of_row(sink, row);

	if (!line)
		return;
	if (counts_processes(sink))
		delta.minor = delta.major = total.minor = total.major = 0;
	counts_add(&line->delta, &delta);
	counts_add(&line->total, &total);
	if (row->map_end - row->map_start > line->map_bytes)
		line->map_bytes = row->map_end - row->map_start;
	if (row_is_hotter(row, line->hottest))
		line->hottest = row;
}

static void add_ended_kinds(struct sink_table *sink)
{
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++) {
		const struct fault_counts *counts = &sink->ended_kinds[kind];
		struct line *line;

		if (faults_of(counts) + counts->denied + counts->pages == 0)
			continue;
		line = line_get(sink, kind, NULL, kind_name(kind));
		if (line)
			counts_add(&line->total, counts);
	}
}

static void make_lines(struct sink_table *sink)
{
	const struct snapshot *snapshot = sink->snapshot;

	if (counts_processes(sink))
		for (size_t i = 0; i < snapshot->n_processes; i++)
			add_process(sink, snapshot->processes[i]);
	for (size_t i = 0; i < snapshot->n_rows; i++)
		add_row(sink, snapshot->rows[i]);
	if (sink->options.by == BY_KIND)
		add_ended_kinds(sink);
}

static void drop_lines(struct sink_table *sink)
{
	size_t cursor = 0;

	for (struct line *line; (line = table_next(&sink->lines, &cursor));)
		free(line);
	table_clear(&sink->lines);
	table_init(&sink->lines, offsetof(struct line, key), sizeof(uint64_t));
}

/* Order. --------------------------------------------------------------------------------------- */

static int compare_u64(uint64_t left, uint64_t right)
{
	return (left > right) - (left < right);
}

/* By the column; ties by the totals, the name, the pid and the key, so that equal snapshots print
 * alike. */
static int compare_lines(const void *left, const void *right, void *context)
{
	const struct line *a = *(const struct line *const *)left;
	const struct line *b = *(const struct line *const *)right;
	const struct column *column = context;
	int order = 0;

	if (column->value)
		order = compare_u64(column->value(a), column->value(b));
	else
		order = strcmp(a->name, b->name);
	if (!column->ascending)
		order = -order;
	if (!order)
		order = compare_u64(faults_of(&b->total), faults_of(&a->total));
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = compare_u64(value_pid(a), value_pid(b));
	return order ? order : compare_u64(a->key, b->key);
}

/* Output. -------------------------------------------------------------------------------------- */

static void put_line(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (column_is_shown(&columns[i], &sink->options))
			columns[i].cell(sink, line, grid);
}

/* What the row limit left out, as one line with exact sums. */
static void put_rest(struct sink_table *sink, struct line *const *lines, size_t count,
		     struct grid *grid)
{
	char name[64];
	struct line rest = { .name = name };

	snprintf(name, sizeof(name), "(%zu more)", count);
	for (size_t i = 0; i < count; i++) {
		rest.n_processes += lines[i]->n_processes;
		rest.vsz_bytes += lines[i]->vsz_bytes;
		rest.rss_bytes += lines[i]->rss_bytes;
		rest.map_bytes += lines[i]->map_bytes;
		counts_add(&rest.delta, &lines[i]->delta);
		counts_add(&rest.total, &lines[i]->total);
	}
	put_line(sink, &rest, grid);
}

/* What processes that have gone had counted; by kind it is in the kinds' own totals. */
static void put_ended(struct sink_table *sink, struct grid *grid)
{
	struct line ended = { .name = "(exited)" };

	if (counts_processes(sink))
		ended.total = sink->ended_processes;
	else if (sink->options.by == BY_MAPPING)
		for (size_t kind = 0; kind < KIND_COUNT; kind++)
			counts_add(&ended.total, &sink->ended_kinds[kind]);
	if (faults_of(&ended.total) + ended.total.denied + ended.total.pages > 0)
		put_line(sink, &ended, grid);
}

static struct grid *make_grid(const struct sink_table_options *options)
{
	struct grid_column shown[ARRAY_SIZE(columns)];
	size_t n_shown = 0;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (column_is_shown(&columns[i], options))
			shown[n_shown++] = columns[i].grid;
	return grid_new(shown, n_shown);
}

static void print_totals(const struct totals *now, const struct totals *before, FILE *stream)
{
	const struct {
		const char *name;
		uint64_t now, before;
	} counters[] = {
		{ "entries", now->entries, before->entries },
		{ "minor", now->minor, before->minor },
		{ "major", now->major, before->major },
		{ "denied", now->denied, before->denied },
	};
	char text[TEXT_COUNT_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		fprintf(stream, "%s%s %s", i ? ", " : "interval: ",
			text_count(text, counters[i].now - counters[i].before), counters[i].name);
	fputc('\n', stream);
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		fprintf(stream, "%s%s %s",
			i ? ", " : "total:    ", text_count(text, counters[i].now),
			counters[i].name);
	fputc('\n', stream);
}

static void print_header(const struct snapshot *snapshot, FILE *stream)
{
	char when[TEXT_TIME_LEN], count[TEXT_COUNT_LEN];
	size_t n_live = 0;

	for (size_t i = 0; i < snapshot->n_processes; i++)
		n_live += !snapshot->processes[i]->ended;
	fprintf(stream, "faultmap  %s  %.3f s  %s processes", text_time(when, snapshot->ts),
		(double)snapshot->interval_ns / 1e9, text_count(count, n_live));
	if (n_live < snapshot->n_processes)
		fprintf(stream, ", %s ended", text_count(count, snapshot->n_processes - n_live));
	fputc('\n', stream);
	print_totals(&snapshot->totals, &snapshot->totals_before, stream);
	losses_print(&snapshot->totals, "apart:    ", stream);
	fputc('\n', stream);
}

static int print_lines(struct sink_table *sink, FILE *stream)
{
	const struct sink_table_options *options = &sink->options;
	size_t count = sink->lines.count, shown = count, cursor = 0;
	autofree struct line **lines = calloc(count + 1, sizeof(*lines));
	struct grid *grid = make_grid(options);
	int result = -ENOMEM;

	if (lines && grid) {
		for (size_t i = 0; i < count; i++)
			lines[i] = table_next(&sink->lines, &cursor);
		qsort_r(lines, count, sizeof(*lines), compare_lines,
			(void *)column_for_sort(options->by, options->sort));
		if (options->rows && options->rows < count)
			shown = options->rows;
		for (size_t i = 0; i < shown; i++)
			put_line(sink, lines[i], grid);
		if (shown < count)
			put_rest(sink, lines + shown, count - shown, grid);
		put_ended(sink, grid);
		result = grid_print(grid, stream, 0, options->width);
	}
	grid_free(grid);
	return result;
}

struct sink_table *sink_table_new(const struct sink_table_options *options)
{
	struct sink_table *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->options = *options;
	table_init(&sink->lines, offsetof(struct line, key), sizeof(uint64_t));
	return sink;
}

void sink_table_free(struct sink_table *sink)
{
	if (!sink)
		return;
	drop_lines(sink);
	table_clear(&sink->lines);
	free(sink);
}

void sink_table_pass(struct sink_table *sink, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		if (!snapshot->processes[i]->ended)
			continue;
		sink->ended_processes.minor += snapshot->processes[i]->minor;
		sink->ended_processes.major += snapshot->processes[i]->major;
	}
	for (size_t i = 0; i < snapshot->n_rows; i++) {
		const struct row *row = snapshot->rows[i];

		if (!row->process->ended)
			continue;
		counts_add(&sink->ended_kinds[row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN],
			   &row->now);
		sink->ended_processes.denied += row->now.denied;
		sink->ended_processes.pages += row->now.pages;
	}
}

int sink_table_print(struct sink_table *sink, const struct snapshot *snapshot, FILE *stream)
{
	int result = -ENOMEM;

	sink->snapshot = snapshot;
	sink->out_of_memory = false;
	make_lines(sink);
	if (!sink->out_of_memory) {
		print_header(snapshot, stream);
		result = print_lines(sink, stream);
	}
	drop_lines(sink);
	sink->snapshot = NULL;
	sink_table_pass(sink, snapshot);
	return result;
}
