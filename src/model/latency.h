/* SPDX-License-Identifier: GPL-2.0-only */
/* How long faults stalled: the functions by which sinks add it up over an interval and over
 * rows. */
#ifndef FAULTMAP_LATENCY_H
#define FAULTMAP_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"

/* For sinks that do not need the histogram. */
struct stalls {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns; /* since attach: the interval's own is not known */
};

/* What the row gained since the snapshot before; zeros where nothing was measured. */
struct latency_counts latency_delta(const struct row *row);
struct stalls latency_stalls(const struct row *row);
bool latency_moved(const struct row *row);

void latency_add(struct latency_counts *sum, const struct latency_counts *more);
/* Sums add up, the maximum is the larger one. */
void stalls_add(struct stalls *sum, const struct stalls *more);

/* The inclusive upper bound of buckets[index]. */
static inline uint64_t latency_bound_ns(unsigned int index)
{
	return UINT64_C(1) << (LATENCY_FIRST_LOG2 + index);
}

#endif
