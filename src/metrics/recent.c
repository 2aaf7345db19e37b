// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/recent.h"

int recent_begin(struct recent *recent, const struct snapshot *snapshot)
{
	uint64_t *block_ns = recent->block_ns;
	int begun = 0;

	if (snapshot->tick <= 1) {
		block_ns[0] = block_ns[1] = 0;
		begun = RECENT_BLOCKS;
	} else if (block_ns[0] >= RECENT_BLOCK_NS) {
		block_ns[1] = block_ns[0];
		block_ns[0] = 0;
		begun = 1;
	}
	block_ns[0] += snapshot->tick ? snapshot->interval_ns : 0;
	return begun;
}

uint64_t recent_ns(const struct recent *recent)
{
	return recent->block_ns[0] + recent->block_ns[1];
}
