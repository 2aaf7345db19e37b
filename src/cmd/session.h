/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every command that watches has in common: a collector, the loop, the interval timer, sinks,
 * SIGINT and SIGTERM. The session owns the collector and the loop; snapshots stay the collector's,
 * sinks the command's.
 *
 *	session_open -> [session_loop: more descriptors] -> [session_tick] -> session_run ->
 *	session_close
 *
 * Counting starts in session_open, which lists the processes of tick 0, the baseline. It is sealed by
 * the first session_tick or at the start of session_run, and goes to sinks and on_tick like any
 * other.
 */
#ifndef FAULTMAP_SESSION_H
#define FAULTMAP_SESSION_H

#include <stdint.h>

#include "cmd/privileges.h"
#include "cmd/sandbox.h"
#include "collect/collector.h"
#include "base/error.h"
#include "base/loop.h"
#include "model/filter.h"
#include "model/sink.h"

struct session;

/* With each sealed snapshot, after the sinks. A negative errno (with the error set) ends
 * session_run with it. */
typedef int (*session_tick_fn)(void *context, const struct snapshot *snapshot, struct error *error);
/* A tick that could not be read, the in_a_row-th one: 0 to try again at the next tick, or the
 * negative errno to end session_run with. `why` says what went wrong. */
typedef int (*session_trouble_fn)(void *context, int result, unsigned int in_a_row,
				  const struct error *why);
/* SIGINT or SIGTERM came. A negative errno ends session_run. */
typedef loop_signal_fn session_signal_fn;

/* Loads and attaches. interval_ms 0: no timer, ticks come from session_tick only.
 * 0 or a negative errno with the error set. */
int session_open(struct session **ret_session, const struct collector_options *options,
		 uint64_t interval_ms, session_tick_fn on_tick, void *context, struct error *error);
/* NULL is fine. The collector's programs leave the kernel, the signal mask is restored. */
void session_close(struct session *session);

/* Each snapshot goes to these first, in their order; the list is borrowed and may change between
 * two ticks. on_result gets on_tick's context; NULL: the first failure ends session_run. */
void session_set_sinks(struct session *session, const struct sinks *sinks,
		       sinks_result_fn on_result);

/* From now on snapshots are those of the processes that match; the options are borrowed. 0 or
 * -ENOMEM. */
int session_set_filter(struct session *session, const struct filter_options *options);
/* Some process has matched the filter so far. */
bool session_has_matched(const struct session *session);

/* For further descriptors, signals (SIGCHLD) and timers. */
struct loop *session_loop(struct session *session);
const struct collector_info *session_info(const struct session *session);
/* The session's: for collector_guard_*(). */
struct collector *session_collector(const struct session *session);
/* As collector_unwinding. */
size_t session_unwinding(const struct session *session);
/* As collector_programs. */
size_t session_programs(const struct session *session, struct program_stats *programs, size_t max);

/* Without these, trouble ends the session and signals stop it; both take on_tick's context. */
void session_set_trouble(struct session *session, session_trouble_fn on_trouble);
void session_set_signal(struct session *session, session_signal_fn on_signal);

/* The name of a file that is made again while the session runs, to be called before
 * session_give_up_privileges: where the user may not, the capability stays. Borrowed. */
void session_keep_making(struct session *session, const char *path);
/*
 * For a command that only reads from now on, before its first tick: becomes the user, keeps only
 * the capabilities that reading needs, and enters that filter of system calls. 0 or a negative
 * errno with the error set.
 */
int session_give_up_privileges(const struct session *session, const struct privileges_user *user,
			       const struct common_options *common, enum sandbox sandbox,
			       struct error *error);

/* Ticks come at another interval from now on; 0 or a negative errno. */
int session_set_interval(struct session *session, uint64_t interval_ms);

/* Takes a tick now and hands it to on_tick: 0 or a negative errno with the error set. */
int session_tick(struct session *session, struct error *error);
/* How long the collector took for the tick that on_tick sees. */
uint64_t session_tick_ns(const struct session *session);

/* Runs until session_stop or an error; takes a last tick on the way out unless the stop came from
 * within on_tick. 0 or a negative errno with the error set. */
int session_run(struct session *session, struct error *error);
/* After session_run: takes more ticks until each process that was reaped by now is reported as
 * ended, for a second at most. As session_tick. */
int session_await_ended(struct session *session, struct error *error);
/* Lets session_run end; safe in any callback. */
void session_stop(struct session *session);
/* The same without a last tick. */
void session_stop_at_once(struct session *session);

#endif
