// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's table of rows, as user space reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS 100
#define ROW_LINES 8 /* a power of two */
#include "row_table_fixture.h"
#include "range.h"

static void every_index_is_free_once(void **state)
{
	struct fixture *fixture = *state;
	bool seen[ROWS + 1] = {};
	uint32_t index;

	for (int i = 0; i < ROWS; i++) {
		index = take_row(fixture);
		assert_in_range(index, 1, ROWS);
		assert_false(seen[index]);
		seen[index] = true;
		assert_int_equal(row_table_used(fixture->table), i + 1);
	}
	assert_int_equal(take_row(fixture), 0);
}

/* The list comes round many times. */
static void what_is_given_back_is_taken_again(void **state)
{
	struct fixture *fixture = *state;
	uint32_t held[ROWS];

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < ROWS; i++)
			held[i] = take_row(fixture);
		assert_int_equal(take_row(fixture), 0);
		for (int i = 0; i < ROWS; i++)
			assert_int_equal(row_table_give(fixture->table, held[(i * 7) % ROWS]), 0);
		assert_int_equal(row_table_used(fixture->table), 0);
	}
}

static void a_given_row_is_clean(void **state)
{
	struct fixture *fixture = *state;
	uint32_t index = take_row(fixture);

	fixture->values[index] = (struct row_value){ .minor = 7, .latency = 3, .user = 5 };
	fixture->latencies[3].count = 9;
	fixture->causes[3].count[STALL_DISK] = 9;
	fixture->keys[index].tgid = 4097;
	fixture->shares->of_process[1].rows = 2;
	fixture->shares->of_user[5] = 2;
	fixture->free_latencies.taken = 1;
	row_table_set_moved(fixture->table, index, true);
	assert_int_equal(row_table_latency(fixture->table, index)->count, 9);
	assert_int_equal(row_table_causes(fixture->table, index)->count[STALL_DISK], 9);
	assert_int_equal(row_table_latencies_used(fixture->table), ROWS / LATENCIES);
	assert_int_equal(row_table_give(fixture->table, index), 0);
	assert_int_equal(fixture->values[index].minor, 0);
	assert_null(row_table_latency(fixture->table, index));
	assert_null(row_table_causes(fixture->table, index));
	assert_int_equal(fixture->latencies[3].count, 0);
	assert_int_equal(fixture->causes[3].count[STALL_DISK], 0);
	assert_int_equal(fixture->shares->of_process[1].rows, 1);
	assert_int_equal(fixture->shares->of_user[5], 1);
	assert_int_equal(row_table_latencies_used(fixture->table), 0);
	assert_false(row_table_has_moved(fixture->table, index));
}

static void moved_rows_are_found_and_no_others(void **state)
{
	static const uint32_t moved[] = { 1, 7, 8, 63, 64, 65, ROWS };
	struct fixture *fixture = *state;
	uint32_t cursor = 0;

	assert_int_equal(row_table_next_moved(fixture->table, &cursor), 0);
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++)
		row_table_set_moved(fixture->table, moved[i], true);
	cursor = 0;
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++)
		assert_int_equal(row_table_next_moved(fixture->table, &cursor), moved[i]);
	assert_int_equal(row_table_next_moved(fixture->table, &cursor), 0);
}

/* A program that is not ours to trust may have left anything. */
static void a_latency_beyond_the_last_is_none(void **state)
{
	struct fixture *fixture = *state;

	fixture->values[1].latency = LATENCIES + 1;
	assert_null(row_table_latency(fixture->table, 1));
}

static void listening_takes_the_telling_back(void **state)
{
	struct fixture *fixture = *state;

	fixture->filling_told = 1;
	row_table_listen(fixture->table);
	assert_int_equal(fixture->filling_told, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_index_is_free_once),
		TEST(what_is_given_back_is_taken_again),
		TEST(a_given_row_is_clean),
		TEST(moved_rows_are_found_and_no_others),
		TEST(a_latency_beyond_the_last_is_none),
		TEST(listening_takes_the_telling_back),
	};

	return cmocka_run_group_tests_name("row_table", tests, NULL, NULL);
}
