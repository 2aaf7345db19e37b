// SPDX-License-Identifier: GPL-2.0-only
#include "collect/map_sizes.h"

#include "base/util.h"

#define ROWS_DEFAULT 32768
/* Takes as much memory as the default of fast detail, as full detail keeps more for each fault. */
#define ROWS_DEFAULT_FULL 24576
/* Before Linux 6.1 each row has its latency. */
#define ROWS_DEFAULT_OLD 16384
/* The default is for up to this many CPUs; it doubles with their number, up to
 * ROWS_DEFAULT_MOST. */
#define CPUS_OF_DEFAULT 16
#define ROWS_DEFAULT_MOST 262144
/* Room for as many threads that fault, and mappings that move, whatever the size of the table of
 * rows. */
#define TASKS_LEAST 8192
#define ANCHORS_LEAST 16384
/* In a table of up to this many rows each may have stalls; in a larger one a quarter of them in
 * full detail, where all rows that move have some, and an eighth in fast detail. */
#define LATENCIES_LEAST 4096
#define FOLLOWED_MOST 65536

static uint32_t default_rows(bool full, bool old, uint32_t n_cpus)
{
	uint32_t rows = old ? ROWS_DEFAULT_OLD : full ? ROWS_DEFAULT_FULL : ROWS_DEFAULT;

	for (uint32_t cpus = CPUS_OF_DEFAULT; cpus < n_cpus && rows < ROWS_DEFAULT_MOST; cpus *= 2)
		rows *= 2;
	return rows;
}

static uint32_t power_of_two(uint32_t least)
{
	uint32_t power = 1;

	while (power < least)
		power *= 2;
	return power;
}

struct map_sizes map_sizes_of(uint32_t max_rows, bool full, bool old, bool follow, uint32_t n_cpus)
{
	uint32_t rows = max_rows ?: default_rows(full, old, n_cpus);

	return (struct map_sizes){
		.rows = rows,
		.latencies = old ? rows :
				   min_of(rows, max_of(rows / (full ? 4 : 8), LATENCIES_LEAST)),
		.tasks = power_of_two(max_of(rows / 4, TASKS_LEAST)),
		.anchors = max_of(rows / 2, ANCHORS_LEAST),
		.followed = follow ? FOLLOWED_MOST : 1,
	};
}
