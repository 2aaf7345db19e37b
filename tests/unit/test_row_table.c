// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's table of rows as user space has it, on files in memory; the test takes indexes as programs do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/row_table.h"

#define ROWS 100
#define LATENCIES 20

struct fixture {
	struct row_table_parts parts;
	struct free_list free_rows, free_latencies;
	uint32_t filling_told;
	struct row_table *table;
	struct row_key *keys;
	struct row_value *values;
	struct latency *latencies;
	struct index_line *row_lines;
	struct shares *shares;
};

static void *make_map(size_t size, int *ret_fd)
{
	void *memory;

	*ret_fd = memfd_create("map", MFD_CLOEXEC);
	assert_true(*ret_fd >= 0);
	assert_int_equal(ftruncate(*ret_fd, size + 8192), 0);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct row_table_parts *parts = &fixture->parts;

	*state = fixture;
	parts->rows = ROWS;
	parts->latencies = LATENCIES;
	fixture->keys = make_map((ROWS + 1) * sizeof(struct row_key), &parts->keys_fd);
	fixture->values = make_map((ROWS + 1) * sizeof(struct row_value), &parts->values_fd);
	make_map(2 * sizeof(struct moved_line), &parts->moved_fd);
	fixture->latencies = make_map((LATENCIES + 1) * sizeof(struct latency),
				      &parts->latencies_fd);
	fixture->shares = make_map(sizeof(struct shares), &parts->shares_fd);
	make_map(sizeof(struct forget_list), &parts->forget_fd);
	fixture->row_lines = make_map(8 * sizeof(struct index_line), &parts->free_rows_fd);
	make_map(2 * sizeof(struct index_line), &parts->free_latencies_fd);
	parts->free_rows = &fixture->free_rows;
	parts->free_latencies = &fixture->free_latencies;
	parts->filling_told = &fixture->filling_told;
	assert_int_equal(row_table_open(&fixture->table, parts, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	row_table_close(fixture->table);
	free(fixture);
	return 0;
}

/* As index_take() in bpf/table.bpf.h, of 8 lines. */
static uint32_t take_row(struct fixture *fixture)
{
	uint64_t taken = fixture->free_rows.taken;

	if (taken == fixture->free_rows.given)
		return 0;
	fixture->free_rows.taken++;
	return fixture->row_lines[taken / INDEXES_IN_LINE % 8].index[taken % INDEXES_IN_LINE];
}

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
	fixture->keys[index].tgid = 4097;
	fixture->shares->of_process[1].rows = 2;
	fixture->shares->of_user[5] = 2;
	fixture->free_latencies.taken = 1;
	row_table_set_moved(fixture->table, index, true);
	assert_int_equal(row_table_latency(fixture->table, index)->count, 9);
	assert_int_equal(row_table_latencies_used(fixture->table), ROWS / LATENCIES);
	assert_int_equal(row_table_give(fixture->table, index), 0);
	assert_int_equal(fixture->values[index].minor, 0);
	assert_null(row_table_latency(fixture->table, index));
	assert_int_equal(fixture->latencies[3].count, 0);
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
