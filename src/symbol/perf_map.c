// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/perf_map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

struct function {
	uint64_t start;
	uint64_t end;
	size_t line;      /* a later one is right: memory is used again */
	const char *name; /* in the text */
};

struct perf_map {
	char *text; /* names end with a NUL in place of their newline */
	struct function *functions;
	size_t count;
	size_t capacity;
	uint64_t longest; /* no function is */
};

static bool read_number(const char **at, uint64_t *ret_number)
{
	char *end;

	/* strtoull() takes blanks and signs, too. */
	if (!strchr("0123456789abcdefABCDEF", **at) || !**at)
		return false;
	*ret_number = strtoull(*at, &end, 16);
	*at = end;
	return true;
}

/* 0, also of a line that is none, or -1: no memory. */
static int add_line(struct perf_map *map, const char *line, size_t number)
{
	struct function function = { .line = number };
	uint64_t size;

	if (!read_number(&line, &function.start) || *line++ != ' ' || !read_number(&line, &size) ||
	    *line++ != ' ' || !*line || !size || function.start + size < function.start)
		return 0;
	function.end = function.start + size;
	function.name = line;
	map->longest = max_of(map->longest, size);
	if (map->count == map->capacity) {
		size_t capacity = map->capacity * 2 + 256;
		struct function *grown = realloc(map->functions, capacity * sizeof(*grown));

		if (!grown)
			return -1;
		map->functions = grown;
		map->capacity = capacity;
	}
	map->functions[map->count++] = function;
	return 0;
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	return a->start != b->start ? compare_u64(a->start, b->start) :
				      compare_u64(a->line, b->line);
}

struct perf_map *perf_map_parse(const char *text, size_t size)
{
	struct perf_map *map = calloc(1, sizeof(*map));
	size_t number = 0;
	char *line, *end;

	if (!map)
		return NULL;
	map->text = malloc(size + 1);
	if (!map->text) {
		free(map);
		return NULL;
	}
	memcpy(map->text, text, size);
	map->text[size] = '\0';
	for (line = map->text; line < map->text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(map->text + size - line));
		if (!end) /* it is being written */
			break;
		*end = '\0';
		if (add_line(map, line, number++) < 0) {
			perf_map_free(map);
			return NULL;
		}
	}
	if (map->count)
		qsort(map->functions, map->count, sizeof(*map->functions), compare_functions);
	return map;
}

struct perf_map *perf_map_read(int fd)
{
	autofree char *text = malloc(PERF_MAP_BYTES_MAX);
	size_t size = 0;
	ssize_t got;

	while (text && size < PERF_MAP_BYTES_MAX) {
		got = pread(fd, text + size, PERF_MAP_BYTES_MAX - size, (off_t)size);
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	return text ? perf_map_parse(text, size) : NULL;
}

void perf_map_free(struct perf_map *map)
{
	if (!map)
		return;
	free(map->functions);
	free(map->text);
	free(map);
}

/* How many functions that begin before an address are examined, as later lines replace older
 * ones. */
#define LOOKED_AT_MAX 256

const char *perf_map_find(const struct perf_map *map, uint64_t address)
{
	const struct function *best = NULL;
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->functions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i-- > 0 && low - i <= LOOKED_AT_MAX;) {
		const struct function *function = &map->functions[i];

		if (address - function->start >= map->longest)
			break;
		if (function->end > address && (!best || function->line > best->line))
			best = function;
	}
	return best ? best->name : NULL;
}
