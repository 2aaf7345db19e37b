// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/huge_pages.h"
#include "base/text.h"
#include "cmd/child_user.h"

/* A command's name as messages quote it. */
#define SHOWN_LEN 160

static const char *reason(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return "not found (or the interpreter that it names is not)";
	case EACCES:
		return "not executable: permission denied";
	case ENOEXEC:
		return "not executable: neither a program of this machine nor a script with #!";
	default:
		return strerror(errnum);
	}
}

/* faultmap ignores SIGPIPE and SIGXFSZ, so that its own writes fail instead; the command must not
 * inherit that. It does inherit what nohup or a shell made us ignore. */
static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, defaults;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &defaults);
}

/* Shares our memory until exec, as vfork does: that copies no page tables, so that the child has
 * hardly any faults in our image. 0 or a negative errno. */
static int start_as_we_are(char *const command[], const struct child_descriptor *extra,
			   pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int errnum = posix_spawnattr_init(&attributes);

	if (errnum)
		return -errnum;
	errnum = posix_spawn_file_actions_init(&actions);
	if (!errnum && extra)
		errnum = posix_spawn_file_actions_adddup2(&actions, extra->fd, extra->number);
	if (!errnum) {
		set_attributes(&attributes);
		errnum = posix_spawnp(ret_pid, command[0], &actions, &attributes, command, environ);
	}
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -errnum;
}

int child_start(char *const command[], const struct privileges_user *user,
		const struct child_descriptor *extra, pid_t *ret_pid, int *ret_pidfd,
		struct error *error)
{
	char shown[SHOWN_LEN];
	pid_t pid = -1;
	int pidfd, result;

	huge_pages_restore(); /* both ways return when the command has been executed */
	result = user ? child_start_as(command, user, extra, &pid) :
			start_as_we_are(command, extra, &pid);
	huge_pages_refuse();
	text_escape_to(shown, sizeof(shown), command[0]);
	if (result)
		return error_set(error, -result, "%s: %s", shown, reason(-result));
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		result = -errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return error_set(error, -result, "watching %s: pidfd_open: %s", shown,
				 strerror(-result));
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

int child_status_of(int result)
{
	switch (result) {
	case -ENOENT:
	case -ENOTDIR:
		return EXIT_NOT_FOUND;
	case -EAGAIN: /* no process to be had: not the command's fault */
	case -ENOMEM:
		return EXIT_FAILED;
	default:
		return EXIT_NOT_EXECUTABLE;
	}
}
