// SPDX-License-Identifier: GPL-2.0-only
#include "collect/map_sizes.h"

#define ROWS_DEFAULT 32768
/* Before Linux 6.1 each row has its latency. */
#define ROWS_DEFAULT_OLD 16384
/* So many CPUs make do with that; twice as many get twice as many rows, up to ROWS_DEFAULT_MOST. */
#define CPUS_OF_DEFAULT 16
#define ROWS_DEFAULT_MOST 262144
/* A machine has about so many threads that fault, and mappings that move, whatever the table of rows. */
#define TASKS_LEAST 8192
#define ANCHORS_LEAST 16384
/* A small table is one for tests: each row may have stalls. */
#define LATENCIES_LEAST 1024
#define FOLLOWED_MOST 65536

static uint32_t larger(uint32_t left, uint32_t right)
{
	return left > right ? left : right;
}

static uint32_t smaller(uint32_t left, uint32_t right)
{
	return left < right ? left : right;
}

static uint32_t default_rows(bool old, uint32_t n_cpus)
{
	uint32_t rows = old ? ROWS_DEFAULT_OLD : ROWS_DEFAULT;

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
	uint32_t rows = max_rows ?: default_rows(old, n_cpus);
	uint32_t timed = full ? rows / 2 : rows / 8;

	return (struct map_sizes){
		.rows = rows,
		.latencies = old ? rows : smaller(rows, larger(timed, LATENCIES_LEAST)),
		.tasks = power_of_two(larger(rows / 4, TASKS_LEAST)),
		.anchors = larger(rows / 2, ANCHORS_LEAST),
		.followed = follow ? FOLLOWED_MOST : 1,
	};
}
