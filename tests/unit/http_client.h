/* SPDX-License-Identifier: GPL-2.0-only */
/* A real client socket in the same loop as the endpoint: requests in, responses out. */
#ifndef FAULTMAP_TEST_HTTP_CLIENT_H
#define FAULTMAP_TEST_HTTP_CLIENT_H

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
#include <unistd.h>

#include <cmocka.h>

#include "serve/http.h"
#include "serve/listen.h"

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
	unsigned int n_waits; /* of /later: so often it is not made yet */
	bool timed_out;
	size_t length;
	char response[1 << 20];
};

#define METRICS_SIZE 300000 /* more than a socket buffer takes at once */

static inline int answer_metrics(void *context, unsigned int type, const struct http_query *query,
				 struct http_body *ret_body)
{
	struct fixture *fixture = context;

	(void)query;
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

static inline int answer_small(void *context, unsigned int type, const struct http_query *query,
			       struct http_body *ret_body)
{
	(void)query;
	(void)context;
	(void)type;
	ret_body->text = strdup("small\n");
	ret_body->size = strlen(ret_body->text);
	return 0;
}

static inline int answer_later(void *context, unsigned int type, const struct http_query *query,
			       struct http_body *ret_body)
{
	struct fixture *fixture = context;

	fixture->renders++;
	if (!fixture->n_waits)
		return answer_small(context, type, query, ret_body);
	fixture->n_waits--;
	return -EINPROGRESS;
}

/* More than the kernel buffers for a client. */
#define HUGE_SIZE (12 * 1024 * 1024)

static inline int answer_huge(void *context, unsigned int type, const struct http_query *query,
			      struct http_body *ret_body)
{
	(void)query;
	(void)context;
	(void)type;
	ret_body->text = calloc(1, HUGE_SIZE);
	ret_body->size = HUGE_SIZE;
	return 0;
}

static inline int act(void *context, unsigned int type, const struct http_query *query,
		      struct http_body *ret_body)
{
	struct fixture *fixture = context;

	(void)query;
	fixture->actions++;
	return answer_small(context, type, query, ret_body);
}

static const char *const text[] = { "text/plain; charset=utf-8" };
static const char *const metrics[] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8"
};
static const struct http_page pages[] = {
	{ .path = "/metrics", .types = metrics, .n_types = 2, .answer = answer_metrics },
	{ .path = "/small", .types = text, .n_types = 1, .answer = answer_small },
	{ .path = "/later", .types = text, .n_types = 1, .answer = answer_later },
	{ .path = "/huge", .types = text, .n_types = 1, .answer = answer_huge },
	{ .path = "/act", .types = text, .n_types = 1, .answer = act, .is_action = true },
};

static inline int give_up(void *context)
{
	struct fixture *fixture = context;

	fixture->timed_out = true;
	loop_quit(fixture->loop);
	return 0;
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	http_close(fixture->http);
	listen_close(&fixture->listeners);
	loop_free(fixture->loop);
	free(fixture);
	return 0;
}

static inline int receive(void *context, uint32_t events)
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

static inline int connect_client(struct fixture *fixture)
{
	int fd = socket(fixture->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&fixture->address, fixture->address_length),
			 0);
	return fd;
}

/* Sends the request, maybe that no more will come, and runs the loop until the server has closed
 * the connection. */
static inline const char *ask_and(struct fixture *fixture, const char *request, bool half_closes)
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

static inline const char *ask(struct fixture *fixture, const char *request)
{
	return ask_and(fixture, request, false);
}

/* `headers` end with an end of line, each. */
static inline const char *get_with(struct fixture *fixture, const char *path, const char *headers)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", path,
		 headers);
	return ask(fixture, request);
}

static inline const char *get(struct fixture *fixture, const char *method, const char *path)
{
	char request[256];

	snprintf(request, sizeof(request),
		 "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
	return ask(fixture, request);
}

static inline void assert_status(const char *response, int status)
{
	char want[32];

	snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
	if (strncmp(response, want, strlen(want)))
		fail_msg("wanted %d, got: %.40s", status, response);
}

static inline size_t body_size(const char *response)
{
	return strlen(strstr(response, "\r\n\r\n") + 4);
}

static inline const char *body_of(const char *response)
{
	return strstr(response, "\r\n\r\n") + 4;
}

static inline void assert_has(const char *response, const char *header)
{
	if (!strstr(response, header))
		fail_msg("no %s in: %.400s", header, response);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
