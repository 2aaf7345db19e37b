// SPDX-License-Identifier: GPL-2.0-only
/* The epoll loop: when it calls back, and what ends it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/util.h"

#define MAX_SOURCES 64 /* of loop.c */

/* What the callbacks below work on; one for each test. */
struct fixture {
	struct loop *loop;
	int pipes[2][2];
	int calls;
	uint32_t events;  /* of the last call */
	uint32_t signals; /* a bit for each that came: their order is not told */
	int quit_at;      /* the call that quits */
	int result;       /* what the quitting call returns */
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(loop_new(&fixture->loop), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fixture->pipes); i++)
		assert_int_equal(pipe2(fixture->pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
	fixture->quit_at = 1;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	loop_free(fixture->loop);
	for (size_t i = 0; i < ARRAY_SIZE(fixture->pipes); i++) {
		close(fixture->pipes[i][0]);
		close(fixture->pipes[i][1]);
	}
	free(fixture);
	return 0;
}

static int count_call(struct fixture *fixture)
{
	if (++fixture->calls < fixture->quit_at)
		return 0;
	loop_quit(fixture->loop);
	return fixture->result;
}

static int on_fd(void *context, uint32_t events)
{
	struct fixture *fixture = context;

	fixture->events = events;
	return count_call(fixture);
}

static int on_timer(void *context)
{
	return count_call(context);
}

static int on_signal(void *context, const struct signalfd_siginfo *info)
{
	struct fixture *fixture = context;

	fixture->signals |= 1u << info->ssi_signo;
	return count_call(fixture);
}

/* Bounds every loop_run of which a bug would make an endless one. */
static int on_deadline(void *context)
{
	(void)context;
	return -ETIME;
}

static void set_deadline(struct fixture *fixture)
{
	assert_int_equal(loop_add_timer(fixture->loop, 5000, on_deadline, NULL), 0);
}

static void fd_calls_back_while_events_stand(void **state)
{
	struct fixture *fixture = *state;

	set_deadline(fixture);
	fixture->quit_at = 3;
	assert_int_equal(write(fixture->pipes[0][1], "x", 1), 1);
	assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[0][0], EPOLLIN, on_fd, fixture),
			 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 3);
	assert_int_equal(fixture->events, EPOLLIN);
}

static void callback_error_ends_the_loop(void **state)
{
	struct fixture *fixture = *state;

	set_deadline(fixture);
	fixture->result = -EPIPE;
	fixture->quit_at = 2;
	assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[0][1], EPOLLOUT, on_fd, fixture),
			 0);
	assert_int_equal(loop_run(fixture->loop), -EPIPE);
	assert_int_equal(fixture->calls, 2);
}

static void quit_before_run_ends_it_once(void **state)
{
	struct fixture *fixture = *state;

	set_deadline(fixture);
	assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[0][1], EPOLLOUT, on_fd, fixture),
			 0);
	loop_quit(fixture->loop);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 1);
}

static void removed_fd_stays_silent(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture->pipes[0][1];

	assert_int_equal(loop_add_fd(fixture->loop, fd, EPOLLOUT, on_fd, fixture), 0);
	assert_int_equal(loop_remove_fd(fixture->loop, fd), 0);
	assert_int_equal(loop_remove_fd(fixture->loop, fd), -ENOENT);
	assert_int_equal(loop_add_timer(fixture->loop, 20, on_deadline, NULL), 0);
	assert_int_equal(loop_run(fixture->loop), -ETIME);
	assert_int_equal(fixture->calls, 0);
}

static int remove_both(void *context, uint32_t events)
{
	struct fixture *fixture = context;

	(void)events;
	fixture->calls++;
	assert_int_equal(loop_remove_fd(fixture->loop, fixture->pipes[0][1]), 0);
	assert_int_equal(loop_remove_fd(fixture->loop, fixture->pipes[1][1]), 0);
	/* Both slots are taken again: the event that is still to come must not reach these. */
	assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[0][0], EPOLLIN, on_fd, fixture),
			 0);
	assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[1][0], EPOLLIN, on_fd, fixture),
			 0);
	return 0;
}

static void removal_in_a_callback_drops_waiting_events(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(fixture->pipes); i++)
		assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[i][1], EPOLLOUT,
					     remove_both, fixture),
				 0);
	assert_int_equal(loop_add_timer(fixture->loop, 20, on_deadline, NULL), 0);
	assert_int_equal(loop_run(fixture->loop), -ETIME);
	assert_int_equal(fixture->calls, 1);
}

static void closed_fd_can_be_removed_and_reused(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture->pipes[0][1];

	set_deadline(fixture);
	assert_int_equal(loop_add_fd(fixture->loop, fd, EPOLLOUT, on_fd, fixture), 0);
	close(fd);
	assert_int_equal(loop_remove_fd(fixture->loop, fd), 0);
	assert_int_equal(dup3(fixture->pipes[1][1], fd, O_CLOEXEC), fd);
	assert_int_equal(loop_add_fd(fixture->loop, fd, EPOLLOUT, on_fd, fixture), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 1);
}

static void bad_fds_are_refused(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture->pipes[0][0];

	assert_int_equal(loop_add_fd(fixture->loop, -1, EPOLLIN, on_fd, fixture), -EBADF);
	assert_int_equal(loop_remove_fd(fixture->loop, fd), -ENOENT);
	assert_int_equal(loop_add_fd(fixture->loop, fd, EPOLLIN, on_fd, fixture), 0);
	assert_int_equal(loop_add_fd(fixture->loop, fd, EPOLLOUT, on_fd, fixture), -EEXIST);
}

static void sources_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	int fds[MAX_SOURCES];

	for (int i = 0; i < MAX_SOURCES; i++) {
		fds[i] = fcntl(fixture->pipes[0][0], F_DUPFD_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		assert_int_equal(loop_add_fd(fixture->loop, fds[i], EPOLLIN, on_fd, fixture), 0);
	}
	assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[1][0], EPOLLIN, on_fd, fixture),
			 -ENOSPC);
	assert_int_equal(loop_add_timer(fixture->loop, 10, on_timer, fixture), -ENOSPC);
	assert_int_equal(loop_add_signal(fixture->loop, SIGUSR1, on_signal, fixture), -ENOSPC);
	assert_int_equal(loop_remove_fd(fixture->loop, fds[7]), 0);
	assert_int_equal(loop_add_fd(fixture->loop, fixture->pipes[1][0], EPOLLIN, on_fd, fixture),
			 0);
	for (int i = 0; i < MAX_SOURCES; i++)
		close(fds[i]);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void timer_repeats_and_starts_after_one_interval(void **state)
{
	struct fixture *fixture = *state;
	uint64_t start = now_ms();

	set_deadline(fixture);
	fixture->quit_at = 4;
	assert_int_equal(loop_add_timer(fixture->loop, 20, on_timer, fixture), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 4);
	assert_true(now_ms() - start >= 4 * 20 - 1);
}

static int be_busy_once(void *context)
{
	struct fixture *fixture = context;
	uint64_t start = now_ms();

	/* For two and a half ticks, as a slow collector is. */
	while (fixture->calls == 0 && now_ms() - start < 250)
		;
	return count_call(fixture);
}

static void late_ticks_are_not_repeated(void **state)
{
	struct fixture *fixture = *state;
	uint64_t start = now_ms();

	fixture->quit_at = 3;
	assert_int_equal(loop_add_timer(fixture->loop, 100, be_busy_once, fixture), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	/* At 100; at 350 for those missed at 200 and 300; at 400. Repeating ends it at 350. */
	assert_true(now_ms() - start >= 399);
}

static void timer_takes_another_interval(void **state)
{
	struct fixture *fixture = *state;
	struct loop *loop = fixture->loop;

	set_deadline(fixture);
	assert_int_equal(loop_set_timer(loop, 20, on_timer, fixture), -ENOENT);
	assert_int_equal(loop_add_timer(loop, 3600 * 1000, on_timer, fixture), 0);
	assert_int_equal(loop_set_timer(loop, 0, on_timer, fixture), -EINVAL);
	assert_int_equal(loop_set_timer(loop, 20, on_timer, fixture), 0);
	assert_int_equal(loop_run(loop), 0); /* on_timer ends it */
}

static void timer_of_no_length_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_add_timer(fixture->loop, 0, on_timer, fixture), -EINVAL);
	/* The longest interval is never due, and no overflow of nanoseconds. */
	assert_int_equal(loop_add_timer(fixture->loop, UINT64_MAX, on_timer, fixture), 0);
	assert_int_equal(loop_add_timer(fixture->loop, 20, on_deadline, NULL), 0);
	assert_int_equal(loop_run(fixture->loop), -ETIME);
	assert_int_equal(fixture->calls, 0);
}

static void signals_reach_their_callback(void **state)
{
	struct fixture *fixture = *state;

	set_deadline(fixture);
	fixture->quit_at = 2;
	assert_int_equal(loop_add_signal(fixture->loop, SIGUSR1, on_signal, fixture), 0);
	assert_int_equal(loop_add_signal(fixture->loop, SIGUSR2, on_signal, fixture), 0);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1); /* as one: a standard signal does not queue */
	kill(getpid(), SIGUSR2);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 2);
	assert_int_equal(fixture->signals, 1u << SIGUSR1 | 1u << SIGUSR2);
}

static void bad_signals_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_add_signal(fixture->loop, 0, on_signal, fixture), -EINVAL);
	assert_int_equal(loop_add_signal(fixture->loop, 1000, on_signal, fixture), -EINVAL);
	assert_int_equal(loop_add_signal(fixture->loop, SIGKILL, on_signal, fixture), -EINVAL);
	assert_int_equal(loop_add_signal(fixture->loop, SIGSTOP, on_signal, fixture), -EINVAL);
	assert_int_equal(loop_add_signal(fixture->loop, SIGUSR1, on_signal, fixture), 0);
	assert_int_equal(loop_add_signal(fixture->loop, SIGUSR1, on_signal, fixture), -EEXIST);
}

static bool is_blocked(int signo)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, signo) == 1;
}

static void free_restores_the_mask_and_swallows_what_waits(void **state)
{
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	assert_false(is_blocked(SIGUSR1));
	assert_int_equal(loop_add_signal(loop, SIGUSR1, on_signal, NULL), 0);
	assert_true(is_blocked(SIGUSR1));
	kill(getpid(), SIGUSR1); /* would kill this test when unblocked */
	loop_free(loop);
	assert_false(is_blocked(SIGUSR1));
	loop_free(NULL);
}

static size_t count_open_fds(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void free_closes_its_own_descriptors_only(void **state)
{
	struct fixture *fixture = *state;
	size_t before = count_open_fds();
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(loop_add_timer(loop, 10, on_timer, fixture), 0);
	assert_int_equal(loop_add_signal(loop, SIGUSR1, on_signal, fixture), 0);
	assert_int_equal(loop_add_fd(loop, fixture->pipes[0][0], EPOLLIN, on_fd, fixture), 0);
	assert_int_equal(loop_add_timer(loop, 0, on_timer, fixture), -EINVAL);
	assert_int_equal(loop_add_signal(loop, SIGUSR1, on_signal, fixture), -EEXIST);
	assert_int_equal(count_open_fds(), before + 3);
	loop_free(loop);
	assert_int_equal(count_open_fds(), before);
	assert_true(fcntl(fixture->pipes[0][0], F_GETFD) >= 0);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(fd_calls_back_while_events_stand),
		LOOP_TEST(callback_error_ends_the_loop),
		LOOP_TEST(quit_before_run_ends_it_once),
		LOOP_TEST(removed_fd_stays_silent),
		LOOP_TEST(removal_in_a_callback_drops_waiting_events),
		LOOP_TEST(closed_fd_can_be_removed_and_reused),
		LOOP_TEST(bad_fds_are_refused),
		LOOP_TEST(sources_are_bounded),
		LOOP_TEST(timer_repeats_and_starts_after_one_interval),
		LOOP_TEST(late_ticks_are_not_repeated),
		LOOP_TEST(timer_takes_another_interval),
		LOOP_TEST(timer_of_no_length_is_refused),
		LOOP_TEST(signals_reach_their_callback),
		LOOP_TEST(bad_signals_are_refused),
		LOOP_TEST(free_restores_the_mask_and_swallows_what_waits),
		LOOP_TEST(free_closes_its_own_descriptors_only),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
