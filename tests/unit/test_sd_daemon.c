// SPDX-License-Identifier: GPL-2.0-only
/* The service manager's protocol, with a datagram socket in its place. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sd_daemon.h"

static const char *const variables[] = { "LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES",
					 "WATCHDOG_USEC", "WATCHDOG_PID", "NOTIFY_SOCKET" };

static int clear(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
	return 0;
}

static void set_pid(const char *variable, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	setenv(variable, text, 1);
}

/* Binds the manager's socket to a name as NOTIFY_SOCKET has it. */
static int manager_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, name);
	if (*name == '@')
		address.sun_path[0] = '\0';
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void assert_told(int manager, const char *want)
{
	char text[256];
	ssize_t length = recv(manager, text, sizeof(text) - 1, 0);

	assert_true(length >= 0);
	text[length] = '\0';
	assert_string_equal(text, want);
}

static void the_manager_is_notified(void **state)
{
	char name[64];
	int manager;

	(void)state;
	assert_int_equal(sd_notify(false, "READY=1"), 0); /* there is none */
	snprintf(name, sizeof(name), "@faultmap-test-%d", getpid());
	manager = manager_at(name);
	assert_int_equal(sd_notify(false, "READY=1"), 1);
	assert_told(manager, "READY=1");
	assert_int_equal(sd_notifyf(true, "RELOADING=1\nMONOTONIC_USEC=%d", 42), 1);
	assert_told(manager, "RELOADING=1\nMONOTONIC_USEC=42");
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(sd_notify(false, "READY=1"), 0);
	close(manager);

	snprintf(name, sizeof(name), "/tmp/faultmap-test-%d", getpid());
	manager = manager_at(name);
	assert_int_equal(sd_notify(false, "STOPPING=1"), 1);
	assert_told(manager, "STOPPING=1");
	close(manager);
	assert_int_equal(sd_notify(false, "STOPPING=1"), -ECONNREFUSED);
	unlink(name);
	assert_int_equal(sd_notify(false, "STOPPING=1"), -ENOENT);
}

static void bad_manager_is_refused(void **state)
{
	char name[200];

	(void)state;
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	assert_int_equal(sd_notify(false, "READY=1"), -EAFNOSUPPORT);
	setenv("NOTIFY_SOCKET", "/", 1);
	assert_int_equal(sd_notify(false, "READY=1"), -EINVAL);
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(sd_notify(false, "READY=1"), -EINVAL);
	assert_int_equal(sd_notifyf(false, "STATUS=%s%s", name, name), -EINVAL);
}

static void watchdog_is_for_its_pid(void **state)
{
	static const char *const bad[] = { "", "0", "-1", "1s", " 1", "99999999999999999999" };
	uint64_t usec = 7;

	(void)state;
	assert_int_equal(sd_watchdog_enabled(false, &usec), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(sd_watchdog_enabled(false, &usec), 1);
	assert_int_equal(usec, 30000000);
	set_pid("WATCHDOG_PID", getppid());
	assert_int_equal(sd_watchdog_enabled(false, &usec), 0);
	set_pid("WATCHDOG_PID", getpid());
	assert_int_equal(sd_watchdog_enabled(true, &usec), 1);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		setenv("WATCHDOG_USEC", bad[i], 1);
		assert_int_equal(sd_watchdog_enabled(false, &usec), -EINVAL);
	}
}

static void passed_descriptors_are_for_their_pid(void **state)
{
	/* From 3 on: what a manager would pass, in place of whatever the test runner left there. */
	int old = dup(SD_LISTEN_FDS_START);
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(sd_listen_fds(false), 0);
	assert_true(dup2(fd, SD_LISTEN_FDS_START) >= 0);
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(sd_listen_fds(false), 0);
	set_pid("LISTEN_PID", getppid());
	assert_int_equal(sd_listen_fds(false), 0);
	set_pid("LISTEN_PID", getpid());
	assert_int_equal(fcntl(SD_LISTEN_FDS_START, F_SETFD, 0), 0);
	assert_int_equal(sd_listen_fds(false), 1);
	assert_int_equal(fcntl(SD_LISTEN_FDS_START, F_GETFD), FD_CLOEXEC);
	setenv("LISTEN_FDS", "1000000", 1);
	assert_int_equal(sd_listen_fds(false), -EBADF);
	setenv("LISTEN_FDS", "-1", 1);
	assert_int_equal(sd_listen_fds(true), -EINVAL);
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_PID"));
	if (old >= 0)
		dup2(old, SD_LISTEN_FDS_START);
	else
		close(SD_LISTEN_FDS_START);
	close(old);
	close(fd);
}

static void kinds_of_sockets_are_recognised(void **state)
{
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	int datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
	int file = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(sd_is_socket(listening, AF_UNSPEC, SOCK_STREAM, 1), 0);
	assert_int_equal(sd_is_socket(listening, AF_UNSPEC, SOCK_STREAM, 0), 1);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(sd_is_socket(listening, AF_UNSPEC, SOCK_STREAM, 1), 1);
	assert_int_equal(sd_is_socket(listening, AF_INET, 0, -1), 1);
	assert_int_equal(sd_is_socket(listening, AF_UNIX, 0, -1), 0);
	assert_int_equal(sd_is_socket(datagram, AF_UNIX, SOCK_STREAM, -1), 0);
	assert_int_equal(sd_is_socket(datagram, AF_UNIX, SOCK_DGRAM, -1), 1);
	assert_int_equal(sd_is_socket(file, AF_UNSPEC, 0, -1), 0);
	close(file);
	assert_int_equal(sd_is_socket(file, AF_UNSPEC, 0, -1), -EBADF);
	close(listening);
	close(datagram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_manager_is_notified, clear),
		cmocka_unit_test_setup(bad_manager_is_refused, clear),
		cmocka_unit_test_setup(watchdog_is_for_its_pid, clear),
		cmocka_unit_test_setup(passed_descriptors_are_for_their_pid, clear),
		cmocka_unit_test_setup(kinds_of_sockets_are_recognised, clear),
	};

	return cmocka_run_group_tests_name("sd_daemon", tests, NULL, NULL);
}
