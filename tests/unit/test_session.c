// SPDX-License-Identifier: GPL-2.0-only
/* The session's order of ticks, with a collector of this file in place of the kernel's. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/session.h"

struct collector {
	struct snapshot snapshot;
	uint64_t reads;
	bool lost_patience;
};

/* What the next collector does, and where it is: the session does not say. */
static struct {
	int new_result;
	uint64_t fail_from, fail_to; /* reads that fail */
	uint64_t ending_to;          /* the read that finds the last process ended */
	struct collector *collector;
} plan;

int collector_new(struct collector **ret_collector, const struct collector_options *options,
		  struct error *error)
{
	(void)options;
	if (plan.new_result)
		return error_set(error, -plan.new_result, "no privilege");
	plan.collector = calloc(1, sizeof(*plan.collector));
	*ret_collector = plan.collector;
	return 0;
}

void collector_free(struct collector *collector)
{
	free(collector);
}

const struct collector_info *collector_info(const struct collector *collector)
{
	static const struct collector_info info = { .n_hooks = 0 };

	(void)collector;
	return &info;
}

int collector_tick(struct collector *collector, const struct snapshot **ret_snapshot,
		   struct error *error)
{
	uint64_t read = collector->reads++;

	if (read >= plan.fail_from && read < plan.fail_to)
		return error_set(error, EIO, "reading the maps: failed");
	*ret_snapshot = &collector->snapshot;
	return 0;
}

size_t collector_ending(const struct collector *collector, uint64_t by_ns)
{
	assert_true(by_ns > 0);
	return collector->reads < plan.ending_to;
}

void collector_lose_patience(struct collector *collector)
{
	collector->lost_patience = true;
}

size_t collector_unwinding(const struct collector *collector)
{
	(void)collector;
	return 0;
}

size_t collector_programs(const struct collector *collector, struct program_stats *programs,
			  size_t max)
{
	(void)collector;
	(void)programs;
	(void)max;
	return 0;
}

struct fixture {
	struct session *session;
	unsigned int ticks, stop_at, signals, troubles, most_in_a_row;
	int raise_at_first, fail_with;
	struct error error;
};

static int count_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct fixture *fixture = context;

	assert_ptr_equal(snapshot, &plan.collector->snapshot);
	fixture->ticks++;
	if (fixture->ticks == 1 && fixture->raise_at_first)
		raise(fixture->raise_at_first);
	if (fixture->ticks == fixture->stop_at)
		session_stop(fixture->session);
	return fixture->fail_with ? error_set(error, -fixture->fail_with, "sink: failed") : 0;
}

static int note_trouble(void *context, int result, unsigned int in_a_row, const struct error *why)
{
	struct fixture *fixture = context;

	assert_non_null(strstr(why->text, "failed"));
	fixture->troubles++;
	if (in_a_row > fixture->most_in_a_row)
		fixture->most_in_a_row = in_a_row;
	return in_a_row < 3 ? 0 : result;
}

static int note_signal(void *context, const struct signalfd_siginfo *info)
{
	struct fixture *fixture = context;

	assert_int_equal(info->ssi_signo, SIGINT);
	assert_int_equal(info->ssi_pid, getpid());
	fixture->signals++;
	session_stop(fixture->session);
	return 0;
}

static int set_up(void **state)
{
	memset(&plan, 0, sizeof(plan));
	*state = calloc(1, sizeof(struct fixture));
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	session_close(fixture->session);
	free(fixture);
	return 0;
}

static int run(struct fixture *fixture)
{
	alarm(20); /* a session that does not end kills the test */
	return session_run(fixture->session, &fixture->error);
}

static void open_session(struct fixture *fixture, uint64_t interval_ms)
{
	struct collector_options options = { .detail = DETAIL_FAST };

	assert_int_equal(session_open(&fixture->session, &options, interval_ms, count_tick, fixture,
				      &fixture->error),
			 0);
}

static void stop_within_a_tick_makes_it_the_last(void **state)
{
	struct fixture *fixture = *state;

	fixture->stop_at = 4;
	open_session(fixture, 1);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(fixture->ticks, 4);
	assert_int_equal(plan.collector->reads, 4);
}

static void stop_at_the_baseline_does_not_wait(void **state)
{
	struct fixture *fixture = *state;

	fixture->stop_at = 1;
	open_session(fixture, 0);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(fixture->ticks, 1);
}

static void signal_takes_a_last_tick(void **state)
{
	struct fixture *fixture = *state;

	fixture->raise_at_first = SIGTERM;
	open_session(fixture, 3600000);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(fixture->ticks, 2);
}

static void signal_goes_to_the_command_that_asks_for_it(void **state)
{
	struct fixture *fixture = *state;

	fixture->raise_at_first = SIGINT;
	open_session(fixture, 3600000);
	session_set_signal(fixture->session, note_signal);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(fixture->signals, 1);
}

static void await_ended(struct fixture *fixture, uint64_t ending_to)
{
	plan.ending_to = ending_to;
	fixture->stop_at = 1;
	open_session(fixture, 3600000);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(session_await_ended(fixture->session, &fixture->error), 0);
}

static void last_counters_are_waited_for(void **state)
{
	await_ended(*state, 3);
	assert_int_equal(plan.collector->reads, 3);
	assert_false(plan.collector->lost_patience);
}

static void nothing_is_waited_for_if_none_ends(void **state)
{
	await_ended(*state, 0);
	assert_int_equal(plan.collector->reads, 1);
}

/* The last of the ticks reports it all the same. */
static void last_counters_are_not_waited_for_long(void **state)
{
	await_ended(*state, UINT64_MAX);
	assert_int_equal(plan.collector->reads, 6);
	assert_true(plan.collector->lost_patience);
}

static int stop_at_once(void *context, const struct signalfd_siginfo *info)
{
	struct fixture *fixture = context;

	(void)info;
	session_stop_at_once(fixture->session);
	return 0;
}

static void stop_at_once_takes_no_last_tick(void **state)
{
	struct fixture *fixture = *state;

	fixture->raise_at_first = SIGINT;
	open_session(fixture, 3600000);
	session_set_signal(fixture->session, stop_at_once);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(fixture->ticks, 1);
}

static void early_tick_is_the_baseline(void **state)
{
	struct fixture *fixture = *state;

	fixture->stop_at = 2;
	open_session(fixture, 1);
	assert_int_equal(session_tick(fixture->session, &fixture->error), 0);
	assert_int_equal(fixture->ticks, 1);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(plan.collector->reads, 2);
}

static void trouble_ends_the_session(void **state)
{
	struct fixture *fixture = *state;

	plan.fail_from = 2;
	plan.fail_to = 3;
	open_session(fixture, 1);
	assert_int_equal(run(fixture), -EIO);
	assert_string_equal(fixture->error.text, "reading the maps: failed");
	assert_int_equal(fixture->ticks, 2);
}

static void trouble_that_passes_is_survived(void **state)
{
	struct fixture *fixture = *state;

	plan.fail_from = 1;
	plan.fail_to = 3;
	fixture->stop_at = 3;
	open_session(fixture, 1);
	session_set_trouble(fixture->session, note_trouble);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(fixture->troubles, 2);
	assert_int_equal(fixture->most_in_a_row, 2);
	assert_int_equal(plan.collector->reads, 5);
}

static void trouble_that_stays_ends_it(void **state)
{
	struct fixture *fixture = *state;

	plan.fail_to = UINT64_MAX;
	open_session(fixture, 1);
	session_set_trouble(fixture->session, note_trouble);
	assert_int_equal(run(fixture), -EIO);
	assert_int_equal(fixture->troubles, 3);
	assert_int_equal(fixture->ticks, 0);
}

static void sink_error_ends_it_with_its_text(void **state)
{
	struct fixture *fixture = *state;

	fixture->fail_with = -EPIPE;
	open_session(fixture, 1);
	assert_int_equal(run(fixture), -EPIPE);
	assert_string_equal(fixture->error.text, "sink: failed");
}

/* A sink that counts its ticks and fails in the first of them. */
struct sink_counter {
	unsigned int ticks;
	bool fails;
};

static int sink_counter_tick(struct sink_counter *sink, const struct snapshot *snapshot,
			     struct error *error)
{
	assert_ptr_equal(snapshot, &plan.collector->snapshot);
	return sink->ticks++ == 0 && sink->fails ? error_set(error, ENOSPC, "sink: failed") : 0;
}

static void sink_counter_free(struct sink_counter *sink)
{
	free(sink);
}

SINK_OPS(counter);

static struct sink_counter *add_sink(struct sinks *sinks, bool fails)
{
	struct sink_counter *sink = calloc(1, sizeof(*sink));

	sink->fails = fails;
	sinks_add(sinks, &sink_counter_ops, sink);
	return sink;
}

static void each_sink_gets_each_tick(void **state)
{
	struct fixture *fixture = *state;
	struct sinks sinks = {};
	struct sink_counter *first = add_sink(&sinks, false), *second = add_sink(&sinks, false);

	fixture->stop_at = 3;
	open_session(fixture, 1);
	session_set_sinks(fixture->session, &sinks, NULL);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(first->ticks, 3);
	assert_int_equal(second->ticks, 3);
	sinks_remove(&sinks, first);
	assert_int_equal(sinks.count, 1);
	assert_ptr_equal(sinks.list[0].sink, second);
	sinks_free(&sinks);
	assert_int_equal(sinks.count, 0);
}

static void sink_that_fails_ends_it(void **state)
{
	struct fixture *fixture = *state;
	struct sinks sinks = {};

	add_sink(&sinks, true);
	open_session(fixture, 1);
	session_set_sinks(fixture->session, &sinks, NULL);
	assert_int_equal(run(fixture), -ENOSPC);
	assert_string_equal(fixture->error.text, "sink: failed");
	assert_int_equal(fixture->ticks, 0);
	sinks_free(&sinks);
}

static int note_result(void *context, const void *sink, int result, const struct error *why)
{
	struct fixture *fixture = context;

	assert_true(result == 0 || ((const struct sink_counter *)sink)->fails);
	if (result < 0)
		assert_string_equal(why->text, "sink: failed");
	fixture->troubles += result < 0;
	return 0;
}

static void sink_that_fails_keeps_nothing_from_the_others(void **state)
{
	struct fixture *fixture = *state;
	struct sinks sinks = {};
	struct sink_counter *second;

	add_sink(&sinks, true);
	second = add_sink(&sinks, false);
	fixture->stop_at = 3;
	open_session(fixture, 1);
	session_set_sinks(fixture->session, &sinks, note_result);
	assert_int_equal(run(fixture), 0);
	assert_int_equal(fixture->troubles, 1);
	assert_int_equal(second->ticks, 3);
	sinks_free(&sinks);
}

static void collector_that_cannot_start_says_why(void **state)
{
	struct fixture *fixture = *state;
	struct collector_options options = { .detail = DETAIL_FAST };
	sigset_t mask;

	plan.new_result = -EPERM;
	assert_int_equal(session_open(&fixture->session, &options, 1, count_tick, fixture,
				      &fixture->error),
			 -EPERM);
	assert_string_equal(fixture->error.text, "no privilege");
	assert_null(fixture->session);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stop_within_a_tick_makes_it_the_last),
		TEST(stop_at_the_baseline_does_not_wait),
		TEST(signal_takes_a_last_tick),
		TEST(signal_goes_to_the_command_that_asks_for_it),
		TEST(last_counters_are_waited_for),
		TEST(nothing_is_waited_for_if_none_ends),
		TEST(last_counters_are_not_waited_for_long),
		TEST(stop_at_once_takes_no_last_tick),
		TEST(early_tick_is_the_baseline),
		TEST(trouble_ends_the_session),
		TEST(trouble_that_passes_is_survived),
		TEST(trouble_that_stays_ends_it),
		TEST(sink_error_ends_it_with_its_text),
		TEST(each_sink_gets_each_tick),
		TEST(sink_that_fails_ends_it),
		TEST(sink_that_fails_keeps_nothing_from_the_others),
		TEST(collector_that_cannot_start_says_why),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
