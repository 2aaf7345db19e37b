/* SPDX-License-Identifier: GPL-2.0-only */
#include "slice.h"

static unsigned int shift_of(const struct row_key *key)
{
	return key->anchor >> SLICE_SHIFT_BIT;
}

uint32_t slice_tag(const struct row_key *key)
{
	if (!shift_of(key))
		return 0;
	return shift_of(key) << 16 | (uint32_t)(key->anchor & SLICE_NUMBER_MASK);
}

uint64_t slice_anchor(const struct row_key *key)
{
	if (!shift_of(key))
		return key->anchor;
	return key->anchor & ((1ULL << SLICE_SHIFT_BIT) - 1) & ~SLICE_NUMBER_MASK;
}

void slice_bounds(const struct row_key *key, const struct extent *extent, uint64_t *ret_start,
		  uint64_t *ret_end)
{
	unsigned int shift = shift_of(key);
	uint64_t last, number;

	*ret_start = *ret_end = 0;
	if (!shift)
		return;
	/* The slice is the mapping's last or one of the SLICES_MAX before that: the nearest number
	 * with these low bits. */
	last = (extent->end - 1) >> shift;
	number = last - ((last - key->anchor) & SLICE_NUMBER_MASK);
	*ret_start = number << shift;
	*ret_end = (number + 1) << shift;
}
