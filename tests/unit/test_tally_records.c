// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/util.h"
#include "model/kinds.h"
#include "sink/tally_records.h"

/* Two mappings, of which one has a name that needs quotation marks, and a rest. */
static char *print(int (*write)(const struct tally_records_view *, const struct tallies *, FILE *),
		   enum grouping_by by)
{
	const struct tally_records_view view = { .by = by,
						 .page_size = 4096,
						 .interval_ns = 2000000000,
						 .ts = { 1795342136, 123456789 },
						 .has_titles = true };
	struct tally first = { .group = "",
			       .name = "/a \"b\", c\n",
			       .tgid = 7,
			       .comm = "x,y",
			       .perms = "rw-p",
			       .map_start = 0x1000,
			       .n_processes = 1,
			       .counts = { .minor = 3, .denied = 1, .pages = 3 },
			       .ledger = { .copied = 2 },
			       .growth_bytes = -5,
			       .by_kind = { [KIND_COW] = 3, [KIND_DENIED_BUS] = 1 },
			       .stalls = { .count = 2, .sum_ns = 900, .max_ns = 600 },
			       .by_cause = { [STALL_CPU] = 900 } };
	struct tally second = { .name = "[heap]",
				.counts = { .minor = 2 },
				.ledger = { .brought = 10240 },
				.largest_bytes = 4 << 20 };
	struct tally *list[] = { &first, &second };
	struct tallies tallies = { .list = list,
				   .count = 2,
				   .shown = 2,
				   .n_rest = 5,
				   .rest = { .name = "", .counts = { .minor = 10 } },
				   .total = { .name = "",
					      .counts = { .minor = 15, .denied = 1 } } };
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_int_equal(write(&view, &tallies, stream), 0);
	fclose(stream);
	return text;
}

static void csv_is_quoted_where_it_must_be(void **state)
{
	autofree char *mappings = print(tally_records_csv, BY_MAPPING);
	autofree char *rows = print(tally_records_csv, BY_ROW);

	(void)state;
	assert_string_equal(
		mappings,
		"ts,by,name,pid,comm,processes,mappings,minor,major,denied,gup,stalls,stall_ns,"
		"stall_max_ns,rss_bytes,vsz_bytes,bytes,copied_bytes,brought_bytes,times,growth_bytes,"
		"kinds,causes_ns,access,mode,perms,map_start\n"
		"2026-11-22T10:08:56.123Z,mapping,\"/a \"\"b\"\", c\\x0a\",7,\"x,y\",1,0,3,0,1,0,2,"
		"900,600,0,0,12288,8192,0,0,-5,cow:3 denied_bus:1,cpu:900,,,,\n"
		"2026-11-22T10:08:56.123Z,mapping,[heap],0,,0,0,2,0,0,0,0,0,0,0,0,0,0,41943040,10,0,,,,,,\n"
		"2026-11-22T10:08:56.123Z,mapping,(rest),0,,0,0,10,0,0,0,0,0,0,0,0,0,0,0,0,0,,,,,,\n");
	assert_non_null(strstr(rows, ",cow:3 denied_bus:1,cpu:900,unknown,user,rw-p,1000\n"));
}

static json_int_t minor_of(const json_t *object)
{
	return json_integer_value(json_object_get(object, "minor"));
}

static void json_has_lines_the_rest_and_the_total(void **state)
{
	autofree char *text = print(tally_records_json, BY_ROW);
	json_t *root = json_loads(text, 0, NULL), *lines = json_object_get(root, "lines");

	(void)state;
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 0), "name")),
			    "/a \"b\", c\\x0a");
	assert_int_equal(minor_of(json_array_get(lines, 0)), 3);
	assert_int_equal(json_integer_value(json_object_get(root, "n_rest")), 5);
	assert_int_equal(minor_of(json_object_get(root, "rest")), 10);
	assert_int_equal(minor_of(json_object_get(root, "total")), 15);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_is_quoted_where_it_must_be),
		cmocka_unit_test(json_has_lines_the_rest_and_the_total),
	};

	return cmocka_run_group_tests_name("tally_records", tests, NULL, NULL);
}
