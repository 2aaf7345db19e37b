// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/metrics.h"

#include <stddef.h>

#define COUNTER(name, help)                                  \
	{                                                    \
		"faultmap_" name, METRIC_COUNTER, NULL, help \
	}
#define COUNTER_OF(name, unit, help)                                  \
	{                                                             \
		"faultmap_" name "_" unit, METRIC_COUNTER, unit, help \
	}
#define COUNTER_OF_SECONDS(name, help)                                       \
	{                                                                    \
		"faultmap_" name "_seconds", METRIC_COUNTER, "seconds", help \
	}
#define GAUGE(name, help)                                  \
	{                                                  \
		"faultmap_" name, METRIC_GAUGE, NULL, help \
	}
#define GAUGE_OF(name, unit, help)                                  \
	{                                                           \
		"faultmap_" name "_" unit, METRIC_GAUGE, unit, help \
	}
#define HISTOGRAM_OF_SECONDS(name, help)                                       \
	{                                                                      \
		"faultmap_" name "_seconds", METRIC_HISTOGRAM, "seconds", help \
	}
#define INFO(name, help)                                  \
	{                                                 \
		"faultmap_" name, METRIC_INFO, NULL, help \
	}

/* In the order of the exposition. The counters of struct totals are not here: model/totals.c has
 * them. */
const struct metric_family metrics[METRIC_COUNT] = {
	[METRIC_FAULTS] = COUNTER("faults", "Page faults by kind, severity, access and mode."),
	[METRIC_LATENCY] =
		HISTOGRAM_OF_SECONDS("fault_latency",
				     "How long page faults stalled, of those that were timed."),
	[METRIC_STALL] = COUNTER_OF_SECONDS("stall", "What page faults stalled for, of those that "
						     "were timed."),
	[METRIC_THROTTLED] = COUNTER_OF_SECONDS(
		"throttled", "How long tasks slept for memory.high after a fault: in no stall."),
	[METRIC_REFAULTS] = COUNTER("refaults", "Pages that had been evicted and that page faults "
						"brought back."),
	[METRIC_ACCOUNTED] =
		COUNTER("process_faults_accounted",
			"Page faults of all processes as the kernel itself accounts them."),
	[METRIC_GROUP_FAULTS] = COUNTER("group_faults", "Page faults by group, kind and severity."),
	[METRIC_GROUP_PAGES] = COUNTER("group_pages", "Pages that the group's faults mapped."),
	[METRIC_GROUP_COW] =
		COUNTER_OF("group_cow", "bytes",
			   "Memory that was copied because others shared it, since fork "
			   "mostly."),
	[METRIC_GROUP_STALL] = HISTOGRAM_OF_SECONDS(
		"group_stall",
		"How long the group's page faults stalled, of those that were timed."),
	/* OpenMetrics has no room for a counter group_stall_seconds beside the histogram. */
	[METRIC_GROUP_STALL_CAUSE] =
		COUNTER_OF_SECONDS("group_stall_cause",
				   "What the group's page faults stalled for, of those that were "
				   "timed."),
	[METRIC_GROUP_REFAULTS] = COUNTER("group_refaults",
					  "Pages that had been evicted and that the group's page "
					  "faults brought back."),
	[METRIC_GROUP_ACCOUNTED] =
		COUNTER("group_faults_accounted",
			"Page faults of the group's processes as the kernel itself accounts them."),
	[METRIC_GROUP_RESIDENT] =
		GAUGE_OF("group_resident", "bytes",
			 "Resident memory of the group's processes, each page once per process."),
	[METRIC_GROUP_VIRTUAL] = GAUGE_OF("group_virtual", "bytes",
					  "Address space of the group's processes."),
	[METRIC_GROUP_PROCESSES] = GAUGE("group_processes", "Live processes of the group."),
	[METRIC_GROUP_INFO] = INFO("group", "The container and the pod that the group is."),
	[METRIC_MAPPING_FAULTS] =
		COUNTER("mapping_faults",
			"Page faults by group and mapping, of the mappings with the most; mapping "
			"other has the rest."),
	[METRIC_SERIES_ENDED] = COUNTER(
		"series_ended",
		"What series of groups and mappings had counted that have ended: with it their sums "
		"are those of the machine."),
	[METRIC_PERF_FAULTS] =
		COUNTER("perf_faults",
			"Completed page faults by the kernel's own perf software events."),
	[METRIC_PERF_CPUS_MISSING] =
		GAUGE("perf_cpus_missing",
		      "CPUs that came online when perf events could not be opened any more."),
	[METRIC_IN_FLIGHT] = GAUGE("in_flight",
				   "Entries without an end yet when the counters were read."),
	[METRIC_PROCESSES] = GAUGE("processes", "Live processes known."),
	[METRIC_ROWS] = GAUGE("rows", "Rows of process, mapping, kind, access and mode at the "
				      "last tick."),
	[METRIC_ROWS_CAPACITY] = GAUGE("rows_capacity", "Rows that the kernel's table can hold."),
	[METRIC_KERNEL_MEMORY] =
		GAUGE_OF("kernel_memory", "bytes",
			 "Kernel memory that faultmap's maps take, where the kernel tells."),
	[METRIC_SERIES] = GAUGE("series", "Series of this endpoint, those of OpenMetrics' _created "
					  "included."),
	[METRIC_SERIES_LIMIT] = GAUGE("series_limit",
				      "The largest value that faultmap_series can have."),
	[METRIC_GROUPS] = GAUGE("groups", "Groups with series of their own, other not included."),
	[METRIC_GROUPS_EVICTED] = COUNTER("groups_evicted",
					  "Groups whose series ended to make room: the group other "
					  "counts their faults from then on."),
	[METRIC_MAPPINGS_EVICTED] =
		COUNTER("mappings_evicted",
			"Mappings whose series ended to make room: the mapping other of their "
			"group counts them from then on."),
	[METRIC_PROGRAMS] = GAUGE("bpf_programs_attached",
				  "BPF programs attached to hooks of the kernel."),
	[METRIC_PROGRAM_RUNS] =
		COUNTER("bpf_runs",
			"Runs of a BPF program, while kernel.bpf_stats_enabled is set."),
	[METRIC_PROGRAM_SECONDS] =
		COUNTER_OF_SECONDS("bpf_run",
				   "Time in a BPF program, while kernel.bpf_stats_enabled is set."),
	[METRIC_PROGRAMS_MISSED] = COUNTER("bpf_missed_runs",
					   "Runs of BPF programs that the kernel skipped."),
	[METRIC_TICKS] = COUNTER("ticks", "How often the kernel's counters were read."),
	[METRIC_TICK_SECONDS] = COUNTER_OF_SECONDS("tick", "Time that ticks took."),
	[METRIC_TICK_LAST] = GAUGE_OF("tick_duration", "seconds", "How long the last tick took."),
	[METRIC_SCRAPES] = COUNTER("scrapes", "Expositions made, this one included."),
	[METRIC_SCRAPE_SECONDS] =
		COUNTER_OF_SECONDS("scrape", "Time that expositions took, this one not included."),
	[METRIC_STREAM_CLIENTS] = GAUGE("stream_clients", "Clients of /stream."),
	[METRIC_STREAM_DROPPED] =
		COUNTER("stream_clients_dropped",
			"Clients of /stream that were too slow and were disconnected."),
	[METRIC_RESIDENT] = GAUGE_OF("resident_memory", "bytes",
				     "Resident memory of faultmap at the last tick."),
	[METRIC_BUILD_INFO] = INFO("build", "The version of faultmap."),
	[METRIC_GUARD_FAULTS] =
		COUNTER("guard_faults",
			"Page faults of guarded threads, of which none was allowed."),
	[METRIC_GUARD_GUP] = COUNTER("guard_gup",
				     "Faults of guarded processes without an exception: "
				     "the thread is not known."),
	[METRIC_GUARD_LOST] =
		COUNTER("guard_lost",
			"Faults of guarded threads that were not reported one by one."),
};
