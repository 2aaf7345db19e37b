// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "model/latency.h"
#include "stall.h"

#pragma GCC diagnostic ignored "-Wunknown-pragmas" /* clang's unroll */
#include "bpf/bucket.bpf.h"

static void a_row_without_stalls_has_none(void **state)
{
	struct row row = {};
	struct latency_counts delta = latency_delta(&row);

	(void)state;
	assert_false(latency_moved(&row));
	assert_int_equal(delta.count, 0);
	assert_int_equal(latency_stalls(&row).max_ns, 0);
}

static void deltas_are_of_the_interval_the_maximum_of_all(void **state)
{
	struct row row = {};
	struct latency_counts delta;
	struct stalls stalls;

	(void)state;
	stall(&row, UINT64_C(1) << 35);
	row.latency->before = row.latency->now;
	assert_false(latency_moved(&row));
	stall(&row, 4096);
	stall(&row, 300);
	stall(&row, 200);
	stall(&row, UINT64_C(1) << 34);
	assert_true(latency_moved(&row));
	delta = latency_delta(&row);
	assert_int_equal(delta.count, 4);
	assert_int_equal(delta.sum_ns, 4596 + (UINT64_C(1) << 34));
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		assert_int_equal(delta.buckets[i],
				 i == 0 || i == 1 || i == 4 || i == LATENCY_BUCKETS - 1);
	stalls = latency_stalls(&row);
	assert_int_equal(stalls.count, 4);
	assert_int_equal(stalls.sum_ns, 4596 + (UINT64_C(1) << 34));
	assert_int_equal(stalls.max_ns, UINT64_C(1) << 35);
	free(row.latency);
}

static void sums_add_up(void **state)
{
	struct stalls stalls = { .count = 1, .sum_ns = 10, .max_ns = 10 };
	struct latency_counts sum = {};
	struct row row = {};

	(void)state;
	stall(&row, 256);
	stall(&row, UINT64_C(1) << 34);
	stall(&row, (UINT64_C(1) << 34) + 1); /* longer than any bucket */
	for (int i = 0; i < 2; i++)
		latency_add(&sum, &row.latency->now);
	assert_int_equal(sum.count, 6);
	assert_int_equal(sum.sum_ns, 2 * row.latency->now.sum_ns);
	assert_int_equal(sum.buckets[0], 2);
	assert_int_equal(sum.buckets[LATENCY_BUCKETS - 1], 2);
	stalls_add(&stalls, &(struct stalls){ .count = 2, .sum_ns = 30, .max_ns = 29 });
	stalls_add(&stalls, &(struct stalls){ .count = 1, .sum_ns = 5, .max_ns = 5 });
	assert_int_equal(stalls.count, 4);
	assert_int_equal(stalls.sum_ns, 45);
	assert_int_equal(stalls.max_ns, 29);
	free(row.latency);
}

static void bounds_are_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(latency_bound_ns(0), 256);
	assert_int_equal(latency_bound_ns(4), 4096);
	assert_int_equal(latency_bound_ns(LATENCY_BUCKETS - 1), 17179869184);
}

/* The kernel side counts a stall in the bucket of the smallest bound that is not below it. */
static void stalls_are_counted_below_their_bound(void **state)
{
	(void)state;
	assert_int_equal(bucket_of(0), 0);
	assert_int_equal(bucket_of(1), 0);
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
		assert_int_equal(bucket_of(latency_bound_ns(i)), i);
		assert_int_equal(bucket_of(latency_bound_ns(i) + 1), i + 1);
	}
	assert_true(bucket_of(UINT64_MAX) >= LATENCY_BUCKETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_without_stalls_has_none),
		cmocka_unit_test(deltas_are_of_the_interval_the_maximum_of_all),
		cmocka_unit_test(sums_add_up),
		cmocka_unit_test(bounds_are_powers_of_two),
		cmocka_unit_test(stalls_are_counted_below_their_bound),
	};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
