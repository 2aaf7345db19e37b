// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/losses.h"

static void assert_line(const struct totals *totals, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	losses_print(totals, memory);
	fclose(memory);
	assert_string_equal(text, want);
	free(text);
}

static void nothing_lost_is_no_line(void **state)
{
	(void)state;
	assert_line(&(struct totals){ .entries = 6, .minor = 3, .major = 2, .denied = 1 }, "");
}

static void every_cause_is_named(void **state)
{
	(void)state;
	assert_line(
		&(struct totals){ .entries = 2100,
				  .minor = 97,
				  .aborted = 1000,
				  .gup = 2,
				  .lost_completions = 3,
				  .map_full = 4,
				  .folded = 12,
				  .late = 13,
				  .latencies_lost = 14,
				  .not_followed = 15,
				  .unresolved = 5,
				  .names_lost = 6,
				  .names_cut = 10,
				  .contexts_lost = 16,
				  .stacks_incomplete = 17,
				  .stacks_sampled = 1000,
				  .stacks_lost = 18,
				  .cgroups_lost = 11,
				  .exits_lost = 7,
				  .stamps_lost = 8,
				  .missed = 9 },
		"not in rows: 1,000 aborted, 2 without an exception (GUP), 13 after their process's end, "
		"9 missed, 1,003 in flight\n"
		"less detail: 3 completions lost, 4 in \"[other]\" rows (map full), "
		"12 in their process's \"[other]\", 14 latencies lost, 15 processes not followed, "
		"5 without a mapping, 6 names lost, 10 names cut, 16 threads or code lost, 17 with an incomplete stack, "
		"18 sampled stacks lost, "
		"11 cgroups lost, 7 exits lost, 8 stamps lost\n");
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

static void gup_without_perf_events_is_what_processes_have_beyond_their_rows(void **state)
{
	struct totals totals = {
		.minor = 90, .major = 10, .perf_major = 10, .has_perf_major = true
	};

	(void)state;
	losses_derive(&totals, 0, 107, 7);
	assert_int_equal(totals.gup, 7);
	assert_int_equal(totals.missed, 0);
	losses_derive(&totals, 0, 107, 5);
	assert_int_equal(totals.gup, 7); /* it never goes down */
}

static void perf_events_tell_what_no_row_has(void **state)
{
	struct totals totals = { .minor = 88,
				 .major = 10,
				 .perf_minor = 91,
				 .perf_major = 10,
				 .has_perf_major = true,
				 .has_perf_minor = true };

	(void)state;
	losses_derive(&totals, 0, 108, 10);
	assert_int_equal(totals.missed, 3); /* rows lack these */
	assert_int_equal(totals.gup, 7);    /* and they are no GUP */
	totals.minor = 92;                  /* rows are read later than the events */
	losses_derive(&totals, 0, 108, 0);
	assert_int_equal(totals.missed, 3);
	assert_int_equal(totals.gup, 7);
}

/* They had no exception: neither an entry nor a perf event. */
static void populated_rows_are_no_exceptions(void **state)
{
	struct totals totals = { .entries = 60,
				 .minor = 97,
				 .major = 3,
				 .populated = 40,
				 .perf_minor = 58,
				 .perf_major = 2,
				 .has_perf_major = true,
				 .has_perf_minor = true,
				 .has_populate = true };

	(void)state;
	assert_int_equal(losses_in_flight(&totals), 0);
	losses_derive(&totals, 0, 107, 7);
	assert_int_equal(totals.missed, 0);
	assert_int_equal(totals.gup, 7);
	totals.perf_minor = 61;
	losses_derive(&totals, 0, 110, 7);
	assert_int_equal(totals.missed, 3);
	assert_int_equal(totals.gup, 7);
}

/* A completion that was lost leaves its fault open until the task faults again. */
static void what_is_on_its_way_to_a_row_is_not_missed(void **state)
{
	struct totals totals = { .entries = 100,
				 .minor = 97,
				 .perf_minor = 100,
				 .has_perf_major = true,
				 .has_perf_minor = true };

	(void)state;
	losses_derive(&totals, 0, 100, 3);
	assert_int_equal(totals.missed, 0);
	totals.entries = 97; /* no entry of theirs was seen: no row will have them */
	losses_derive(&totals, 0, 100, 3);
	assert_int_equal(totals.missed, 3);
	totals.missed = 0;
	totals.entries = 100;
	losses_derive(&totals, 3, 100, 3); /* they are in rows that are not in the totals yet */
	assert_int_equal(totals.missed, 0);
}

static void rows_that_were_skipped_are_not_missed(void **state)
{
	struct totals totals = {
		.minor = 90, .perf_minor = 100, .has_perf_major = true, .has_perf_minor = true
	};

	(void)state;
	losses_derive(&totals, 10, 102, 0);
	assert_int_equal(totals.missed, 0);
	assert_int_equal(totals.gup, 2);
}

/* The event of a set-uid program is gone, its rows are not. */
static void a_perf_event_that_ended_makes_no_gup(void **state)
{
	struct totals totals = {
		.minor = 100, .perf_minor = 40, .has_perf_major = true, .has_perf_minor = true
	};

	(void)state;
	losses_derive(&totals, 0, 102, 2);
	assert_int_equal(totals.gup, 2);
	assert_int_equal(totals.missed, 0);
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
		cmocka_unit_test(nothing_lost_is_no_line),
		cmocka_unit_test(every_cause_is_named),
		cmocka_unit_test(in_flight_is_the_rest_of_the_entries),
		cmocka_unit_test(gup_without_perf_events_is_what_processes_have_beyond_their_rows),
		cmocka_unit_test(perf_events_tell_what_no_row_has),
		cmocka_unit_test(populated_rows_are_no_exceptions),
		cmocka_unit_test(what_is_on_its_way_to_a_row_is_not_missed),
		cmocka_unit_test(rows_that_were_skipped_are_not_missed),
		cmocka_unit_test(a_perf_event_that_ended_makes_no_gup),
		cmocka_unit_test(other_is_the_process_without_a_pid),
	};

	return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
