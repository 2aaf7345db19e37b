// SPDX-License-Identifier: GPL-2.0-only
#include "collect/slice.h"

#include <stdbool.h>

static bool is_sliced(const struct row_key *key)
{
	return key->perms & PERM_SLICED;
}

uint32_t slice_tag(const struct row_key *key)
{
	/* The bits of size and number; a size is never 0. */
	return is_sliced(key) ? key->anchor & ~SLICE_HASH_MASK : 0;
}

uint64_t slice_anchor(const struct row_key *key)
{
	return is_sliced(key) ? key->anchor & SLICE_HASH_MASK : key->anchor;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

uint64_t slice_mapping_id(const struct row_key *key)
{
	uint64_t hash = mix(key->start_ns, key->tgid);

	hash = mix(mix(hash, slice_anchor(key)), key->name_id);
	return mix(hash, (uint64_t)MODE_CLASS_CLASS(key->mode_class) << 8 | key->perms);
}

void slice_bounds(const struct row_key *key, const struct extent *extent, uint64_t *ret_start,
		  uint64_t *ret_end)
{
	unsigned int shift = key->anchor >> SLICE_SHIFT_BIT & SLICE_SHIFT_MASK;
	uint64_t last, number;

	*ret_start = *ret_end = 0;
	if (!is_sliced(key))
		return;
	/* The slice is the mapping's last or one of the SLICES_MAX before that: the nearest number
	 * with these low bits. */
	last = (extent->end - 1) >> shift;
	number = last - ((last - key->anchor) & SLICE_NUMBER_MASK);
	*ret_start = number << shift;
	*ret_end = (number + 1) << shift;
}
