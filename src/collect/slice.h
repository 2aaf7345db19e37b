/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the key of a row says about its mapping and slice (--slice; bpf/abi.h has the bits,
 * bpf/slice.bpf.h puts them there). Private to the collector.
 */
#ifndef FAULTMAP_SLICE_H
#define FAULTMAP_SLICE_H

#include <stdint.h>

#include "bpf/abi.h"

/* Differs between the slices of a mapping; 0 where the mapping is not split. */
uint32_t slice_tag(const struct row_key *key);
/* Alike for all slices of a mapping: its anchor, or a hash of that. */
uint64_t slice_anchor(const struct row_key *key);
/* An id for the mapping, the same for all its slices, and for what it is called and allowed. */
uint64_t slice_mapping_id(const struct row_key *key);
/* From where to where the slice goes; both 0 where the mapping is not split. `extent` is that of
 * the row: of the mapping when it last faulted in this slice. */
void slice_bounds(const struct row_key *key, const struct extent *extent, uint64_t *ret_start,
		  uint64_t *ret_end);

#endif
