// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "picture.h"
#include "stall.h"
#include "term/view.h"

/* Three processes: 10 is the parent of 11; 11 and 12 are of one unit. */
static struct process *a, *b, *c;

static void faults(struct snapshot *snapshot, struct process *process, uint64_t id,
		   const char *mapping, enum fault_kind kind, uint64_t minor, uint64_t major)
{
	add_row(snapshot, process, id, mapping, "rw-p", kind, ACCESS_WRITE, MIB, minor, major);
}

static struct snapshot *begin(void)
{
	struct snapshot *snapshot = snapshot_new();

	assert_non_null(snapshot);
	snapshot_begin(snapshot);
	a = add_process(snapshot, 10, "alpha", 4 * MIB, MIB);
	b = add_process(snapshot, 11, "beta", 5 * MIB, 2 * MIB);
	c = add_process(snapshot, 12, "gamma", 6 * MIB, 3 * MIB);
	b->ppid = 10;
	b->cgroup = c->cgroup = snapshot_intern(snapshot, "/system.slice/db.service");
	faults(snapshot, a, 1, "[heap]", KIND_DEMAND_ZERO, 10, 0);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 100, 0);
	faults(snapshot, b, 3, "/lib/x.so", KIND_FILE_MAP, 50, 0);
	faults(snapshot, c, 4, "/lib/x.so", KIND_FILE_MAP, 30, 5);
	seal(snapshot, 0);
	return snapshot;
}

static void next(struct snapshot *snapshot)
{
	snapshot_begin(snapshot);
	a = snapshot_find_process(snapshot, 10, 10000);
	b = snapshot_find_process(snapshot, 11, 11000);
	c = snapshot_find_process(snapshot, 12, 12000);
}

static void refresh(struct view *view, struct snapshot *snapshot, uint64_t tick)
{
	seal(snapshot, tick);
	assert_int_equal(view_refresh(view, snapshot), 0);
}

static const struct line *at(const struct view *view, size_t index)
{
	assert_true(index < view->n_shown);
	return view->set.lines[index];
}

static void assert_names(const struct view *view, size_t count, const char *const names[])
{
	assert_int_equal(view->n_shown, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(at(view, i)->name, names[i]);
}

#define ASSERT_NAMES(view, ...)                                                      \
	assert_names(view, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
		     (const char *[]){ __VA_ARGS__ })

static void each_view_has_its_lines(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;

	(void)state;
	view_init(&view);
	next(snapshot);
	faults(snapshot, a, 1, "[heap]", KIND_DEMAND_ZERO, 12, 0);
	faults(snapshot, b, 3, "/lib/x.so", KIND_FILE_MAP, 54, 0);
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "beta", "alpha"); /* who did not fault is left out */
	assert_int_equal(at(&view, 0)->delta.minor, 4);
	assert_int_equal(at(&view, 0)->total.minor, 154);
	assert_string_equal(at(&view, 0)->hottest, "/lib/x.so");
	assert_int_equal(at(&view, 0)->why, KIND_FILE_MAP);
	view.shows_all = true;
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "beta", "alpha", "gamma");

	assert_true(view_show(&view, VIEW_UNITS));
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "db.service", "/");
	assert_int_equal(at(&view, 0)->n_processes, 2);
	assert_int_equal(at(&view, 0)->rss_bytes, 5 * MIB);
	assert_int_equal(at(&view, 0)->total.major, 5);

	assert_true(view_show(&view, VIEW_MAPPINGS));
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "/lib/x.so", "[heap]", "/lib/x.so");
	assert_int_equal(at(&view, 0)->n_parts, 2); /* equal names of a process are one */
	assert_int_equal(at(&view, 0)->total.minor, 154);

	assert_true(view_show(&view, VIEW_FILES));
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "/lib/x.so"); /* [heap] is no file */
	assert_int_equal(at(&view, 0)->n_parts, 2);
	assert_int_equal(line_faults(&at(&view, 0)->total), 189);

	assert_true(view_show(&view, VIEW_KINDS));
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "file_map", "demand_zero");
	assert_int_equal(view.set.sum.total.minor, 196);
	assert_false(view_show(&view, VIEW_SPACE)); /* of no process */
	view_clear(&view);
	snapshot_free(snapshot);
}

/* The selection stays with its process, wherever that goes; untouched it stays on top. */
static void the_selection_follows_the_process(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;

	(void)state;
	view_init(&view);
	next(snapshot);
	faults(snapshot, a, 1, "[heap]", KIND_DEMAND_ZERO, 20, 0);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 105, 0);
	refresh(&view, snapshot, 1);
	assert_string_equal(view_selected(&view)->name, "alpha");
	next(snapshot);
	faults(snapshot, a, 1, "[heap]", KIND_DEMAND_ZERO, 21, 0);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 205, 0);
	refresh(&view, snapshot, 2);
	assert_string_equal(view_selected(&view)->name, "beta");

	view_move(&view, 1);
	assert_string_equal(view_selected(&view)->name, "alpha");
	next(snapshot);
	faults(snapshot, a, 1, "[heap]", KIND_DEMAND_ZERO, 1021, 0);
	refresh(&view, snapshot, 3);
	assert_string_equal(view_selected(&view)->name, "alpha");
	assert_int_equal(view_level(&view)->index, 0);
	next(snapshot);
	strcpy(a->comm, "exec'd"); /* another program, the same process */
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 206, 0);
	refresh(&view, snapshot, 4);
	assert_string_equal(view_selected(&view)->name, "exec'd"); /* though it did not fault */
	view_top(&view);
	refresh(&view, snapshot, 4);
	assert_string_equal(view_selected(&view)->name, "beta");
	view_clear(&view);
	snapshot_free(snapshot);
}

/* Rows stand still, figures go on, what is gone keeps its place, what is new comes last. */
static void a_frozen_order_stands_still(void **state)
{
	struct snapshot *snapshot = begin();
	struct process *d;
	struct view view;

	(void)state;
	view_init(&view);
	next(snapshot);
	faults(snapshot, a, 1, "[heap]", KIND_DEMAND_ZERO, 20, 0);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 105, 0);
	faults(snapshot, c, 4, "/lib/x.so", KIND_FILE_MAP, 31, 5);
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "alpha", "beta", "gamma");
	assert_int_equal(view_freeze(&view, true), 0);
	next(snapshot);
	faults(snapshot, c, 4, "/lib/x.so", KIND_FILE_MAP, 131, 5);
	b->ended = true;
	d = add_process(snapshot, 13, "delta", MIB, MIB);
	faults(snapshot, d, 5, "[heap]", KIND_DEMAND_ZERO, 1000, 0);
	refresh(&view, snapshot, 2);
	ASSERT_NAMES(&view, "alpha", "beta", "gamma", "delta");
	assert_int_equal(at(&view, 2)->delta.minor, 100);
	assert_true(at(&view, 1)->ended);
	next(snapshot);
	refresh(&view, snapshot, 3);
	ASSERT_NAMES(&view, "alpha", "beta", "gamma", "delta");
	assert_true(at(&view, 1)->ended);
	assert_int_equal(at(&view, 1)->total.minor, 155); /* as it was */
	assert_int_equal(at(&view, 1)->delta.minor, 0);
	assert_int_equal(view_freeze(&view, false), 0);
	view.shows_all = true;
	refresh(&view, snapshot, 3);
	assert_int_equal(view.n_shown, 3); /* without beta */
	view_clear(&view);
	snapshot_free(snapshot);
}

static void a_tree_sums_up_descendants(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;

	(void)state;
	view_init(&view);
	view.is_tree = view.shows_all = true;
	next(snapshot);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 105, 0);
	faults(snapshot, c, 4, "/lib/x.so", KIND_FILE_MAP, 33, 5);
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "alpha", "beta", "gamma");
	assert_int_equal(at(&view, 0)->delta.minor, 5);
	assert_int_equal(at(&view, 0)->total.minor, 10 + 155);
	assert_int_equal(at(&view, 0)->depth, 0);
	assert_int_equal(at(&view, 1)->depth, 1);
	assert_true(at(&view, 1)->is_last);
	assert_int_equal(at(&view, 2)->depth, 0);
	assert_int_equal(view.set.sum.delta.minor, 8); /* each counted once */
	/* A circle, as reused pids may make one, is cut, not followed. */
	next(snapshot);
	a->ppid = 11;
	refresh(&view, snapshot, 2);
	assert_int_equal(view.n_shown, 3);
	view_clear(&view);
	snapshot_free(snapshot);
}

static void filters_and_searches_find(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;
	char why[64];

	(void)state;
	view_init(&view);
	view.shows_all = true;
	next(snapshot);
	refresh(&view, snapshot, 1);
	assert_int_equal(view_filter(&view, "AMM", why, sizeof(why)), 0);
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "gamma");
	assert_int_equal(view_filter(&view, "/^(alpha|beta)$/", why, sizeof(why)), 0);
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "beta", "alpha");
	assert_int_equal(view_filter(&view, "/(/", why, sizeof(why)), -EINVAL);
	assert_int_equal(view_filter(&view, "db.service", why, sizeof(why)), 0); /* the unit's */
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "beta", "gamma");
	assert_int_equal(view_filter(&view, "", why, sizeof(why)), 0);
	refresh(&view, snapshot, 1);
	assert_true(view_search(&view, "gam", false, false));
	assert_string_equal(view_selected(&view)->name, "gamma");
	assert_true(view_search(&view, "a", true, false));
	assert_string_not_equal(view_selected(&view)->name, "gamma");
	assert_false(view_search(&view, "nobody", false, false));
	assert_true(view_find_pid(&view, 10));
	assert_string_equal(view_selected(&view)->name, "alpha");
	assert_false(view_find_pid(&view, 99));
	view_clear(&view);
	snapshot_free(snapshot);
}

/* From a unit to a process, its mappings and their kinds, and back; also when it exits meanwhile. */
static void one_goes_in_and_out(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;

	(void)state;
	view_init(&view);
	view.shows_all = true;
	next(snapshot);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 110, 0);
	stall(b->rows, 3000);
	refresh(&view, snapshot, 1);
	assert_true(view_show(&view, VIEW_UNITS));
	refresh(&view, snapshot, 1);
	assert_true(view_enter(&view));
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "beta", "gamma");
	assert_true(view_enter(&view));
	refresh(&view, snapshot, 1);
	assert_int_equal(view_level(&view)->view, VIEW_SPACE);
	ASSERT_NAMES(&view, "/lib/x.so", "/lib/x.so"); /* from low to high */
	assert_true(at(&view, 0)->map_start < at(&view, 1)->map_start);
	assert_int_equal(view.set.latency_total.count, 1);
	assert_int_equal(view.kinds.count, 1);
	assert_true(view_enter(&view));
	refresh(&view, snapshot, 1);
	ASSERT_NAMES(&view, "file_map");
	assert_int_equal(at(&view, 0)->total.minor, 110);
	assert_false(view_enter(&view));

	next(snapshot);
	b->ended = true;
	refresh(&view, snapshot, 2);
	next(snapshot); /* it is gone */
	refresh(&view, snapshot, 3);
	assert_true(view.is_gone);
	assert_int_equal(at(&view, 0)->total.minor, 110);
	assert_int_equal(at(&view, 0)->delta.minor, 0);
	assert_true(view_leave(&view));
	refresh(&view, snapshot, 3);
	assert_int_equal(view.n_shown, 2); /* its mappings, as they were */
	assert_false(view_enter(&view));
	assert_true(view_leave(&view));
	refresh(&view, snapshot, 3);
	ASSERT_NAMES(&view, "gamma");
	assert_true(view_leave(&view));
	assert_false(view_leave(&view));
	view_clear(&view);
	snapshot_free(snapshot);
}

static void totals_count_from_the_zero(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;

	(void)state;
	view_init(&view);
	next(snapshot);
	refresh(&view, snapshot, 1);
	assert_int_equal(view_zero(&view), 0);
	next(snapshot);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 107, 2);
	refresh(&view, snapshot, 2);
	assert_int_equal(at(&view, 0)->total.minor, 7);
	assert_int_equal(at(&view, 0)->total.major, 2);
	assert_true(view_show(&view, VIEW_FILES));
	refresh(&view, snapshot, 2);
	assert_int_equal(line_faults(&at(&view, 0)->total), 9);
	view_clear(&view);
	snapshot_free(snapshot);
}

/* Slices of a mapping make its heat strip: its first quarter 10 times as hot as its last. */
static void slices_make_a_strip(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;

	(void)state;
	view_init(&view);
	next(snapshot);
	for (uint32_t i = 0; i < 4; i += 3) {
		struct row *row = snapshot_slice_row(snapshot, a, 9, i + 1, KIND_DEMAND_ZERO,
						     ACCESS_WRITE, MODE_USER, NULL);

		row->mapping = snapshot_intern(snapshot, "[anon]");
		row->map_start = 0x10000000;
		row->map_end = row->map_start + 4 * MIB;
		row->slice_start = row->map_start + i * MIB;
		row->slice_end = row->slice_start + MIB;
		row->now.minor = i ? 10 : 100;
		a->minor += row->now.minor;
	}
	refresh(&view, snapshot, 1);
	assert_true(view_enter(&view));
	refresh(&view, snapshot, 1);
	assert_true(view.set.has_heat);
	assert_string_equal(at(&view, 0)->name, "[anon]");
	assert_non_null(at(&view, 0)->heat);
	for (size_t i = 0; i < HEAT_CELLS; i++)
		assert_float_equal(at(&view, 0)->heat[i], i < 8 ? 12.5 : i < 24 ? 0 : 1.25, 1e-6);
	assert_null(at(&view, 1)->heat); /* [heap] is not split */
	view_clear(&view);
	snapshot_free(snapshot);
}

/* The row's faults came from this thread, at this place. */
static void set_context(struct snapshot *snapshot, struct row *row, uint32_t tid,
			const char *thread, uint64_t offset)
{
	struct context *context = context_new(1);

	assert_non_null(context);
	context->has_thread = context->has_code = true;
	context->tid = tid;
	strcpy(context->thread, thread);
	context_set_place(context, 0,
			  (struct code_place){ snapshot_intern(snapshot, "/lib/x.so"), offset,
					       true });
	row_set_context(row, context);
	context_drop(context);
}

/* Views that are there only if they were asked for: two threads run into one place. */
static void threads_and_code_have_views(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;

	(void)state;
	view_init(&view);
	next(snapshot);
	refresh(&view, snapshot, 1);
	assert_false(view_show(&view, VIEW_THREADS));
	assert_false(view_show(&view, VIEW_CODE));
	next(snapshot);
	faults(snapshot, b, 2, "/lib/x.so", KIND_FILE_MAP, 107, 0);
	faults(snapshot, b, 3, "/lib/x.so", KIND_FILE_MAP, 60, 0);
	for (struct row *row = b->rows; row; row = row->next)
		set_context(snapshot, row, row->mapping_id == 2 ? 21 : 22,
			    row->mapping_id == 2 ? "reader" : "writer", 0x1234);
	refresh(&view, snapshot, 2);
	assert_true(view_show(&view, VIEW_THREADS));
	refresh(&view, snapshot, 2);
	ASSERT_NAMES(&view, "writer", "reader");
	assert_int_equal(at(&view, 0)->tid, 22);
	assert_int_equal(at(&view, 0)->delta.minor, 10);
	assert_int_equal(at(&view, 1)->delta.minor, 7);
	assert_true(view_show(&view, VIEW_CODE));
	refresh(&view, snapshot, 2);
	ASSERT_NAMES(&view, "x.so+0x1234");
	assert_int_equal(at(&view, 0)->delta.minor, 17);
	view_clear(&view);
	snapshot_free(snapshot);
}

/* What stalls were for, summed up over the rows of a line. */
static void stalls_have_causes(void **state)
{
	struct snapshot *snapshot = begin();
	struct view view;
	struct row *row;

	(void)state;
	view_init(&view);
	next(snapshot);
	faults(snapshot, c, 4, "/lib/x.so", KIND_FILE_MAP, 31, 6);
	row = c->rows;
	stall(row, 3000);
	row->latency->causes = calloc(1, sizeof(*row->latency->causes));
	assert_non_null(row->latency->causes);
	row->latency->causes->now.sum_ns[STALL_DISK] = 2000;
	row->latency->causes->now.sum_ns[STALL_CPU] = 1000;
	refresh(&view, snapshot, 1);
	assert_true(view.set.has_causes);
	assert_int_equal(at(&view, 0)->by_cause[STALL_DISK], 2000);
	assert_int_equal(at(&view, 0)->by_cause[STALL_CPU], 1000);
	view_clear(&view);
	snapshot_free(snapshot);
}

/* At 80 columns the hottest mapping has room, and VSZ is the first to go. */
static void columns_give_way_by_importance(void **state)
{
	const struct column *sort = columns_default(VIEW_PROCESSES);
	const struct shown_with with = { .latency = true };
	struct placed all[COLUMNS_MAX];
	size_t n_all = columns_place(VIEW_PROCESSES, sort, &with, 400, all);

	(void)state;
	for (unsigned int width = 1; width <= 400; width++) {
		struct placed placed[COLUMNS_MAX];
		size_t count = columns_place(VIEW_PROCESSES, sort, &with, width, placed);
		bool has_vsz = false, has_hottest = false;

		for (size_t i = 0; i < count; i++) {
			has_vsz |= !strcmp(placed[i].column->name, "vsz");
			has_hottest |= !strcmp(placed[i].column->name, "hottest") &&
				       placed[i].width >= 15;
			assert_true(placed[i].x + placed[i].width <= width);
		}
		assert_true(has_hottest || width < 80);
		assert_true(!has_vsz || count == n_all);
		assert_true(has_vsz || width < 240);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_view_has_its_lines),
		cmocka_unit_test(the_selection_follows_the_process),
		cmocka_unit_test(a_frozen_order_stands_still),
		cmocka_unit_test(a_tree_sums_up_descendants),
		cmocka_unit_test(filters_and_searches_find),
		cmocka_unit_test(one_goes_in_and_out),
		cmocka_unit_test(totals_count_from_the_zero),
		cmocka_unit_test(slices_make_a_strip),
		cmocka_unit_test(threads_and_code_have_views),
		cmocka_unit_test(stalls_have_causes),
		cmocka_unit_test(columns_give_way_by_importance),
	};

	return cmocka_run_group_tests_name("term_view", tests, NULL, NULL);
}
