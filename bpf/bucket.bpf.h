/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which bucket a stall is counted in. On its own, so that tests/unit/test_latency.c can hold it
 * against the bounds that user space prints. */
#ifndef FAULTMAP_BUCKET_BPF_H
#define FAULTMAP_BUCKET_BPF_H

#include "abi.h"

/* The bucket whose bound is the smallest power of two that is not below ns; past the last: none. */
static __always_inline u32 bucket_of(u64 ns)
{
	u64 rest = (ns ? ns - 1 : 0) >> LATENCY_FIRST_LOG2;
	u32 bits = 0;

	if (rest >> LATENCY_BUCKETS)
		return LATENCY_BUCKETS;
#pragma unroll
	for (u32 step = 16; step; step /= 2)
		if (rest >> step) {
			rest >>= step;
			bits += step;
		}
	return bits + (rest > 0);
}

#endif
