// SPDX-License-Identifier: GPL-2.0-only
#include "serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/output_file.h"
#include "base/sd_daemon.h"
#include "base/util.h"

/* Room for thousands of clients that connect while a tick is under way. A client that finds the
 * queue full tries again only after a second. */
#define BACKLOG 4096
#define UNIX_PREFIX "unix:"
#define PASSED_SOCKETS "fd://"
/* The file of a socket: for the owner and the group. */
#define UNIX_UMASK 0117

/* Splits at the last colon, takes the brackets off. False when it is not of that form. */
static bool split(char *text, char **ret_host, char **ret_port)
{
	char *colon = strrchr(text, ':');
	size_t length;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	if (strtoul(colon + 1, NULL, 10) > UINT16_MAX)
		return false;
	*colon = '\0';
	length = strlen(text);
	*ret_host = text;
	*ret_port = colon + 1;
	if (text[0] == '[') {
		if (length < 3 || text[length - 1] != ']' || !strchr(text, ':'))
			return false;
		text[length - 1] = '\0';
		*ret_host = text + 1;
		return true;
	}
	return !strchr(text, ':'); /* IPv6 needs its brackets: ::1:80 is ambiguous */
}

static bool parse_inet(const char *text, struct listen_address *ret_address)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char copy[LISTEN_TEXT_LEN];
	char *host, *port;

	strcpy(copy, text);
	if (!split(copy, &host, &port))
		return false;
	if (!*host)
		host = "::"; /* takes IPv4 too, see bind_inet */
	else if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (getaddrinfo(host, port, &hints, &found))
		return false;
	memcpy(&ret_address->address, found->ai_addr, found->ai_addrlen);
	ret_address->length = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static bool parse_unix(const char *path, struct listen_address *ret_address)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&ret_address->address;

	if (!*path || strlen(path) >= sizeof(address->sun_path))
		return false;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path, path);
	ret_address->length = sizeof(*address);
	return true;
}

static bool parse(const char *text, struct listen_address *ret_address)
{
	size_t prefix = strlen(UNIX_PREFIX);

	if (strlen(text) >= sizeof(ret_address->text))
		return false;
	strcpy(ret_address->text, text);
	if (!strcmp(text, PASSED_SOCKETS)) {
		ret_address->address.ss_family = AF_UNSPEC;
		return true;
	}
	if (!strncmp(text, UNIX_PREFIX, prefix))
		return parse_unix(text + prefix, ret_address);
	return parse_inet(text, ret_address);
}

int listen_parse(const char *text, struct listen_address *ret_address, struct error *error)
{
	if (parse(text, ret_address))
		return 0;
	return error_set(
		error, EINVAL,
		"bad address to listen on '%s': use ADDR:PORT, [IPv6]:PORT or :PORT, with a "
		"numeric address and a port up to 65535, or unix:PATH with a path of at most 107 "
		"bytes, or fd://",
		text);
}

/* :PORT on a machine without IPv6 means all of IPv4. */
static int open_socket(struct listen_address *address)
{
	int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = socket(address->address.ss_family, type, 0);

	if (fd < 0 && errno == EAFNOSUPPORT && address->text[0] == ':') {
		struct sockaddr_in6 *all6 = (struct sockaddr_in6 *)&address->address;
		struct sockaddr_in all4 = { .sin_family = AF_INET, .sin_port = all6->sin6_port };

		memcpy(&address->address, &all4, sizeof(all4));
		address->length = sizeof(all4);
		fd = socket(AF_INET, type, 0);
	}
	return fd;
}

static int bind_inet(int fd, const struct listen_address *address)
{
	int on = 1, off = 0;

	/* A restart must not wait for the old connections' TIME_WAIT. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return bind(fd, (const struct sockaddr *)&address->address, address->length) ? -errno : 0;
}

/* True for a socket file that a killed daemon has left: nobody listens on it. */
static bool is_stale(const struct listen_address *address)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)&address->address;
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;

	return fd >= 0 && !lstat(name->sun_path, &status) && S_ISSOCK(status.st_mode) &&
	       connect(fd, (const struct sockaddr *)name, address->length) && errno == ECONNREFUSED;
}

static int bind_unix(int fd, const struct listen_address *address, struct listener *listener)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)&address->address;
	struct stat status;
	mode_t old_umask;
	int result;

	if (is_stale(address))
		unlink(name->sun_path);
	old_umask = umask(UNIX_UMASK);
	result = bind(fd, (const struct sockaddr *)name, address->length) ? -errno : 0;
	umask(old_umask);
	if (!result && !lstat(name->sun_path, &status)) {
		listener->is_file = true;
		listener->device = status.st_dev;
		listener->inode = status.st_ino;
	}
	return result;
}

static int fail(const struct listen_address *address, int result, struct error *error)
{
	const char *advice = "choose another one with --listen";

	if (result == -EADDRINUSE && address->address.ss_family == AF_UNIX)
		advice = "another program listens there, or it is another file: remove it, or "
			 "choose another with --listen";
	else if (result == -EADDRINUSE)
		advice = "another program has this port: stop it, or choose another with --listen";
	return error_set(error, -result, "listening on %s: %s; %s", address->text,
			 strerror(-result), advice);
}

static bool is_remote(int fd)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any.ss_family = AF_UNSPEC };
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return false;
	if (address.any.ss_family == AF_INET)
		return ntohl(address.v4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
	return address.any.ss_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

static bool is_unix(int fd)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(address);

	return !getsockname(fd, (struct sockaddr *)&address, &length) &&
	       address.ss_family == AF_UNIX;
}

static int add(struct listeners *listeners, const struct listener *listener,
	       const struct listen_address *address, struct error *error)
{
	struct listener *added = &listeners->all[listeners->count];

	if (listeners->count == LISTEN_MAX)
		return error_set(error, ENOSPC, "listening on %s: more than %d addresses",
				 address->text, LISTEN_MAX);
	*added = *listener;
	added->is_remote = is_remote(listener->fd);
	added->is_unix = is_unix(listener->fd);
	listeners->count++;
	return 0;
}

/* The service manager's sockets, by its protocol ($LISTEN_FDS): sd_listen_fds(3). */
static int add_passed(struct listeners *listeners, const struct listen_address *address,
		      struct error *error)
{
	int count = sd_listen_fds(true);
	int result = 0;

	if (count <= 0)
		return error_set(error, count < 0 ? -count : ENOENT,
				 "listening on " PASSED_SOCKETS ": no socket was passed; start "
				 "faultmap by a systemd socket unit, or choose an address with "
				 "--listen");
	for (int i = 0; i < count && !result; i++) {
		struct listener listener = { .fd = SD_LISTEN_FDS_START + i };

		if (sd_is_socket(listener.fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
			return error_set(error, EINVAL,
					 "listening on " PASSED_SOCKETS
					 ": descriptor %d is no listening stream socket; use "
					 "ListenStream= in the socket unit",
					 listener.fd);
		fcntl(listener.fd, F_SETFL, fcntl(listener.fd, F_GETFL) | O_NONBLOCK);
		result = add(listeners, &listener, address, error);
	}
	return result;
}

/* Whether it has a file, whose path that is then. */
static bool find_file(const struct listener *listener, struct sockaddr_un *ret_name)
{
	socklen_t length = sizeof(*ret_name);

	return listener->is_file &&
	       !getsockname(listener->fd, (struct sockaddr *)ret_name, &length);
}

static bool is_ours(const struct listener *listener, const struct stat *status)
{
	return status->st_dev == listener->device && status->st_ino == listener->inode;
}

void listen_give(const struct listeners *listeners, uid_t owner)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct sockaddr_un name;
		struct stat status;
		autoclose int fd = -1;

		if (find_file(&listeners->all[i], &name))
			fd = open(name.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && !fstat(fd, &status) && is_ours(&listeners->all[i], &status))
			(void)!fchownat(fd, "", owner, (gid_t)-1, AT_EMPTY_PATH);
	}
}

bool listen_may_unlink(const struct listeners *listeners)
{
	struct sockaddr_un name;

	for (size_t i = 0; i < listeners->count; i++) {
		if (find_file(&listeners->all[i], &name) && !output_file_may_make(name.sun_path))
			return false;
	}
	return true;
}

/* Removes its file too, unless another file has taken its place. */
static void close_listener(const struct listener *listener)
{
	struct sockaddr_un name;
	struct stat status;

	if (find_file(listener, &name) && !lstat(name.sun_path, &status) &&
	    is_ours(listener, &status))
		unlink(name.sun_path);
	close(listener->fd);
}

int listen_add(struct listeners *listeners, const struct listen_address *wanted,
	       struct error *error)
{
	struct listen_address address = *wanted;
	struct listener listener = { .fd = -1 };
	int result;

	if (address.address.ss_family == AF_UNSPEC)
		return add_passed(listeners, wanted, error);
	listener.fd = open_socket(&address);
	if (listener.fd < 0)
		return fail(wanted, -errno, error);
	result = address.address.ss_family == AF_UNIX ?
			 bind_unix(listener.fd, &address, &listener) :
			 bind_inet(listener.fd, &address);
	if (!result && listen(listener.fd, BACKLOG))
		result = -errno;
	result = result < 0 ? fail(wanted, result, error) :
			      add(listeners, &listener, wanted, error);
	if (result < 0)
		close_listener(&listener);
	return result;
}

void listen_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		close_listener(&listeners->all[i]);
	listeners->count = 0;
}

void listen_describe(int fd, char text[LISTEN_TEXT_LEN])
{
	union {
		struct sockaddr any;
		struct sockaddr_un file;
		struct sockaddr_storage storage;
	} address = { 0 };
	socklen_t length = sizeof(address);
	char host[LISTEN_TEXT_LEN - 10], port[6];

	if (getsockname(fd, &address.any, &length)) {
		snprintf(text, LISTEN_TEXT_LEN, "?");
		return;
	}
	if (address.any.sa_family == AF_UNIX) {
		snprintf(text, LISTEN_TEXT_LEN, UNIX_PREFIX "%.*s",
			 (int)sizeof(address.file.sun_path), address.file.sun_path);
		return;
	}
	if (getnameinfo(&address.any, length, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, LISTEN_TEXT_LEN, "?");
	else
		snprintf(text, LISTEN_TEXT_LEN,
			 address.any.sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
