// SPDX-License-Identifier: GPL-2.0-only
/* Which addresses are accepted, and what they become. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "serve/listen.h"

/* Listens on the address and says what the socket is bound to, the port left out. */
static void assert_bound(const char *text, const char *want, bool is_remote)
{
	struct listeners listeners = { 0 };
	struct listen_address address;
	char bound[LISTEN_TEXT_LEN];
	struct error error;

	assert_int_equal(listen_parse(text, &address, &error), 0);
	assert_int_equal(listen_add(&listeners, &address, &error), 0);
	listen_describe(listeners.all[0].fd, bound);
	*strrchr(bound, ':') = '\0';
	assert_string_equal(bound, want);
	assert_int_equal(listeners.all[0].is_remote, is_remote);
	listen_close(&listeners);
}

static void good_addresses_are_bound(void **state)
{
	(void)state;
	assert_bound("127.0.0.1:0", "127.0.0.1", false);
	assert_bound("localhost:0", "127.0.0.1", false);
	assert_bound("127.1.2.3:0", "127.1.2.3", false);
	assert_bound("0.0.0.0:0", "0.0.0.0", true);
}

static void ipv6_is_bound_where_there_is_any(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	if (fd < 0) {
		assert_bound(":0", "0.0.0.0", true);
		return;
	}
	close(fd);
	assert_bound(":0", "[::]", true);
	assert_bound("[::]:0", "[::]", true);
	assert_bound("[::1]:0", "[::1]", false);
}

static void bad_addresses_are_refused(void **state)
{
	const char *bad[] = {
		"",
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
		"unix:",
		"unix:/tmp/a-name-that-is-longer-than-the-108-bytes-which-the-address-of-a-"
		"unix-socket-has-room-for-in-its-member-sun_path",
		"fd://3",
		"127.0.0.1:99999999999999999999",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:80"
	};
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
	struct listeners listeners = { 0 };
	struct listen_address address;
	char text[LISTEN_TEXT_LEN];
	struct error error;

	(void)state;
	assert_int_equal(listen_parse("127.0.0.1:0", &address, &error), 0);
	assert_int_equal(listen_add(&listeners, &address, &error), 0);
	listen_describe(listeners.all[0].fd, text);
	assert_int_equal(listen_parse(text, &address, &error), 0);
	assert_int_equal(listen_add(&listeners, &address, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, text));
	assert_int_equal(listeners.count, 1);
	listen_close(&listeners);
}

static void listeners_are_bounded(void **state)
{
	struct listeners listeners = { 0 };
	struct listen_address address;
	struct error error;

	(void)state;
	assert_int_equal(listen_parse("127.0.0.1:0", &address, &error), 0);
	for (unsigned int i = 0; i < LISTEN_MAX; i++)
		assert_int_equal(listen_add(&listeners, &address, &error), 0);
	assert_int_equal(listen_add(&listeners, &address, &error), -ENOSPC);
	listen_close(&listeners);
}

#define SOCKET_DIRECTORY "/tmp/faultmap-listen.XXXXXX"

struct place {
	char directory[sizeof(SOCKET_DIRECTORY)];
	char path[64];
	struct listen_address address;
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct error error;
	char text[80];

	strcpy(place->directory, SOCKET_DIRECTORY);
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/socket", place->directory);
	snprintf(text, sizeof(text), "unix:%s", place->path);
	assert_int_equal(listen_parse(text, &place->address, &error), 0);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	assert_int_equal(rmdir(place->directory), 0);
	free(place);
	return 0;
}

static void a_unix_socket_has_its_mode_and_goes_at_the_end(void **state)
{
	struct place *place = *state;
	struct listeners listeners = { 0 };
	char text[LISTEN_TEXT_LEN];
	struct stat status;
	struct error error;

	assert_int_equal(listen_add(&listeners, &place->address, &error), 0);
	assert_false(listeners.all[0].is_remote);
	assert_int_equal(lstat(place->path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0660);
	listen_describe(listeners.all[0].fd, text);
	assert_string_equal(text, place->address.text);
	listen_close(&listeners);
	assert_int_equal(lstat(place->path, &status), -1);
}

static void a_stale_socket_is_replaced_one_in_use_is_not(void **state)
{
	struct place *place = *state;
	struct listeners listeners = { 0 };
	struct error error;

	assert_int_equal(listen_add(&listeners, &place->address, &error), 0);
	assert_int_equal(listen_add(&listeners, &place->address, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, place->path));
	/* As SIGKILL leaves it: closed, not unlinked. */
	close(listeners.all[0].fd);
	listeners.count = 0;
	assert_int_equal(access(place->path, F_OK), 0);
	assert_int_equal(listen_add(&listeners, &place->address, &error), 0);
	listen_close(&listeners);
}

static void another_file_is_left_alone(void **state)
{
	struct place *place = *state;
	struct listeners listeners = { 0 };
	struct error error;

	close(open(place->path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(listen_add(&listeners, &place->address, &error), -EADDRINUSE);
	assert_int_equal(access(place->path, F_OK), 0);
	unlink(place->path);
	/* One that came in our socket's place. */
	assert_int_equal(listen_add(&listeners, &place->address, &error), 0);
	unlink(place->path);
	close(open(place->path, O_CREAT | O_WRONLY, 0600));
	listen_close(&listeners);
	assert_int_equal(access(place->path, F_OK), 0);
}

static void without_passed_sockets_fd_is_refused(void **state)
{
	struct listeners listeners = { 0 };
	struct listen_address address;
	struct error error;

	(void)state;
	unsetenv("LISTEN_FDS");
	assert_int_equal(listen_parse("fd://", &address, &error), 0);
	assert_int_equal(listen_add(&listeners, &address, &error), -ENOENT);
	assert_non_null(strstr(error.text, "no socket was passed"));
}

#define WITH_PLACE(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_are_bound),
		cmocka_unit_test(ipv6_is_bound_where_there_is_any),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(port_in_use_names_address_and_port),
		cmocka_unit_test(listeners_are_bounded),
		WITH_PLACE(a_unix_socket_has_its_mode_and_goes_at_the_end),
		WITH_PLACE(a_stale_socket_is_replaced_one_in_use_is_not),
		WITH_PLACE(another_file_is_left_alone),
		cmocka_unit_test(without_passed_sockets_fd_is_refused),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
