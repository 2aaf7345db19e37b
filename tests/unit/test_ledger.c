// SPDX-License-Identifier: GPL-2.0-only
/* The ledger of memory: how much was faulted in, how much stays, and how often it was the same memory, as far as
 * that can be proven. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "model/grouping.h"
#include "model/ledger.h"
#include "picture.h"

/* A size is never told smaller than it is, nor a thousandth too large. */
static void sizes_are_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(ledger_size_code(0), 0);
	for (unsigned int bits = 12; bits < 57; bits++) {
		for (int64_t off = -4096; off <= 4096; off += 4096) {
			uint64_t bytes = (UINT64_C(3) << bits >> 1) + (uint64_t)off;
			uint64_t told = size_of_code(ledger_size_code(bytes));

			assert_true(told >= bytes);
			assert_true(told <= bytes + bytes / 1000 + 4096);
			assert_int_equal(ledger_size_code(told), ledger_size_code(bytes));
			assert_true(ledger_size_code(bytes + 4096) >= ledger_size_code(bytes));
		}
	}
	assert_int_equal(size_of_code(ledger_size_code(4096)), 4096);
	assert_int_equal(size_of_code(ledger_size_code(4097)), 8192);
	assert_int_equal(size_of_code(SIZE_CODE_WINDOW), UINT64_C(1) << 62);
	assert_int_equal(ledger_size_code(UINT64_C(1) << 62), SIZE_CODE_WINDOW);
}

static void only_what_becomes_resident_is_brought(void **state)
{
	const struct fault_counts counts = { .minor = 3, .pages = 5 };
	struct row row = { .mapping = "[anon]", .access = ACCESS_WRITE };
	struct ledger ledger;

	(void)state;
	row.kind = KIND_DEMAND_ZERO;
	assert_int_equal(ledger_of(&row, &counts).brought, 5);
	row.access = ACCESS_READ; /* the zero page */
	assert_int_equal(ledger_of(&row, &counts).brought, 0);
	row.kind = KIND_FILE_MAP;
	assert_int_equal(ledger_of(&row, &counts).brought, 5);
	row.kind = KIND_HUGETLB;
	assert_int_equal(ledger_of(&row, &counts).brought, 0);
	row.kind = KIND_COW;
	assert_int_equal(ledger_of(&row, &counts).brought, 0);
	assert_int_equal(ledger_of(&row, &counts).copied, 5);
	row.mapping = "/lib";
	assert_int_equal(ledger_of(&row, &counts).copied, 0);
	row.kind = KIND_FILE_MAP;
	ledger = ledger_of(&row, &counts);
	assert_int_equal(ledger_may_repeat(&ledger), 5);
	row.largest = SIZE_CODE_WINDOW; /* each page of the file once */
	ledger = ledger_of(&row, &counts);
	assert_int_equal(ledger.brought, 5);
	assert_int_equal(ledger_may_repeat(&ledger), 0);
}

/* By kind; of memory that is zero at first only what is written to. */
static void each_kind_brings_or_does_not(void **state)
{
	static const struct {
		bool by_write, by_read;
	} brings[KIND_COUNT] = {
		[KIND_DEMAND_ZERO] = { true, false },  [KIND_HUGE_ZERO] = { true, false },
		[KIND_STACK_GROWTH] = { true, false }, [KIND_FILE_MAP] = { true, true },
		[KIND_FILE_COW] = { true, true },      [KIND_SHMEM] = { true, true },
		[KIND_SWAP_IN] = { true, true },       [KIND_POPULATE] = { true, true },
	};
	const struct fault_counts counts = { .pages = 5 };
	struct row row = { .mapping = "[anon]" };

	(void)state;
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++) {
		row.kind = (uint8_t)kind;
		row.access = ACCESS_WRITE;
		assert_int_equal(ledger_of(&row, &counts).brought, brings[kind].by_write ? 5 : 0);
		row.access = ACCESS_READ;
		assert_int_equal(ledger_of(&row, &counts).brought, brings[kind].by_read ? 5 : 0);
	}
}

static void ledgers_add_up(void **state)
{
	struct ledger sum = { .copied = 1, .brought = 20, .passed = 3 };

	(void)state;
	ledger_add(&sum, &(struct ledger){ .copied = 100, .brought = 2000, .passed = 300 });
	assert_int_equal(sum.copied, 101);
	assert_int_equal(sum.brought, 2020);
	assert_int_equal(sum.passed, 303);
	assert_int_equal(ledger_may_repeat(&sum), 2020 - 303);
}

static void at_least_twice_counts(void **state)
{
	(void)state;
	assert_int_equal(ledger_times(4 * MIB, 2 * MIB), 2);
	assert_int_equal(ledger_times(4 * MIB, 2 * MIB + 1), 0);
	assert_int_equal(ledger_times(4 * MIB - 1, MIB), 0);
	assert_int_equal(ledger_times(16 * MIB, 2 * MIB), 8);
	assert_int_equal(ledger_times(16 * MIB, 9 * MIB), 0);
	assert_int_equal(ledger_times(2 * MIB, MIB), 0); /* too little to be told of */
	assert_int_equal(ledger_times(16 * MIB, 0), 0);
	assert_int_equal(ledger_times(16 * MIB, LEDGER_NO_BOUND), 0);
}

static struct row *touched(struct snapshot *snapshot, struct process *process, uint64_t id,
			   uint64_t size, uint64_t pages)
{
	struct row *row = add_row(snapshot, process, id, "[anon]", "rw-p", KIND_DEMAND_ZERO,
				  ACCESS_WRITE, size, pages, 0);

	row->largest = ledger_size_code(size);
	return row;
}

/* The times of the line of this name, and in all lines. */
static uint64_t times_in(struct snapshot *snapshot, enum grouping_by by)
{
	const struct grouping_options options = { .by = by, .sums_up = true };
	const struct tallies_view view = { .sort = SORT_FAULTS };
	struct grouping *grouping = grouping_new(&options);
	struct tallies tallies;
	uint64_t times = 0;

	assert_non_null(grouping);
	assert_int_equal(grouping_add(grouping, snapshot), 0);
	assert_int_equal(grouping_tallies(grouping, &view, &tallies), 0);
	for (size_t i = 0; i < tallies.count; i++)
		times = max_of(times, tally_times(tallies.list[i], 4096));
	tallies_clear(&tallies);
	grouping_free(grouping);
	return times;
}

/* Of a mapping no more is resident than it was large, nor than its process ever had. */
static void both_bounds_hold(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "loop", 900 * MIB, 600 * MIB);

	(void)state;
	touched(snapshot, process, 1, 4 * MIB, 100 * 1024); /* 400 MiB in 4 */
	seal(snapshot, 1);
	assert_int_equal(times_in(snapshot, BY_MAPPING), 100);
	assert_int_equal(times_in(snapshot, BY_PROCESS), 0); /* 400 MiB in 600 */
	process->peak_rss_bytes = 2 * MIB;
	assert_int_equal(times_in(snapshot, BY_MAPPING), 200);
	assert_int_equal(times_in(snapshot, BY_PROCESS), 200);
	process->peak_rss_bytes = 0; /* not known */
	assert_int_equal(times_in(snapshot, BY_MAPPING), 100);
	assert_int_equal(times_in(snapshot, BY_PROCESS), 0);
	snapshot_free(snapshot);
}

/* Mappings that are one line can all have been there at once. */
static void mappings_of_a_line_add_up(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "many", 900 * MIB, 600 * MIB);

	(void)state;
	for (uint64_t id = 1; id <= 512; id++)
		touched(snapshot, process, id, MIB / 2, 128);
	seal(snapshot, 1);
	assert_int_equal(times_in(snapshot, BY_MAPPING), 0);
	process->peak_rss_bytes = 64 * MIB; /* but not here: 256 MiB in 64 */
	assert_int_equal(times_in(snapshot, BY_MAPPING), 4);
	snapshot_free(snapshot);
}

static void growth_adds_up(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "grow", 900 * MIB, 10 * MIB);

	(void)state;
	assert_int_equal(ledger_growth(process), 10 * MIB);
	seal(snapshot, 1);
	snapshot_begin(snapshot);
	assert_int_equal(ledger_growth(process), 0);
	process->rss_bytes = 4 * MIB;
	assert_int_equal(ledger_growth(process), -6 * (int64_t)MIB);
	seal(snapshot, 2);
	snapshot_begin(snapshot);
	process->ended = true;
	assert_int_equal(ledger_growth(process), -4 * (int64_t)MIB);
	snapshot_free(snapshot);
}

/* What a log claims may be any number. */
static void growth_stays_a_number(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", MIB, 0);
	int64_t sum = 0;

	(void)state;
	process->rss_bytes = UINT64_C(1) << 63;
	ledger_add_growth(&sum, ledger_growth(process));
	assert_int_equal(sum, -INT64_MAX);
	ledger_add_growth(&sum, -INT64_MAX);
	assert_int_equal(sum, -INT64_MAX);
	for (int i = 0; i < 3; i++)
		ledger_add_growth(&sum, INT64_MAX);
	assert_int_equal(sum, INT64_MAX);
	snapshot_free(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_rounded_up),
		cmocka_unit_test(only_what_becomes_resident_is_brought),
		cmocka_unit_test(each_kind_brings_or_does_not),
		cmocka_unit_test(ledgers_add_up),
		cmocka_unit_test(at_least_twice_counts),
		cmocka_unit_test(both_bounds_hold),
		cmocka_unit_test(mappings_of_a_line_add_up),
		cmocka_unit_test(growth_adds_up),
		cmocka_unit_test(growth_stays_a_number),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
