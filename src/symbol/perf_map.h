/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names that a just-in-time compiler gives its code: /tmp/perf-PID.map, as perf and others read
 * it, a line "START SIZE NAME" for each function, in hex. The program writes it, so it is not
 * trusted.
 */
#ifndef FAULTMAP_PERF_MAP_H
#define FAULTMAP_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

struct perf_map;

/* A larger map is read up to here: some 500,000 functions. */
#define PERF_MAP_BYTES_MAX (32u << 20)

/* Reads the file from its beginning. NULL: it cannot be read, or no memory. */
struct perf_map *perf_map_read(int fd);
/* The same from the text; other lines are ignored. NULL when out of memory. */
struct perf_map *perf_map_parse(const char *text, size_t size);
void perf_map_free(struct perf_map *map);
/* The function that has this address, as the last line says that does; NULL: none. Lives as long as
 * the map. */
const char *perf_map_find(const struct perf_map *map, uint64_t address);

#endif
