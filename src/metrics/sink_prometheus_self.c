// SPDX-License-Identifier: GPL-2.0-only
/* What was lost, what is where, and what faultmap costs. */
#include "model/losses.h"
#include "metrics/sink_prometheus_data.h"

#include "base/version.h"

static struct birth since_start(const struct sink_prometheus *sink)
{
	return (struct birth){ .created = sink->options.started };
}

static void print_counter(struct writer *writer, const struct sink_prometheus *sink,
			  enum metric metric, uint64_t value)
{
	exposition_family(writer, metric);
	exposition_counter(writer, metric, NO_LABELS, value, since_start(sink));
}

static void print_gauge(struct writer *writer, enum metric metric, uint64_t value)
{
	exposition_family(writer, metric);
	exposition_gauge(writer, metric, NO_LABELS, value);
}

/* Absent where it is not counted: a zero would say that no fault was. */
static void print_perf(struct writer *writer, const struct sink_prometheus *sink)
{
	const struct totals *totals = &sink->totals;

	if (!totals->has_perf_major)
		return;
	exposition_family(writer, METRIC_PERF_FAULTS);
	exposition_counter(writer, METRIC_PERF_FAULTS, LABELS({ "severity", "major" }),
			   totals->perf_major, since_start(sink));
	if (totals->has_perf_minor)
		exposition_counter(writer, METRIC_PERF_FAULTS, LABELS({ "severity", "minor" }),
				   totals->perf_minor, since_start(sink));
	print_gauge(writer, METRIC_PERF_CPUS_MISSING, totals->perf_cpus_missing);
}

static void print_losses(struct writer *writer, const struct sink_prometheus *sink)
{
	const struct totals *totals = &sink->totals;

	for (size_t i = 0; i < totals_count; i++)
		if (totals_table[i].help && total_is_counted(totals, &totals_table[i]))
			exposition_total(writer, &totals_table[i],
					 total_of(totals, &totals_table[i]), since_start(sink));
	print_perf(writer, sink);
	print_gauge(writer, METRIC_IN_FLIGHT, losses_in_flight(totals));
}

static void print_programs(struct writer *writer, const struct sink_prometheus *sink)
{
	uint64_t missed = 0;

	print_gauge(writer, METRIC_PROGRAMS, sink->self.n_hooks);
	exposition_family(writer, METRIC_PROGRAM_RUNS);
	for (size_t i = 0; i < sink->self.n_programs; i++)
		if (sink->self.programs[i].runs)
			exposition_counter(writer, METRIC_PROGRAM_RUNS,
					   LABELS({ "program", sink->self.programs[i].name }),
					   sink->self.programs[i].runs, since_start(sink));
	exposition_family(writer, METRIC_PROGRAM_SECONDS);
	for (size_t i = 0; i < sink->self.n_programs; i++) {
		if (sink->self.programs[i].runs)
			exposition_counter_ns(writer, METRIC_PROGRAM_SECONDS,
					      LABELS({ "program", sink->self.programs[i].name }),
					      sink->self.programs[i].run_ns, since_start(sink));
		missed += sink->self.programs[i].missed;
	}
	print_counter(writer, sink, METRIC_PROGRAMS_MISSED, missed);
}

static void print_times(struct writer *writer, const struct sink_prometheus *sink)
{
	print_counter(writer, sink, METRIC_TICKS, sink->ticks);
	exposition_family(writer, METRIC_TICK_SECONDS);
	exposition_counter_ns(writer, METRIC_TICK_SECONDS, NO_LABELS, sink->ticks_ns,
			      since_start(sink));
	exposition_family(writer, METRIC_TICK_LAST);
	exposition_gauge_ns(writer, METRIC_TICK_LAST, sink->self.tick_ns);
	print_counter(writer, sink, METRIC_SCRAPES, sink->scrapes);
	exposition_family(writer, METRIC_SCRAPE_SECONDS);
	exposition_counter_ns(writer, METRIC_SCRAPE_SECONDS, NO_LABELS, sink->scrapes_ns,
			      since_start(sink));
}

void sink_prometheus_print_self(struct writer *writer, const struct sink_prometheus *sink)
{
	print_losses(writer, sink);
	print_gauge(writer, METRIC_PROCESSES, sink->n_processes);
	print_gauge(writer, METRIC_ROWS, sink->n_rows);
	print_gauge(writer, METRIC_ROWS_CAPACITY, sink->self.rows_capacity);
	if (sink->self.map_bytes)
		print_gauge(writer, METRIC_KERNEL_MEMORY, sink->self.map_bytes);
	print_gauge(writer, METRIC_SERIES,
		    sink->n_series[writer->openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT]);
	print_gauge(writer, METRIC_SERIES_LIMIT, sink->options.max_series);
	print_gauge(writer, METRIC_GROUPS, sink->groups.n_shown);
	print_counter(writer, sink, METRIC_GROUPS_EVICTED, sink->groups.groups_evicted);
	print_counter(writer, sink, METRIC_MAPPINGS_EVICTED, sink->groups.mappings_evicted);
	print_programs(writer, sink);
	print_times(writer, sink);
	print_gauge(writer, METRIC_STREAM_CLIENTS, sink->self.stream_clients);
	print_counter(writer, sink, METRIC_STREAM_DROPPED, sink->self.stream_clients_dropped);
	print_gauge(writer, METRIC_RESIDENT, sink->resident_bytes);
	exposition_family(writer, METRIC_BUILD_INFO);
	exposition_info(writer, METRIC_BUILD_INFO, LABELS({ "version", FAULTMAP_VERSION }));
}
