// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "cmd/child.h"

#define DEADLINE_MS 10000

/* Starts the command, waits through the pidfd, and gives its wait status. */
static int run(const char *const *command)
{
	struct error error;
	struct pollfd ended = { .events = POLLIN };
	int status;
	pid_t pid;

	assert_int_equal(child_start((char *const *)command, NULL, NULL, &pid, &ended.fd, &error),
			 0);
	assert_int_equal(fcntl(ended.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(poll(&ended, 1, DEADLINE_MS), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ended.fd);
	return status;
}

static int shell(const char *script)
{
	return run((const char *[]){ "sh", "-c", script, NULL });
}

static void assert_refused(const char *name, int want, int want_status, const char *want_text)
{
	const char *const command[] = { name, NULL };
	struct error error;
	pid_t pid;
	int pidfd;
	int result = child_start((char *const *)command, NULL, NULL, &pid, &pidfd, &error);

	assert_int_equal(result, want);
	assert_int_equal(child_status_of(result), want_status);
	assert_non_null(strstr(error.text, want_text));
	/* Nobody is left to be reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void statuses_come_through(void **state)
{
	int status;

	(void)state;
	assert_int_equal(shell("exit 0"), 0);
	status = shell("exit 7");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	status = shell("kill -TERM $$");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void child_has_no_blocked_signal_and_our_sigpipe_not(void **state)
{
	sigset_t all, before;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&all);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGINT);
	sigprocmask(SIG_BLOCK, &all, &before);
	assert_int_equal(run((const char *[]){ "grep", "-q", "^SigBlk:\t0*$", "/proc/self/status",
					       NULL }),
			 0);
	/*
	 * SIGPIPE is bit 12: not the hexadecimal digit with 1 in the fourth place from the right.
	 */
	assert_int_equal(run((const char *[]){ "grep", "-q", "^SigIgn:.*[02468ace]...$",
					       "/proc/self/status", NULL }),
			 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void child_inherits_what_others_ignored(void **state)
{
	(void)state;
	signal(SIGHUP, SIG_IGN); /* nohup; bit 0 */
	assert_int_equal(run((const char *[]){ "grep", "-q", "^SigIgn:.*[13579bdf]$",
					       "/proc/self/status", NULL }),
			 0);
	signal(SIGHUP, SIG_DFL);
}

/* Under another number, and under the one that it has here. */
static void child_has_the_descriptor(void **state)
{
	const struct privileges_user self = { .uid = getuid(), .gid = getgid() };
	const char *const command[] = { "sh", "-c", "[ -c /proc/self/fd/8 ]", NULL };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int same = fcntl(fd, F_DUPFD_CLOEXEC, 8);

	(void)state;
	assert_int_equal(same, 8);
	for (int i = 0; i < 4; i++) {
		const struct child_descriptor extra = { i % 2 ? same : fd, 8 };
		struct error error;
		int status, pidfd;
		pid_t pid;

		if (i >= 2 && getuid()) /* nobody else may set groups */
			break;
		assert_int_equal(child_start((char *const *)command, i < 2 ? NULL : &self, &extra,
					     &pid, &pidfd, &error),
				 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(fcntl(same, F_GETFD), FD_CLOEXEC);
		close(pidfd);
	}
	close(fd);
	close(same);
}

static void what_cannot_be_started_says_why(void **state)
{
	char directory[] = "/tmp/faultmap-child.XXXXXX";
	char plain[64], empty[64], odd[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(plain, sizeof(plain), "%s/plain", directory);
	snprintf(empty, sizeof(empty), "%s/empty", directory);
	snprintf(odd, sizeof(odd), "%s/odd", directory);
	close(open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	close(open(empty, O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	assert_refused("faultmap-no-such-command", -ENOENT, 127, "not found");
	assert_refused(odd, -ENOENT, 127, "not found");
	assert_refused("", -ENOENT, 127, "not found");
	assert_refused(plain, -EACCES, 126, "permission");
	assert_refused(directory, -EACCES, 126, "permission");
	assert_refused(empty, -ENOEXEC, 126, "#!");
	snprintf(odd, sizeof(odd), "%s/plain/below", directory);
	assert_refused(odd, -ENOTDIR, 127, "");
	unlink(plain);
	unlink(empty);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_come_through),
		cmocka_unit_test(child_has_no_blocked_signal_and_our_sigpipe_not),
		cmocka_unit_test(child_inherits_what_others_ignored),
		cmocka_unit_test(child_has_the_descriptor),
		cmocka_unit_test(what_cannot_be_started_says_why),
	};

	/* A directory there that may not be searched would say EACCES for what is not found. */
	setenv("PATH", "/usr/bin:/bin", 1);
	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
