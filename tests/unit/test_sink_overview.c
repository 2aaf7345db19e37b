// SPDX-License-Identifier: GPL-2.0-only
/* The figures of the page at /, from hand-built snapshots, read back with a JSON parser. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "metrics/group_detail.h"
#include "metrics/sink_overview.h"
#include "metrics/sink_prometheus.h"
#include "base/version.h"
#include "picture.h"
#include "stall.h"

#define MOST_POINTS 300
#define MOST_GROUPS 100
#define TOP_MAPPINGS 5

struct fixture {
	struct sink_prometheus *sink; /* whose groups are shown */
	struct sink_overview *overview;
	struct recent_findings *findings; /* NULL: none are looked for */
	struct snapshot *snapshot;
	uint64_t ticks;
	json_t *root;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->sink = sink_prometheus_new(
		&(struct sink_prometheus_options){ .group_by = GROUP_BY_COMM,
						   .max_series = 10000,
						   .top_mappings = TOP_MAPPINGS,
						   .started = { 1795342000, 0 } });
	fixture->overview = sink_overview_new();
	fixture->snapshot = snapshot_new();
	assert_true(fixture->sink && fixture->overview && fixture->snapshot);
	snapshot_begin(fixture->snapshot);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	json_decref(fixture->root);
	sink_prometheus_free(fixture->sink);
	sink_overview_free(fixture->overview);
	recent_findings_free(fixture->findings);
	snapshot_free(fixture->snapshot);
	free(fixture);
	return 0;
}

/* Takes the text. */
static void parse(struct fixture *fixture, char *text, size_t size)
{
	json_error_t why;

	assert_int_equal(strlen(text), size);
	json_decref(fixture->root);
	fixture->root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	if (!fixture->root)
		fail_msg("%s: %s", why.text, text);
	free(text);
}

static void render_by(struct fixture *fixture, const char *sort, const char *search)
{
	char *text;
	size_t size;

	assert_int_equal(sink_overview_render(fixture->overview,
					      sink_prometheus_groups(fixture->sink),
					      fixture->findings, sort, search, &text, &size),
			 0);
	parse(fixture, text, size);
}

static void render(struct fixture *fixture)
{
	render_by(fixture, NULL, NULL);
}

static void render_group(struct fixture *fixture, const char *name)
{
	char *text;
	size_t size;

	assert_int_equal(group_detail_render(sink_prometheus_groups(fixture->sink), name, &text,
					     &size),
			 0);
	parse(fixture, text, size);
}

/* An interval of two seconds ends; the next begins. */
static void tick(struct fixture *fixture)
{
	seal(fixture->snapshot, fixture->ticks++);
	sink_prometheus_tick(fixture->sink, fixture->snapshot, NULL);
	sink_overview_tick(fixture->overview, fixture->snapshot, NULL);
	snapshot_begin(fixture->snapshot);
}

static size_t length_of(const struct fixture *fixture, const char *list)
{
	json_t *array = json_object_get(fixture->root, list);

	assert_true(json_is_array(array));
	return json_array_size(array);
}

static json_t *element(const struct fixture *fixture, const char *list, size_t i)
{
	return json_array_get(json_object_get(fixture->root, list), i);
}

/* Of a list; NULL when there is none of that name. */
static json_t *named(const struct fixture *fixture, const char *list, const char *name)
{
	for (size_t i = 0; i < length_of(fixture, list); i++) {
		json_t *found = element(fixture, list, i);

		if (!strcmp(json_string_value(json_object_get(found, "name")), name))
			return found;
	}
	return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name)) ?: "";
}

static double number(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	if (!json_is_number(value))
		fail_msg("%s is no number", name);
	return json_number_value(value);
}

static double sum(const struct fixture *fixture, const char *list, const char *name)
{
	double total = 0;

	for (size_t i = 0; i < length_of(fixture, list); i++)
		total += number(element(fixture, list, i), name);
	return total;
}

static void check_figures(const json_t *object, double minor, double major, double denied,
			  double stalled)
{
	assert_non_null(object);
	assert_true(number(object, "minor") == minor);
	assert_true(number(object, "major") == major);
	assert_true(number(object, "denied") == denied);
	assert_true(number(object, "stalled") == stalled);
}

/* Of 4,096 ns, of one more, and one longer than all bounds: n of each, none else. */
static void check_stalls(const struct fixture *fixture, const char *list, json_int_t n)
{
	json_t *stalls = json_object_get(fixture->root, "stalls");
	json_t *buckets = json_object_get(stalls, list),
	       *bounds = json_object_get(stalls, "bounds");
	json_int_t sum = 0;

	assert_int_equal(json_array_size(bounds), LATENCY_BUCKETS);
	assert_int_equal(json_array_size(buckets), LATENCY_BUCKETS + 1);
	for (size_t i = 0; i <= LATENCY_BUCKETS; i++)
		sum += json_integer_value(json_array_get(buckets, i));
	assert_int_equal(sum, 3 * n);
	assert_true(json_real_value(json_array_get(bounds, 4)) == 4.096e-6);
	assert_int_equal(json_integer_value(json_array_get(buckets, 4)), n);
	assert_int_equal(json_integer_value(json_array_get(buckets, 5)), n);
	assert_int_equal(json_integer_value(json_array_get(buckets, LATENCY_BUCKETS)), n);
}

static void figures_are_recent_rates_per_second(void **state)
{
	struct fixture *fixture = *state;
	struct process *process = add_process(fixture->snapshot, 1, "cat", MIB, 4096);
	struct row *row;

	tick(fixture);
	add_row(fixture->snapshot, process, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
		MIB, 100, 0);
	row = add_row(fixture->snapshot, process, 2, "/bin/cat", "r-xp", KIND_FILE_MAP, ACCESS_EXEC,
		      MIB, 6, 3);
	row->now.denied = 2;
	stall(row, 500000000);
	tick(fixture);
	render(fixture);
	check_figures(named(fixture, "kinds", "demand_zero"), 50, 0, 0, 0);
	check_figures(named(fixture, "kinds", "file_map"), 3, 1.5, 1, 0.25);
	assert_int_equal(length_of(fixture, "kinds"), 2);
	check_figures(element(fixture, "history", 0), 53, 1.5, 1, 0.25);
	check_figures(named(fixture, "groups", "cat"), 53, 1.5, 1, 0.25);
	check_figures(json_object_get(fixture->root, "other"), 0, 0, 0, 0);
	assert_true(number(named(fixture, "groups", "cat"), "resident_bytes") == 4096);
	assert_true(number(fixture->root, "seconds") == 2);
	tick(fixture);
	render(fixture);
	assert_true(number(fixture->root, "seconds") == 4);
	check_figures(named(fixture, "kinds", "file_map"), 1.5, 0.75, 0.5, 0.125);
	check_figures(element(fixture, "history", 1), 0, 0, 0, 0);
	check_figures(named(fixture, "groups", "cat"), 26.5, 0.75, 0.5, 0.125);
}

/* Two blocks: what is older than a minute is forgotten, nothing of the last half. */
static void recent_is_half_a_minute_to_one(void **state)
{
	struct fixture *fixture = *state;
	struct process *process = add_process(fixture->snapshot, 1, "cat", MIB, 4096);
	double seconds;

	tick(fixture);
	for (uint64_t i = 1; i <= 100; i++) {
		double minor = 0;

		add_row(fixture->snapshot, process, 1, "[heap]", "rw-p", KIND_COW, ACCESS_WRITE,
			MIB, i * i, 0);
		tick(fixture);
		render(fixture);
		seconds = number(fixture->root, "seconds");
		assert_true(i < 15 ? seconds == 2 * (double)i : seconds >= 30 && seconds <= 60);
		for (size_t j = 0; j < (size_t)seconds / 2; j++)
			minor += number(element(fixture, "history",
						length_of(fixture, "history") - 1 - j),
					"minor") *
				 2;
		minor = (double)(int64_t)(minor / seconds * 1e7 + 0.5) / 1e7;
		assert_true(number(named(fixture, "groups", "cat"), "minor") == minor);
		assert_true(number(named(fixture, "kinds", "cow"), "minor") == minor);
		render_group(fixture, "cat");
		assert_true(number(fixture->root, "seconds") == seconds);
		assert_true(number(fixture->root, "minor") == minor);
		assert_true(number(element(fixture, "kinds", 0), "minor") == minor);
		assert_true(sum(fixture, "mappings", "minor") == minor);
		assert_true(number(fixture->root, "minor_total") == (double)(i * i));
	}
}

static void head_says_what_it_is_of(void **state)
{
	struct fixture *fixture = *state;
	struct process *gone = add_process(fixture->snapshot, 1, "gone", MIB, 4096);

	add_process(fixture->snapshot, 2, "stays", MIB, 4096);
	/* The process "other" is nobody's. */
	snapshot_process(fixture->snapshot, 0, 0, NULL);
	gone->ended = true;
	tick(fixture);
	render(fixture);
	assert_string_equal(json_string_value(json_object_get(fixture->root, "faultmap")),
			    FAULTMAP_VERSION);
	assert_string_equal(json_string_value(json_object_get(fixture->root, "group_by")), "comm");
	assert_true(json_is_string(json_object_get(fixture->root, "host")));
	assert_true(json_is_false(json_object_get(fixture->root, "flame")));
	assert_true(number(fixture->root, "processes") == 1);
	assert_true(number(fixture->root, "ts") == 1795342136.123);
	sink_overview_set_flame(fixture->overview, true);
	render(fixture);
	assert_true(json_is_true(json_object_get(fixture->root, "flame")));
}

static void history_has_the_newest_last(void **state)
{
	struct fixture *fixture = *state;
	struct process *process = add_process(fixture->snapshot, 1, "cat", MIB, 4096);
	uint64_t faults = 0;

	/* Tick 0 is no interval. */
	for (uint64_t i = 0; i <= MOST_POINTS + 7; i++) {
		faults += 2 * i;
		add_row(fixture->snapshot, process, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO,
			ACCESS_WRITE, MIB, faults, 0);
		tick(fixture);
		render(fixture);
		assert_int_equal(length_of(fixture, "history"), i < MOST_POINTS ? i : MOST_POINTS);
		if (!i)
			continue;
		assert_true(number(element(fixture, "history", length_of(fixture, "history") - 1),
				   "minor") == (double)i);
	}
	assert_true(number(element(fixture, "history", 0), "minor") == 8);
	assert_true(number(element(fixture, "history", 0), "seconds") == 2);
}

static void add_programs(struct fixture *fixture, uint32_t n)
{
	for (uint32_t i = 1; i <= n; i++) {
		struct process *process;
		char comm[16];

		snprintf(comm, sizeof(comm), "program%u", i);
		process = add_process(fixture->snapshot, i, comm, MIB, (n - i) * 4096);
		add_row(fixture->snapshot, process, i, "[heap]", "rw-p", KIND_DEMAND_ZERO,
			ACCESS_WRITE, MIB, i * 20, 0);
	}
}

static double sum_and_other(const struct fixture *fixture, const char *name)
{
	return sum(fixture, "groups", name) + number(json_object_get(fixture->root, "other"), name);
}

static const char *name_of(const struct fixture *fixture, size_t i)
{
	return json_string_value(json_object_get(element(fixture, "groups", i), "name"));
}

/* The first by the column that is asked for, and what has no line of its own in other: all sums are
 * the same, and the text is bounded. */
static void groups_beyond_the_most_are_in_other(void **state)
{
	static const char *const sorts[] = { NULL,      "minor",          "major",     "denied",
					     "stalled", "resident_bytes", "processes", "name" };
	struct fixture *fixture = *state;

	tick(fixture);
	add_programs(fixture, 2000);
	tick(fixture);
	for (size_t i = 0; i < sizeof(sorts) / sizeof(*sorts); i++) {
		render_by(fixture, sorts[i], NULL);
		assert_int_equal(length_of(fixture, "groups"), MOST_GROUPS);
		assert_true(number(fixture->root, "found") == 2000);
		assert_true(number(json_object_get(fixture->root, "other"), "groups") == 1900);
		assert_true(sum_and_other(fixture, "minor") == 20010000);
		assert_true(sum(fixture, "kinds", "minor") == 20010000);
		assert_true(sum(fixture, "history", "minor") == 20010000);
		assert_true(sum_and_other(fixture, "processes") == 2000);
		assert_true(sum_and_other(fixture, "resident_bytes") == 1999000 * 4096.0);
	}
	render(fixture);
	for (size_t i = 0; i < MOST_GROUPS; i++)
		assert_true(number(element(fixture, "groups", i), "minor") ==
			    10.0 * (double)(2000 - i));
	render_by(fixture, "resident_bytes", NULL);
	assert_string_equal(name_of(fixture, 0), "program1");
	assert_string_equal(name_of(fixture, 99), "program100");
	render_by(fixture, "name", NULL);
	assert_string_equal(name_of(fixture, 1), "program10");
	assert_string_equal(name_of(fixture, 2), "program100");
}

/* Whatever the case; what does not match is in other. */
static void search_finds_every_group(void **state)
{
	struct fixture *fixture = *state;

	tick(fixture);
	add_programs(fixture, 2000);
	tick(fixture);
	render_by(fixture, NULL, "PROGRAM7");
	assert_true(number(fixture->root, "found") == 111);
	assert_int_equal(length_of(fixture, "groups"), MOST_GROUPS);
	assert_string_equal(name_of(fixture, 0), "program799");
	assert_true(number(json_object_get(fixture->root, "other"), "groups") == 1900);
	assert_true(sum_and_other(fixture, "minor") == 20010000);
	render_by(fixture, NULL, "nobody");
	assert_true(number(fixture->root, "found") == 0);
	assert_int_equal(length_of(fixture, "groups"), 0);
	assert_true(sum_and_other(fixture, "minor") == 20010000);
}

/* What a process maps is not for everybody to see. */
static void findings_are_listed(void **state)
{
	struct fixture *fixture = *state;
	struct process *process = add_process(fixture->snapshot, 7, "cat\n", MIB, MIB);
	struct error error;

	fixture->findings = recent_findings_new(4096, 0, 0, NULL);
	assert_int_equal(sink_prometheus_hide_private(fixture->sink), 0);
	tick(fixture);
	render(fixture);
	assert_int_equal(length_of(fixture, "findings"), 0);
	stall(add_row(fixture->snapshot, process, 1, "/nowhere/x", "r--p", KIND_FILE_MAP,
		      ACCESS_READ, 256 * MIB, 0, 300),
	      500000000);
	add_row(fixture->snapshot, process, 2, "[anon]", "rw-p", KIND_COW, ACCESS_WRITE, 256 * MIB,
		20000, 0);
	seal(fixture->snapshot, 1);
	assert_int_equal(recent_findings_tick(fixture->findings, fixture->snapshot, &error), 0);
	render(fixture);
	assert_int_equal(length_of(fixture, "findings"), 2);
	assert_string_equal(text_of(element(fixture, "findings", 0), "name"), "cold-file");
	assert_string_equal(text_of(element(fixture, "findings", 0), "mapping"), "[private]");
	assert_string_equal(text_of(element(fixture, "findings", 0), "comm"), "cat\\x0a");
	assert_true(number(element(fixture, "findings", 0), "cost_seconds") == 0.5);
	assert_string_equal(text_of(element(fixture, "findings", 1), "mapping"), "[anon]");
	assert_true(number(element(fixture, "findings", 1), "pid") == 7);
	assert_true(number(element(fixture, "findings", 1), "cost_bytes") == 20000.0 * 4096);
}

static void unknown_columns_are_refused(void **state)
{
	struct fixture *fixture = *state;
	char *text;
	size_t size;

	tick(fixture);
	assert_int_equal(sink_overview_render(fixture->overview,
					      sink_prometheus_groups(fixture->sink), NULL, "size",
					      NULL, &text, &size),
			 -EINVAL);
	assert_int_equal(group_detail_render(sink_prometheus_groups(fixture->sink), "nobody", &text,
					     &size),
			 -ENOENT);
}

/* Its kinds and its mappings add up to its faults, of late and in all; the mappings that have no
 * series are in other, and none of all that changes when a block ends. */
static void a_group_has_kinds_mappings_and_stalls(void **state)
{
	struct fixture *fixture = *state;
	struct process *process = add_process(fixture->snapshot, 1, "cat", MIB, 4096);
	char mapping[16];
	struct row *row = NULL;

	tick(fixture);
	for (uint64_t i = 1; i <= 8; i++) {
		snprintf(mapping, sizeof(mapping), "/lib/%d", (int)i);
		row = add_row(fixture->snapshot, process, i, mapping, "r-xp", KIND_FILE_MAP,
			      ACCESS_READ, MIB, i * 100, i);
	}
	row->now.denied = 4;
	stall(row, 4096);
	stall(row, 4097);
	stall(row, 1000000000000);
	tick(fixture);
	render_group(fixture, "cat");
	assert_true(number(fixture->root, "minor") == 1800);
	assert_true(number(fixture->root, "minor_total") == 3600);
	assert_true(number(fixture->root, "pages_total") == 3636);
	assert_int_equal(length_of(fixture, "kinds"), 1);
	assert_true(number(element(fixture, "kinds", 0), "minor_total") == 3600);
	assert_int_equal(length_of(fixture, "mappings"), TOP_MAPPINGS + 1);
	assert_true(number(named(fixture, "mappings", "/lib/8"), "major_total") == 8);
	assert_true(number(named(fixture, "mappings", "/lib/8"), "denied") == 2);
	assert_true(sum(fixture, "mappings", "minor") == 1800);
	assert_true(sum(fixture, "mappings", "minor_total") == 3600);
	assert_true(sum(fixture, "mappings", "major_total") == 36);
	assert_true(number(named(fixture, "mappings", "other"), "minor_total") == 600);
	check_stalls(fixture, "recent", 1);
	check_stalls(fixture, "total", 1);
	for (int i = 0; i < 50; i++)
		tick(fixture);
	render_group(fixture, "cat");
	assert_true(sum(fixture, "mappings", "minor") == 0);
	assert_true(sum(fixture, "kinds", "minor") == 0);
	assert_true(sum(fixture, "mappings", "minor_total") == 3600);
	check_stalls(fixture, "recent", 0);
	check_stalls(fixture, "total", 1);
}

/* Where there is no room for all, those without series are in the group other, of late too. */
static void hidden_groups_are_in_the_group_other(void **state)
{
	struct fixture *fixture = *state;

	tick(fixture);
	add_programs(fixture, 2000);
	tick(fixture);
	render_group(fixture, "program1");
	assert_null(json_object_get(fixture->root, "kinds"));
	assert_true(number(fixture->root, "minor") == 10);
	render_group(fixture, "other");
	assert_true(number(fixture->root, "minor") > 0);
	assert_true(number(fixture->root, "minor") == sum(fixture, "kinds", "minor"));
	assert_true(number(fixture->root, "minor_total") == sum(fixture, "kinds", "minor_total"));
	/* What groups had counted that have ended is no other's; of late it is. */
	assert_true(number(fixture->root, "minor_total") > 0);
	assert_true(number(fixture->root, "minor") * 2 >= number(fixture->root, "minor_total"));
}

/* Whoever has ended: what it did of late is not lost. */
static void groups_that_are_gone_count_for_a_while(void **state)
{
	struct fixture *fixture = *state;

	tick(fixture);
	add_programs(fixture, 2000);
	for (size_t i = 0; i < fixture->snapshot->n_processes; i++)
		fixture->snapshot->processes[i]->ended = true;
	tick(fixture);
	tick(fixture);
	render(fixture);
	assert_true(number(fixture->root, "found") < 2000);
	assert_true(sum_and_other(fixture, "minor") == 10005000);
	assert_true(sum(fixture, "kinds", "minor") == 10005000);
}

static void hostile_names_are_text(void **state)
{
	struct fixture *fixture = *state;
	struct process *process;

	process = add_process(fixture->snapshot, 1, "</script>\"\\\n", MIB, 4096);
	add_row(fixture->snapshot, process, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
		MIB, 2, 0);
	process = add_process(fixture->snapshot, 2, "\xff\xc0\xaf\x01", MIB, 4096);
	add_row(fixture->snapshot, process, 2, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
		MIB, 4, 0);
	tick(fixture);
	render(fixture);
	assert_non_null(named(fixture, "groups", "</script>\"\\\\\\x0a"));
	assert_non_null(named(fixture, "groups", "\\xff\\xc0\\xaf\\x01"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(figures_are_recent_rates_per_second),
		TEST(recent_is_half_a_minute_to_one),
		TEST(head_says_what_it_is_of),
		TEST(history_has_the_newest_last),
		TEST(groups_beyond_the_most_are_in_other),
		TEST(search_finds_every_group),
		TEST(findings_are_listed),
		TEST(unknown_columns_are_refused),
		TEST(a_group_has_kinds_mappings_and_stalls),
		TEST(hidden_groups_are_in_the_group_other),
		TEST(groups_that_are_gone_count_for_a_while),
		TEST(hostile_names_are_text),
	};

	return cmocka_run_group_tests_name("overview", tests, NULL, NULL);
}
