// SPDX-License-Identifier: GPL-2.0-only
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/* Clients that wait while we are busy with a tick; a scraper or two and a browser at most. */
#define BACKLOG 16

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
	return !strchr(text, ':'); /* IPv6 needs its brackets: ::1:80 has two readings */
}

static bool parse(const char *text, struct listen_address *ret_address)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char copy[LISTEN_TEXT_LEN];
	char *host, *port;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	if (!split(copy, &host, &port))
		return false;
	if (!*host)
		host = "::"; /* takes IPv4 too, see listen_open */
	else if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (getaddrinfo(host, port, &hints, &found))
		return false;
	memcpy(&ret_address->address, found->ai_addr, found->ai_addrlen);
	ret_address->length = found->ai_addrlen;
	strcpy(ret_address->text, text);
	freeaddrinfo(found);
	return true;
}

int listen_parse(const char *text, struct listen_address *ret_address, struct error *error)
{
	if (parse(text, ret_address))
		return 0;
	return error_set(
		error, EINVAL,
		"bad address to listen on '%s': use ADDR:PORT, [IPv6]:PORT or :PORT, with a "
		"numeric address and a port up to 65535",
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

int listen_open(const struct listen_address *wanted, int *ret_fd, struct error *error)
{
	struct listen_address address = *wanted;
	const char *advice = "choose another one with --listen";
	autoclose int fd = open_socket(&address);
	int on = 1, off = 0, errnum;

	if (fd >= 0) {
		/* A restart must not wait for the old connections' TIME_WAIT. */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (address.address.ss_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&address.address, address.length) &&
	    !listen(fd, BACKLOG)) {
		*ret_fd = TAKE_FD(fd);
		return 0;
	}
	errnum = errno;
	if (errnum == EADDRINUSE)
		advice = "another program has this port: stop it, or choose another with --listen";
	return error_set(error, errnum, "listening on %s: %s; %s", wanted->text, strerror(errnum),
			 advice);
}

void listen_describe(int fd, char text[LISTEN_TEXT_LEN])
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char host[LISTEN_TEXT_LEN - 10], port[6];
	bool is_ipv6;

	if (getsockname(fd, (struct sockaddr *)&address, &length) ||
	    getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV)) {
		snprintf(text, LISTEN_TEXT_LEN, "?");
		return;
	}
	is_ipv6 = address.ss_family == AF_INET6;
	snprintf(text, LISTEN_TEXT_LEN, is_ipv6 ? "[%s]:%s" : "%s:%s", host, port);
}
