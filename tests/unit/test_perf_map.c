// SPDX-License-Identifier: GPL-2.0-only
/* Names that a just-in-time compiler gives its code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "symbol/perf_map.h"

static struct perf_map *parse(const char *text)
{
	struct perf_map *map = perf_map_parse(text, strlen(text));

	assert_non_null(map);
	return map;
}

static void a_name_counts_within_its_size(void **state)
{
	struct perf_map *map = parse("1000 20 first\n2000 10 a name with blanks\n");

	(void)state;
	assert_null(perf_map_find(map, 0xfff));
	assert_string_equal(perf_map_find(map, 0x1000), "first");
	assert_string_equal(perf_map_find(map, 0x101f), "first");
	assert_null(perf_map_find(map, 0x1020));
	assert_string_equal(perf_map_find(map, 0x200f), "a name with blanks");
	perf_map_free(map);
}

static void the_last_line_is_right(void **state)
{
	struct perf_map *map = parse("1000 100 old\n1080 10 new\n1000 40 newer\n");

	(void)state;
	assert_string_equal(perf_map_find(map, 0x1010), "newer");
	assert_string_equal(perf_map_find(map, 0x1050), "old");
	assert_string_equal(perf_map_find(map, 0x1085), "new");
	assert_string_equal(perf_map_find(map, 0x1090), "old");
	perf_map_free(map);
}

static void other_lines_are_left_out(void **state)
{
	struct perf_map *map = parse("\nnonsense\n10 ffffffffffffffff wraps\n-10 8 sign\n"
				     "20 0 nothing\n30 8\n40 8 good\n50 8 torn");

	(void)state;
	assert_null(perf_map_find(map, 0x10));
	assert_null(perf_map_find(map, 0x20));
	assert_null(perf_map_find(map, 0x30));
	assert_string_equal(perf_map_find(map, 0x44), "good");
	assert_null(perf_map_find(map, 0x50));
	perf_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_counts_within_its_size),
		cmocka_unit_test(the_last_line_is_right),
		cmocka_unit_test(other_lines_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
