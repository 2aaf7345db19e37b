/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program's one epoll loop: descriptors, one periodic timer each (timerfd, CLOCK_MONOTONIC),
 * signals through signalfd. Callbacks run one after another on the only thread; each returns 0, or
 * a negative errno which ends the loop with that result.
 */
#ifndef FAULTMAP_LOOP_H
#define FAULTMAP_LOOP_H

#include <stdint.h>
#include <sys/signalfd.h>

struct loop;

typedef int (*loop_fd_fn)(void *context, uint32_t events);
typedef int (*loop_timer_fn)(void *context);
typedef int (*loop_signal_fn)(void *context, const struct signalfd_siginfo *info);

/* 0 or a negative errno. */
int loop_new(struct loop **ret_loop);
/* Closes its own descriptors (never those it was given) and restores the signal mask. */
void loop_free(struct loop *loop);

/* Calls back while `events` (EPOLLIN...) stand on fd. The fd stays the caller's. */
int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn callback, void *context);
int loop_remove_fd(struct loop *loop, int fd);
/* Every interval_ms, the first time after one interval. A tick that came late is not repeated. */
int loop_add_timer(struct loop *loop, uint64_t interval_ms, loop_timer_fn callback, void *context);
/* Gives that timer another interval, from now on; -ENOENT if there is none. */
int loop_set_timer(struct loop *loop, uint64_t interval_ms, loop_timer_fn callback, void *context);
/* Blocks the signal for the process and delivers it here. */
int loop_add_signal(struct loop *loop, int signo, loop_signal_fn callback, void *context);

/* Runs until loop_quit or a callback's error: 0 or that error. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

#endif
