// SPDX-License-Identifier: GPL-2.0-only
#include "serve/site_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A DNS name has at most 253. */
#define HOST_LEN 256

/* The name or address of "NAME:PORT" and "[IPv6]:PORT", without its brackets. False: it is none. */
static bool split_host(const char *host, char name[HOST_LEN])
{
	bool has_brackets = host[0] == '[';
	size_t length = strcspn(host + has_brackets, has_brackets ? "]" : ":");

	if (!length || length >= HOST_LEN)
		return false;
	snprintf(name, HOST_LEN, "%.*s", (int)length, host + has_brackets);
	if (!has_brackets && name[length - 1] == '.') /* of the root: the same name */
		name[length - 1] = '\0';
	return true;
}

static bool is_address(const char *name)
{
	struct in6_addr address;

	return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length > end_length && !strcasecmp(name + length - end_length, end);
}

/* The whole of it, or its first label. */
static bool is_machine(const char *name, const char *machine)
{
	size_t label = strcspn(machine, ".");

	return !strcasecmp(name, machine) ||
	       (label && strlen(name) == label && !strncasecmp(name, machine, label));
}

bool site_is_ours(const char *host, const char *machine)
{
	char name[HOST_LEN];

	return split_host(host, name) &&
	       (is_address(name) || !strcasecmp(name, "localhost") ||
		ends_with(name, ".localhost") || is_machine(name, machine));
}

bool site_is_same(const char *origin, const char *host)
{
	const char *scheme_end = strstr(origin, "://");

	return scheme_end && !strcasecmp(scheme_end + strlen("://"), host);
}

bool site_is_loopback(int fd)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any.ss_family = AF_UNSPEC };
	socklen_t length = sizeof(address);
	const struct in6_addr *v6 = &address.v6.sin6_addr;

	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return false;
	if (address.any.ss_family == AF_INET)
		return ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (address.any.ss_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(v6) ||
	       (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}
