// SPDX-License-Identifier: GPL-2.0-only
/* A real client socket in the same loop as the endpoint: requests in, responses out. */
#include <crypt.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "serve/http.h"
#include "serve/listen.h"

/* What the kernel refuses for want of memory or descriptors: so often from now on. */
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

struct fixture {
	struct loop *loop;
	struct http *http;
	struct listeners listeners;
	struct sockaddr_storage address;
	socklen_t address_length;
	int client;
	unsigned int renders;
	unsigned int actions;
	int page_result;
	bool timed_out;
	size_t length;
	char response[1 << 20];
};

#define METRICS_SIZE 300000 /* more than a socket buffer takes at once */

static int answer_metrics(void *context, unsigned int type, struct http_body *ret_body)
{
	struct fixture *fixture = context;

	fixture->renders++;
	if (fixture->page_result < 0) {
		ret_body->text = strdup("because\n");
		return fixture->page_result;
	}
	ret_body->text = malloc(METRICS_SIZE);
	memset(ret_body->text, type ? 'o' : 'm', METRICS_SIZE);
	ret_body->size = METRICS_SIZE;
	return 0;
}

static int answer_small(void *context, unsigned int type, struct http_body *ret_body)
{
	(void)context;
	(void)type;
	ret_body->text = strdup("small\n");
	ret_body->size = strlen(ret_body->text);
	return 0;
}

/* More than the kernel buffers for a client. */
#define HUGE_SIZE (12 * 1024 * 1024)

static int answer_huge(void *context, unsigned int type, struct http_body *ret_body)
{
	(void)context;
	(void)type;
	ret_body->text = calloc(1, HUGE_SIZE);
	ret_body->size = HUGE_SIZE;
	return 0;
}

static int act(void *context, unsigned int type, struct http_body *ret_body)
{
	struct fixture *fixture = context;

	fixture->actions++;
	return answer_small(context, type, ret_body);
}

static const char *const text[] = { "text/plain; charset=utf-8" };
static const char *const metrics[] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8"
};
static const struct http_page pages[] = {
	{ .path = "/metrics", .types = metrics, .n_types = 2, .answer = answer_metrics },
	{ .path = "/small", .types = text, .n_types = 1, .answer = answer_small },
	{ .path = "/huge", .types = text, .n_types = 1, .answer = answer_huge },
	{ .path = "/act", .types = text, .n_types = 1, .answer = act, .is_action = true },
};

static int give_up(void *context)
{
	struct fixture *fixture = context;

	fixture->timed_out = true;
	loop_quit(fixture->loop);
	return 0;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct http_site site = { pages, sizeof(pages) / sizeof(*pages), fixture };
	struct listen_address address;
	struct error error;

	*state = fixture;
	assert_int_equal(listen_parse("127.0.0.1:0", &address, &error), 0);
	assert_int_equal(listen_add(&fixture->listeners, &address, &error), 0);
	fixture->address_length = sizeof(fixture->address);
	getsockname(fixture->listeners.all[0].fd, (struct sockaddr *)&fixture->address,
		    &fixture->address_length);
	assert_int_equal(loop_new(&fixture->loop), 0);
	assert_int_equal(loop_add_timer(fixture->loop, 20000, give_up, fixture), 0);
	assert_int_equal(http_open(&fixture->http, fixture->loop, &fixture->listeners, &site, NULL,
				   &error),
			 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	http_close(fixture->http);
	listen_close(&fixture->listeners);
	loop_free(fixture->loop);
	free(fixture);
	return 0;
}

static int receive(void *context, uint32_t events)
{
	struct fixture *fixture = context;
	ssize_t n = read(fixture->client, fixture->response + fixture->length,
			 sizeof(fixture->response) - 1 - fixture->length);

	(void)events;
	if (n > 0)
		fixture->length += (size_t)n;
	else
		loop_quit(fixture->loop);
	return 0;
}

static int connect_client(struct fixture *fixture)
{
	int fd = socket(fixture->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&fixture->address, fixture->address_length),
			 0);
	return fd;
}

/* Sends the request, maybe that no more will come, and runs the loop until the server has closed the connection. */
static const char *ask_and(struct fixture *fixture, const char *request, bool half_closes)
{
	fixture->client = connect_client(fixture);
	fixture->length = 0;
	assert_int_equal(write(fixture->client, request, strlen(request)), strlen(request));
	if (half_closes)
		shutdown(fixture->client, SHUT_WR);
	assert_int_equal(loop_add_fd(fixture->loop, fixture->client, EPOLLIN, receive, fixture), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_false(fixture->timed_out);
	loop_remove_fd(fixture->loop, fixture->client);
	close(fixture->client);
	fixture->response[fixture->length] = '\0';
	return fixture->response;
}

static const char *ask(struct fixture *fixture, const char *request)
{
	return ask_and(fixture, request, false);
}

/* `headers` end with an end of line, each. */
static const char *get_with(struct fixture *fixture, const char *path, const char *headers)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", path,
		 headers);
	return ask(fixture, request);
}

static const char *get(struct fixture *fixture, const char *method, const char *path)
{
	char request[256];

	snprintf(request, sizeof(request),
		 "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
	return ask(fixture, request);
}

static void assert_status(const char *response, int status)
{
	char want[32];

	snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
	if (strncmp(response, want, strlen(want)))
		fail_msg("wanted %d, got: %.40s", status, response);
}

static size_t body_size(const char *response)
{
	return strlen(strstr(response, "\r\n\r\n") + 4);
}

static const char *body_of(const char *response)
{
	return strstr(response, "\r\n\r\n") + 4;
}

static void assert_has(const char *response, const char *header)
{
	if (!strstr(response, header))
		fail_msg("no %s in: %.400s", header, response);
}

static void a_large_page_arrives_whole(void **state)
{
	const char *response = get(*state, "GET", "/metrics");

	assert_status(response, 200);
	assert_int_equal(body_size(response), METRICS_SIZE);
	assert_has(response, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
}

static void head_has_the_length_but_no_body(void **state)
{
	const char *response = get(*state, "HEAD", "/metrics");

	assert_status(response, 200);
	assert_int_equal(body_size(response), 0);
	assert_has(response, "Content-Length: 300000\r\n");
}

static void accept_chooses_the_type(void **state)
{
	const char *response = get_with(*state, "/metrics",
					"Accept: application/openmetrics-text;version=1.0.0,"
					"text/plain;version=0.0.4;q=0.5\r\n");

	assert_status(response, 200);
	assert_has(response, "Content-Type: application/openmetrics-text; version=1.0.0; "
			     "charset=utf-8\r\n");
	assert_int_equal(*body_of(response), 'o');
	/* Several headers are one list. */
	response = get_with(*state, "/metrics",
			    "Accept: text/plain;q=0.1\r\naccept: application/*\r\n");
	assert_int_equal(*body_of(response), 'o');
	response = get_with(*state, "/metrics", "Accept: application/json\r\n");
	assert_status(response, 406);
	assert_has(response, "application/openmetrics-text");
	assert_status(get_with(*state, "/small", "Accept: application/json\r\n"), 406);
	assert_status(get_with(*state, "/small", "Accept-Encoding: *;q=0\r\n"), 406);
}

/* What zlib makes of it again. */
static void assert_inflates(const char *compressed, size_t size)
{
	unsigned char *plain = malloc(METRICS_SIZE + 1);
	z_stream stream = { .next_in = (unsigned char *)compressed,
			    .avail_in = (unsigned int)size,
			    .next_out = plain,
			    .avail_out = METRICS_SIZE + 1 };

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, METRICS_SIZE);
	for (size_t i = 0; i < METRICS_SIZE; i++)
		assert_int_equal(plain[i], 'm');
	inflateEnd(&stream);
	free(plain);
}

static void gzip_comes_when_asked_for(void **state)
{
	struct fixture *fixture = *state;
	const char *response = get_with(fixture, "/metrics", "Accept-Encoding: gzip\r\n");
	const char *body = body_of(response);

	assert_status(response, 200);
	assert_has(response, "Content-Encoding: gzip\r\n");
	assert_inflates(body, fixture->length - (size_t)(body - response));
	response = get_with(fixture, "/metrics", "Accept-Encoding: gzip;q=0\r\n");
	assert_int_equal(body_size(response), METRICS_SIZE);
	/* Not worth it. */
	response = get_with(fixture, "/small", "Accept-Encoding: gzip\r\n");
	assert_string_equal(body_of(response), "small\n");
	assert_null(strstr(response, "Content-Encoding"));
}

static void unknown_paths_and_methods_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_status(get(fixture, "GET", "/metricsx"), 404);
	assert_status(get(fixture, "GET", "/../etc/passwd"), 404);
	assert_status(get(fixture, "DELETE", "/metrics"), 405);
	assert_has(fixture->response, "Allow: GET, HEAD\r\n");
	assert_status(get(fixture, "POST", "/metrics"), 405);
	assert_int_equal(fixture->renders, 0);
}

static void actions_want_post_or_put(void **state)
{
	struct fixture *fixture = *state;

	assert_status(get(fixture, "GET", "/act"), 405);
	assert_has(fixture->response, "Allow: POST, PUT\r\n");
	assert_status(get(fixture, "HEAD", "/act"), 405);
	assert_int_equal(fixture->actions, 0);
	assert_status(get(fixture, "POST", "/act"), 200);
	assert_status(get(fixture, "PUT", "/act"), 200);
	assert_int_equal(fixture->actions, 2);
}

/* Before all of it has come, whoever asks, and the connection ends though the client would go on. */
static void bodies_that_nobody_wants_are_refused(void **state)
{
	static const char *const requests[] = {
		"GET /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
		"GET /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
		"HEAD /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nhello",
		"GET /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n5\r\nhello\r\n",
		"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
		"Content-Length: 5\r\n\r\n",
		"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
		"POST /act HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST /act HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4097\r\n\r\n",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		assert_status(ask(fixture, requests[i]), 413);
		assert_has(fixture->response, "Connection: close\r\n");
	}
	assert_int_equal(fixture->actions, 0);
	assert_status(ask(fixture, "GET /small HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				   "Content-Length: 0\r\n\r\n"),
		      200);
	/* curl -d x */
	assert_status(ask(fixture, "POST /act HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				   "Content-Length: 1\r\n\r\nx"),
		      200);
}

static void other_sites_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_status(ask(fixture, "GET /small HTTP/1.1\r\nHost: evil.example:14096\r\n"
				   "Connection: close\r\n\r\n"),
		      421);
	assert_status(ask(fixture, "GET /small HTTP/1.1\r\nHost: 127.0.0.1:14096\r\n"
				   "Connection: close\r\n\r\n"),
		      200);
	assert_status(ask(fixture, "GET /small HTTP/1.0\r\n\r\n"), 200);
	assert_status(ask(fixture, "POST /act HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				   "Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n"),
		      403);
	assert_status(ask(fixture, "POST /act HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				   "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n"),
		      403);
	assert_int_equal(fixture->actions, 0);
	assert_status(ask(fixture,
			  "POST /act HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n"
			  "Sec-Fetch-Site: same-origin\r\n"
			  "Origin: http://localhost:1\r\nContent-Length: 0\r\n\r\n"),
		      200);
	assert_int_equal(fixture->actions, 1);
}

static void what_a_page_fails_with_is_the_status(void **state)
{
	struct fixture *fixture = *state;

	fixture->page_result = -EAGAIN;
	assert_status(get(fixture, "GET", "/metrics"), 503);
	assert_string_equal(body_of(fixture->response), "because\n");
	fixture->page_result = -EACCES;
	assert_status(get(fixture, "GET", "/metrics"), 403);
	fixture->page_result = -ENOMEM;
	assert_status(get(fixture, "GET", "/metrics"), 500);
}

static void garbage_does_not_stop_the_service(void **state)
{
	struct fixture *fixture = *state;

	/* libmicrohttpd 1.0 closes the connection without a word, which is as good. */
	if (*ask(fixture, "\x16\x03\x01 nonsense\r\n\r\n"))
		assert_status(fixture->response, 400);
	assert_status(get(fixture, "GET", "/small"), 200);
}

static void a_header_beyond_the_limit_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char request[64 * 1024];
	size_t length = (size_t)sprintf(request, "GET /small HTTP/1.1\r\nHost: localhost\r\nX: ");

	memset(request + length, 'x', sizeof(request) - length);
	strcpy(request + sizeof(request) - 5, "\r\n\r\n");
	/* Our client sends it all before it reads. */
	assert_status(ask(fixture, request), 431);
	assert_status(get(fixture, "GET", "/small"), 200);
}

/* `n` times a part of a header, which starts with the first line. */
static const char *ask_with(struct fixture *fixture, const char *start, const char *part, size_t n,
			    const char *end)
{
	static char request[128 * 1024];
	char *next = stpcpy(request, start);

	for (size_t i = 0; i < n; i++)
		next = stpcpy(next, part);
	strcpy(next, end);
	return ask(fixture, request);
}

#define END " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define FIRST "GET /small HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"

/* Whatever it is that takes too much memory, and however little too much. */
static void a_header_of_any_size_is_answered(void **state)
{
	static const struct {
		const char *start, *part, *end;
		size_t most, step;
		int status;
	} cases[] = {
		{ FIRST "X: ", "xxxxxxxx", "\r\n\r\n", 3400, 7, 431 },
		{ FIRST, "a:b\r\n", "\r\n", 700, 5, 431 },
		{ FIRST, "a: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", "\r\n", 400, 3, 431 },
		{ FIRST, "Cookie: a=b\r\n", "\r\n", 500, 5, 431 },
		{ FIRST "Cookie: ", "a=b; ", "a=b\r\n\r\n", 700, 5, 431 },
		{ "GET /small?", "a=b&", "a=b" END, 700, 5, 414 },
		{ "GET /small?a=", "bbbb", END, 6500, 40, 414 },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool is_refused = false;

		for (size_t n = 1; n < cases[i].most; n += cases[i].step) {
			const char *response = ask_with(fixture, cases[i].start, cases[i].part, n,
							cases[i].end);

			is_refused |= strncmp(response, "HTTP/1.1 200", 12) != 0;
			assert_status(response, is_refused ? cases[i].status : 200);
		}
		assert_true(is_refused);
	}
}

/* It is taken off the loop when no descriptor is left, and put back by the sweep, which fails twice here. */
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

static void idle_clients_keep_nobody_out(void **state)
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
static void who_does_not_read_takes_bounded_memory(void **state)
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

/* Not after the 10 s for a header or the 90 s of an idle one, several times: the fixture's patience ends before. */
static void who_will_ask_no_more_is_gone(void **state)
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

static void the_end_does_not_wait_for_who_is_asked(void **state)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_large_page_arrives_whole),
		TEST(head_has_the_length_but_no_body),
		TEST(accept_chooses_the_type),
		TEST(gzip_comes_when_asked_for),
		TEST(unknown_paths_and_methods_are_refused),
		TEST(actions_want_post_or_put),
		TEST(bodies_that_nobody_wants_are_refused),
		TEST(other_sites_are_refused),
		TEST(what_a_page_fails_with_is_the_status),
		TEST(garbage_does_not_stop_the_service),
		TEST(a_header_beyond_the_limit_is_refused),
		TEST(a_header_of_any_size_is_answered),
		TEST(a_listener_that_cannot_be_watched_is_tried_again),
		TEST(idle_clients_keep_nobody_out),
		TEST(who_does_not_read_takes_bounded_memory),
		TEST(passwords_are_asked_for),
		TEST(the_rate_limit_comes_first),
		TEST(with_passwords_any_host_is_served),
		TEST(who_will_ask_no_more_is_gone),
		TEST(a_new_configuration_holds_at_once),
		TEST(the_end_does_not_wait_for_who_is_asked),
		TEST(the_end_takes_no_more_passwords),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
