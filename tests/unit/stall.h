/* SPDX-License-Identifier: GPL-2.0-only */
/* Stalls made by hand, for the tests of sinks. */
#ifndef FAULTMAP_TEST_STALL_H
#define FAULTMAP_TEST_STALL_H

#include <stdlib.h>

#include "model/snapshot.h"

/* One fault of the row stalled so long; the row owns what it takes. */
static void stall(struct row *row, uint64_t ns)
{
	uint64_t bound = 256; /* of the first bucket */
	size_t bucket = 0;

	if (!row->latency)
		row->latency = calloc(1, sizeof(*row->latency));
	assert_non_null(row->latency);
	while (bucket < LATENCY_BUCKETS && ns > bound) {
		bound *= 2;
		bucket++;
	}
	row->latency->now.count++;
	row->latency->now.sum_ns += ns;
	if (bucket < LATENCY_BUCKETS)
		row->latency->now.buckets[bucket]++;
	if (ns > row->latency->max_ns)
		row->latency->max_ns = ns;
}

/* The same, and all of it was for this cause. */
static __attribute__((unused)) void stall_for(struct row *row, enum stall_cause cause, uint64_t ns)
{
	struct row_causes *causes;

	stall(row, ns);
	if (!row->latency->causes)
		row->latency->causes = calloc(1, sizeof(*row->latency->causes));
	causes = row->latency->causes;
	assert_non_null(causes);
	causes->now.count[cause]++;
	causes->now.sum_ns[cause] += ns;
	if (ns > causes->max_ns[cause])
		causes->max_ns[cause] = ns;
}

#endif
