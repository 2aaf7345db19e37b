// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/sink_prometheus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/statm.h"
#include "model/latency.h"
#include "model/losses.h"
#include "model/stall_causes.h"
#include "metrics/sink_prometheus_data.h"
#include "base/util.h"

static const struct bucket_choice all_buckets = { .first = 0, .step = 1 };

static void count_row(struct sink_prometheus *sink, const struct row *row)
{
	enum fault_kind kind = row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN;
	enum fault_access access = row->access < ACCESS_COUNT ? row->access : ACCESS_UNKNOWN;
	enum fault_mode mode = row->mode < MODE_COUNT ? row->mode : MODE_USER;
	struct fault_counts delta = row_delta(row);

	sink->faults[kind][SEVERITY_MINOR][access][mode] += delta.minor;
	sink->faults[kind][SEVERITY_MAJOR][access][mode] += delta.major;
	sink->faults[kind][SEVERITY_DENIED][access][mode] += delta.denied;
	if (latency_moved(row)) {
		struct latency_counts stalls = latency_delta(row);

		latency_add(&sink->latency[kind], &stalls);
	}
	if (causes_are_told(row)) {
		struct cause_counts causes = causes_delta(row);

		causes_add(&sink->causes, &causes);
	}
	groups_row(&sink->groups, row, &delta);
}

static void update_self(struct sink_prometheus *sink)
{
	uint64_t vsz_bytes;

	if (sink->options.get_self)
		sink->options.get_self(sink->options.context, &sink->self);
	sink->ticks++;
	sink->ticks_ns += sink->self.tick_ns;
	/* Where it cannot be read the last value stays. */
	statm_read(0, (uint64_t)sysconf(_SC_PAGESIZE), &vsz_bytes, &sink->resident_bytes);
}

static void note_birth(uint64_t *birth, uint64_t count, uint64_t tick)
{
	if (count && !*birth)
		*birth = tick;
}

/* Which counters this tick is the first to show. */
static void note_births(struct sink_prometheus *sink)
{
	const uint64_t *faults = &sink->faults[0][0][0][0];
	uint64_t *born = &sink->faults_born[0][0][0][0];
	uint64_t tick = sink->groups.tick;

	for (size_t i = 0; i < sizeof(sink->faults) / sizeof(*faults); i++)
		note_birth(&born[i], faults[i], tick);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		note_birth(&sink->latency_born[kind], sink->latency[kind].count, tick);
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		note_birth(&sink->causes_born[cause], sink->causes.sum_ns[cause], tick);
}

/* There is no _created: it would be one more series for each, and what was not there is 0 first. */
static struct birth born(uint64_t tick)
{
	return (struct birth){ .tick = tick };
}

static void print_faults(struct writer *writer, const struct sink_prometheus *sink,
			 enum fault_kind kind, enum severity severity)
{
	for (int access = 0; access < ACCESS_COUNT; access++) {
		for (int mode = 0; mode < MODE_COUNT; mode++) {
			uint64_t faults = sink->faults[kind][severity][access][mode];

			if (faults)
				exposition_counter(writer, METRIC_FAULTS,
						   LABELS({ "kind", kind_name(kind) },
							  { "severity", severity_names[severity] },
							  { "access", access_name(access) },
							  { "mode", mode_name(mode) }),
						   faults,
						   born(sink->faults_born[kind][severity][access]
									 [mode]));
		}
	}
}

static void print_machine(struct writer *writer, const struct sink_prometheus *sink)
{
	exposition_family(writer, METRIC_FAULTS);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			print_faults(writer, sink, kind, severity);
	exposition_family(writer, METRIC_LATENCY);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (sink->latency[kind].count)
			exposition_histogram(writer, METRIC_LATENCY,
					     LABELS({ "kind", kind_name(kind) }),
					     &sink->latency[kind], all_buckets,
					     born(sink->latency_born[kind]));
	exposition_family(writer, METRIC_STALL);
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		if (sink->causes.sum_ns[cause])
			exposition_counter_ns(writer, METRIC_STALL,
					      LABELS({ "cause", stall_cause_name(cause) }),
					      sink->causes.sum_ns[cause],
					      born(sink->causes_born[cause]));
	exposition_family(writer, METRIC_THROTTLED);
	exposition_counter_ns(writer, METRIC_THROTTLED, NO_LABELS, sink->totals.throttled_ns,
			      born(0));
	exposition_family(writer, METRIC_REFAULTS);
	exposition_counter(writer, METRIC_REFAULTS, NO_LABELS, sink->causes.refaults, born(0));
	exposition_family(writer, METRIC_ACCOUNTED);
	exposition_counter(writer, METRIC_ACCOUNTED, LABELS({ "severity", "minor" }),
			   sink->accounted_minor, born(0));
	exposition_counter(writer, METRIC_ACCOUNTED, LABELS({ "severity", "major" }),
			   sink->accounted_major, born(0));
}

static void print_all(struct writer *writer, const struct sink_prometheus *sink)
{
	print_machine(writer, sink);
	sink_prometheus_print_groups(writer, &sink->groups);
	sink_prometheus_print_ended(writer, &sink->groups, born(0));
	sink_prometheus_print_self(writer, sink);
}

static size_t count_series(const struct sink_prometheus *sink, enum exposition format)
{
	struct writer writer = { .openmetrics = format == EXPOSITION_OPENMETRICS };

	print_all(&writer, sink);
	return writer.n_series;
}

/* All but the groups, in the format that has more of them. */
static size_t count_fixed(const struct sink_prometheus *sink)
{
	struct writer writer = { .openmetrics = true };

	print_machine(&writer, sink);
	sink_prometheus_print_ended(&writer, &sink->groups, born(0));
	sink_prometheus_print_self(&writer, sink);
	return writer.n_series;
}

/* Gives the groups the series that everything else leaves free. */
static void choose_series(struct sink_prometheus *sink, struct timespec now)
{
	size_t fixed = count_fixed(sink), limit = sink->options.max_series;

	sink->groups.seen_tick = readers_seen(&sink->readers, monotonic_ns());
	groups_choose(&sink->groups, limit > fixed ? limit - fixed : 0, now);
	for (enum exposition format = EXPOSITION_TEXT; format <= EXPOSITION_OPENMETRICS; format++)
		sink->n_series[format] = count_series(sink, format);
}

struct sink_prometheus *sink_prometheus_new(const struct sink_prometheus_options *options)
{
	struct sink_prometheus *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->options = *options;
	if (groups_init(&sink->groups, options->group_by, options->pod_logs ?: POD_LOGS_DEFAULT,
			options->top_mappings,
			options->top_mappings ? sink_prometheus_group_cost_with_mappings :
						sink_prometheus_group_cost,
			sink_prometheus_mapping_cost, options->started)) {
		free(sink);
		return NULL;
	}
	choose_series(sink, options->started);
	return sink;
}

int sink_prometheus_hide_private(struct sink_prometheus *sink)
{
	return groups_hide_private(&sink->groups);
}

void sink_prometheus_set_rules(struct sink_prometheus *sink, struct group_rules *rules)
{
	groups_set_rules(&sink->groups, rules);
}

void sink_prometheus_free(struct sink_prometheus *sink)
{
	if (!sink)
		return;
	groups_clear(&sink->groups);
	free(sink);
}

int sink_prometheus_tick(struct sink_prometheus *sink, const struct snapshot *snapshot,
			 struct error *error)
{
	(void)error;
	groups_begin(&sink->groups, snapshot);
	for (size_t i = 0; i < snapshot->n_touched; i++)
		if (row_changed(snapshot->rows[i]))
			count_row(sink, snapshot->rows[i]);
	sink->n_processes = 0;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		sink->accounted_minor += process->minor - process->minor_before;
		sink->accounted_major += process->major - process->major_before;
		sink->n_processes += !process->ended && !losses_is_other(process);
		groups_process(&sink->groups, process);
	}
	sink->totals = snapshot->totals;
	sink->n_rows = snapshot->n_rows;
	update_self(sink);
	note_births(sink);
	choose_series(sink, snapshot->ts);
	return 0;
}

SINK_OPS(prometheus);

const struct groups *sink_prometheus_groups(const struct sink_prometheus *sink)
{
	return &sink->groups;
}

int sink_prometheus_render(struct sink_prometheus *sink, enum exposition format, uint64_t reader,
			   char **ret_text, size_t *ret_size)
{
	uint64_t begin = monotonic_ns();
	char *text = NULL;
	size_t size;
	struct writer writer = { .stream = open_memstream(&text, &size),
				 .openmetrics = format == EXPOSITION_OPENMETRICS };

	if (!writer.stream)
		return -ENOMEM;
	sink->scrapes++;
	writer.is_next = readers_come(&sink->readers, reader, sink->groups.tick, begin,
				      &writer.seen);
	print_all(&writer, sink);
	exposition_end(&writer);
	if (ferror(writer.stream) | fclose(writer.stream)) {
		free(text);
		return -ENOMEM;
	}
	sink->scrapes_ns += monotonic_ns() - begin;
	*ret_text = text;
	*ret_size = size;
	return 0;
}
