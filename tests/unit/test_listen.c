/* SPDX-License-Identifier: GPL-2.0-only */
/* Which addresses are accepted, and what they become. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/listen.h"

/* Listens on the address and says what the socket is bound to, the port left out. */
static void assert_bound(const char *text, const char *want)
{
	struct listen_address address;
	char bound[LISTEN_TEXT_LEN];
	struct error error;
	int fd;

	assert_int_equal(listen_parse(text, &address, &error), 0);
	assert_int_equal(listen_open(&address, &fd, &error), 0);
	listen_describe(fd, bound);
	*strrchr(bound, ':') = '\0';
	assert_string_equal(bound, want);
	close(fd);
}

static void good_addresses_are_bound(void **state)
{
	(void)state;
	assert_bound("127.0.0.1:0", "127.0.0.1");
	assert_bound("localhost:0", "127.0.0.1");
	assert_bound("0.0.0.0:0", "0.0.0.0");
}

static void ipv6_is_bound_where_there_is_any(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	if (fd < 0) {
		assert_bound(":0", "0.0.0.0");
		return;
	}
	close(fd);
	assert_bound(":0", "[::]");
	assert_bound("[::]:0", "[::]");
}

static void bad_addresses_are_refused(void **state)
{
	const char *bad[] = { "",
			      ":",
			      "127.0.0.1",
			      "127.0.0.1:",
			      "127.0.0.1:x",
			      "1.2.3.4:65536",
			      "1.2.3.4:-1",
			      "1.2.3.4:+1",
			      "1.2.3.4: 1",
			      "::1:80",
			      "[::1]",
			      "[::1]80",
			      "[]:80",
			      "[127.0.0.1]:80",
			      "[::1:80",
			      "300.1.1.1:80",
			      "example.org:80",
			      "http://127.0.0.1:80",
			      "127.0.0.1:99999999999999999999",
			      "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:80" };
	struct listen_address address;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (listen_parse(bad[i], &address, &error) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(error.text, bad[i]));
	}
}

static void port_in_use_names_address_and_port(void **state)
{
	struct listen_address address;
	char text[LISTEN_TEXT_LEN];
	struct error error;
	int first, second;

	(void)state;
	assert_int_equal(listen_parse("127.0.0.1:0", &address, &error), 0);
	assert_int_equal(listen_open(&address, &first, &error), 0);
	listen_describe(first, text);
	assert_int_equal(listen_parse(text, &address, &error), 0);
	assert_int_equal(listen_open(&address, &second, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, text));
	close(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_are_bound),
		cmocka_unit_test(ipv6_is_bound_where_there_is_any),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(port_in_use_names_address_and_port),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
