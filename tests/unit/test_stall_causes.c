// SPDX-License-Identifier: GPL-2.0-only
/* Words and sums of what stalls were for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/stall_causes.h"
#include "stall.h"

static void each_cause_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(stall_cause_name(i), stall_cause_name(j));
	assert_string_equal(stall_cause_name(STALL_CAUSE_COUNT), "unknown");
	assert_string_equal(stall_cause_name(STALL_PAGE_WAIT), "page_wait");
}

static void the_longest_comes_first(void **state)
{
	struct cause_counts counts = { .sum_ns = { [STALL_CPU] = 5,
						   [STALL_DISK] = 90,
						   [STALL_LOCK] = 90,
						   [STALL_UNKNOWN] = 7 } };
	unsigned int order[STALL_CAUSE_COUNT];

	(void)state;
	assert_int_equal(causes_in_order(counts.sum_ns, order), 4);
	assert_int_equal(order[0], STALL_LOCK); /* of equal ones the first of the list */
	assert_int_equal(order[1], STALL_DISK);
	assert_int_equal(order[2], STALL_UNKNOWN);
	assert_int_equal(order[3], STALL_CPU);
	assert_int_equal(causes_worst(counts.sum_ns), STALL_LOCK);
	assert_int_equal(causes_sum(counts.sum_ns), 192);
}

static void where_there_is_none_there_is_no_worst(void **state)
{
	struct cause_counts counts = {};

	(void)state;
	assert_int_equal(causes_worst(counts.sum_ns), STALL_CAUSE_COUNT);
	assert_int_equal(causes_sum(counts.sum_ns), 0);
}

static void a_delta_is_of_the_interval(void **state)
{
	struct row row = {};
	struct cause_counts delta;

	(void)state;
	assert_false(causes_are_told(&row));
	stall_for(&row, STALL_DISK, 100);
	assert_true(causes_are_told(&row));
	row.latency->causes->before = row.latency->causes->now;
	stall_for(&row, STALL_DISK, 30);
	stall_for(&row, STALL_CPU, 2);
	delta = causes_delta(&row);
	assert_int_equal(delta.count[STALL_DISK], 1);
	assert_int_equal(delta.sum_ns[STALL_DISK], 30);
	assert_int_equal(causes_sum(delta.sum_ns), 32);
	causes_add(&delta, &delta);
	assert_int_equal(delta.sum_ns[STALL_CPU], 4);
	assert_int_equal(delta.count[STALL_CPU], 2);
	free(row.latency->causes);
	free(row.latency);
}

static void stalls_without_known_causes_have_none(void **state)
{
	struct row row = {};
	struct cause_counts delta;

	(void)state;
	stall(&row, 100);
	assert_false(causes_are_told(&row));
	delta = causes_delta(&row);
	assert_int_equal(causes_sum(delta.sum_ns), 0);
	free(row.latency);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cause_has_a_name_of_its_own),
		cmocka_unit_test(the_longest_comes_first),
		cmocka_unit_test(where_there_is_none_there_is_no_worst),
		cmocka_unit_test(a_delta_is_of_the_interval),
		cmocka_unit_test(stalls_without_known_causes_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
