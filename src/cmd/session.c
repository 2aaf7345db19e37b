// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/huge_pages.h"
#include "base/output_file.h"
#include "base/util.h"
#include "collect/policy.h"

/* The last counters of a process come some 20 ms after it was reaped, and on a busy machine seconds
 * after: pauses of 20, 40, 80 ms and so on. */
#define ENDED_PAUSE_MS 20
#define ENDED_PAUSE_MAX_MS 320

struct session {
	struct collector *collector;
	struct loop *loop;
	struct filter *filter; /* NULL: all processes */
	bool wants_exe;
	const char *made_again;    /* session_keep_making(); NULL: none */
	const struct sinks *sinks; /* NULL: none */
	sinks_result_fn on_result;
	session_tick_fn on_tick;
	session_trouble_fn on_trouble;
	session_signal_fn on_signal;
	void *context;
	struct error error; /* why the loop ended, until session_run hands it out */
	uint64_t tick_ns;
	unsigned int trouble_in_a_row;
	bool has_baseline;
	bool in_on_tick;
	bool is_stopped;
	bool has_last_tick;
};

static int session_trouble(struct session *session, int result, const struct error *why)
{
	session->trouble_in_a_row++;
	if (!session->on_trouble)
		return result;
	return session->on_trouble(session->context, result, session->trouble_in_a_row, why);
}

static int session_hand_out(struct session *session, const struct snapshot *snapshot,
			    struct error *error)
{
	int result = 0;

	session->in_on_tick = true;
	if (session->sinks)
		result = sinks_tick(session->sinks, snapshot, session->on_result, session->context,
				    error);
	if (!result)
		result = session->on_tick(session->context, snapshot, error);
	session->in_on_tick = false;
	return result;
}

int session_tick(struct session *session, struct error *error)
{
	const struct snapshot *snapshot;
	uint64_t begin = monotonic_ns();
	int result = collector_tick(session->collector, &snapshot, error);

	if (result < 0)
		return session_trouble(session, result, error);
	session->tick_ns = monotonic_ns() - begin;
	session->trouble_in_a_row = 0;
	session->has_baseline = true;
	if (session->filter)
		snapshot = filter_apply(session->filter, snapshot);
	if (!snapshot)
		return error_set(error, ENOMEM, "filtering the processes: out of memory");
	return session_hand_out(session, snapshot, error);
}

static int handle_timer(void *context)
{
	struct session *session = context;

	return session_tick(session, &session->error);
}

static int handle_signal(void *context, const struct signalfd_siginfo *info)
{
	struct session *session = context;

	if (session->on_signal)
		return session->on_signal(session->context, info);
	session_stop(session);
	return 0;
}

/* The signals come first: one that arrives while the programs load ends the session cleanly. */
static int session_open_loop(struct session *session)
{
	int result = loop_new(&session->loop);

	if (!result)
		result = loop_add_signal(session->loop, SIGINT, handle_signal, session);
	if (!result)
		result = loop_add_signal(session->loop, SIGTERM, handle_signal, session);
	return result;
}

static int session_open_ticks(struct session *session, uint64_t interval_ms)
{
	return interval_ms ? loop_add_timer(session->loop, interval_ms, handle_timer, session) : 0;
}

int session_open(struct session **ret_session, const struct collector_options *options,
		 uint64_t interval_ms, session_tick_fn on_tick, void *context, struct error *error)
{
	struct session *session = calloc(1, sizeof(*session));
	int result;

	if (!session)
		return error_set(error, ENOMEM, "starting: out of memory");
	session->on_tick = on_tick;
	session->context = context;
	session->wants_exe = options->wants_exe;
	huge_pages_refuse();
	result = session_open_loop(session);
	if (result < 0) {
		error_set(error, -result, "making the event loop: %s", strerror(-result));
		session_close(session);
		return result;
	}
	result = collector_new(&session->collector, options, error);
	if (result < 0) {
		session_close(session);
		return result;
	}
	result = session_open_ticks(session, interval_ms);
	if (result < 0) {
		error_set(error, -result, "adding to the event loop: %s", strerror(-result));
		session_close(session);
		return result;
	}
	*ret_session = session;
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	loop_free(session->loop);
	collector_free(session->collector);
	filter_free(session->filter);
	free(session);
}

void session_set_sinks(struct session *session, const struct sinks *sinks,
		       sinks_result_fn on_result)
{
	session->sinks = sinks;
	session->on_result = on_result;
}

int session_set_filter(struct session *session, const struct filter_options *options)
{
	if (filter_is_empty(options))
		return 0;
	session->filter = filter_new(options);
	return session->filter ? 0 : -ENOMEM;
}

bool session_has_matched(const struct session *session)
{
	return !session->filter || filter_has_matched(session->filter);
}

struct loop *session_loop(struct session *session)
{
	return session->loop;
}

const struct collector_info *session_info(const struct session *session)
{
	return collector_info(session->collector);
}

struct collector *session_collector(const struct session *session)
{
	return session->collector;
}

size_t session_unwinding(const struct session *session)
{
	return collector_unwinding(session->collector);
}

size_t session_programs(const struct session *session, struct program_stats *programs, size_t max)
{
	return collector_programs(session->collector, programs, max);
}

void session_set_trouble(struct session *session, session_trouble_fn on_trouble)
{
	session->on_trouble = on_trouble;
}

void session_set_signal(struct session *session, session_signal_fn on_signal)
{
	session->on_signal = on_signal;
}

void session_keep_making(struct session *session, const char *path)
{
	session->made_again = path;
}

int session_give_up_privileges(const struct session *session, const struct privileges_user *user,
			       const struct common_options *common, enum sandbox sandbox,
			       struct error *error)
{
	bool is_paranoid = policy_sysctl("/proc/sys/kernel/perf_event_paranoid") > 2;
	unsigned int needs = (session_info(session)->reads_ask_for_bpf ? PRIVILEGE_CALL_BPF : 0) |
			     (session->wants_exe ? PRIVILEGE_READ_EXE : 0) |
			     (is_paranoid ? PRIVILEGE_OPEN_PERF_3 : PRIVILEGE_OPEN_PERF);
	int result = privileges_suspend(user, error);

	if (session->made_again && !output_file_may_reopen(session->made_again))
		needs |= PRIVILEGE_WRITE_FILES;
	if (!result)
		result = privileges_drop(needs, error);
	if (!result)
		sandbox_try(sandbox, &common->disabled);
	return result;
}

int session_set_interval(struct session *session, uint64_t interval_ms)
{
	return loop_set_timer(session->loop, interval_ms, handle_timer, session);
}

uint64_t session_tick_ns(const struct session *session)
{
	return session->tick_ns;
}

static int session_loop_until_stopped(struct session *session)
{
	int result = session->has_baseline ? 0 : session_tick(session, &session->error);

	if (!result && !session->is_stopped)
		result = loop_run(session->loop);
	if (!result && !session->has_last_tick)
		result = session_tick(session, &session->error);
	return result;
}

int session_run(struct session *session, struct error *error)
{
	int result;

	session->error.text[0] = '\0';
	result = session_loop_until_stopped(session);
	if (result < 0 && session->error.text[0])
		*error = session->error;
	else if (result < 0)
		error_set(error, -result, "waiting for events: %s", strerror(-result));
	return result;
}

int session_await_ended(struct session *session, struct error *error)
{
	uint64_t stop_ns = boottime_ns();
	int result = 0;

	for (int ms = ENDED_PAUSE_MS;
	     !result && ms <= ENDED_PAUSE_MAX_MS && collector_ending(session->collector, stop_ns);
	     ms *= 2) {
		poll(NULL, 0, ms);
		if (ms == ENDED_PAUSE_MAX_MS)
			collector_lose_patience(session->collector);
		result = session_tick(session, error);
	}
	return result;
}

void session_stop(struct session *session)
{
	session->is_stopped = true;
	session->has_last_tick |= session->in_on_tick;
	loop_quit(session->loop);
}

void session_stop_at_once(struct session *session)
{
	session->has_last_tick = true;
	session_stop(session);
}
