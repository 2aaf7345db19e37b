// SPDX-License-Identifier: GPL-2.0-only
#include "term/trend.h"

#include <string.h>

#include "model/latency.h"

#define MINUTE 60.0

/* The row's, of the interval. */
static void add_latencies(uint32_t latencies[LATENCY_BUCKETS + 1], const struct row *row)
{
	struct latency_counts delta = latency_delta(row);
	uint64_t longer = delta.count;

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
		latencies[i] += (uint32_t)delta.buckets[i];
		longer -= longer > delta.buckets[i] ? delta.buckets[i] : longer;
	}
	latencies[LATENCY_BUCKETS] += (uint32_t)longer;
}

void trend_add(struct trend *trend, const struct snapshot *snapshot)
{
	const struct totals *now = &snapshot->totals, *before = &snapshot->totals_before;
	typeof(trend->points[0]) *point = &trend->points[trend->next];
	uint64_t stalled_ns = 0;

	if (!snapshot->tick)
		return;
	memset(point->latencies, 0, sizeof(point->latencies));
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		stalled_ns += latency_stalls(snapshot->rows[i]).sum_ns;
		if (latency_moved(snapshot->rows[i]))
			add_latencies(point->latencies, snapshot->rows[i]);
	}
	point->seconds = (double)snapshot->interval_ns / 1e9;
	point->sums[FIGURE_MAJOR] = (double)(now->major - before->major);
	point->sums[FIGURE_DENIED] = (double)(now->denied - before->denied);
	point->sums[FIGURE_FAULTS] = (double)(now->minor - before->minor) +
				     point->sums[FIGURE_MAJOR] + point->sums[FIGURE_DENIED];
	point->sums[FIGURE_STALL] = (double)stalled_ns / 1e9;
	trend->next = (trend->next + 1) % TREND_POINTS;
	trend->count += trend->count < TREND_POINTS;
}

static const typeof(((struct trend *)0)->points[0]) *point_at(const struct trend *trend,
							      size_t back)
{
	return &trend->points[(trend->next + 2 * TREND_POINTS - 1 - back) % TREND_POINTS];
}

int64_t trend_latency(const struct trend *trend, unsigned int bucket, size_t back)
{
	return back < trend->count ? (int64_t)point_at(trend, back)->latencies[bucket] : -1;
}

double trend_at(const struct trend *trend, enum figure figure, size_t back)
{
	if (back >= trend->count)
		return -1;
	return point_at(trend, back)->seconds > 0 ?
		       point_at(trend, back)->sums[figure] / point_at(trend, back)->seconds :
		       0;
}

double trend_now(const struct trend *trend, enum figure figure)
{
	double now = trend_at(trend, figure, 0);

	return now < 0 ? 0 : now;
}

double trend_minute(const struct trend *trend, enum figure figure)
{
	double seconds = 0, sum = 0;

	for (size_t back = 0; back < trend->count && seconds < MINUTE - 0.001; back++) {
		seconds += point_at(trend, back)->seconds;
		sum += point_at(trend, back)->sums[figure];
	}
	return seconds > 0 ? sum / seconds : 0;
}
