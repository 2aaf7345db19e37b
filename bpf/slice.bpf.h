/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --slice: which part of its mapping an address lies in. bpf/abi.h says how a key holds that. */
#ifndef FAULTMAP_SLICE_BPF_H
#define FAULTMAP_SLICE_BPF_H

#include "mapping.bpf.h"

/* log2 of the size of the slices from start to end: as asked for, or doubled until there are
 * few. */
static __noinline u32 slice_shift(u64 start, u64 end)
{
	u32 shift = config_slice_shift;
	u64 first = start >> (shift & 63), last = (end - 1) >> (shift & 63);

	for (; shift < SLICE_SHIFT_MASK && last - first >= config_slices_max; shift++) {
		first >>= 1;
		last >>= 1;
	}
	return shift;
}

/* Puts the slice of address into the anchor, and its bounds beside it. Costs nothing when off. */
static __always_inline void narrow_to_slice(struct mapping *mapping, const struct vma *vma,
					    u64 address)
{
	u64 start = vma->start, end = vma->end, number;
	u32 shift;

	mapping->slice_start = start;
	mapping->slice_end = end;
	if (!config_slice_shift)
		return;
	mapping->extent.start = start;
	mapping->extent.end = end;
	if (address >= end) /* WALK_FLUX */
		address = end - 1;
	if (start > address) /* a stack that is about to grow down to it */
		start = address;
	shift = slice_shift(start, end) & 63;
	number = address >> shift;
	mapping->anchor = SLICE_HASH(mapping->anchor) | (u64)shift << SLICE_SHIFT_BIT |
			  (number & SLICE_NUMBER_MASK);
	mapping->perms |= PERM_SLICED;
	if (mapping->slice_start < number << shift)
		mapping->slice_start = number << shift;
	if (mapping->slice_end > (number + 1) << shift)
		mapping->slice_end = (number + 1) << shift;
}

#endif
