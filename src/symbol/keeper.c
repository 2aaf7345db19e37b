// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/keeper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define WORKER_BYTES (4ULL << 30)
/* A worker that dies at once is started again only after this time. */
#define REST_MS 1000

void keeper_limit_worker(unsigned int seconds)
{
	const struct rlimit none = {}, cpu = { seconds, seconds },
			    bytes = { WORKER_BYTES, WORKER_BYTES };

	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_CPU, &cpu);
	if (!IS_SANITIZED) /* whose shadow of the memory is larger than any limit */
		setrlimit(RLIMIT_AS, &bytes);
}

/* Closes what the parent has open: otherwise its BPF programs would stay in the kernel as long as
 * this process lives. */
static void close_others(int socket)
{
	if (dup2(socket, STDIN_FILENO) < 0)
		_exit(1);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0); /* Linux 5.9 */
}

/* Ignores signals that a terminal or service manager sends to all: the keeper ends with its
 * parent. */
static _Noreturn void be_keeper(int socket, keeper_work_fn work, void *context,
				const struct keeper_rights *rights)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct timespec rest = { REST_MS / 1000, REST_MS % 1000 * 1000000L };

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	close_others(socket);
	if (rights->drop && rights->drop(rights->context) < 0)
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* becoming another takes it away */
	for (;;) {
		int status = 0;
		pid_t pid = fork();

		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (rights->filter)
				rights->filter(rights->context);
			work(context, STDIN_FILENO);
			_exit(0);
		}
		if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		    !WEXITSTATUS(status))
			_exit(0);
		nanosleep(&rest, NULL);
	}
}

int keeper_start(struct keeper *keeper, keeper_work_fn work, void *context,
		 const struct keeper_rights *rights)
{
	static const struct keeper_rights all = {};
	int sockets[2], result = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	keeper->pid = fork();
	if (!keeper->pid) {
		close(sockets[0]);
		be_keeper(sockets[1], work, context, rights ?: &all);
	}
	if (keeper->pid < 0)
		result = -errno;
	close(sockets[1]);
	keeper->socket = sockets[0];
	if (result) {
		keeper->pid = 0;
		close(sockets[0]);
	}
	return result;
}

void keeper_end(struct keeper *keeper)
{
	if (keeper->pid <= 0)
		return;
	close(keeper->socket);
	kill(keeper->pid, SIGKILL); /* the worker with it */
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	keeper->pid = 0;
}

int keeper_send(int socket, const void *message, size_t size, int fd)
{
	struct iovec part = { .iov_base = (void *)message, .iov_len = size };
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

int keeper_receive(int socket, void *message, size_t size, int *ret_fd)
{
	struct iovec part = { .iov_base = message, .iov_len = size };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr whole = { .msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control.bytes,
				.msg_controllen = sizeof(control.bytes) };
	ssize_t got = recvmsg(socket, &whole, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *header;

	*ret_fd = -1;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	header = CMSG_FIRSTHDR(&whole);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(header), sizeof(*ret_fd));
	return (size_t)got == size ? 1 : -EPIPE;
}
