// SPDX-License-Identifier: GPL-2.0-only
#include "collect/reader.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/thread.h"

/* The deepest call needs 20 KiB; and independent of RLIMIT_STACK. */
#define STACK_BYTES (256 * 1024)
/* Runs before the tasks that make the rows it reads, where this may be set. */
#define NICE (-10)

struct reader {
	reader_fn read;
	void *context;
	pthread_t thread;
	pthread_mutex_t lock;
	int wake_fd; /* an eventfd: there is a descriptor to watch, or it is over */
	int fd;
	int result;
	bool is_over;
};

void reader_lock(struct reader *reader)
{
	pthread_mutex_lock(&reader->lock);
}

void reader_unlock(struct reader *reader)
{
	pthread_mutex_unlock(&reader->lock);
}

int reader_result(const struct reader *reader)
{
	return reader->result;
}

/* False when it is over. */
static bool read_once(struct reader *reader, bool is_readable, int *ret_fd)
{
	bool goes_on;

	reader_lock(reader);
	if (is_readable && !reader->is_over && !reader->result)
		reader->result = reader->read(reader->context);
	*ret_fd = reader->result ? -1 : reader->fd;
	goes_on = !reader->is_over;
	reader_unlock(reader);
	return goes_on;
}

static void *run_reader(void *argument)
{
	struct reader *reader = argument;
	struct pollfd watched[] = {
		{ .fd = reader->wake_fd, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	uint64_t wakes;

	setpriority(PRIO_PROCESS, 0, NICE); /* of this thread */
	while (read_once(reader, watched[1].revents, &watched[1].fd)) {
		if (poll(watched, 2, -1) < 0)
			watched[1].revents = 0; /* EINTR: a debugger */
		else if (watched[0].revents && read(reader->wake_fd, &wakes, sizeof(wakes)) < 0)
			continue;
	}
	return NULL;
}

int reader_new(struct reader **ret_reader, reader_fn read, void *context)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int result;

	if (!reader)
		return -ENOMEM;
	reader->read = read;
	reader->context = context;
	reader->fd = -1;
	pthread_mutex_init(&reader->lock, NULL);
	reader->wake_fd = eventfd(0, EFD_CLOEXEC);
	result = reader->wake_fd < 0 ?
			 -errno :
			 thread_start(&reader->thread, STACK_BYTES, run_reader, reader);
	if (result) {
		if (reader->wake_fd >= 0)
			close(reader->wake_fd);
		pthread_mutex_destroy(&reader->lock);
		free(reader);
		return result;
	}
	*ret_reader = reader;
	return 0;
}

static void wake(struct reader *reader)
{
	eventfd_write(reader->wake_fd, 1);
}

void reader_watch(struct reader *reader, int fd)
{
	reader_lock(reader);
	reader->fd = fd;
	reader_unlock(reader);
	wake(reader);
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	reader_lock(reader);
	reader->is_over = true;
	reader_unlock(reader);
	wake(reader);
	pthread_join(reader->thread, NULL);
	close(reader->wake_fd);
	pthread_mutex_destroy(&reader->lock);
	free(reader);
}
