// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/unwinder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/util.h"
#include "symbol/code_file.h"
#include "symbol/unwind_queue.h"

/* A worker that has had so much begins anew: what it remembers of files is bounded so, and a file that
 * makes it turn in circles costs no more. */
#define WORKER_SECONDS 20
#define WORKER_BYTES (4ULL << 30)
/* One that dies at once is not made again at once. */
#define REST_MS 1000
/* Files that a worker is told of. */
#define FILES_MAX 1024

struct unwinder {
	struct unwinding interface;
	struct unwind_queue *queue;
	int socket;
	pid_t keeper;
	struct interned paths;
	struct table files; /* that the worker has */
	uint32_t n_told;    /* no number is used twice */
};

struct told_file {
	const char *path; /* first: the key; one of the interned */
	uint32_t number;  /* NO_FILE: it cannot be opened */
};

/* Asking. -------------------------------------------------------------------------------------- */

static int send_message(int socket, uint32_t number, int fd)
{
	struct unwind_message message = { .file = number };
	struct iovec part = { .iov_base = &message, .iov_len = sizeof(message) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct msghdr whole = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		whole.msg_control = control.bytes;
		whole.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &whole, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* NO_FILE: it cannot be opened, or is told another time. */
static uint32_t tell_file(struct unwinder *unwinder, const char *path, uint32_t tgid)
{
	autoclose int fd = code_file_open(path, tgid);
	uint32_t number = fd >= 0 ? unwinder->n_told : NO_FILE;
	struct told_file *told = malloc(sizeof(*told));

	if (!told || (fd >= 0 && send_message(unwinder->socket, number, fd) < 0)) {
		free(told);
		return NO_FILE;
	}
	unwinder->n_told += fd >= 0;
	*told = (struct told_file){ .path = path, .number = number };
	if (table_add(&unwinder->files, told) < 0)
		free(told);
	return number;
}

static uint32_t file_number(struct unwinder *unwinder, const char *file, uint32_t tgid)
{
	const char *path = file && file[0] == '/' ? interned_add(&unwinder->paths, file) : NULL;
	const struct told_file *told = path ? table_get(&unwinder->files, &path) : NULL;

	if (told)
		return told->number;
	if (!path || unwinder->files.count >= FILES_MAX)
		return NO_FILE;
	return tell_file(unwinder, path, tgid);
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
	send_message(unwinder->socket, NO_FILE, -1);
	return 0;
}

static void forget_files(struct unwinder *unwinder)
{
	table_clear_values(&unwinder->files, free);
	table_init(&unwinder->files, 0, sizeof(const char *));
}

static bool answer(void *context, struct unwind_answer *ret_answer)
{
	struct unwinder *unwinder = context;
	ssize_t got;

	for (;;) {
		got = recv(unwinder->socket, ret_answer, sizeof(*ret_answer), MSG_DONTWAIT);
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
static pid_t start_keeper(struct unwind_queue *queue, int socket, int other,
			  void (*confine)(const void *context), const void *context)
{
	(void)queue;
	(void)socket;
	(void)other;
	(void)confine;
	(void)context;
	errno = ENOTSUP;
	return -1;
}
#else
static void limit_worker(void)
{
	const struct rlimit none = {}, seconds = { WORKER_SECONDS, WORKER_SECONDS },
			    bytes = { WORKER_BYTES, WORKER_BYTES };

	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_CPU, &seconds);
	setrlimit(RLIMIT_AS, &bytes);
}

/* Of what the parent has open, BPF programs would stay in the kernel for as long as it is here. */
static void close_others(int socket)
{
	if (dup2(socket, STDIN_FILENO) < 0)
		_exit(1);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0); /* Linux 5.9 */
}

/* Has a worker, and another when that ends, until the one that it works for is gone. What the
 * terminal or a service manager sends to all is for the parent, with whom it ends. */
static _Noreturn void be_keeper(struct unwind_queue *queue, int socket, int other,
				void (*confine)(const void *context), const void *context)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct timespec rest = { REST_MS / 1000, REST_MS % 1000 * 1000000L };

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(other);
	close_others(socket);
	for (;;) {
		int status = 0;
		pid_t pid = fork();

		if (!pid) {
			limit_worker();
			if (confine)
				confine(context);
			prctl(PR_SET_PDEATHSIG, SIGKILL); /* becoming another takes it away */
			unwind_worker(queue, STDIN_FILENO);
		}
		if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		    !WEXITSTATUS(status))
			_exit(0);
		nanosleep(&rest, NULL);
	}
}

static pid_t start_keeper(struct unwind_queue *queue, int socket, int other,
			  void (*confine)(const void *context), const void *context)
{
	pid_t pid = fork();

	if (!pid)
		be_keeper(queue, socket, other, confine, context);
	return pid;
}
#endif

int unwinder_new(struct unwinder **ret_unwinder, void (*confine)(const void *context),
		 const void *context)
{
	struct unwinder *unwinder = calloc(1, sizeof(*unwinder));
	void *memory = mmap(NULL, sizeof(*unwinder->queue), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int sockets[2] = { -1, -1 }, result = 0;

	if (!unwinder || memory == MAP_FAILED) {
		free(unwinder);
		return -ENOMEM;
	}
	unwinder->queue = memory;
	unwinder->interface = (struct unwinding){ ask, answer, unwinder };
	table_init(&unwinder->files, 0, sizeof(const char *));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		result = -errno;
	unwinder->socket = sockets[0];
	if (!result)
		unwinder->keeper = start_keeper(memory, sockets[1], sockets[0], confine, context);
	if (!result && unwinder->keeper < 0)
		result = -errno;
	if (sockets[1] >= 0)
		close(sockets[1]);
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
	if (unwinder->socket >= 0)
		close(unwinder->socket);
	if (unwinder->keeper > 0) {
		kill(unwinder->keeper, SIGKILL); /* the worker with it */
		while (waitpid(unwinder->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	forget_files(unwinder);
	interned_clear(&unwinder->paths);
	munmap(unwinder->queue, sizeof(*unwinder->queue));
	free(unwinder);
}

const struct unwinding *unwinder_interface(struct unwinder *unwinder)
{
	return &unwinder->interface;
}
