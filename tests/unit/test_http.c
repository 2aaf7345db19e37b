/* SPDX-License-Identifier: GPL-2.0-only */
/* A real client socket in the same loop as the endpoint: requests in, responses out. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/http.h"
#include "../../src/listen.h"

struct fixture {
	struct loop *loop;
	struct http *http;
	struct sockaddr_storage address;
	socklen_t address_length;
	int client;
	unsigned int renders;
	bool render_fails;
	bool timed_out;
	size_t length;
	char response[1 << 20];
};

#define METRICS_SIZE 300000 /* more than a socket buffer takes at once */

static int render(void *context, char **ret_text, size_t *ret_size)
{
	struct fixture *fixture = context;

	fixture->renders++;
	if (fixture->render_fails)
		return -ENOMEM;
	*ret_text = malloc(METRICS_SIZE);
	memset(*ret_text, 'm', METRICS_SIZE);
	*ret_size = METRICS_SIZE;
	return 0;
}

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
	struct listen_address address;
	struct error error;
	int fd;

	*state = fixture;
	assert_int_equal(listen_parse("127.0.0.1:0", &address, &error), 0);
	assert_int_equal(listen_open(&address, &fd, &error), 0);
	fixture->address_length = sizeof(fixture->address);
	getsockname(fd, (struct sockaddr *)&fixture->address, &fixture->address_length);
	assert_int_equal(loop_new(&fixture->loop), 0);
	assert_int_equal(loop_add_timer(fixture->loop, 20000, give_up, fixture), 0);
	assert_int_equal(http_open(&fixture->http, fixture->loop, fd, render, fixture, &error), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	http_close(fixture->http);
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

/* Sends the request and runs the loop until the server has closed the connection. */
static const char *ask(struct fixture *fixture, const char *request)
{
	fixture->client = socket(fixture->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fixture->length = 0;
	assert_int_equal(connect(fixture->client, (struct sockaddr *)&fixture->address,
				 fixture->address_length),
			 0);
	assert_int_equal(write(fixture->client, request, strlen(request)), strlen(request));
	assert_int_equal(loop_add_fd(fixture->loop, fixture->client, EPOLLIN, receive, fixture), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_false(fixture->timed_out);
	loop_remove_fd(fixture->loop, fixture->client);
	close(fixture->client);
	fixture->response[fixture->length] = '\0';
	return fixture->response;
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

static void not_ready_before_the_first_reading(void **state)
{
	struct fixture *fixture = *state;

	assert_status(get(fixture, "GET", "/-/healthy"), 200);
	assert_status(get(fixture, "GET", "/-/ready"), 503);
	assert_status(get(fixture, "GET", "/metrics"), 503);
	assert_int_equal(fixture->renders, 0);
	http_set_ready(fixture->http, true);
	assert_status(get(fixture, "GET", "/-/ready"), 200);
	assert_status(get(fixture, "GET", "/metrics"), 200);
	assert_int_equal(fixture->renders, 1);
}

static void metrics_arrive_whole(void **state)
{
	struct fixture *fixture = *state;
	const char *response;

	http_set_ready(fixture->http, true);
	response = get(fixture, "GET", "/metrics");
	assert_int_equal(body_size(response), METRICS_SIZE);
	assert_non_null(
		strstr(response, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
}

static void head_has_the_length_but_no_body(void **state)
{
	struct fixture *fixture = *state;
	const char *response;

	http_set_ready(fixture->http, true);
	response = get(fixture, "HEAD", "/metrics");
	assert_status(response, 200);
	assert_int_equal(body_size(response), 0);
	assert_non_null(strstr(response, "Content-Length: 300000\r\n"));
}

static void landing_page_links_to_metrics(void **state)
{
	const char *response = get(*state, "GET", "/");

	assert_status(response, 200);
	assert_non_null(strstr(response, "Content-Type: text/html"));
	assert_non_null(strstr(response, "href=\"/metrics\""));
}

static void unknown_paths_and_methods_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_status(get(fixture, "GET", "/metricsx"), 404);
	assert_status(get(fixture, "GET", "/../etc/passwd"), 404);
	assert_status(get(fixture, "DELETE", "/metrics"), 405);
	assert_non_null(strstr(fixture->response, "Allow: GET, HEAD\r\n"));
	assert_status(ask(fixture, "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				   "Content-Length: 5\r\n\r\nhello"),
		      405);
}

static void a_body_with_get_is_ignored(void **state)
{
	assert_status(ask(*state, "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				  "Content-Length: 5\r\n\r\nhello"),
		      200);
}

static void failed_render_is_a_500(void **state)
{
	struct fixture *fixture = *state;

	http_set_ready(fixture->http, true);
	fixture->render_fails = true;
	assert_status(get(fixture, "GET", "/metrics"), 500);
}

static void garbage_does_not_stop_the_service(void **state)
{
	struct fixture *fixture = *state;

	assert_status(ask(fixture, "\x16\x03\x01 nonsense\r\n\r\n"), 400);
	assert_status(get(fixture, "GET", "/-/healthy"), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_ready_before_the_first_reading),
		TEST(metrics_arrive_whole),
		TEST(head_has_the_length_but_no_body),
		TEST(landing_page_links_to_metrics),
		TEST(unknown_paths_and_methods_are_refused),
		TEST(a_body_with_get_is_ignored),
		TEST(failed_render_is_a_500),
		TEST(garbage_does_not_stop_the_service),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
