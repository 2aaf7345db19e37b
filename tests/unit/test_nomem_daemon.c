// SPDX-License-Identifier: GPL-2.0-only
/* Out of memory (failing_malloc.h): what only the daemon has, from its configuration to its
 * clients. */
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/config_file.h"
#include "serve/http.h"
#include "serve/login.h"
#include "base/loop.h"
#include "sink/outlet.h"
#include "serve/web_config.h"
#include "failing_malloc.h"

#define HASH "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"

static int loop_scenario(void)
{
	struct loop *loop = NULL;
	int result = loop_new(&loop);

	loop_free(loop);
	return result;
}

/* A file in memory, made before anything fails. */
static const char *file_of(const char *text)
{
	static char path[32];
	static FILE *stream;

	if (!stream)
		stream = tmpfile();
	assert_non_null(stream);
	rewind(stream);
	assert_int_equal(ftruncate(fileno(stream), 0), 0);
	assert_int_equal(pwrite(fileno(stream), text, strlen(text), 0), strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(stream));
	return path;
}

static int web_config_scenario(void)
{
	struct web_config *config = NULL;
	struct error error = { "" };
	int result = web_config_load(&config,
				     file_of("http_server_config:\n  headers:\n"
					     "    X-Frame-Options: deny\n"
					     "basic_auth_users:\n  a: " HASH "\n  b: " HASH "\n"),
				     &error);

	assert_true(!result == !error.text[0]);
	web_config_free(config);
	/* libyaml does not tell no memory from no YAML. */
	return result ? -ENOMEM : 0;
}

struct config {
	struct option_list list;
};

static const struct option_spec options[] = {
	{ .name = "list", .argument = "TEXT", .help = "h", .type = OPTION_LIST }
};

static int config_file_scenario(void)
{
	static const struct command_spec command = { .name = "test",
						     .options = options,
						     .n_options = 1 };
	struct config_file *file = NULL;
	struct config config = { 0 };
	struct error error = { "" };
	int result = config_file_read(&file, file_of("list = a\nlist = b\n"), &command, &config,
				      &error);

	assert_true(!result == !error.text[0]);
	config_file_free(file);
	return result ? -ENOMEM : 0;
}

/* A line without memory is lost as a whole, and counted; the next one may have some again. */
static int outlet_scenario(void)
{
	static const char part[4000];
	struct outlet *outlet = NULL;
	struct error error = { "" };
	int result = outlet_open(&outlet, "/dev/null", OUTLET_REPLACE, &error), first = result;
	uint64_t n_refused = 0;

	assert_true(!result == !error.text[0]);
	for (int line = 0; line < 30 && !first; line++) {
		for (int i = 0; i < 10; i++)
			outlet_add(outlet, part, sizeof(part));
		if (outlet_end_line(outlet, false)) {
			result = -ENOMEM;
			n_refused++;
		}
	}
	assert_true(first || outlet_lost(outlet) == n_refused);
	if (!first)
		assert_int_equal(outlet_drain(outlet, 0), 0);
	outlet_free(outlet);
	return result;
}

static struct loop *scenario_loop;

static int give_up(void *context)
{
	(void)context;
	is_armed = false;
	fail_msg("no answer within a minute");
	return 0;
}

/* The loop is there before anything fails: it has its own scenario. */
static int make_loop(void **state)
{
	(void)state;
	return loop_new(&scenario_loop) || loop_add_timer(scenario_loop, 60000, give_up, NULL);
}

static int free_loop(void **state)
{
	(void)state;
	loop_free(scenario_loop);
	return 0;
}

static void take_login(void *who, bool granted)
{
	*(bool *)who = granted;
	loop_quit(scenario_loop);
}

/* "secret", at the lowest cost. */
static char *make_hash(void)
{
	static struct crypt_data data;

	return crypt_r("secret", "$2b$04$abcdefghijklmnopqrstuu", &data);
}

static int login_scenario(void)
{
	static char hash[64];
	struct login *login = NULL;
	bool granted = false;
	int result;

	if (!hash[0])
		strcpy(hash, make_hash());
	result = login_new(&login, scenario_loop, take_login);
	if (result)
		return result;
	if (login_check(login, hash, "secret", true, &granted) == LOGIN_PENDING)
		assert_int_equal(loop_run(scenario_loop), 0);
	login_free(login);
	return granted ? 0 : -ENOMEM;
}

static int answer(void *context, unsigned int type, const struct http_query *query,
		  struct http_body *ret_body)
{
	(void)query;
	(void)context;
	(void)type;
	ret_body->text = calloc(1, 2048);
	ret_body->size = 2048;
	return ret_body->text ? 0 : -ENOMEM;
}

static const char *const types[] = { "text/plain" };
static const struct http_page page = {
	.path = "/", .types = types, .n_types = 1, .answer = answer
};
static struct listeners listeners;
static struct sockaddr_un address;
static socklen_t address_length = sizeof(address);
static int client;
static bool is_answered;

static int make_listener(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address.sun_family = AF_UNIX; /* a name of the kernel's choice */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &address_length), 0);
	listeners = (struct listeners){ .all = { { .fd = fd } }, .count = 1 };
	return make_loop(state);
}

static int free_listener(void **state)
{
	close(listeners.all[0].fd);
	return free_loop(state);
}

static int receive(void *context, uint32_t events)
{
	char response[4096];
	ssize_t n = read(client, response, sizeof(response));

	(void)context;
	(void)events;
	is_answered |= n > 12 && !memcmp(response + 9, "200", 3);
	if (n <= 0)
		loop_quit(scenario_loop);
	return 0;
}

static void get(const char *request)
{
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	is_answered = false;
	assert_int_equal(connect(client, (struct sockaddr *)&address, address_length), 0);
	assert_int_equal(write(client, request, strlen(request)), strlen(request));
	assert_int_equal(loop_add_fd(scenario_loop, client, EPOLLIN, receive, NULL), 0);
	assert_int_equal(loop_run(scenario_loop), 0);
	loop_remove_fd(scenario_loop, client);
	close(client);
}

static struct web_config *make_web_config(void)
{
	struct web_config *config = calloc(1, sizeof(*config));
	struct web_user *user = config ? calloc(1, sizeof(*user)) : NULL;

	if (user) {
		config->users = user;
		config->n_users = 1;
		user->name = strdup("user");
		user->hash = strdup(make_hash());
	}
	if (user && user->name && user->hash)
		return config;
	web_config_free(config);
	return NULL;
}

/* A request without memory is answered with a failure or cut, and the next one is answered. */
static int http_scenario(void)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				      "Accept-Encoding: gzip\r\n"
				      "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n";
	const struct http_site site = { &page, 1, NULL };
	struct web_config *config = make_web_config();
	struct http *http = NULL;
	struct error error = { "" };
	int result;

	if (!config)
		return -ENOMEM;
	result = http_open(&http, scenario_loop, &listeners, &site, config, &error);
	assert_true(!result == !error.text[0]);
	if (result)
		return result;
	get(request);
	result = is_answered ? 0 : -ENOMEM;
	get(request);
	assert_true(is_answered || !result);
	http_close(http);
	return result;
}

TELLS(loop)
TELLS(web_config)
TELLS(config_file)
TELLS(outlet)

/* Not libraries': GnuTLS keeps what it allocates with its first random number. */
static void login_tells(void **state)
{
	(void)state;
	assert_true(fail_each(login_scenario, OURS, true) >= 4);
}

static void http_goes_on(void **state)
{
	(void)state;
	assert_true(fail_each(http_scenario, OURS, false) >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_tells),
		cmocka_unit_test(web_config_tells),
		cmocka_unit_test(config_file_tells),
		cmocka_unit_test(outlet_tells),
		cmocka_unit_test_setup_teardown(login_tells, make_loop, free_loop),
		cmocka_unit_test_setup_teardown(http_goes_on, make_listener, free_listener),
	};

	return RUN_NOMEM_TESTS("nomem_daemon", tests);
}
