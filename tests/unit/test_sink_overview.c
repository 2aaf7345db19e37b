// SPDX-License-Identifier: GPL-2.0-only
/* The figures of the page at /, from hand-built snapshots, read back with a JSON parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "metrics/sink_overview.h"
#include "metrics/sink_prometheus.h"
#include "base/version.h"
#include "picture.h"
#include "stall.h"

#define MOST_POINTS 300
#define MOST_GROUPS 15

struct fixture {
	struct sink_prometheus *sink; /* whose groups are shown */
	struct sink_overview *overview;
	struct snapshot *snapshot;
	uint64_t ticks;
	json_t *root;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->sink = sink_prometheus_new(&(struct sink_prometheus_options){
		.group_by = GROUP_BY_COMM, .max_series = 10000, .started = { 1795342000, 0 } });
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
	snapshot_free(fixture->snapshot);
	free(fixture);
	return 0;
}

static void render(struct fixture *fixture)
{
	json_error_t why;
	char *text;
	size_t size;

	json_decref(fixture->root);
	assert_int_equal(sink_overview_render(fixture->overview,
					      sink_prometheus_groups(fixture->sink), &text, &size),
			 0);
	assert_int_equal(strlen(text), size);
	fixture->root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	if (!fixture->root)
		fail_msg("%s: %s", why.text, text);
	free(text);
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

static void figures_are_per_second_of_the_last_interval(void **state)
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
	check_figures(named(fixture, "groups", "other"), 0, 0, 0, 0);
	assert_true(number(named(fixture, "groups", "cat"), "resident_bytes") == 4096);
	tick(fixture);
	render(fixture);
	assert_int_equal(length_of(fixture, "kinds"), 0);
	check_figures(element(fixture, "history", 1), 0, 0, 0, 0);
	check_figures(named(fixture, "groups", "cat"), 0, 0, 0, 0);
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
	assert_true(number(fixture->root, "processes") == 1);
	assert_true(number(fixture->root, "ts") == 1795342136.123);
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

/* Those with the most first, and what has no line of its own in other: all sums are the same. */
static void groups_beyond_the_screen_are_in_other(void **state)
{
	struct fixture *fixture = *state;
	double before = 1e9;

	tick(fixture);
	for (uint32_t i = 1; i <= 40; i++) {
		struct process *process;
		char comm[16];

		snprintf(comm, sizeof(comm), "program%u", i);
		process = add_process(fixture->snapshot, i, comm, MIB, i * 4096);
		add_row(fixture->snapshot, process, i, "[heap]", "rw-p", KIND_DEMAND_ZERO,
			ACCESS_WRITE, MIB, i * 20, i);
	}
	tick(fixture);
	render(fixture);
	assert_int_equal(length_of(fixture, "groups"), MOST_GROUPS + 1);
	for (size_t i = 0; i < MOST_GROUPS; i++) {
		double minor = number(element(fixture, "groups", i), "minor");

		assert_true(minor < before);
		before = minor;
	}
	assert_string_equal(json_string_value(
				    json_object_get(element(fixture, "groups", MOST_GROUPS),
						    "name")),
			    "other");
	assert_true(sum(fixture, "groups", "minor") == 8200);
	assert_true(sum(fixture, "kinds", "minor") == 8200);
	assert_true(sum(fixture, "history", "minor") == 8200);
	assert_true(sum(fixture, "groups", "major") == 410);
	assert_true(sum(fixture, "groups", "processes") == 40);
	assert_true(sum(fixture, "groups", "resident_bytes") == 820 * 4096);
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
		TEST(figures_are_per_second_of_the_last_interval),
		TEST(head_says_what_it_is_of),
		TEST(history_has_the_newest_last),
		TEST(groups_beyond_the_screen_are_in_other),
		TEST(hostile_names_are_text),
	};

	return cmocka_run_group_tests_name("overview", tests, NULL, NULL);
}
