// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "model/filter.h"
#include "picture.h"

static struct snapshot *picture(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *cron, *job;

	snapshot_begin(snapshot);
	cron = add_process(snapshot, 10, "cron", MIB, MIB);
	cron->cgroup = snapshot_intern(snapshot, "/system.slice/cron.service");
	cron->exe = snapshot_intern(snapshot, "/usr/sbin/cron");
	add_row(snapshot, cron, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 5, 0);
	job = add_process(snapshot, 11, "python3", MIB, MIB);
	job->cgroup = snapshot_intern(snapshot, "/system.slice/cron.service/job");
	job->uid = 3999999998;
	add_row(snapshot, job, 2, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 70, 1);
	add_process(snapshot, 12, "idle", MIB, MIB)->cgroup = snapshot_intern(snapshot, "/cron2");
	add_process(snapshot, 13, "[agent]", MIB, MIB)->cgroup =
		snapshot_intern(snapshot, "/system.slice/a\\x2db.service");
	snapshot->totals.entries = 1000;
	seal(snapshot, 1);
	return snapshot;
}

struct expected {
	struct filter_options options;
	size_t n_processes, n_rows;
	uint64_t entries;
};

#define ONE(text)                              \
	{                                      \
		.values = { text }, .count = 1 \
	}

static void each_filter_chooses(void **state)
{
	const struct expected table[] = {
		{ { .comm = ONE("cron") }, 1, 1, 5 },
		{ { .comm = ONE("cro") }, 0, 0, 0 },
		{ { .comm = ONE("*o*") }, 2, 2, 76 },
		{ { .exe = ONE("/usr/sbin/cron") }, 1, 1, 5 },
		{ { .exe = ONE("cron") }, 1, 1, 5 },
		{ { .exe = ONE("sbin/cron") }, 0, 0, 0 },
		{ { .unit = ONE("cron.service") }, 2, 2, 76 },
		{ { .unit = ONE("cron") }, 2, 2, 76 },
		{ { .cgroup = ONE("/system.slice/cron.service") }, 2, 2, 76 },
		{ { .cgroup = ONE("/system.slice/cron") }, 0, 0, 0 },
		{ { .cgroup = ONE("/cron2") }, 1, 0, 0 },
		/* systemd's names have backslashes, programs' may have brackets. */
		{ { .comm = ONE("[agent]") }, 1, 0, 0 },
		{ { .unit = ONE("a\\x2db") }, 1, 0, 0 },
		{ { .unit = ONE("a\\x2d?.service") }, 1, 0, 0 },
		{ { .cgroup = ONE("/system.slice/a\\x2db.service") }, 1, 0, 0 },
		{ { .uid = ONE("3999999998") }, 1, 1, 71 },
		{ { .uid = ONE("root") }, 3, 1, 5 },
		{ { .unit = ONE("cron"), .uid = ONE("root") }, 1, 1, 5 },
		{ { .comm = { .values = { "x", "idle" }, .count = 2 } }, 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct filter *filter = filter_new(&table[i].options);
		struct snapshot *snapshot = picture();
		const struct snapshot *view = filter_apply(filter, snapshot);

		assert_false(filter_is_empty(&table[i].options));
		assert_int_equal(view->n_processes, table[i].n_processes);
		assert_int_equal(view->n_rows, table[i].n_rows);
		assert_int_equal(view->n_touched, table[i].n_rows);
		assert_int_equal(view->totals.entries, table[i].entries);
		assert_int_equal(filter_has_matched(filter), table[i].n_processes > 0);
		/* The next interval is empty, and what was counted stays counted. */
		snapshot_begin(snapshot);
		seal(snapshot, 2);
		view = filter_apply(filter, snapshot);
		assert_int_equal(view->totals.entries, table[i].entries);
		assert_int_equal(view->totals_before.entries, table[i].entries);
		assert_int_equal(view->n_touched, 0);
		filter_free(filter);
		snapshot_free(snapshot);
	}
}

static void nothing_asked_for_is_empty(void **state)
{
	(void)state;
	assert_true(filter_is_empty(&(struct filter_options){ .comm = { .count = 0 } }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_filter_chooses),
		cmocka_unit_test(nothing_asked_for_is_empty),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
