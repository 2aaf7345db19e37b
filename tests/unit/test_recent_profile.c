// SPDX-License-Identifier: GPL-2.0-only
/* The profile of the last seconds: which ticks are in it, what is kept of many samples, and of call paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "sink/profile_output.h"
#include "sink/recent_profile.h"

#define SECOND 1000000000ULL

struct fixture {
	struct snapshot *snapshot;
	struct sink_recent *recent;
	uint64_t minor[50100]; /* of each instruction */
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->snapshot = snapshot_new();
	fixture->recent = sink_recent_new();
	assert_non_null(fixture->recent);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	sink_recent_free(fixture->recent);
	snapshot_free(fixture->snapshot);
	free(fixture);
	return 0;
}

/* These are called by main(), at 0x1000. */
static struct context *make_context(struct fixture *fixture, unsigned int instruction,
				    size_t n_places)
{
	struct context *context = context_new(n_places);

	for (size_t i = 0; i < n_places; i++)
		context_set_place(context, i,
				  (struct code_place){
					  .file = snapshot_intern(fixture->snapshot, "/bin/p"),
					  .offset = i ? 0x1000 : instruction,
					  .in_file = true });
	context->has_code = context->has_stack = true;
	context_set_stack_id(context);
	return context;
}

static void fault(struct fixture *fixture, unsigned int instruction, uint64_t count)
{
	struct process *process = snapshot_process(fixture->snapshot, 9, 1000, NULL);
	struct row like = { .mapping_id = instruction,
			    .kind = KIND_DEMAND_ZERO,
			    .context_id = instruction };
	struct row *row = snapshot_row_like(fixture->snapshot, process, &like, NULL);
	struct context *context = make_context(fixture, instruction, 1);

	strcpy(process->comm, "p");
	row->mapping = snapshot_intern(fixture->snapshot, "[anon]");
	row_set_context(row, context);
	context_drop(context);
	row->now.minor = fixture->minor[instruction] += count;
}

static void tick(struct fixture *fixture, uint64_t interval_ns)
{
	snapshot_seal(fixture->snapshot, (struct timespec){ 1, 0 }, interval_ns);
	fixture->snapshot->tick++;
	assert_int_equal(sink_recent_tick(fixture->recent, fixture->snapshot, NULL), 0);
	snapshot_begin(fixture->snapshot);
}

/* Folded lines of the last so many seconds. */
static void assert_recent(struct fixture *fixture, unsigned int seconds, size_t max,
			  const char *want)
{
	struct sink_recent_part *part = sink_recent_part(fixture->recent, seconds);
	struct sink_profile *profile = sink_recent_part_profile(part, max);
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(profile);
	assert_true(sink_profile_name_places(profile) >= 0);
	assert_int_equal(profile_folded_print(profile, WEIGHT_FAULTS, stream), 0);
	fclose(stream);
	assert_string_equal(text, want);
	free(text);
	sink_profile_free(profile);
	sink_recent_part_free(part);
}

static void ticks_of_the_last_seconds_are_in(void **state)
{
	struct fixture *fixture = *state;

	assert_recent(fixture, 10, 100, "");
	assert_null(sink_recent_last(fixture->recent));
	for (unsigned int i = 1; i <= 5; i++) {
		fault(fixture, i, i);
		tick(fixture, SECOND + SECOND / 100); /* a bit late */
	}
	assert_recent(fixture, 1, 100, "p;p+0x5;[anon] (demand_zero) 5\n");
	assert_recent(fixture, 2, 100,
		      "p;p+0x5;[anon] (demand_zero) 5\np;p+0x4;[anon] (demand_zero) 4\n");
	assert_int_equal(sink_profile_count(sink_recent_last(fixture->recent)), 1);
}

/* Those with the most faults, with room for the rest of each kind. */
static void what_is_too_much_is_in_other(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 1; i <= 50; i++)
		fault(fixture, i, i);
	tick(fixture, SECOND);
	assert_recent(fixture, 1, KIND_COUNT + 2,
		      "[unknown];[other] (demand_zero) 1176\n" /* 1 to 48 */
		      "p;p+0x32;[anon] (demand_zero) 50\n"
		      "p;p+0x31;[anon] (demand_zero) 49\n");
}

/* Of ticks of 10 seconds each seven would be more than a minute. */
static void a_minute_is_kept(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 1; i <= 9; i++) {
		fault(fixture, 1, 1);
		tick(fixture, 10 * SECOND);
	}
	assert_recent(fixture, 600, 100, "p;p+0x1;[anon] (demand_zero) 6\n");
	assert_recent(fixture, 25, 100, "p;p+0x1;[anon] (demand_zero) 2\n");
	fault(fixture, 1, 7);
	tick(fixture, 100 * SECOND); /* one that is longer stays until the next */
	assert_int_equal(sink_profile_count(sink_recent_last(fixture->recent)), 1);
	assert_recent(fixture, 60, 100, "");
}

/* Short ticks are as many as there is room for. */
static void short_ticks_are_bounded(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < 500; i++) {
		fault(fixture, 1, 1);
		tick(fixture, SECOND / 10);
	}
	assert_recent(fixture, 60, 100, "p;p+0x1;[anon] (demand_zero) 120\n");
}

/* 50,000 samples in all: what is older goes, however little it has; once the many have gone there
 * is room again. */
static void samples_are_bounded(void **state)
{
	struct fixture *fixture = *state;

	fault(fixture, 50001, 1);
	tick(fixture, SECOND);
	for (unsigned int i = 1; i <= 50000; i++)
		fault(fixture, i, 1);
	tick(fixture, SECOND);
	assert_int_equal(sink_profile_count(sink_recent_last(fixture->recent)), 50000);
	assert_recent(fixture, 60, KIND_COUNT, "[unknown];[other] (demand_zero) 50000\n");
	fault(fixture, 50002, 1);
	tick(fixture, SECOND);
	fault(fixture, 50002, 1);
	tick(fixture, SECOND);
	assert_recent(fixture, 60, 100, "p;p+0xc352;[anon] (demand_zero) 2\n");
}

/* What was asked for stays, though the ticks and the sink itself go meanwhile. */
static void a_part_stays_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct sink_recent_part *part;
	struct sink_profile *profile;

	fault(fixture, 1, 1);
	tick(fixture, SECOND);
	part = sink_recent_part(fixture->recent, 60);
	for (unsigned int i = 2; i < 5; i++) {
		fault(fixture, i, 1);
		tick(fixture, 60 * SECOND);
	}
	sink_recent_free(fixture->recent);
	fixture->recent = NULL;
	profile = sink_recent_part_profile(part, 100);
	assert_int_equal(sink_profile_count(profile), 1);
	sink_profile_free(profile);
	sink_recent_part_free(part);
}

/* A call path that was seen half a minute ago stands for the faults of now. */
static void call_paths_are_of_the_whole_minute(void **state)
{
	struct fixture *fixture = *state;
	struct context *context = make_context(fixture, 1, 2);
	struct sampled_path path = { .start_ns = 1000,
				     .tgid = 9,
				     .mapping = snapshot_intern(fixture->snapshot, "[anon]"),
				     .context = context };

	fault(fixture, 1, 1);
	assert_int_equal(snapshot_add_sampled(fixture->snapshot, &path), 0);
	context_drop(context);
	tick(fixture, 30 * SECOND);
	fault(fixture, 1, 3);
	tick(fixture, SECOND);
	assert_recent(fixture, 1, 100, "p;p+0x1000;p+0x1;[anon] (demand_zero, sampled) 3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ticks_of_the_last_seconds_are_in, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_too_much_is_in_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_minute_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(short_ticks_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(samples_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_part_stays_as_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(call_paths_are_of_the_whole_minute, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
