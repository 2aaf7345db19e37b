// SPDX-License-Identifier: GPL-2.0-only
/* Which requests are answered, how, and which are refused. */
#include <errno.h>
#include <sys/syscall.h>
#include <zlib.h>

#include "http_client.h"

/* By which the clock is ahead. */
static time_t hours;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += hours * 3600;
	return result;
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

/* Before all of it has come, whoever asks, and the connection ends though the client would go
 * on. */
static void unwanted_bodies_are_refused(void **state)
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

static int call_again(void *context)
{
	http_again(((struct fixture *)context)->http);
	return 0;
}

/* Asked for again each time that something was made. */
static void what_is_being_made_comes_later(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_add_timer(fixture->loop, 20, call_again, fixture), 0);
	fixture->n_waits = 3;
	assert_status(get(fixture, "GET", "/later"), 200);
	assert_string_equal(body_of(fixture->response), "small\n");
	assert_int_equal(fixture->renders, 4);
	fixture->n_waits = 2;
	assert_status(get(fixture, "HEAD", "/later"), 200);
}

static int an_hour_passes(void *context)
{
	(void)context;
	hours = 1;
	return 0;
}

/* The time that a client has for its response is its own: what we take to make it does not count. */
static void what_takes_long_to_make_is_waited_for(void **state)
{
	struct fixture *fixture = *state;

	/* Between the two, clients are looked through for such whose time is up. */
	assert_int_equal(loop_add_timer(fixture->loop, 100, an_hour_passes, NULL), 0);
	assert_int_equal(loop_add_timer(fixture->loop, 2500, call_again, fixture), 0);
	fixture->n_waits = 1;
	assert_status(get(fixture, "GET", "/later"), 200);
	assert_string_equal(body_of(fixture->response), "small\n");
	assert_int_equal(hours, 1);
	hours = 0;
}

static int quit_when_asked(void *context)
{
	struct fixture *fixture = context;

	if (fixture->renders)
		loop_quit(fixture->loop);
	return 0;
}

/* Sends the request and does not wait for its answer. */
static int ask_and_leave_open(struct fixture *fixture)
{
	static const char request[] = "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int fd = connect_client(fixture);

	fixture->renders = 0;
	assert_int_equal(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_false(fixture->timed_out);
	assert_int_equal(fixture->renders, 1);
	return fd;
}

static void waiting_clients_may_leave(void **state)
{
	struct fixture *fixture = *state;
	char byte;
	int fd;

	assert_int_equal(loop_add_timer(fixture->loop, 20, quit_when_asked, fixture), 0);
	fixture->n_waits = 1;
	close(ask_and_leave_open(fixture));
	http_again(fixture->http);
	fixture->n_waits = 100;
	fd = ask_and_leave_open(fixture);
	http_close(fixture->http);
	fixture->http = NULL;
	while (read(fd, &byte, 1) > 0)
		; /* what it says; then it is closed */
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_large_page_arrives_whole),
		TEST(head_has_the_length_but_no_body),
		TEST(accept_chooses_the_type),
		TEST(gzip_comes_when_asked_for),
		TEST(unknown_paths_and_methods_are_refused),
		TEST(actions_want_post_or_put),
		TEST(unwanted_bodies_are_refused),
		TEST(other_sites_are_refused),
		TEST(what_a_page_fails_with_is_the_status),
		TEST(garbage_does_not_stop_the_service),
		TEST(a_header_beyond_the_limit_is_refused),
		TEST(a_header_of_any_size_is_answered),
		TEST(what_is_being_made_comes_later),
		TEST(what_takes_long_to_make_is_waited_for),
		TEST(waiting_clients_may_leave),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
