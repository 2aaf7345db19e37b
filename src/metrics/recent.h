/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What "of late" means on the page at /: two blocks of time, the current one and the one before. So
 * it goes back RECENT_BLOCK_NS to twice that, or to the start of faultmap; two intervals if these
 * are longer. With a sum for each block, or the counter's value when each began, figures are exact
 * for a known time.
 */
#ifndef FAULTMAP_RECENT_H
#define FAULTMAP_RECENT_H

#include <stdint.h>

#include "model/snapshot.h"

#define RECENT_BLOCKS 2
#define RECENT_BLOCK_NS 30000000000

struct recent {
	uint64_t block_ns[RECENT_BLOCKS]; /* how long each is so far; [0] runs */
};

/* Before what came in the snapshot's interval is counted. Returns how many blocks begin with it:
 * both after tick 0, which is no interval. */
int recent_begin(struct recent *recent, const struct snapshot *snapshot);
/* How far back it goes. */
uint64_t recent_ns(const struct recent *recent);

#endif
