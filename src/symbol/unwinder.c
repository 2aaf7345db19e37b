// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/unwinder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/util.h"
#include "symbol/code_file.h"
#include "symbol/keeper.h"
#include "symbol/symbolizer.h"
#include "symbol/unwind_queue.h"

/* The most files that are passed to a worker. */
#define FILES_MAX 1024

struct unwinder {
	struct unwinding interface;
	struct unwind_queue *queue;
	struct keeper keeper;
	struct interned paths;
	size_t n_paths;
	struct table files; /* that the worker has */
	uint32_t n_told;    /* no number is used twice */
	struct code_file_budget budget;
};

struct told_file {
	const char *path; /* first: the key; one of the interned */
	uint32_t number;  /* NO_FILE: it cannot be opened */
};

/* Asking. -------------------------------------------------------------------------------------- */

static int send_message(const struct unwinder *unwinder, uint32_t number, int fd)
{
	struct unwind_message message = { .file = number };

	return keeper_send(unwinder->keeper.socket, &message, sizeof(message), fd);
}

/* NO_FILE: it cannot be opened, or is told another time. */
static uint32_t tell_file(struct unwinder *unwinder, const char *path, uint32_t tgid)
{
	autoclose int fd = code_file_open_in_time(&unwinder->budget, path, tgid);
	const struct told_file told = { path, fd >= 0 ? unwinder->n_told : NO_FILE };

	if (fd == -EAGAIN || (fd >= 0 && send_message(unwinder, told.number, fd) < 0))
		return NO_FILE;
	unwinder->n_told += fd >= 0;
	table_add_copy(&unwinder->files, &told, sizeof(told)); /* else it is told again */
	return told.number;
}

/* NULL: no memory, or there are as many as a worker takes. */
static const char *keep_path(struct unwinder *unwinder, const char *path)
{
	const char *kept = interned_find(&unwinder->paths, path);

	if (kept || unwinder->n_paths >= FILES_MAX)
		return kept;
	kept = interned_add(&unwinder->paths, path);
	unwinder->n_paths += kept != NULL;
	return kept;
}

static uint32_t file_number(struct unwinder *unwinder, const char *file, uint32_t tgid)
{
	const char *path = file && file[0] == '/' ? keep_path(unwinder, file) : NULL;
	const struct told_file *told = path ? table_get(&unwinder->files, &path) : NULL;

	if (told)
		return told->number;
	return path ? tell_file(unwinder, path, tgid) : NO_FILE;
}

static void fill_slot(struct unwinder *unwinder, struct queue_slot *slot,
		      const struct unwind_request *request)
{
	slot->number = request->number;
	slot->areas_id = request->areas_id;
	slot->tgid = request->tgid;
	slot->n_areas = (uint32_t)request->n_areas;
	slot->n_registers = (uint32_t)request->n_registers;
	slot->stack_size = (uint32_t)request->stack_size;
	slot->stack_start = request->stack_start;
	memcpy(slot->registers, request->registers,
	       request->n_registers * sizeof(request->registers[0]));
	memcpy(slot->stack, request->stack, request->stack_size);
	for (size_t i = 0; i < request->n_areas; i++)
		slot->areas[i] = (struct queue_area){
			.start = request->areas[i].start,
			.end = request->areas[i].end,
			.offset = request->areas[i].offset,
			.file = file_number(unwinder, request->areas[i].file, request->tgid),
		};
}

static int ask(void *context, const struct unwind_request *request)
{
	struct unwinder *unwinder = context;
	struct unwind_queue *queue = unwinder->queue;
	uint64_t written = atomic_load_explicit(&queue->written, memory_order_relaxed);
	uint64_t read = atomic_load_explicit(&queue->read, memory_order_acquire);

	if (request->n_areas > UNWIND_AREAS_MAX || request->stack_size > UNWIND_STACK_MAX ||
	    request->n_registers > UNWIND_REGISTERS_MAX || !request->n_registers)
		return -EINVAL;
	if (written - read >= QUEUE_SLOTS) /* be it that the other side wrote nonsense */
		return -EAGAIN;
	fill_slot(unwinder, &queue->slots[written % QUEUE_SLOTS], request);
	atomic_store_explicit(&queue->written, written + 1, memory_order_release);
	/* Where there is no room for it, there are messages that wake it. */
	send_message(unwinder, NO_FILE, -1);
	return 0;
}

static void forget_files(struct unwinder *unwinder)
{
	table_clear_values(&unwinder->files, free);
	table_init(&unwinder->files, 0, sizeof(const char *));
	interned_clear(&unwinder->paths);
	unwinder->n_paths = 0;
}

static bool answer(void *context, struct unwind_answer *ret_answer)
{
	struct unwinder *unwinder = context;
	ssize_t got;

	for (;;) {
		got = recv(unwinder->keeper.socket, ret_answer, sizeof(*ret_answer), MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(*ret_answer))
			return false;
		if (ret_answer->number == NUMBER_OF_START)
			forget_files(unwinder);
		else if (ret_answer->n_frames <= UNWIND_FRAMES_MAX)
			return true;
	}
}

/* The process. --------------------------------------------------------------------------------- */

#ifdef WITHOUT_SYMBOL
static void work(void *queue, int socket)
{
	(void)queue;
	(void)socket;
}
#else
static void work(void *queue, int socket)
{
	unwind_worker(queue, socket);
}
#endif

int unwinder_new(struct unwinder **ret_unwinder, const struct keeper_rights *rights)
{
	struct unwinder *unwinder;
	void *memory;
	int result;

	if (!symbolizer_is_built())
		return -ENOTSUP;
	unwinder = calloc(1, sizeof(*unwinder));
	memory = mmap(NULL, sizeof(*unwinder->queue), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!unwinder || memory == MAP_FAILED) {
		free(unwinder);
		return -ENOMEM;
	}
	unwinder->queue = memory;
	unwinder->interface = (struct unwinding){ ask, answer, unwinder };
	table_init(&unwinder->files, 0, sizeof(const char *));
	result = keeper_start(&unwinder->keeper, work, memory, rights);
	if (!result)
		*ret_unwinder = unwinder;
	else
		unwinder_free(unwinder);
	return result;
}

void unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	keeper_end(&unwinder->keeper);
	forget_files(unwinder);
	munmap(unwinder->queue, sizeof(*unwinder->queue));
	free(unwinder);
}

const struct unwinding *unwinder_interface(struct unwinder *unwinder)
{
	return &unwinder->interface;
}
