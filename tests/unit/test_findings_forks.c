// SPDX-License-Identifier: GPL-2.0-only
/* What a finding about copies says of the fork, where it takes several ticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "picture.h"
#include "verdict/findings.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* The child has ended, and is in no snapshot any more, while its parent still copies: who forked the
 * parent is not what is told then. */
static void a_fork_is_remembered(void **state)
{
	struct findings *findings = findings_new(4096, NULL);
	const struct finding *list;
	struct error error;
	size_t count;

	(void)state;
	for (unsigned int tick = 1; tick <= 2; tick++) {
		struct snapshot *snapshot = snapshot_new();
		struct process *process, *child;

		snapshot_begin(snapshot);
		add_process(snapshot, 99, "sh", MIB, MIB);
		process = add_process(snapshot, 100, "work", 600 * MIB, 90 * MIB);
		process->ppid = 99;
		process->accounted = true;
		if (tick == 1) {
			child = add_process(snapshot, 101, "work", 600 * MIB, 90 * MIB);
			child->ppid = 100;
			child->accounted = child->ended = true;
			child->lifetime_ns = 1500 * MS;
		}
		add_row(snapshot, process, 1, "[anon]", "rw-p", KIND_COW, ACCESS_WRITE, 256 * MIB,
			20000, 0);
		seal(snapshot, tick);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		snapshot_free(snapshot);
	}
	assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
	assert_int_equal(count, 1);
	assert_non_null(strstr(list[0].seen, "work[100] forked work[101], which ended after 1.5s"));
	findings_free(findings);
}

/* The last copy was before, in another tick. */
static void a_fork_has_its_end(void **state)
{
	struct findings *findings = findings_new(4096, NULL);
	const struct finding *list;
	struct error error;
	size_t count;

	(void)state;
	for (unsigned int tick = 1; tick <= 2; tick++) {
		struct snapshot *snapshot = snapshot_new();
		struct process *process, *child;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", 600 * MIB, 90 * MIB);
		child = add_process(snapshot, 101, "work", 600 * MIB, 90 * MIB);
		child->ppid = 100;
		child->accounted = true;
		child->ended = tick == 2;
		child->lifetime_ns = tick == 2 ? 1500 * MS : 0;
		if (tick == 1)
			add_row(snapshot, process, 1, "[anon]", "rw-p", KIND_COW, ACCESS_WRITE,
				256 * MIB, 20000, 0);
		seal(snapshot, tick);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		snapshot_free(snapshot);
	}
	assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
	assert_int_equal(count, 1);
	assert_non_null(strstr(list[0].seen, "work[100] forked work[101], which ended after 1.5s"));
	findings_free(findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fork_is_remembered),
		cmocka_unit_test(a_fork_has_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
