// SPDX-License-Identifier: GPL-2.0-only
/* Clients: limits of connections, slow ones, passwords, the rate limit, a new configuration, the end. */
#include <crypt.h>
#include <errno.h>
#include <sys/syscall.h>

#include "http_client.h"

/* How many calls from now on fail, as if there were no memory or descriptors. */
static unsigned int accepts_to_fail, adds_to_fail;
static int failing_fd;

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	if (accepts_to_fail) {
		accepts_to_fail--;
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, address, length, flags);
}

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_ADD && fd == failing_fd && adds_to_fail) {
		adds_to_fail--;
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epoll_fd, operation, fd, event);
}

/* It is taken off the loop when no descriptor is left, and put back by the sweep, which fails twice
 * here. */
static void a_listener_that_cannot_be_watched_is_tried_again(void **state)
{
	struct fixture *fixture = *state;

	failing_fd = fixture->listeners.all[0].fd;
	accepts_to_fail = 1;
	adds_to_fail = 2;
	assert_status(get(fixture, "GET", "/small"), 200);
	assert_int_equal(accepts_to_fail, 0);
	assert_int_equal(adds_to_fail, 0);
}

#define MANY_CLIENTS 400 /* three times what is served at once */

static void idle_clients_do_not_keep_others_out(void **state)
{
	struct fixture *fixture = *state;
	int clients[MANY_CLIENTS];

	for (size_t i = 0; i < MANY_CLIENTS; i++)
		clients[i] = connect_client(fixture);
	assert_status(get(fixture, "GET", "/metrics"), 200);
	assert_int_equal(body_size(fixture->response), METRICS_SIZE);
	/* The ones that came first had to go, the last one is still there. */
	assert_int_equal(recv(clients[0], fixture->response, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(clients[MANY_CLIENTS - 1], fixture->response, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	for (size_t i = 0; i < MANY_CLIENTS; i++)
		close(clients[i]);
	assert_status(get(fixture, "GET", "/small"), 200);
}

/* Two fit into the limit of 32 MiB. */
static void a_reader_that_does_not_read_takes_bounded_memory(void **state)
{
	const char request[] = "GET /huge HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct fixture *fixture = *state;
	int clients[3];

	for (size_t i = 0; i < 3; i++) {
		clients[i] = connect_client(fixture);
		assert_int_equal(write(clients[i], request, strlen(request)), strlen(request));
		assert_status(get(fixture, "GET", "/small"), 200);
	}
	assert_true(recv(clients[2], fixture->response, 100, MSG_DONTWAIT) > 0);
	assert_status(fixture->response, 503);
	assert_status(get(fixture, "GET", "/huge"), 503);
	assert_status(get(fixture, "GET", "/metrics"), 200);
	for (size_t i = 0; i < 3; i++)
		close(clients[i]);
	assert_status(get(fixture, "GET", "/small"), 200);
	assert_status(get(fixture, "HEAD", "/huge"), 200);
}

/* "user:secret" with a hash of that kind and cost. */
static struct web_config *make_config_of(const char *name, const char *setting)
{
	struct web_config *config = calloc(1, sizeof(*config));
	struct crypt_data data = { 0 };

	config->users = calloc(1, sizeof(*config->users));
	config->users[0].name = strdup(name);
	config->users[0].hash = strdup(crypt_r("secret", setting, &data));
	config->n_users = 1;
	config->headers = calloc(1, sizeof(*config->headers));
	config->headers[0].name = "X-Frame-Options";
	config->headers[0].value = strdup("deny");
	config->n_headers = 1;
	return config;
}

static struct web_config *make_config(const char *name)
{
	return make_config_of(name, "$2b$04$abcdefghijklmnopqrstuu");
}

#define USER_SECRET "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"
#define USER_WRONG "Authorization: Basic dXNlcjp3cm9uZw==\r\n"
#define NEXT_SECRET "Authorization: Basic bmV4dDpzZWNyZXQ=\r\n"

static void passwords_are_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct error error;

	assert_int_equal(http_configure(fixture->http, make_config("user"), &error), 0);
	assert_status(get_with(fixture, "/small", ""), 401);
	assert_has(fixture->response, "WWW-Authenticate: Basic realm=\"faultmap\"\r\n");
	assert_has(fixture->response, "X-Frame-Options: deny\r\n");
	assert_status(get_with(fixture, "/nowhere", ""), 401);
	assert_status(get_with(fixture, "/small", USER_WRONG), 401);
	assert_status(get_with(fixture, "/small", NEXT_SECRET), 401);
	assert_status(get_with(fixture, "/small", "Authorization: Basic !\r\n"), 401);
	assert_status(get_with(fixture, "/small", "Authorization: Bearer dXNlcg\r\n"), 401);
	assert_status(get_with(fixture, "/small", USER_SECRET), 200);
	assert_status(get_with(fixture, "/small", USER_SECRET), 200);
	assert_status(get_with(fixture, "/small", USER_WRONG), 401);
	assert_int_equal(fixture->renders, 0);
}

/* Before the body and the password. */
static void the_rate_limit_comes_first(void **state)
{
	struct web_config *config = make_config("user");
	struct fixture *fixture = *state;
	struct error error;

	config->limit = (struct web_limit){ .interval_ns = 3600000000000, .burst = 2 };
	assert_int_equal(http_configure(fixture->http, config, &error), 0);
	assert_status(get_with(fixture, "/small", USER_WRONG), 401);
	assert_status(get_with(fixture, "/small", "Content-Length: 5\r\n"), 413);
	assert_status(get_with(fixture, "/small", "Content-Length: 5\r\n"), 429);
	assert_status(get_with(fixture, "/small", USER_SECRET), 429);
}

/* Who has to give a password may call it what they like: no other site's page has one. */
static void with_passwords_any_host_is_served(void **state)
{
	struct fixture *fixture = *state;
	struct error error;

	assert_int_equal(http_configure(fixture->http, make_config("user"), &error), 0);
	assert_status(ask(fixture, "GET /small HTTP/1.1\r\nHost: proxy.example\r\n" USER_SECRET
				   "Connection: close\r\n\r\n"),
		      200);
}

/* Not after the 10 s for a header or the 90 s of an idle one, several times: the fixture's patience
 * ends before. */
static void half_closed_connections_are_closed(void **state)
{
	const char keeps[] = "GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n";
	const char asks[] = "GET /small HTTP/1.1\r\nHost: localhost\r\n" USER_SECRET "\r\n";
	struct fixture *fixture = *state;
	struct error error;

	for (unsigned int i = 0; i < 3; i++)
		assert_string_equal(ask_and(fixture, "", true), "");
	assert_string_equal(ask_and(fixture, "GET /sma", true), "");
	assert_status(ask_and(fixture, keeps, true), 200);
	/* While it waits for its password to be checked, nobody looks at its socket. */
	assert_int_equal(http_configure(fixture->http, make_config("user"), &error), 0);
	assert_status(ask_and(fixture, asks, true), 200);
	assert_status(ask_and(fixture, asks, true), 200);
}

static void a_new_configuration_holds_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct error error;

	assert_int_equal(http_configure(fixture->http, make_config("user"), &error), 0);
	assert_status(get_with(fixture, "/small", USER_SECRET), 200);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(http_configure(fixture->http, make_config("next"), &error), 0);
	assert_status(get_with(fixture, "/small", USER_SECRET), 401);
	assert_status(get_with(fixture, "/small", NEXT_SECRET), 200);
	/* No TLS, no passwords again. */
	assert_int_equal(http_configure(fixture->http, NULL, &error), 0);
	assert_status(ask(fixture, "GET /small HTTP/1.0\r\n\r\n"), 200);
}

static void the_end_does_not_wait_for_an_answer(void **state)
{
	const char request[] = "GET /small HTTP/1.1\r\nHost: localhost\r\n" USER_WRONG "\r\n";
	struct fixture *fixture = *state;
	struct error error;
	int client;

	assert_int_equal(http_configure(fixture->http, make_config("user"), &error), 0);
	client = connect_client(fixture);
	assert_int_equal(write(client, request, strlen(request)), strlen(request));
	assert_status(get_with(fixture, "/small", ""), 401);
	http_close(fixture->http); /* the first one is pending, or just answered */
	fixture->http = NULL;
	close(client);
}

/* The first one is pending for longer than the second one's request takes to arrive. */
static void the_end_takes_no_more_passwords(void **state)
{
	const char request[] = "GET /small HTTP/1.1\r\nHost: localhost\r\n" USER_WRONG "\r\n";
	struct fixture *fixture = *state;
	struct error error;
	int clients[2];

	assert_int_equal(http_configure(fixture->http,
					make_config_of("user", "$2b$10$abcdefghijklmnopqrstuu"),
					&error),
			 0);
	for (size_t i = 0; i < 2; i++)
		clients[i] = connect_client(fixture);
	assert_int_equal(write(clients[0], request, strlen(request)), strlen(request));
	assert_status(get_with(fixture, "/small", ""), 401);
	assert_int_equal(write(clients[1], request, strlen(request)), strlen(request));
	http_close(fixture->http);
	fixture->http = NULL;
	for (size_t i = 0; i < 2; i++)
		close(clients[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_listener_that_cannot_be_watched_is_tried_again),
		TEST(idle_clients_do_not_keep_others_out),
		TEST(a_reader_that_does_not_read_takes_bounded_memory),
		TEST(passwords_are_asked_for),
		TEST(the_rate_limit_comes_first),
		TEST(with_passwords_any_host_is_served),
		TEST(half_closed_connections_are_closed),
		TEST(a_new_configuration_holds_at_once),
		TEST(the_end_does_not_wait_for_an_answer),
		TEST(the_end_takes_no_more_passwords),
	};

	return cmocka_run_group_tests_name("http_clients", tests, NULL, NULL);
}
