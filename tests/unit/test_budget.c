// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "picture.h"
#include "sink/junit.h"
#include "verdict/budget.h"
#include "verdict/phases.h"

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{ "", "FIGURE<=LIMIT" },
		{ "minor", "give FIGURE<=LIMIT, as in minor<=2000" },
		{ "minor<5", "give FIGURE<=LIMIT, as in minor<=2000" },
		{ "minor<=", "a whole number of faults" },
		{ "minor<=-1", "a whole number of faults" },
		{ "minor<=5K", "a whole number of faults" },
		{ "minor<=99999999999999999999999", "a whole number of faults" },
		{ "majors<=5", "figures are minor, major" },
		{ "stall<=10", "with ns, us, ms or s" },
		{ "bytes<=10MB", "with K, M, G or T" },
		{ "bytes<=9999999999T", "with K, M, G or T" },
		{ "minor[mapping=x<=5", "a bracket is not closed" },
		{ "minor[mapping]<=5", "KEY=PATTERN" },
		{ "minor[place=x]<=5", "process, mapping, kind, unit and phase" },
		{ "minor[kind=none]<=5", "no kind has this name" },
		{ "minor[unit=a,unit=b]<=5", "there twice" },
		{ "minor<=5/", "the name of a mark" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct budget *budget = budget_new(4096);
		struct error error;

		assert_int_equal(budget_add(budget, table[i].text, &error), -EINVAL);
		if (!strstr(error.text, table[i].why))
			fail_msg("%s: %s", table[i].text, error.text);
		assert_null(strchr(error.text, '\n'));
		budget_free(budget);
	}
}

static void limits_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t limit;
	} table[] = {
		{ "stall<=1.5ms", 1500000 },    { "stall<=0", 0 },
		{ "bytes<=64M", 64 << 20 },     { "bytes <= 100", 100 },
		{ " stall<=2 s ", 2000000000 }, { "minor<=7/it", 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct budget *budget = budget_new(4096);
		struct error error;

		assert_int_equal(budget_add(budget, table[i].text, &error), 0);
		assert_int_equal(budget_result(budget, 0).limit, table[i].limit);
		budget_free(budget);
	}
}

/* One process with 10 faults of libc and 30 of the heap; the kernel counts 45. */
static struct snapshot *picture(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *process;
	struct row *row;

	snapshot_begin(snapshot);
	process = add_process(snapshot, 100, "work", MIB, MIB);
	process->cgroup = snapshot_intern(snapshot, "/system.slice/work.service");
	add_row(snapshot, process, 1, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 8,
		2);
	row = add_row(snapshot, process, 2, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB,
		      30, 0);
	row->now.denied = 1;
	process->minor += 5;
	process->gup += 5;
	seal(snapshot, 1);
	return snapshot;
}

static void terms_choose_what_counts(void **state)
{
	static const struct {
		const char *text;
		uint64_t seen;
	} table[] = {
		{ "minor<=0", 43 },
		{ "major<=0", 2 },
		{ "faults<=0", 46 },
		{ "denied<=0", 1 },
		{ "minor[mapping=[heap]]<=0", 30 },
		{ "minor[mapping=/lib/*]<=0", 8 },
		{ "minor[kind=demand_*]<=0", 30 },
		{ "minor[process=wor?]<=0", 43 },
		{ "minor[process=other]<=0", 0 },
		{ "minor[unit=work]<=0", 43 },
		{ "minor[unit=work.service,mapping=*]<=0", 38 },
		{ "bytes[mapping=[heap]]<=0", 30 * 4096 },
		{ "minor[phase=start]<=0", 43 },
		{ "minor[phase=later]<=0", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct budget *budget = budget_new(4096);
		struct snapshot *snapshot = picture();
		struct error error;

		assert_int_equal(budget_add(budget, table[i].text, &error), 0);
		assert_int_equal(budget_tick(budget, snapshot, &error), 0);
		if (budget_result(budget, 0).seen != table[i].seen)
			fail_msg("%s: %lu", table[i].text, budget_result(budget, 0).seen);
		snapshot_free(snapshot);
		budget_free(budget);
	}
}

/* As many as the limit are allowed. */
static void the_limit_itself_is_kept(void **state)
{
	struct budget *budget = budget_new(4096);
	struct snapshot *snapshot = picture();
	struct error error;

	(void)state;
	assert_int_equal(budget_add(budget, "minor<=43, minor<=42", &error), 0);
	assert_int_equal(budget_tick(budget, snapshot, &error), 0);
	assert_false(budget_result(budget, 0).is_broken);
	assert_true(budget_result(budget, 1).is_broken);
	assert_int_equal(budget_broken(budget), 1);
	snapshot_free(snapshot);
	budget_free(budget);
}

static void a_report_takes_any_name(void **state)
{
	struct budget *budget = budget_new(4096);
	struct error error;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(budget_add(budget, "minor[process=\"<&\x1b>]<=0", &error), 0);
	junit_print(budget, "a\" b=\"c\n<&>", 1500000000, stream);
	fclose(stream);
	assert_non_null(
		strstr(text, "<testsuite name=\"a&quot; b=&quot;c\\x0a&lt;&amp;&gt;\" tests"));
	assert_non_null(strstr(text, "name=\"minor[process=&quot;&lt;&amp;\\x1b&gt;]&lt;=0\"/>"));
	free(text);
	budget_free(budget);
}

/* Each tick is a step; the second, with more, is the worst, and tells where most was. */
static void the_worst_step_is_reported(void **state)
{
	struct budget *budget = budget_new(4096);
	struct snapshot *snapshot = picture();
	struct process *process = snapshot->processes[0];
	struct budget_result result;
	struct error error;
	char text[512];

	(void)state;
	assert_int_equal(budget_add(budget, "minor[mapping=*]<=39/it, minor<=9/never", &error), 0);
	assert_int_equal(budget_mark(budget, "it"), 0);
	assert_int_equal(budget_tick(budget, snapshot, &error), 0);
	assert_int_equal(budget_mark(budget, "it"), 0);
	snapshot_begin(snapshot);
	add_row(snapshot, process, 1, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 48,
		2);
	seal(snapshot, 2);
	assert_int_equal(budget_tick(budget, snapshot, &error), 0);
	assert_int_equal(budget_mark(budget, "it"), 0);
	snapshot_begin(snapshot);
	add_row(snapshot, process, 1, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 51,
		2);
	seal(snapshot, 3);
	assert_int_equal(budget_tick(budget, snapshot, &error), 0);
	assert_int_equal(budget_mark(budget, "end"), 0);
	result = budget_result(budget, 0);
	assert_true(result.is_broken);
	assert_int_equal(result.seen, 40);
	assert_int_equal(result.n_steps, 3);
	assert_int_equal(result.worst_step, 2);
	assert_string_equal(budget_describe(&result, text, sizeof(text)),
			    "budget minor[mapping=*]<=39/it: broken, 40 minor in step 2 of 3 of "
			    "it; most: 40 of /lib/libc.so file_map, by work");
	result = budget_result(budget, 1);
	assert_true(result.is_broken && result.is_unmeasured);
	assert_int_equal(budget_broken(budget), 2);
	snapshot_free(snapshot);
	budget_free(budget);
}

static void phases_add_up(void **state)
{
	struct phases *phases = phases_new(1000);
	struct snapshot *snapshot = picture();
	const struct phase *list;
	struct phase since;
	struct error error;
	size_t count;

	(void)state;
	phases_tick(phases, snapshot, &error);
	assert_int_equal(phases_mark(phases, "a", 1500, &since), 0);
	assert_string_equal(since.name, PHASE_FIRST);
	assert_int_equal(since.minor, 43);
	assert_int_equal(since.denied, 1);
	assert_int_equal(since.duration_ns, 500);
	for (int i = 0; i < 2 * PHASES_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(phases_mark(phases, name, 1500, &since), 0);
		assert_int_equal(since.minor, 0);
	}
	phases_end(phases, 2500);
	list = phases_list(phases, &count);
	assert_int_equal(count, PHASES_MAX);
	assert_string_equal(list[1].name, "a");
	assert_string_equal(list[count - 1].name, "(others)");
	assert_int_equal(list[count - 1].duration_ns, 1000);
	snapshot_free(snapshot);
	phases_free(phases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(limits_have_units),
		cmocka_unit_test(terms_choose_what_counts),
		cmocka_unit_test(the_limit_itself_is_kept),
		cmocka_unit_test(a_report_takes_any_name),
		cmocka_unit_test(the_worst_step_is_reported),
		cmocka_unit_test(phases_add_up),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
