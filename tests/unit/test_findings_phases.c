// SPDX-License-Identifier: GPL-2.0-only
/* Which phase a finding is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "picture.h"
#include "stall.h"
#include "verdict/findings_phases.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* A tick in which a process waits for swap, and another for a lock. */
static void tick(struct findings_phases *phases, struct snapshot *snapshot, uint64_t number,
		 uint64_t swap_ms, uint64_t lock_ms)
{
	struct error error;

	snapshot_begin(snapshot);
	if (swap_ms)
		stall_for(add_row(snapshot, add_process(snapshot, 100, "swap", MIB, MIB), number,
				  "[anon]", "rw-p", KIND_SWAP_IN, ACCESS_READ, MIB, 0, 10),
			  STALL_SWAP, swap_ms * MS);
	if (lock_ms)
		stall_for(add_row(snapshot, add_process(snapshot, 101, "lock", MIB, MIB),
				  100 + number, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
				  MIB, 10, 0),
			  STALL_LOCK, lock_ms * MS);
	seal(snapshot, number);
	assert_int_equal(findings_phases_tick(phases, snapshot, &error), 0);
}

static void expect(const struct finding *finding, const char *name, const char *phase, double share)
{
	assert_string_equal(finding->name, name);
	if (phase)
		assert_string_equal(finding->phase, phase);
	else
		assert_null(finding->phase);
	assert_true(finding->phase_share > share - 0.001 && finding->phase_share < share + 0.001);
}

/* A phase that comes twice is one. */
static void each_has_the_phase_with_most_of_it(void **state)
{
	struct findings_phases *phases = findings_phases_new(4096, NULL);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	size_t count;

	(void)state;
	tick(phases, snapshot, 1, 100, 0);
	assert_int_equal(findings_phases_mark(phases, "steady"), 0);
	tick(phases, snapshot, 2, 60, 300);
	assert_int_equal(findings_phases_mark(phases, "end"), 0);
	tick(phases, snapshot, 3, 0, 0);
	assert_int_equal(findings_phases_mark(phases, "steady"), 0);
	tick(phases, snapshot, 4, 90, 0);
	assert_int_equal(findings_phases_end(phases, SECOND, &list, &count), 0);
	assert_int_equal(count, 2);
	expect(&list[0], "lock-convoy", "steady", 1);
	expect(&list[1], "swap-in", "steady", 0.6);
	snapshot_free(snapshot);
	findings_phases_free(phases);
}

static void without_a_mark_there_is_no_phase(void **state)
{
	struct findings_phases *phases = findings_phases_new(4096, NULL);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	size_t count;

	(void)state;
	tick(phases, snapshot, 1, 100, 0);
	assert_int_equal(findings_phases_end(phases, SECOND, &list, &count), 0);
	assert_int_equal(count, 1);
	expect(&list[0], "swap-in", NULL, 0);
	snapshot_free(snapshot);
	findings_phases_free(phases);
}

/* As many phases as a loop makes: the last entry is of all that have none. */
static void phases_beyond_the_last_are_one(void **state)
{
	struct findings_phases *phases = findings_phases_new(4096, NULL);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	char name[16];
	size_t count;

	(void)state;
	for (unsigned int i = 1; i < 3 * FINDINGS_PHASES_MAX; i++) {
		snprintf(name, sizeof(name), "step %u", i);
		assert_int_equal(findings_phases_mark(phases, name), 0);
		tick(phases, snapshot, i, 10, 0);
	}
	assert_int_equal(findings_phases_end(phases, SECOND, &list, &count), 0);
	assert_int_equal(count, 1);
	/* All but "start", which has nothing, and 14 steps. */
	expect(&list[0], "swap-in", "(others)", 33.0 / 47);
	snapshot_free(snapshot);
	findings_phases_free(phases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_the_phase_with_most_of_it),
		cmocka_unit_test(without_a_mark_there_is_no_phase),
		cmocka_unit_test(phases_beyond_the_last_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
