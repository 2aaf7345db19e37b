/* SPDX-License-Identifier: GPL-2.0-only */
/* How large the kernel's maps are: 16 MiB together on a machine of up to 16 CPUs. */
#ifndef FAULTMAP_MAP_SIZES_H
#define FAULTMAP_MAP_SIZES_H

#include <stdbool.h>
#include <stdint.h>

/* Each a number of entries. */
struct map_sizes {
	uint32_t rows;      /* (process, mapping, kind, access, mode) that move between two ticks */
	uint32_t latencies; /* rows of these with stalls */
	uint32_t tasks;     /* threads whose last stamped fault is kept; a power of two */
	uint32_t anchors;   /* places where mappings were seen; one forgotten splits a row */
	uint32_t followed;  /* `run`: processes that live at once */
};

/* max_rows: as asked for, 0: by the number of CPUs. `full`: detail. `old`: the object for kernels
 * before 6.1, which needs as many latencies as rows. */
struct map_sizes map_sizes_of(uint32_t max_rows, bool full, bool old, bool follow, uint32_t n_cpus);

#endif
