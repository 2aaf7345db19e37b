/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters of /metrics: cumulative series, fed with the deltas of each snapshot and kept when
 * their processes are gone, so that none ever goes down. Rendering reads only what the last tick
 * left: its cost depends neither on the number of processes nor on that of clients.
 *
 * Bounded: the series of faultmap_mapping_faults_total are given out first come, first served, up to a
 * limit; what comes later is counted in comm="other", mapping="other" of the same kind and severity,
 * so that their sum is exact. Every other metric has a fixed number of series.
 */
#ifndef FAULTMAP_SINK_PROMETHEUS_H
#define FAULTMAP_SINK_PROMETHEUS_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot.h"

struct sink_prometheus;

enum exposition { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

/* max_series limits faultmap_mapping_faults_total, `other` not included. NULL: no memory. */
struct sink_prometheus *sink_prometheus_new(uint64_t max_series);
/* NULL is fine. */
void sink_prometheus_free(struct sink_prometheus *sink);

/* Counts the snapshot in; each snapshot exactly once, from tick 0 on. tick_ns: what the tick took. */
void sink_prometheus_tick(struct sink_prometheus *sink, const struct snapshot *snapshot,
			  uint64_t tick_ns);
/* The exposition in text format 0.0.4, allocated with malloc. 0 or -ENOMEM. */
int sink_prometheus_render(struct sink_prometheus *sink, char **ret_text, size_t *ret_size);

#endif
