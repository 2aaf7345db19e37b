// SPDX-License-Identifier: GPL-2.0-only
/* The findings of the last window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "picture.h"
#include "sink/finding_text.h"
#include "verdict/recent_findings.h"

#define SECOND UINT64_C(1000000000)

/* Windows of two intervals: of the first nothing is told before it is over, of the second what it
 * had. */
static void recent_ones_are_of_the_last_window(void **state)
{
	struct recent_findings *recent = recent_findings_new(4096, 3 * SECOND, 0, NULL);
	struct snapshot *snapshot = snapshot_new();
	static const size_t want[] = { 0, 0, 1, 1, 0, 0 };
	struct error error;
	char line[128];

	(void)state;
	for (uint64_t tick = 0; tick < ARRAY_SIZE(want); tick++) {
		const struct finding *list;
		struct process *process;
		uint64_t window_ns;
		size_t count;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", MIB, MIB);
		add_row(snapshot, process, 1, "[anon]", "rw-p", KIND_COW, ACCESS_WRITE, 256 * MIB,
			tick < 2 ? 10000 * tick : 30000, 0);
		seal(snapshot, tick);
		assert_int_equal(recent_findings_tick(recent, snapshot, &error), 0);
		list = recent_findings_list(recent, &count, &window_ns);
		assert_int_equal(count, want[tick]);
		assert_int_equal(window_ns, tick < 2 ? 0 : 4 * SECOND);
		assert_string_equal(finding_text_line(list, count, line, sizeof(line)),
				    count ? "cow-storm work[100]" : "");
	}
	snapshot_free(snapshot);
	recent_findings_free(recent);
}

/* A window of each interval, in the first of which there is a finding; it is kept for four seconds,
 * and told as new once. */
static void what_was_found_is_kept_for_a_while(void **state)
{
	struct recent_findings *recent = recent_findings_new(4096, 0, 4 * SECOND, NULL);
	struct snapshot *snapshot = snapshot_new();
	struct error error;
	uint64_t window_ns;
	size_t count;

	(void)state;
	for (uint64_t tick = 1; tick <= 6; tick++) {
		const struct finding *list;

		snapshot_begin(snapshot);
		add_row(snapshot, add_process(snapshot, 100, "work", MIB, MIB), 1, "[anon]", "rw-p",
			KIND_COW, ACCESS_WRITE, 256 * MIB, tick < 3 ? 20000 : 40000, 0);
		seal(snapshot, tick);
		assert_int_equal(recent_findings_tick(recent, snapshot, &error), 0);
		list = recent_findings_new_ones(recent, &count, &window_ns);
		assert_int_equal(count, tick == 1 || tick == 3);
		assert_int_equal(window_ns, 2 * SECOND);
		list = recent_findings_list(recent, &count, NULL);
		assert_int_equal(count, tick < 6);
		if (!count)
			continue;
		/* Found again it is new again. */
		assert_int_equal(list[0].age_ns, (tick < 3 ? tick - 1 : tick - 3) * 2 * SECOND);
		assert_string_equal(list[0].mapping, "[anon]");
	}
	assert_int_equal(recent_findings_reset(recent), 0);
	recent_findings_list(recent, &count, &window_ns);
	assert_int_equal(count + window_ns, 0);
	snapshot_free(snapshot);
	recent_findings_free(recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recent_ones_are_of_the_last_window),
		cmocka_unit_test(what_was_found_is_kept_for_a_while),
	};

	return cmocka_run_group_tests_name("recent_findings", tests, NULL, NULL);
}
