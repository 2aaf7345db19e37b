// SPDX-License-Identifier: GPL-2.0-only
/* How rows get from the kernel's table into the snapshot, and out of the table. The test
 * counts as the BPF programs would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 32768     /* the default: a table with a third in reserve */
#define ROW_LINES 2048 /* a power of two */
#include "row_table_fixture.h"
#include "collect/collector_kernel.h"
#include "collect/names.h"
#include "collect/rows.h"

static struct fixture *kernel; /* the only one */
static bool was_refused[ROWS + 1], is_forgotten[ROWS + 1], was_used[ROWS + 1];

struct row_table *kernel_rows(const struct kernel *unused)
{
	(void)unused;
	return kernel->table;
}

int kernel_drain(struct kernel *unused)
{
	(void)unused;
	return 0;
}

/* Programs take all that is free while a quiet moment is waited for. */
static bool take_all_meanwhile;

int kernel_quiesce(struct kernel *unused)
{
	(void)unused;
	while (take_all_meanwhile && take_row(kernel))
		;
	return 0;
}

/* The kernel takes every fifth out at the second try only. */
int kernel_forget_rows(struct kernel *unused, uint32_t *indexes, size_t count, size_t *ret_count)
{
	(void)unused;
	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t index = indexes[i];

		if (index % 5 == 0 && !was_refused[index]) {
			was_refused[index] = true;
			continue;
		}
		is_forgotten[index] = true;
		indexes[i] = indexes[*ret_count];
		indexes[(*ret_count)++] = index;
	}
	return 0;
}

struct collected {
	struct snapshot *snapshot;
	struct names *names;
	struct contexts *contexts;
	struct rows *rows;
	uint64_t tick;
};

static int collected_set_up(void **state)
{
	struct collected *collected = calloc(1, sizeof(*collected));
	void *table;

	memset(was_used, 0, sizeof(was_used));
	take_all_meanwhile = false;
	assert_int_equal(set_up(&table), 0);
	kernel = table;
	collected->snapshot = snapshot_new();
	collected->names = names_new(snapshot_strings(collected->snapshot));
	collected->contexts = contexts_new(collected->names, NULL, NULL);
	collected->rows = rows_new(NULL, collected->snapshot, collected->names,
				   collected->contexts);
	assert_non_null(collected->rows);
	*state = collected;
	return 0;
}

static int collected_tear_down(void **state)
{
	struct collected *collected = *state;
	void *table = kernel;

	rows_free(collected->rows);
	contexts_free(collected->contexts);
	names_free(collected->names);
	snapshot_free(collected->snapshot);
	free(collected);
	return tear_down(&table);
}

/* A fault of `pages` pages in a mapping of the process; the index of its row. */
static uint32_t fault(uint32_t tgid, uint64_t anchor, uint64_t pages)
{
	uint32_t index = take_row(kernel);

	assert_int_not_equal(index, 0);
	/* Free is only what no key leads to. */
	assert_true(is_forgotten[index] || !was_used[index]);
	is_forgotten[index] = false;
	was_refused[index] = false;
	was_used[index] = true;
	kernel->values[index].minor = 1;
	kernel->values[index].pages = pages;
	kernel->keys[index] = (struct row_key){ .start_ns = 1,
						.tgid = tgid,
						.anchor = anchor,
						.kind = KIND_DEMAND_ZERO,
						.mode_class = MODE_CLASS(MODE_USER, MAPPING_ANON) };
	kernel->moved[index] = 1;
	return index;
}

static void begin_tick(struct collected *collected)
{
	snapshot_begin(collected->snapshot);
	collected->tick++;
}

static void end_tick(struct collected *collected)
{
	struct timespec now = {};

	assert_int_equal(rows_tick(collected->rows, collected->tick), 0);
	snapshot_seal(collected->snapshot, now, 1);
	assert_int_equal(rows_release_ended(collected->rows, false), 0);
}

/* Room is made while a tick reads: what it has not come to yet is read all the same, for its
 * process is reported as ended in this tick. */
static void a_tick_that_makes_room_reads_all(void **state)
{
	struct collected *collected = *state;
	uint64_t rows = 0;

	for (uint32_t round = 1; round <= 3; round++) {
		begin_tick(collected);
		for (uint32_t i = 0; i < ROWS / 8 * 5; i++, rows++)
			fault(round * 100 + i % 50 + 1, i, 1);
		for (uint32_t i = 1; i <= 50; i++)
			snapshot_process(collected->snapshot, round * 100 + i, 1, NULL)->ended =
				true;
		end_tick(collected);
		assert_int_equal(collected->snapshot->totals.minor, rows);
		assert_int_equal(collected->snapshot->n_processes, 50);
	}
	assert_int_equal(collected->snapshot->totals.late, 0);
}

/* How many of these rows, of fifty processes, have to be made anew in five ticks in each of which all
 * move. */
static size_t count_made_anew(struct collected *collected, uint32_t *indexes, uint32_t count)
{
	size_t made = 0;

	for (int tick = 0; tick < 5; tick++) {
		begin_tick(collected);
		for (uint32_t i = 1; i <= 50; i++)
			snapshot_process(collected->snapshot, i, 1, NULL);
		for (uint32_t i = 0; i < count; i++) {
			uint32_t index = indexes[i];

			if (!index || is_forgotten[index]) {
				made += index != 0;
				indexes[i] = fault(i % 50 + 1, i, 1);
				continue;
			}
			kernel->values[index].minor++;
			kernel->moved[index] = 1;
		}
		assert_int_equal(rows_make_room_in_tick(collected->rows), 0);
		end_tick(collected);
		assert_int_equal(collected->snapshot->totals.minor, count * (tick + 1));
	}
	return made;
}

/* What moves in each tick stays in the table as long as the programs have their reserve beside it;
 * beyond, it is counted all the same. */
static void a_working_set_that_fits_stays(void **state)
{
	uint32_t *indexes = calloc(ROWS, sizeof(*indexes));

	assert_int_equal(count_made_anew(*state, indexes, ROWS - ROWS_IN_RESERVE(ROWS)), 0);
	free(indexes);
}

static void a_working_set_that_does_not_fit_leaves_a_reserve(void **state)
{
	struct collected *collected = *state;
	uint32_t *indexes = calloc(ROWS, sizeof(*indexes));

	assert_int_not_equal(count_made_anew(collected, indexes, ROWS - ROWS_IN_RESERVE(ROWS) + 1),
			     0);
	assert_true(ROWS - row_table_used(kernel->table) >= ROWS_IN_RESERVE(ROWS));
	free(indexes);
}

/* The first rows that go have no stalls: room for stalls comes with later ones. */
static void latencies_make_room_and_the_table_listens(void **state)
{
	struct collected *collected = *state;

	begin_tick(collected);
	snapshot_process(collected->snapshot, 1, 1, NULL);
	for (uint32_t i = 0; i < 2000; i++)
		fault(1, i, 1);
	for (uint32_t i = 1; i <= LATENCIES / 2 + 1; i++)
		kernel->values[fault(1, 2000 + i, 1)].latency = i;
	kernel->free_latencies.taken = LATENCIES / 2 + 1;
	end_tick(collected);
	kernel->filling_told = 1;
	assert_int_equal(rows_make_room(collected->rows), 0);
	assert_int_equal(kernel->filling_told, 0);
	assert_true(row_table_latencies_used(kernel->table) <= ROWS / 4);
}

/* Programs take rows faster than room is made: there is no reserve again, but what was given back is
 * worth another call. */
static void a_table_that_fills_meanwhile_listens(void **state)
{
	struct collected *collected = *state;

	begin_tick(collected);
	snapshot_process(collected->snapshot, 1, 1, NULL);
	for (uint32_t i = 0; i <= ROWS - ROWS_IN_RESERVE(ROWS); i++)
		fault(1, i, 1);
	end_tick(collected);
	kernel->filling_told = 1;
	take_all_meanwhile = true;
	assert_int_equal(rows_make_room(collected->rows), 0);
	assert_true(ROWS - row_table_used(kernel->table) < ROWS_IN_RESERVE(ROWS));
	assert_int_equal(kernel->filling_told, 0);
}

/* 12 ms of two CPUs that only make rows, or half of a table that has no more. */
static void a_small_table_is_half_reserve(void **state)
{
	(void)state;
	assert_int_equal(ROWS_IN_RESERVE(4096), 2048);
	assert_int_equal(ROWS_IN_RESERVE(16384), 8192);
	assert_int_equal(ROWS_IN_RESERVE(24576), 8192);
	assert_int_equal(ROWS_IN_RESERVE(32768), 10922);
	assert_int_equal(ROWS_IN_RESERVE(262144), 87381);
}

/* Of huge pages more than 2^32 between two ticks, as while the daemon was stopped. */
static void many_pages_between_two_ticks(void **state)
{
	struct collected *collected = *state;
	uint32_t index;

	begin_tick(collected);
	snapshot_process(collected->snapshot, 7, 1, NULL);
	index = fault(7, 1, 512);
	end_tick(collected);
	begin_tick(collected);
	kernel->values[index].minor += 10000000;
	kernel->values[index].pages += 10000000ULL * 512;
	kernel->moved[index] = 1;
	end_tick(collected);
	assert_int_equal(collected->snapshot->rows[0]->now.minor, 10000001);
	assert_int_equal(collected->snapshot->rows[0]->now.pages, 10000001ULL * 512);
}

/* The counters in the table wrap at 2^32. */
static void faults_that_wrap(void **state)
{
	struct collected *collected = *state;
	uint32_t index;

	begin_tick(collected);
	snapshot_process(collected->snapshot, 7, 1, NULL);
	index = fault(7, 1, 1);
	for (int i = 0; i < 3; i++) {
		end_tick(collected);
		begin_tick(collected);
		kernel->values[index].minor += 3000000000;
		kernel->moved[index] = 1;
	}
	end_tick(collected);
	assert_int_equal(collected->snapshot->rows[0]->now.minor, 9000000001);
}

/* A window over a file that has moved, maybe while its row was out of the table. */
static void a_window_has_no_bound(void **state)
{
	struct collected *collected = *state;
	uint32_t index;

	begin_tick(collected);
	snapshot_process(collected->snapshot, 7, 1, NULL);
	index = fault(7, 1, 1);
	kernel->values[index].extent = (struct extent){ 4096, 8192, 0 };
	kernel->values[index].largest = 1;
	end_tick(collected);
	assert_int_equal(collected->snapshot->rows[0]->largest, 1);
	begin_tick(collected);
	kernel->values[index].minor++;
	kernel->values[index].extent.offset = 4096;
	kernel->moved[index] = 1;
	end_tick(collected);
	assert_int_equal(collected->snapshot->rows[0]->largest, SIZE_CODE_WINDOW);
}

/* A program has taken a latency for its row, and not written to it yet. */
static void a_latency_that_is_empty_is_none(void **state)
{
	struct collected *collected = *state;
	const struct row *row;
	uint32_t index;

	begin_tick(collected);
	snapshot_process(collected->snapshot, 7, 1, NULL);
	index = fault(7, 1, 1);
	kernel->values[index].latency = 1;
	end_tick(collected);
	row = collected->snapshot->rows[0];
	assert_int_equal(row->now.minor, 1);
	assert_null(row->latency);
	begin_tick(collected);
	kernel->latencies[1] = (struct latency){ .count = 1, .sum_ns = 30, .max_ns = 30 };
	kernel->causes[1].count[STALL_CPU] = 1;
	kernel->causes[1].sum_ns[STALL_CPU] = 30;
	kernel->moved[index] = 1;
	end_tick(collected);
	assert_non_null(row->latency);
	assert_int_equal(row->latency->now.count, 1);
	assert_int_equal(row->latency->now.sum_ns, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tick_that_makes_room_reads_all, collected_set_up,
						collected_tear_down),
		cmocka_unit_test_setup_teardown(a_working_set_that_fits_stays, collected_set_up,
						collected_tear_down),
		cmocka_unit_test_setup_teardown(a_working_set_that_does_not_fit_leaves_a_reserve,
						collected_set_up, collected_tear_down),
		cmocka_unit_test(a_small_table_is_half_reserve),
		cmocka_unit_test_setup_teardown(many_pages_between_two_ticks, collected_set_up,
						collected_tear_down),
		cmocka_unit_test_setup_teardown(faults_that_wrap, collected_set_up,
						collected_tear_down),
		cmocka_unit_test_setup_teardown(a_window_has_no_bound, collected_set_up,
						collected_tear_down),
		cmocka_unit_test_setup_teardown(latencies_make_room_and_the_table_listens,
						collected_set_up, collected_tear_down),
		cmocka_unit_test_setup_teardown(a_table_that_fills_meanwhile_listens,
						collected_set_up, collected_tear_down),
		cmocka_unit_test_setup_teardown(a_latency_that_is_empty_is_none, collected_set_up,
						collected_tear_down),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
