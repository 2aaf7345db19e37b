/* SPDX-License-Identifier: GPL-2.0-only */
/* How many faults there were, and how long they stalled, in each of the last intervals. */
#ifndef FAULTMAP_TREND_H
#define FAULTMAP_TREND_H

#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

enum figure { FIGURE_FAULTS, FIGURE_MAJOR, FIGURE_DENIED, FIGURE_STALL, FIGURE_COUNT };

/* A screen's width of intervals, and a minute of those of 250 ms. */
#define TREND_POINTS 512

struct trend {
	struct {
		double seconds;
		double sums[FIGURE_COUNT]; /* of the interval; stalls in seconds */
		/* Faults that took so long; the last: longer than all. */
		uint32_t latencies[LATENCY_BUCKETS + 1];
	} points[TREND_POINTS]; /* a ring */
	size_t next, count;
};

/* Adds the snapshot's interval; tick 0 has none. */
void trend_add(struct trend *trend, const struct snapshot *snapshot);
/* Per second: in the last interval, and over the last minute, or what there is of it. */
double trend_now(const struct trend *trend, enum figure figure);
double trend_minute(const struct trend *trend, enum figure figure);
/* Faults of the bucket, `back` intervals ago; -1 where there was none. */
int64_t trend_latency(const struct trend *trend, unsigned int bucket, size_t back);
/* Per second, `back` intervals ago; -1 where there was none. */
double trend_at(const struct trend *trend, enum figure figure, size_t back);

#endif
