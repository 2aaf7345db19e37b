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
#include "range.h"

/* Each test begins with a view, and within the first interval of three processes: 10 is the parent
 * of 11; 11 and 12 are of one unit. */
static struct snapshot *snapshot;
static struct process *a, *b, *c;
static struct view view;

static void faults(struct process *process, uint64_t id, const char *mapping, enum fault_kind kind,
		   uint64_t minor, uint64_t major)
{
	add_row(snapshot, process, id, mapping, "rw-p", kind, ACCESS_WRITE, MIB, minor, major);
}

static void next(void)
{
	snapshot_begin(snapshot);
	a = snapshot_find_process(snapshot, 10, 10000);
	b = snapshot_find_process(snapshot, 11, 11000);
	c = snapshot_find_process(snapshot, 12, 12000);
}

static int open_view(void **state)
{
	(void)state;
	snapshot = snapshot_new();
	assert_non_null(snapshot);
	snapshot_begin(snapshot);
	a = add_process(snapshot, 10, "alpha", 4 * MIB, MIB);
	b = add_process(snapshot, 11, "beta", 5 * MIB, 2 * MIB);
	c = add_process(snapshot, 12, "gamma", 6 * MIB, 3 * MIB);
	b->ppid = 10;
	b->cgroup = c->cgroup = snapshot_intern(snapshot, "/system.slice/db.service");
	faults(a, 1, "[heap]", KIND_DEMAND_ZERO, 10, 0);
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 100, 0);
	faults(b, 3, "/lib/x.so", KIND_FILE_MAP, 50, 0);
	faults(c, 4, "/lib/x.so", KIND_FILE_MAP, 30, 5);
	seal(snapshot, 0);
	view_init(&view);
	next();
	return 0;
}

static int close_view(void **state)
{
	(void)state;
	view_clear(&view);
	snapshot_free(snapshot);
	return 0;
}

static void refresh(uint64_t tick)
{
	seal(snapshot, tick);
	assert_int_equal(view_refresh(&view, snapshot), 0);
}

static const struct line *at(size_t index)
{
	assert_true(index < view.n_shown);
	return view.set.lines[index];
}

/* They come first. */
static void assert_names(size_t count, const char *const names[])
{
	assert_true(view.n_shown >= count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(at(i)->name, names[i]);
}

#define N_NAMES(...) (sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *))
#define ASSERT_NAMES_BEGIN(...) assert_names(N_NAMES(__VA_ARGS__), (const char *[]){ __VA_ARGS__ })
#define ASSERT_NAMES(...)                                             \
	do {                                                          \
		assert_int_equal(view.n_shown, N_NAMES(__VA_ARGS__)); \
		ASSERT_NAMES_BEGIN(__VA_ARGS__);                      \
	} while (0)

/* Each latency that there was has its count, and what is longer than all bounds, too. */
static void latencies_have_their_counts(void **state)
{
	struct row *row;

	(void)state;
	row = add_row(snapshot, a, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 15, 0);
	stall(row, 1000);
	refresh(1);
	next();
	for (unsigned int i = 0; i < 4; i++)
		stall(row, 1000);
	for (unsigned int i = 0; i < 3; i++)
		stall(row, 4000);
	stall(row, 100000000000);
	assert_true(view_show(&view, VIEW_LATENCY));
	refresh(2);
	ASSERT_NAMES_BEGIN("up to 1.0us", "up to 2.0us", "up to 4.1us");
	assert_int_equal(at(0)->total.minor, 5);
	assert_int_equal(at(0)->delta.minor, 4);
	assert_int_equal(at(1)->total.minor, 0);
	assert_int_equal(at(2)->total.minor, 3);
	assert_int_equal(at(view.n_shown - 1)->bucket, LATENCY_BUCKETS);
	assert_int_equal(at(view.n_shown - 1)->total.minor, 1);
	assert_int_equal(view.set.sum.total.minor, 9);
}

static void each_view_has_its_lines(void **state)
{
	(void)state;
	faults(a, 1, "[heap]", KIND_DEMAND_ZERO, 12, 0);
	faults(b, 3, "/lib/x.so", KIND_FILE_MAP, 54, 0);
	refresh(1);
	ASSERT_NAMES("beta", "alpha"); /* who did not fault is left out */
	assert_int_equal(at(0)->delta.minor, 4);
	assert_int_equal(at(0)->total.minor, 154);
	assert_string_equal(at(0)->hottest, "/lib/x.so");
	assert_int_equal(at(0)->why, KIND_FILE_MAP);
	view.shows_all = true;
	refresh(1);
	ASSERT_NAMES("beta", "alpha", "gamma");

	assert_true(view_show(&view, VIEW_UNITS));
	refresh(1);
	ASSERT_NAMES("db.service", "/");
	assert_int_equal(at(0)->n_processes, 2);
	assert_int_equal(at(0)->rss_bytes, 5 * MIB);
	assert_int_equal(at(0)->total.major, 5);

	assert_true(view_show(&view, VIEW_MAPPINGS));
	refresh(1);
	ASSERT_NAMES("/lib/x.so", "[heap]", "/lib/x.so");
	assert_int_equal(at(0)->n_parts, 2); /* equal names of a process are one */
	assert_int_equal(at(0)->total.minor, 154);

	assert_true(view_show(&view, VIEW_FILES));
	refresh(1);
	ASSERT_NAMES("/lib/x.so"); /* [heap] is no file */
	assert_int_equal(at(0)->n_parts, 2);
	assert_int_equal(line_faults(&at(0)->total), 189);

	assert_true(view_show(&view, VIEW_KINDS));
	refresh(1);
	ASSERT_NAMES("file_map", "demand_zero");
	assert_int_equal(view.set.sum.total.minor, 196);
	assert_false(view_show(&view, VIEW_SPACE)); /* of no process */
}

/* The selection stays with its process, wherever that goes; untouched it stays on top. */
static void the_selection_follows_the_process(void **state)
{
	(void)state;
	faults(a, 1, "[heap]", KIND_DEMAND_ZERO, 20, 0);
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 105, 0);
	refresh(1);
	assert_string_equal(view_selected(&view)->name, "alpha");
	next();
	faults(a, 1, "[heap]", KIND_DEMAND_ZERO, 21, 0);
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 205, 0);
	refresh(2);
	assert_string_equal(view_selected(&view)->name, "beta");

	view_move(&view, 1);
	assert_string_equal(view_selected(&view)->name, "alpha");
	next();
	faults(a, 1, "[heap]", KIND_DEMAND_ZERO, 1021, 0);
	refresh(3);
	assert_string_equal(view_selected(&view)->name, "alpha");
	assert_int_equal(view_level(&view)->index, 0);
	next();
	strcpy(a->comm, "exec'd"); /* another program, the same process */
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 206, 0);
	refresh(4);
	assert_string_equal(view_selected(&view)->name, "exec'd"); /* though it did not fault */
	view_top(&view);
	refresh(4);
	assert_string_equal(view_selected(&view)->name, "beta");
}

/* Rows stand still, figures go on, what is gone keeps its place, what is new comes last. */
static void a_frozen_order_stands_still(void **state)
{
	struct process *d;

	(void)state;
	faults(a, 1, "[heap]", KIND_DEMAND_ZERO, 20, 0);
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 105, 0);
	faults(c, 4, "/lib/x.so", KIND_FILE_MAP, 31, 5);
	refresh(1);
	ASSERT_NAMES("alpha", "beta", "gamma");
	assert_int_equal(view_freeze(&view, true), 0);
	next();
	faults(c, 4, "/lib/x.so", KIND_FILE_MAP, 131, 5);
	b->ended = true;
	d = add_process(snapshot, 13, "delta", MIB, MIB);
	faults(d, 5, "[heap]", KIND_DEMAND_ZERO, 1000, 0);
	refresh(2);
	ASSERT_NAMES("alpha", "beta", "gamma", "delta");
	assert_int_equal(at(2)->delta.minor, 100);
	assert_true(at(1)->ended);
	next();
	refresh(3);
	ASSERT_NAMES("alpha", "beta", "gamma", "delta");
	assert_true(at(1)->ended);
	assert_int_equal(at(1)->total.minor, 155); /* as it was */
	assert_int_equal(at(1)->delta.minor, 0);
	assert_int_equal(view_freeze(&view, false), 0);
	view.shows_all = true;
	refresh(3);
	assert_int_equal(view.n_shown, 3); /* without beta */
}

/* On a machine where processes come and go, the list does not grow without end. */
static void a_frozen_order_has_an_end(void **state)
{
	(void)state;
	view.shows_all = true;
	refresh(1);
	assert_int_equal(view_freeze(&view, true), 0);
	for (uint32_t tick = 2; tick < 24; tick++) {
		next();
		for (uint32_t i = 0; i < 1000; i++)
			add_process(snapshot, tick * 1000 + i, "brief", MIB, MIB)->ended = true;
		refresh(tick);
	}
	assert_in_range(view.n_shown, 10000, 11000);
	ASSERT_NAMES_BEGIN("beta", "gamma", "alpha", "brief");
}

/* A tree that stands still is a tree. */
static void a_frozen_tree_has_its_sums(void **state)
{
	(void)state;
	view.is_tree = view.shows_all = true;
	refresh(1);
	assert_int_equal(view_freeze(&view, true), 0);
	next();
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 105, 0);
	refresh(2);
	ASSERT_NAMES("alpha", "beta", "gamma");
	assert_int_equal(at(0)->delta.minor, 5);
	assert_int_equal(at(1)->depth, 1);
}

static void a_tree_sums_up_descendants(void **state)
{
	(void)state;
	view.is_tree = view.shows_all = true;
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 105, 0);
	faults(c, 4, "/lib/x.so", KIND_FILE_MAP, 33, 5);
	refresh(1);
	ASSERT_NAMES("alpha", "beta", "gamma");
	assert_int_equal(at(0)->delta.minor, 5);
	assert_int_equal(at(0)->total.minor, 10 + 155);
	assert_int_equal(at(0)->depth, 0);
	assert_int_equal(at(1)->depth, 1);
	assert_true(at(1)->is_last);
	assert_int_equal(at(2)->depth, 0);
	assert_int_equal(view.set.sum.delta.minor, 8); /* each counted once */
	/* A circle, as reused pids may make one, is cut, not followed. */
	next();
	a->ppid = 11;
	refresh(2);
	assert_int_equal(view.n_shown, 3);
}

static void filters_and_searches_find(void **state)
{
	char why[64];

	(void)state;
	view.shows_all = true;
	refresh(1);
	assert_int_equal(view_filter(&view, "AMM", why, sizeof(why)), 0);
	refresh(1);
	ASSERT_NAMES("gamma");
	assert_int_equal(view_filter(&view, "/^(alpha|beta)$/", why, sizeof(why)), 0);
	refresh(1);
	ASSERT_NAMES("beta", "alpha");
	assert_int_equal(view_filter(&view, "/(/", why, sizeof(why)), -EINVAL);
	assert_int_equal(view_filter(&view, "db.service", why, sizeof(why)), 0); /* the unit's */
	refresh(1);
	ASSERT_NAMES("beta", "gamma");
	assert_int_equal(view_filter(&view, "", why, sizeof(why)), 0);
	refresh(1);
	assert_true(view_search(&view, "gam", false, false));
	assert_string_equal(view_selected(&view)->name, "gamma");
	assert_true(view_search(&view, "a", true, false));
	assert_string_not_equal(view_selected(&view)->name, "gamma");
	assert_false(view_search(&view, "nobody", false, false));
	assert_true(view_find_pid(&view, 10));
	assert_string_equal(view_selected(&view)->name, "alpha");
	assert_false(view_find_pid(&view, 99));
}

/* From a unit to a process, its mappings and their kinds, and back; also when it exits meanwhile. */
static void one_goes_in_and_out(void **state)
{
	(void)state;
	view.shows_all = true;
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 110, 0);
	stall(b->rows, 3000);
	refresh(1);
	assert_true(view_show(&view, VIEW_UNITS));
	refresh(1);
	assert_true(view_enter(&view));
	refresh(1);
	ASSERT_NAMES("beta", "gamma");
	assert_true(view_enter(&view));
	refresh(1);
	assert_int_equal(view_level(&view)->view, VIEW_SPACE);
	ASSERT_NAMES("/lib/x.so", "/lib/x.so"); /* from low to high */
	assert_true(at(0)->map_start < at(1)->map_start);
	assert_int_equal(view.set.latency_total.count, 1);
	assert_int_equal(view.kinds.count, 1);
	assert_true(view_enter(&view));
	refresh(1);
	ASSERT_NAMES("file_map");
	assert_int_equal(at(0)->total.minor, 110);
	assert_false(view_enter(&view));

	next();
	b->ended = true;
	refresh(2);
	next(); /* it is gone */
	refresh(3);
	assert_true(view.is_gone);
	assert_int_equal(at(0)->total.minor, 110);
	assert_int_equal(at(0)->delta.minor, 0);
	assert_true(view_leave(&view));
	refresh(3);
	assert_int_equal(view.n_shown, 2); /* its mappings, as they were */
	assert_false(view_enter(&view));
	assert_true(view_leave(&view));
	refresh(3);
	ASSERT_NAMES("gamma");
	assert_true(view_leave(&view));
	assert_false(view_leave(&view));
}

static void totals_count_from_the_zero(void **state)
{
	(void)state;
	stall(b->rows, 5000);
	refresh(1);
	assert_int_equal(view_zero(&view), 0);
	next();
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 107, 2);
	stall(b->rows, 3000);
	refresh(2);
	assert_int_equal(at(0)->total.minor, 7);
	assert_int_equal(at(0)->total.major, 2);
	assert_true(view_show(&view, VIEW_FILES));
	refresh(2);
	assert_int_equal(line_faults(&at(0)->total), 9);
	assert_int_equal(at(0)->stalled_ns, 3000);
	assert_int_equal(view.set.latency_total.count, 1);
	assert_int_equal(view.set.latency_total.sum_ns, 3000);
}

/* Slices of a mapping make its heat strip: its first quarter 10 times as hot as its last. */
static void slices_make_a_strip(void **state)
{
	(void)state;
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
	refresh(1);
	assert_true(view_enter(&view));
	refresh(1);
	assert_true(view.set.has_heat);
	assert_string_equal(at(0)->name, "[anon]");
	assert_non_null(at(0)->heat);
	for (size_t i = 0; i < HEAT_CELLS; i++)
		assert_float_equal(at(0)->heat[i], i < 8 ? 12.5 : i < 24 ? 0 : 1.25, 1e-6);
	assert_null(at(1)->heat); /* [heap] is not split */
}

/* The row's faults came from this thread, at this place. */
static void set_context(struct row *row, uint32_t tid, const char *thread, uint64_t offset)
{
	struct context *context = context_new(1);

	assert_non_null(context);
	context->has_thread = context->has_code = true;
	context->tid = tid;
	strcpy(context->thread, thread);
	context_set_place(context, 0,
			  (struct code_place){ .file = snapshot_intern(snapshot, "/lib/x.so"),
					       .offset = offset,
					       .in_file = true });
	row_set_context(row, context);
	context_drop(context);
}

/* Views that are there only if they were asked for: two threads run into one place. */
static void threads_and_code_have_views(void **state)
{
	(void)state;
	refresh(1);
	assert_false(view_show(&view, VIEW_THREADS));
	assert_false(view_show(&view, VIEW_CODE));
	next();
	faults(b, 2, "/lib/x.so", KIND_FILE_MAP, 107, 0);
	faults(b, 3, "/lib/x.so", KIND_FILE_MAP, 60, 0);
	for (struct row *row = b->rows; row; row = row->next)
		set_context(row, row->mapping_id == 2 ? 21 : 22,
			    row->mapping_id == 2 ? "reader" : "writer", 0x1234);
	refresh(2);
	assert_true(view_show(&view, VIEW_THREADS));
	refresh(2);
	ASSERT_NAMES("writer", "reader");
	assert_int_equal(at(0)->tid, 22);
	assert_int_equal(at(0)->delta.minor, 10);
	assert_int_equal(at(1)->delta.minor, 7);
	assert_true(view_show(&view, VIEW_CODE));
	refresh(2);
	ASSERT_NAMES("x.so+0x1234");
	assert_int_equal(at(0)->delta.minor, 17);
}

/* What stalls were for, summed up over the rows of a line. */
static void stalls_have_causes(void **state)
{
	struct row *row;

	(void)state;
	faults(c, 4, "/lib/x.so", KIND_FILE_MAP, 31, 6);
	row = c->rows;
	stall(row, 3000);
	row->latency->causes = calloc(1, sizeof(*row->latency->causes));
	assert_non_null(row->latency->causes);
	row->latency->causes->now.sum_ns[STALL_DISK] = 2000;
	row->latency->causes->now.sum_ns[STALL_CPU] = 1000;
	refresh(1);
	assert_true(view.set.has_causes);
	assert_int_equal(at(0)->by_cause[STALL_DISK], 2000);
	assert_int_equal(at(0)->by_cause[STALL_CPU], 1000);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_view, close_view)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(latencies_have_their_counts),
		TEST(each_view_has_its_lines),
		TEST(the_selection_follows_the_process),
		TEST(a_frozen_order_stands_still),
		TEST(a_frozen_order_has_an_end),
		TEST(a_frozen_tree_has_its_sums),
		TEST(a_tree_sums_up_descendants),
		TEST(filters_and_searches_find),
		TEST(one_goes_in_and_out),
		TEST(totals_count_from_the_zero),
		TEST(slices_make_a_strip),
		TEST(threads_and_code_have_views),
		TEST(stalls_have_causes),
		cmocka_unit_test(columns_give_way_by_importance),
	};

	return cmocka_run_group_tests_name("term_view", tests, NULL, NULL);
}
