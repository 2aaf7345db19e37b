// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/refault_counter.h"

static void version_2_has_one_of_each(void **state)
{
	uint64_t anon = 0, file = 0;

	(void)state;
	assert_true(refault_counter_parse("anon 4096\nworkingset_refault_anon 12\n"
					  "workingset_refault_file 3456\npgscan 1\n",
					  &anon, &file));
	assert_int_equal(anon, 12);
	assert_int_equal(file, 3456);
}

static void version_1_is_read_with_all_below(void **state)
{
	uint64_t anon = 0, file = 0;

	(void)state;
	assert_true(refault_counter_parse("workingset_refault_anon 1\nworkingset_refault_file 2\n"
					  "total_workingset_refault_anon 30\n"
					  "total_workingset_refault_file 40",
					  &anon, &file));
	assert_int_equal(anon, 30);
	assert_int_equal(file, 40);
}

static void without_both_nothing_is_known(void **state)
{
	uint64_t anon, file;

	(void)state;
	assert_false(refault_counter_parse("", &anon, &file));
	assert_false(refault_counter_parse("workingset_refault_file 7\n", &anon, &file));
	/* Linux before 5.9, and names that only begin so. */
	assert_false(refault_counter_parse("workingset_refault 7\nworkingset_refault_anon_x 1\n",
					   &anon, &file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_2_has_one_of_each),
		cmocka_unit_test(version_1_is_read_with_all_below),
		cmocka_unit_test(without_both_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
