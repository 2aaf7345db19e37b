// SPDX-License-Identifier: GPL-2.0-only
/* Unwinds stacks with elfutils' libdwfl. Runs in a process of its own: see unwinder.h. */
#include "symbol/unwind_queue.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#undef ARRAY_SIZE /* ours is the same */
#include "base/util.h"
#include "symbol/keeper.h"
#include "symbol/unwind_process.h"

/* Files that are kept. */
#define FILES_MAX 1024
/* After this much CPU time the process ends, between two stacks, and another one begins. That
 * bounds what it remembers of files, and what a file can cost that makes it loop. */
#define SECONDS_WANTED 10
#define SECONDS_MAX 20

struct worker {
	struct unwind_queue *queue;
	int socket;
	struct unwind_files files;
	struct unwind_processes *processes;
	struct queue_slot slot; /* a copy: the other side writes the next one meanwhile */
};

static void take_file(struct worker *worker, uint32_t number, int fd)
{
	if (worker->files.count == FILES_MAX) {
		close(fd);
		return;
	}
	worker->files.list[worker->files.count++] = (struct unwind_file){ .number = number,
									  .fd = fd };
}

/* Waits if there is nothing to do. False: nobody is there any more. */
static bool take_messages(struct worker *worker, bool may_wait)
{
	struct pollfd event = { .fd = worker->socket, .events = POLLIN };
	struct unwind_message message;
	int result, fd;

	if (may_wait)
		poll(&event, 1, -1);
	while ((result = keeper_receive(worker->socket, &message, sizeof(message), &fd)) > 0)
		if (fd >= 0)
			take_file(worker, message.file, fd);
	return !result;
}

/* Takes the next stack out of the queue at once, so that it is not tried again if it causes a
 * crash. */
static bool take_slot(struct worker *worker)
{
	struct unwind_queue *queue = worker->queue;
	uint64_t read = atomic_load_explicit(&queue->read, memory_order_relaxed);

	if (atomic_load_explicit(&queue->written, memory_order_acquire) == read)
		return false;
	worker->slot = queue->slots[read % QUEUE_SLOTS];
	atomic_store_explicit(&queue->read, read + 1, memory_order_release);
	return true;
}

static void give_answer(struct worker *worker, const struct unwind_answer *answer)
{
	if (write(worker->socket, answer, sizeof(*answer)) != sizeof(*answer))
		_exit(0);
}

static bool has_worked_enough(void)
{
	struct rusage usage;

	return !getrusage(RUSAGE_SELF, &usage) &&
	       usage.ru_utime.tv_sec + usage.ru_stime.tv_sec >= SECONDS_WANTED;
}

_Noreturn void unwind_worker(struct unwind_queue *queue, int socket)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct unwind_answer answer = { .number = NUMBER_OF_START };

	if (!worker)
		_exit(1);
	keeper_limit_worker(SECONDS_MAX);
	worker->queue = queue;
	worker->socket = socket;
	worker->files.list = calloc(FILES_MAX, sizeof(*worker->files.list));
	worker->processes = unwind_processes_new(&worker->files);
	if (!worker->files.list || !worker->processes)
		_exit(1);
	give_answer(worker, &answer);
	for (bool has_slot = false; take_messages(worker, !has_slot);) {
		has_slot = take_slot(worker);
		if (!has_slot)
			continue;
		take_messages(worker, false); /* the files that it refers to were sent before it */
		unwind_stack(worker->processes, &worker->slot, &answer);
		give_answer(worker, &answer);
		if (has_worked_enough())
			_exit(1);
	}
	unwind_processes_free(worker->processes);
	_exit(0);
}
