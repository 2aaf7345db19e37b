// SPDX-License-Identifier: GPL-2.0-only
#include "model/latency.h"

struct latency_counts latency_delta(const struct row *row)
{
	struct latency_counts delta = {};

	if (!row->latency)
		return delta;
	delta.count = row->latency->now.count - row->latency->before.count;
	delta.sum_ns = row->latency->now.sum_ns - row->latency->before.sum_ns;
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		delta.buckets[i] = row->latency->now.buckets[i] - row->latency->before.buckets[i];
	return delta;
}

struct stalls latency_stalls(const struct row *row)
{
	const struct row_latency *latency = row->latency;

	if (!latency)
		return (struct stalls){};
	return (struct stalls){ .count = latency->now.count - latency->before.count,
				.sum_ns = latency->now.sum_ns - latency->before.sum_ns,
				.max_ns = latency->max_ns };
}

bool latency_moved(const struct row *row)
{
	return row->latency && (row->latency->now.count != row->latency->before.count ||
				row->latency->now.sum_ns != row->latency->before.sum_ns);
}

void latency_add(struct latency_counts *sum, const struct latency_counts *more)
{
	sum->count += more->count;
	sum->sum_ns += more->sum_ns;
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		sum->buckets[i] += more->buckets[i];
}

void stalls_add(struct stalls *sum, const struct stalls *more)
{
	sum->count += more->count;
	sum->sum_ns += more->sum_ns;
	if (more->max_ns > sum->max_ns)
		sum->max_ns = more->max_ns;
}
