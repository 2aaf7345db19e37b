/* SPDX-License-Identifier: GPL-2.0-only */
/* What sink_prometheus*.c share: nobody else's business. */
#ifndef FAULTMAP_SINK_PROMETHEUS_DATA_H
#define FAULTMAP_SINK_PROMETHEUS_DATA_H

#include "metrics/exposition.h"
#include "metrics/groups.h"
#include "metrics/sink_prometheus.h"

/* More than there are programs in bpf/. */
#define PROGRAMS_MAX 32

struct sink_prometheus {
	struct prometheus_options options;
	struct groups groups;

	uint64_t faults[KIND_COUNT][SEVERITY_COUNT][ACCESS_COUNT][MODE_COUNT];
	struct latency_counts latency[KIND_COUNT];
	uint64_t accounted_minor, accounted_major;
	struct totals totals;
	uint64_t n_processes, n_rows;
	uint64_t rows_capacity;
	uint64_t n_hooks;
	struct program_stats programs[PROGRAMS_MAX];
	size_t n_programs;
	uint64_t ticks, tick_ns, ticks_ns;
	uint64_t scrapes, scrapes_ns;
	uint64_t resident_bytes;
	uint64_t n_series; /* with those of OpenMetrics */
};

/* The families that are one sample, or few: losses, and faultmap itself. */
void print_self(struct writer *writer, const struct sink_prometheus *sink);
/* The families of groups. */
void print_groups(struct writer *writer, const struct groups *groups);
/* For groups_init(). */
size_t group_cost(const struct group *group);
size_t group_cost_with_mappings(const struct group *group);
size_t group_mapping_cost(const struct group *group);

#endif
