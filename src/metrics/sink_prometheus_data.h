/* SPDX-License-Identifier: GPL-2.0-only */
/* What sink_prometheus*.c share: nobody else's business. */
#ifndef FAULTMAP_SINK_PROMETHEUS_DATA_H
#define FAULTMAP_SINK_PROMETHEUS_DATA_H

#include "metrics/exposition.h"
#include "metrics/groups.h"
#include "metrics/readers.h"
#include "metrics/sink_prometheus.h"

struct sink_prometheus {
	struct sink_prometheus_options options;
	struct groups groups;
	struct readers readers;

	uint64_t faults[KIND_COUNT][SEVERITY_COUNT][ACCESS_COUNT][MODE_COUNT];
	struct latency_counts latency[KIND_COUNT];
	struct cause_counts causes;
	/* The ticks that showed them first; 0: none yet. */
	uint64_t faults_born[KIND_COUNT][SEVERITY_COUNT][ACCESS_COUNT][MODE_COUNT];
	uint64_t latency_born[KIND_COUNT];
	uint64_t causes_born[STALL_CAUSE_COUNT];
	uint64_t accounted_minor, accounted_major;
	struct totals totals;
	uint64_t n_processes, n_rows;
	struct self_figures self;
	uint64_t ticks, ticks_ns;
	uint64_t scrapes, scrapes_ns;
	uint64_t resident_bytes;
	uint64_t n_series[2]; /* by enum exposition */
};

/* The families that are one sample, or few: losses, and faultmap itself. */
void sink_prometheus_print_self(struct writer *writer, const struct sink_prometheus *sink);
/* The families of groups. */
void sink_prometheus_print_groups(struct writer *writer, const struct groups *groups);
/* What groups and mappings had counted whose series have ended. */
void sink_prometheus_print_ended(struct writer *writer, const struct groups *groups,
				 struct birth birth);
/* For groups_init(). */
size_t sink_prometheus_group_cost(const struct group *group);
size_t sink_prometheus_group_cost_with_mappings(const struct group *group);
size_t sink_prometheus_mapping_cost(const struct group *group);

#endif
