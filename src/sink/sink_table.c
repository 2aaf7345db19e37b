// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/users.h"
#include "base/util.h"
#include "model/losses.h"
#include "sink/denied.h"
#include "sink/finding_text.h"
#include "sink/tally_grid.h"
#include "verdict/recent_findings.h"

struct sink_table {
	struct sink_table_options options;
	struct grouping *grouping; /* of the interval */
	struct users users;
	uint64_t n_printed; /* tables */
	bool has_latency;   /* some row had a latency: the column stays from then on */
	struct recent_findings *findings; /* NULL: not wanted */
	struct tally ended; /* what processes that are gone had counted, since attach or birth */
};

struct sink_table *sink_table_new(const struct sink_table_options *options)
{
	const struct grouping_options grouping = { .by = options->by,
						   .has_commands = options->has_commands };
	struct sink_table *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->options = *options;
	sink->grouping = grouping_new(&grouping);
	if (options->has_findings)
		sink->findings = recent_findings_new(options->page_size, 0, 0, options->limit_of);
	if (sink->grouping && !sink->findings == !options->has_findings)
		return sink;
	sink_table_free(sink);
	return NULL;
}

void sink_table_free(struct sink_table *sink)
{
	if (!sink)
		return;
	if (sink->grouping)
		grouping_free(sink->grouping);
	recent_findings_free(sink->findings);
	free(sink);
}

/* Remembers what ended in the snapshot. */
static void keep_ended(struct sink_table *sink, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		if (!snapshot->processes[i]->ended)
			continue;
		sink->ended.minor_total += snapshot->processes[i]->minor;
		sink->ended.major_total += snapshot->processes[i]->major;
	}
	for (size_t i = 0; i < snapshot->n_rows; i++)
		if (snapshot->rows[i]->process->ended)
			counts_add(&sink->ended.total, &snapshot->rows[i]->now);
}

static bool has_ended(const struct sink_table *sink)
{
	return sink->ended.minor_total + sink->ended.major_total + sink->ended.total.pages +
		       sink->ended.total.denied >
	       0;
}

/* Output. -------------------------------------------------------------------------------------- */

/* minor and major are those in rows. With the faults without an exception they are the sums of the
 * lines by process. */
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
		{ "without an exception (GUP)", now->gup, before->gup },
	};
	size_t count = ARRAY_SIZE(counters) - (now->gup == before->gup);
	char text[TEXT_COUNT_LEN];

	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s%s %s", i ? ", " : "interval: ",
			text_count(text, counters[i].now - counters[i].before), counters[i].name);
	fputc('\n', stream);
	for (size_t i = 0; i < ARRAY_SIZE(counters) - 1; i++)
		fprintf(stream, "%s%s %s",
			i ? ", " : "total:    ", text_count(text, counters[i].now),
			counters[i].name);
	fputc('\n', stream);
}

static void print_header(const struct snapshot *snapshot, const struct tally *total, FILE *stream)
{
	char when[TEXT_TIME_LEN], count[TEXT_COUNT_LEN];
	size_t n_live = 0, n_ended = 0;

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		n_ended += losses_is_folded(snapshot->processes[i]) ?
				   snapshot->processes[i]->n_folded :
				   snapshot->processes[i]->ended;
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
	denied_print(total, stream);
	fputc('\n', stream);
}

static const struct finding *list_findings(const struct sink_table *sink, size_t *ret_count)
{
	*ret_count = 0;
	return sink->findings ? recent_findings_list(sink->findings, ret_count, NULL) : NULL;
}

static void print_findings(const struct sink_table *sink)
{
	char line[1024];
	size_t count;
	const struct finding *list = list_findings(sink, &count);

	if (count)
		fprintf(sink->options.stream, "findings, see faultmap-findings(7): %s\n",
			finding_text_line(list, count, line, sizeof(line)));
}

static int print_text(struct sink_table *sink, const struct snapshot *snapshot,
		      const struct tallies *tallies)
{
	const struct sink_table_options *options = &sink->options;
	const struct tally_grid_view view = { .by = options->by,
					      .sort = options->sort,
					      .is_live = true,
					      .has_latency = sink->has_latency,
					      .has_several = true,
					      .has_commands = options->has_commands,
					      .has_colour = options->has_colour,
					      .columns = &options->columns,
					      .page_size = options->page_size,
					      .interval_ns = snapshot->interval_ns,
					      .width = options->width,
					      .users = &sink->users };
	int result;

	if (sink->n_printed++)
		fputc('\n', options->stream);
	print_header(snapshot, &tallies->total, options->stream);
	result = tally_grid_print(&view, tallies, has_ended(sink) ? &sink->ended : NULL,
				  options->stream);
	print_findings(sink);
	return result;
}

static int print_records(struct sink_table *sink, const struct snapshot *snapshot,
			 const struct tallies *tallies)
{
	const struct sink_table_options *options = &sink->options;
	struct tally_records_view view = { .by = options->by,
					   .page_size = options->page_size,
					   .interval_ns = snapshot->interval_ns,
					   .ts = snapshot->ts,
					   .has_titles = !sink->n_printed++,
					   .has_findings = sink->findings };

	view.findings = list_findings(sink, &view.n_findings);
	return options->format == TALLY_CSV ? tally_records_csv(&view, tallies, options->stream) :
					      tally_records_json(&view, tallies, options->stream);
}

/* 0 or -ENOMEM; write errors stay in the stream. */
static int print_table(struct sink_table *sink, const struct snapshot *snapshot)
{
	const struct tallies_view view = { .sort = sink->options.sort,
					   .rows = sink->options.rows,
					   .show_all = sink->options.show_all };
	struct tallies tallies = {};
	int result = grouping_add(sink->grouping, snapshot);

	for (size_t i = 0; i < snapshot->n_rows; i++)
		sink->has_latency |= snapshot->rows[i]->latency != NULL;
	if (!result)
		result = grouping_tallies(sink->grouping, &view, &tallies);
	if (!result)
		result = sink->options.format == TALLY_TEXT ?
				 print_text(sink, snapshot, &tallies) :
				 print_records(sink, snapshot, &tallies);
	tallies_clear(&tallies);
	grouping_reset(sink->grouping);
	return result;
}

int sink_table_tick(struct sink_table *sink, const struct snapshot *snapshot, struct error *error)
{
	FILE *stream = sink->options.stream;
	int result = 0;

	if (sink->findings && recent_findings_tick(sink->findings, snapshot, error) < 0)
		return -ENOMEM;
	if (snapshot->tick)
		result = print_table(sink, snapshot);
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
