// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sink/grid.h"
#include "model/latency.h"
#include "model/losses.h"
#include "sink/sink_table_data.h"
#include "base/text.h"
#include "model/unit_name.h"
#include "base/util.h"

const char *const sink_table_by_words[] = { "process", "mapping", "kind", "cgroup", "unit", NULL };

/* Lines. --------------------------------------------------------------------------------------- */

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

/* Processes of one unit share the line, whatever cgroups it has. */
static struct line *line_of_unit(struct sink_table *sink, const char *cgroup)
{
	struct unit_name unit;
	const char *name;

	unit_name_of(&unit, cgroup);
	name = interned_add(&sink->units, unit.name);
	if (!name) {
		sink->out_of_memory = true;
		return NULL;
	}
	return line_get(sink, (uintptr_t)name, NULL, name);
}

static struct line *line_of_process(struct sink_table *sink, const struct process *process)
{
	const char *cgroup = process->cgroup && *process->cgroup ? process->cgroup : "(unknown)";

	if (sink->options.by == BY_CGROUP) /* the snapshot shares equal strings */
		return line_get(sink, (uintptr_t)cgroup, NULL, cgroup);
	if (sink->options.by == BY_UNIT)
		return line_of_unit(sink, process->cgroup ? process->cgroup : "");
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

/* In the views by process, cgroup and unit, minor and major are the kernel's own totals. */
static bool counts_processes(const struct sink_table *sink)
{
	return sink->options.by != BY_MAPPING && sink->options.by != BY_KIND;
}

static void add_process(struct sink_table *sink, const struct process *process)
{
	struct line *line = line_of_process(sink, process);

	if (!line)
		return;
	if (!losses_is_other(process) && (!process->ended || sink->options.by == BY_PROCESS)) {
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
	line->stalled_ns += latency_stalls(row).sum_ns;
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
	for (size_t i = 0; i < snapshot->n_rows; i++) {
		sink->has_latency |= snapshot->rows[i]->latency != NULL;
		add_row(sink, snapshot->rows[i]);
	}
	if (sink->options.by == BY_KIND)
		add_ended_kinds(sink);
}

static void drop_lines(struct sink_table *sink)
{
	table_clear_values(&sink->lines, free);
	interned_clear(&sink->units);
	table_init(&sink->lines, offsetof(struct line, key), sizeof(uint64_t));
}

/* Order. --------------------------------------------------------------------------------------- */

static uint64_t pid_of(const struct line *line)
{
	return line->process ? line->process->tgid : 0;
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
		order = compare_u64(pid_of(a), pid_of(b));
	return order ? order : compare_u64(a->key, b->key);
}

/* Output. -------------------------------------------------------------------------------------- */

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
		rest.stalled_ns += lines[i]->stalled_ns;
	}
	sink_table_put(sink, &rest, grid);
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
		sink_table_put(sink, &ended, grid);
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
	size_t n_live = 0, n_ended = 0;

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		n_ended += snapshot->processes[i]->ended;
		n_live += !snapshot->processes[i]->ended &&
			  !losses_is_other(snapshot->processes[i]);
	}
	fprintf(stream, "faultmap  %s  %.3f s  %s processes", text_time(when, snapshot->ts),
		(double)snapshot->interval_ns / 1e9, text_count(count, n_live));
	if (n_ended)
		fprintf(stream, ", %s ended", text_count(count, n_ended));
	fputc('\n', stream);
	print_totals(&snapshot->totals, &snapshot->totals_before, stream);
	losses_print(&snapshot->totals, stream);
	fputc('\n', stream);
}

static int print_lines(struct sink_table *sink, FILE *stream)
{
	const struct sink_table_options *options = &sink->options;
	size_t count = sink->lines.count, shown = count;
	autofree struct line **lines = table_values(&sink->lines);
	struct grid *grid = sink_table_new_grid(sink);
	int result = -ENOMEM;

	if (lines && grid) {
		qsort_r(lines, count, sizeof(*lines), compare_lines,
			(void *)sink_table_column_for(options->by, options->sort));
		if (options->rows && options->rows < count)
			shown = options->rows;
		for (size_t i = 0; i < shown; i++)
			sink_table_put(sink, lines[i], grid);
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

/* Remembers what ended in the snapshot. */
static void keep_ended(struct sink_table *sink, const struct snapshot *snapshot)
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

/* 0 or -ENOMEM; write errors stay in the stream. */
static int print_table(struct sink_table *sink, const struct snapshot *snapshot)
{
	int result = -ENOMEM;

	sink->snapshot = snapshot;
	sink->out_of_memory = false;
	make_lines(sink);
	if (!sink->out_of_memory) {
		print_header(snapshot, sink->options.stream);
		result = print_lines(sink, sink->options.stream);
	}
	drop_lines(sink);
	sink->snapshot = NULL;
	return result;
}

int sink_table_tick(struct sink_table *sink, const struct snapshot *snapshot, struct error *error)
{
	FILE *stream = sink->options.stream;
	int result = 0;

	if (snapshot->tick) {
		if (sink->n_printed++)
			fputc('\n', stream);
		result = print_table(sink, snapshot);
	}
	keep_ended(sink, snapshot);
	if (result < 0)
		return error_set(error, ENOMEM, "making the table: out of memory");
	errno = 0;
	if (fflush(stream) != 0 || ferror(stream))
		return error_set(error, errno ? errno : EIO, "writing the table: %s",
				 strerror(errno ? errno : EIO));
	return 0;
}

SINK_OPS(table);
