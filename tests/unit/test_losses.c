/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../src/losses.h"

static void assert_line(const struct totals *totals, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	losses_print(totals, "apart: ", memory);
	fclose(memory);
	assert_string_equal(text, want);
	free(text);
}

static void nothing_apart_is_no_line(void **state)
{
	(void)state;
	assert_line(&(struct totals){ .entries = 6, .minor = 3, .major = 2, .denied = 1 }, "");
}

static void every_cause_is_named(void **state)
{
	(void)state;
	assert_line(&(struct totals){ .entries = 2100,
				      .minor = 97,
				      .aborted = 1000,
				      .gup = 2,
				      .lost_completions = 3,
				      .map_full = 4,
				      .unresolved = 5,
				      .names_lost = 6,
				      .exits_lost = 7,
				      .stamps_lost = 8 },
		    "apart: 1,000 aborted, 2 without an exception (GUP), 3 completions lost, "
		    "4 in \"[other]\" rows (map full), 5 without a mapping, 6 names lost, "
		    "7 exits lost, 8 stamps lost, 1,003 in flight\n");
}

static void in_flight_is_the_rest_of_the_entries(void **state)
{
	struct totals totals = {
		.entries = 20, .minor = 8, .major = 4, .denied = 2, .aborted = 1, .gup = 100
	};

	(void)state;
	assert_int_equal(losses_in_flight(&totals), 5);
	totals.entries = 14; /* the end was counted, its entry not yet read */
	assert_int_equal(losses_in_flight(&totals), 0);
}

static void other_is_the_process_without_a_pid(void **state)
{
	(void)state;
	assert_true(losses_is_other(&(struct process){ .tgid = 0, .comm = "other" }));
	assert_false(losses_is_other(&(struct process){ .tgid = 7, .comm = "other" }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_apart_is_no_line),
		cmocka_unit_test(every_cause_is_named),
		cmocka_unit_test(in_flight_is_the_rest_of_the_entries),
		cmocka_unit_test(other_is_the_process_without_a_pid),
	};

	return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
