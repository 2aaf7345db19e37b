// SPDX-License-Identifier: GPL-2.0-only
#include "base/sd_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/util.h"

#define STATE_LEN 256 /* what sd_notifyf() makes: a key or two with a number */

/* Decimal digits alone, up to max. 0, or -EINVAL. */
static int parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return errno || *end || *ret_number > max ? -EINVAL : 0;
}

/* 1 when the pid in the variable is ours; 0 when it is that of another process, or there is
 * none. */
static int is_for_us(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t pid;

	if (!text)
		return 0;
	if (parse_number(text, INT_MAX, &pid) < 0)
		return -EINVAL;
	return (pid_t)pid == getpid();
}

static int count_passed(void)
{
	const char *text = getenv("LISTEN_FDS");
	int result = is_for_us("LISTEN_PID");
	uint64_t count;

	if (result <= 0 || !text)
		return result < 0 ? result : 0;
	if (parse_number(text, INT_MAX - SD_LISTEN_FDS_START, &count) < 0)
		return -EINVAL;
	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + (int)count; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
			return -errno;
	}
	return (int)count;
}

int sd_listen_fds(bool unset)
{
	int result = count_passed();

	if (unset) {
		unsetenv("LISTEN_PID");
		unsetenv("LISTEN_FDS");
		unsetenv("LISTEN_FDNAMES");
	}
	return result;
}

static int socket_option(int fd, int option, int *ret_value)
{
	socklen_t length = sizeof(*ret_value);

	return getsockopt(fd, SOL_SOCKET, option, ret_value, &length) ? -errno : 0;
}

int sd_is_socket(int fd, int family, int type, int listening)
{
	int is_family = 0, is_type = 0, is_listening = 0, result;
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return 0;
	result = socket_option(fd, SO_DOMAIN, &is_family);
	if (!result)
		result = socket_option(fd, SO_TYPE, &is_type);
	if (!result)
		result = socket_option(fd, SO_ACCEPTCONN, &is_listening);
	if (result < 0)
		return result;
	return (family == AF_UNSPEC || family == is_family) && (!type || type == is_type) &&
	       (listening < 0 || !listening == !is_listening);
}

/* "/path", or "@name" of an abstract socket. */
static int set_address(const char *name, struct sockaddr_un *address, socklen_t *ret_length)
{
	size_t length = strlen(name);

	if (name[0] != '/' && name[0] != '@')
		return -EAFNOSUPPORT;
	if (length < 2 || length >= sizeof(address->sun_path))
		return -EINVAL;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, name, length);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	/* A path ends with its NUL, an abstract name with its length. */
	*ret_length =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
	return 0;
}

static int notify(const char *name, const char *state)
{
	autoclose int fd = -1;
	struct sockaddr_un address;
	socklen_t length = 0;
	int result = set_address(name, &address, &length);

	if (result < 0)
		return result;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length) < 0)
		return -errno;
	return 1;
}

int sd_notify(bool unset, const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int result = name ? notify(name, state) : 0;

	if (unset)
		unsetenv("NOTIFY_SOCKET");
	return result;
}

int sd_notifyf(bool unset, const char *format, ...)
{
	char state[STATE_LEN];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(state, sizeof(state), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(state))
		return -EINVAL;
	return sd_notify(unset, state);
}

static int watchdog(uint64_t *ret_usec)
{
	const char *text = getenv("WATCHDOG_USEC");
	uint64_t usec;
	int result;

	if (!text)
		return 0;
	/* Without a pid it is for whoever reads it. */
	result = getenv("WATCHDOG_PID") ? is_for_us("WATCHDOG_PID") : 1;
	if (result <= 0)
		return result;
	if (parse_number(text, UINT64_MAX - 1, &usec) < 0 || !usec)
		return -EINVAL;
	*ret_usec = usec;
	return 1;
}

int sd_watchdog_enabled(bool unset, uint64_t *ret_usec)
{
	int result = watchdog(ret_usec);

	if (unset) {
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
	}
	return result;
}
