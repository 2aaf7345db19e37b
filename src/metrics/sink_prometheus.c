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
						   faults, sink->options.started);
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
					     sink->options.started);
	exposition_family(writer, METRIC_STALL);
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		if (sink->causes.sum_ns[cause])
			exposition_counter_ns(writer, METRIC_STALL,
					      LABELS({ "cause", stall_cause_name(cause) }),
					      sink->causes.sum_ns[cause], sink->options.started);
	exposition_family(writer, METRIC_REFAULTS);
	exposition_counter(writer, METRIC_REFAULTS, NO_LABELS, sink->causes.refaults,
			   sink->options.started);
	exposition_family(writer, METRIC_ACCOUNTED);
	exposition_counter(writer, METRIC_ACCOUNTED, LABELS({ "severity", "minor" }),
			   sink->accounted_minor, sink->options.started);
	exposition_counter(writer, METRIC_ACCOUNTED, LABELS({ "severity", "major" }),
			   sink->accounted_major, sink->options.started);
}

/* How many series there are, without (fixed) and with the groups. */
static size_t count_series(const struct sink_prometheus *sink, size_t *ret_fixed)
{
	struct writer writer = { .openmetrics = true };

	print_machine(&writer, sink);
	sink_prometheus_print_self(&writer, sink);
	*ret_fixed = writer.n_series;
	sink_prometheus_print_groups(&writer, &sink->groups);
	return writer.n_series;
}

/* Gives the groups the series that everything else leaves free. */
static void choose_series(struct sink_prometheus *sink, struct timespec now)
{
	size_t fixed, limit = sink->options.max_series;

	count_series(sink, &fixed);
	groups_choose(&sink->groups, limit > fixed ? limit - fixed : 0, now);
	sink->n_series = count_series(sink, &fixed);
}

struct sink_prometheus *sink_prometheus_new(const struct sink_prometheus_options *options)
{
	struct sink_prometheus *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->options = *options;
	if (groups_init(&sink->groups, options->group_by, options->top_mappings,
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
	choose_series(sink, snapshot->ts);
	return 0;
}

SINK_OPS(prometheus);

const struct groups *sink_prometheus_groups(const struct sink_prometheus *sink)
{
	return &sink->groups;
}

int sink_prometheus_render(struct sink_prometheus *sink, enum exposition format, char **ret_text,
			   size_t *ret_size)
{
	uint64_t begin = monotonic_ns();
	char *text = NULL;
	size_t size;
	struct writer writer = { .stream = open_memstream(&text, &size),
				 .openmetrics = format == EXPOSITION_OPENMETRICS };

	if (!writer.stream)
		return -ENOMEM;
	sink->scrapes++;
	print_machine(&writer, sink);
	sink_prometheus_print_groups(&writer, &sink->groups);
	sink_prometheus_print_self(&writer, sink);
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
