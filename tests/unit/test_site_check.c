// SPDX-License-Identifier: GPL-2.0-only
/* Which Hosts and Origins are this machine's, and which are another site's. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "serve/site_check.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void hosts_are_addresses_localhost_or_the_machine(void **state)
{
	static const char *const ours[] = { "127.0.0.1",       "127.0.0.1:14096",
					    "10.1.2.3:80",     "[::1]:14096",
					    "[2001:db8::1]",   "localhost",
					    "LocalHost:14096", "localhost.",
					    "a.localhost:1",   "node7.example.com:14096",
					    "NODE7",           "node7:14096" };
	static const char *const foreign[] = { "",
					       ":14096",
					       "evil.example",
					       "evil.example:14096",
					       "localhost.evil.example",
					       "notlocalhost",
					       "127.0.0.1.evil.example",
					       "node7.evil.example",
					       "node77",
					       "node",
					       "[]",
					       "[evil.example]:14096",
					       "node7.example.com.evil.example" };
	char longest[1000];

	(void)state;
	for (size_t i = 0; i < COUNT(ours); i++) {
		if (!site_is_ours(ours[i], "node7.example.com"))
			fail_msg("refused: %s", ours[i]);
	}
	for (size_t i = 0; i < COUNT(foreign); i++) {
		if (site_is_ours(foreign[i], "node7.example.com"))
			fail_msg("accepted: %s", foreign[i]);
	}
	memset(longest, 'a', sizeof(longest));
	strcpy(longest + sizeof(longest) - 11, ".localhost");
	assert_false(site_is_ours(longest, "node7"));
	assert_false(site_is_ours("", ""));
	assert_false(site_is_ours("evil", ""));
}

static void origins_are_of_the_same_host_and_port(void **state)
{
	(void)state;
	assert_true(site_is_same("http://127.0.0.1:14096", "127.0.0.1:14096"));
	assert_true(site_is_same("https://Node7:14096", "node7:14096"));
	assert_false(site_is_same("http://127.0.0.1:8080", "127.0.0.1:14096"));
	assert_false(site_is_same("http://127.0.0.1", "127.0.0.1:14096"));
	assert_false(site_is_same("http://evil.example", "127.0.0.1:14096"));
	assert_false(site_is_same("null", "127.0.0.1:14096"));
	assert_false(site_is_same("", ""));
}

/* The local side of a socket that is bound there. */
static bool is_loopback(const void *address, socklen_t length, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int off = 0;
	bool result;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	assert_int_equal(bind(fd, address, length), 0);
	result = site_is_loopback(fd);
	close(fd);
	return result;
}

static void loopback_is_recognised_by_the_address(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) };
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
	struct sockaddr_un file = { .sun_family = AF_UNIX, .sun_path = "\0faultmap-site-check" };

	(void)state;
	assert_true(is_loopback(&v4, sizeof(v4), AF_INET));
	v4.sin_addr.s_addr = htonl(INADDR_ANY);
	assert_false(is_loopback(&v4, sizeof(v4), AF_INET));
	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	mapped.sin6_addr.s6_addr[12] = 127;
	mapped.sin6_addr.s6_addr[15] = 1;
	assert_true(is_loopback(&mapped, sizeof(mapped), AF_INET6));
	assert_false(is_loopback(&file, sizeof(file), AF_UNIX));
	assert_false(site_is_loopback(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_addresses_localhost_or_the_machine),
		cmocka_unit_test(origins_are_of_the_same_host_and_port),
		cmocka_unit_test(loopback_is_recognised_by_the_address),
	};

	return cmocka_run_group_tests_name("site_check", tests, NULL, NULL);
}
