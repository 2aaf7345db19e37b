// SPDX-License-Identifier: GPL-2.0-only
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/util.h"

/*
 * A command has a few timers, signals and descriptors; all HTTP clients are behind the one epoll
  * descriptor of libmicrohttpd. More than this would be a leak, so it is refused.
 */
#define MAX_SOURCES 64

enum source_type { SOURCE_NONE, SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL };

struct source {
	enum source_type type;
	int fd; /* the loop's own for timers and signals */
	int signo;
	/* One more with each use of the slot. An event carries the slot and its use, so that what
	 * epoll reported for a source that has since been removed finds nobody. */
	uint32_t generation;
	union {
		loop_fd_fn on_fd;
		loop_timer_fn on_timer;
		loop_signal_fn on_signal;
	};
	void *context;
};

struct loop {
	int epoll_fd;
	bool quit;
	sigset_t old_mask;
	struct source sources[MAX_SOURCES];
};

int loop_new(struct loop **ret_loop)
{
	autofree struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	sigprocmask(SIG_SETMASK, NULL, &loop->old_mask);
	*ret_loop = TAKE_PTR(loop);
	return 0;
}

/* Takes signals that are pending: a second Ctrl-C while the loop ends would kill us once
 * unblocked. */
static void drop_pending(int signal_fd)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll_fd);
	for (size_t i = 0; i < MAX_SOURCES; i++) {
		struct source *source = &loop->sources[i];

		if (source->type == SOURCE_SIGNAL)
			drop_pending(source->fd);
		if (source->type == SOURCE_SIGNAL || source->type == SOURCE_TIMER)
			close(source->fd);
	}
	sigprocmask(SIG_SETMASK, &loop->old_mask, NULL);
	free(loop);
}

static struct source *find_fd(struct loop *loop, int fd)
{
	for (size_t i = 0; i < MAX_SOURCES; i++) {
		if (loop->sources[i].type == SOURCE_FD && loop->sources[i].fd == fd)
			return &loop->sources[i];
	}
	return NULL;
}

static struct source *find_signal(struct loop *loop, int signo)
{
	for (size_t i = 0; i < MAX_SOURCES; i++) {
		if (loop->sources[i].type == SOURCE_SIGNAL && loop->sources[i].signo == signo)
			return &loop->sources[i];
	}
	return NULL;
}

static struct source *find_free(struct loop *loop)
{
	for (size_t i = 0; i < MAX_SOURCES; i++) {
		if (loop->sources[i].type == SOURCE_NONE)
			return &loop->sources[i];
	}
	return NULL;
}

/* Registers a source, which is as in `wanted` except for the generation. */
static int add_source(struct loop *loop, const struct source *wanted, uint32_t events)
{
	struct source *source = find_free(loop);
	uint32_t generation;
	struct epoll_event event;

	if (!source)
		return -ENOSPC;
	generation = source->generation + 1;
	event = (struct epoll_event){
		.events = events,
		.data.u64 = (uint64_t)generation << 32 | (uint64_t)(source - loop->sources),
	};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, wanted->fd, &event) < 0)
		return -errno;
	*source = *wanted;
	source->generation = generation;
	return 0;
}

int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn callback, void *context)
{
	struct source source = {
		.type = SOURCE_FD, .fd = fd, .on_fd = callback, .context = context
	};

	if (find_fd(loop, fd))
		return -EEXIST;
	return add_source(loop, &source, events);
}

int loop_remove_fd(struct loop *loop, int fd)
{
	struct source *source = find_fd(loop, fd);

	if (!source)
		return -ENOENT;
	/* A descriptor that its owner has already closed has left the epoll set by itself. */
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	source->type = SOURCE_NONE;
	return 0;
}

static int set_timer(int fd, uint64_t interval_ms)
{
	struct timespec interval = {
		.tv_sec = (time_t)(interval_ms / 1000),
		.tv_nsec = (long)(interval_ms % 1000) * 1000000,
	};
	struct itimerspec spec = { .it_interval = interval, .it_value = interval };

	if (interval_ms == 0)
		return -EINVAL;
	return timerfd_settime(fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

int loop_add_timer(struct loop *loop, uint64_t interval_ms, loop_timer_fn callback, void *context)
{
	struct source source = { .type = SOURCE_TIMER, .on_timer = callback, .context = context };
	autoclose int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = fd < 0 ? -errno : set_timer(fd, interval_ms);

	if (r < 0)
		return r;
	source.fd = fd;
	r = add_source(loop, &source, EPOLLIN);
	if (r == 0)
		(void)TAKE_FD(fd);
	return r;
}

int loop_set_timer(struct loop *loop, uint64_t interval_ms, loop_timer_fn callback, void *context)
{
	for (size_t i = 0; i < MAX_SOURCES; i++) {
		const struct source *source = &loop->sources[i];

		if (source->type == SOURCE_TIMER && source->on_timer == callback &&
		    source->context == context)
			return set_timer(source->fd, interval_ms);
	}
	return -ENOENT;
}

int loop_add_signal(struct loop *loop, int signo, loop_signal_fn callback, void *context)
{
	struct source source = {
		.type = SOURCE_SIGNAL, .signo = signo, .on_signal = callback, .context = context
	};
	autoclose int fd = -1;
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	if (signo == SIGKILL || signo == SIGSTOP || sigaddset(&mask, signo) < 0)
		return -EINVAL;
	if (find_signal(loop, signo))
		return -EEXIST;
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	source.fd = fd;
	r = add_source(loop, &source, EPOLLIN);
	if (r < 0)
		return r;
	(void)TAKE_FD(fd);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return 0;
}

static int fire_timer(const struct source *source)
{
	uint64_t expirations; /* more than one when we were late: still one call */

	if (read(source->fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return 0;
	return source->on_timer(source->context);
}

static int fire_signal(const struct source *source)
{
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return source->on_signal(source->context, &info);
}

static int dispatch(struct loop *loop, const struct epoll_event *event)
{
	/* A copy: the callback may remove its own source and another may take the slot. */
	struct source source = loop->sources[(uint32_t)event->data.u64];

	if (source.generation != event->data.u64 >> 32)
		return 0;
	switch (source.type) {
	case SOURCE_FD:
		return source.on_fd(source.context, event->events);
	case SOURCE_TIMER:
		return fire_timer(&source);
	case SOURCE_SIGNAL:
		return fire_signal(&source);
	case SOURCE_NONE:
		break; /* removed by an earlier callback for the same epoll_wait() */
	}
	return 0;
}

int loop_run(struct loop *loop)
{
	int r = 0;

	while (r == 0 && !loop->quit) {
		struct epoll_event events[MAX_SOURCES];
		int n = epoll_wait(loop->epoll_fd, events, MAX_SOURCES, -1);

		if (n < 0 && errno != EINTR)
			r = -errno;
		for (int i = 0; i < n && r == 0 && !loop->quit; i++)
			r = dispatch(loop, &events[i]);
	}
	loop->quit = false;
	return r;
}

void loop_quit(struct loop *loop)
{
	loop->quit = true;
}
