// SPDX-License-Identifier: GPL-2.0-only
#include "model/stall_causes.h"

static const char *const names[STALL_CAUSE_COUNT] = {
	[STALL_CPU] = "cpu",
	[STALL_RUNQUEUE] = "runqueue",
	[STALL_LOCK] = "lock",
	[STALL_RECLAIM] = "reclaim",
	[STALL_COMPACTION] = "compaction",
	[STALL_DISK] = "disk",
	[STALL_SWAP] = "swap",
	[STALL_PAGE_WAIT] = "page_wait",
	[STALL_REMOTE] = "remote",
	[STALL_USERFAULTFD] = "userfaultfd",
	[STALL_WRITEBACK] = "writeback",
	[STALL_THROTTLE] = "throttle",
	[STALL_UNKNOWN] = "unknown",
};

const char *stall_cause_name(unsigned int cause)
{
	return names[cause < STALL_CAUSE_COUNT ? cause : STALL_UNKNOWN];
}

bool causes_are_told(const struct row *row)
{
	return row->latency && row->latency->causes;
}

struct cause_counts causes_delta(const struct row *row)
{
	const struct row_causes *causes = row->latency ? row->latency->causes : NULL;
	struct cause_counts delta = {};

	for (unsigned int i = 0; causes && i < STALL_CAUSE_COUNT; i++) {
		delta.count[i] = causes->now.count[i] - causes->before.count[i];
		delta.sum_ns[i] = causes->now.sum_ns[i] - causes->before.sum_ns[i];
	}
	delta.refaults = row_refaults(row);
	return delta;
}

void causes_add(struct cause_counts *sum, const struct cause_counts *more)
{
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		sum->count[i] += more->count[i];
		sum->sum_ns[i] += more->sum_ns[i];
	}
	sum->refaults += more->refaults;
}

uint64_t causes_sum(const uint64_t *sum_ns)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++)
		sum += sum_ns[i];
	return sum;
}

unsigned int causes_worst(const uint64_t *sum_ns)
{
	unsigned int order[STALL_CAUSE_COUNT];

	return causes_in_order(sum_ns, order) ? order[0] : STALL_CAUSE_COUNT;
}

size_t causes_in_order(const uint64_t *sum_ns, unsigned int *order)
{
	size_t count = 0;

	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		size_t at = count;

		if (!sum_ns[i])
			continue;
		for (; at && sum_ns[order[at - 1]] < sum_ns[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
		count++;
	}
	return count;
}
