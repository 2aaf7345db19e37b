// SPDX-License-Identifier: GPL-2.0-only
/* An endless response: each client gets it at its own speed. */
#include <errno.h>

#include "http_client.h"

#define PIECE_SIZE (64 * 1024)

struct stream_fixture {
	struct fixture *base; /* its client is another one */
	struct feed *feed;
	unsigned int pieces; /* written so far; readers that are awaited */
	char piece[PIECE_SIZE];
};

static int join(void *context, const struct http_query *query, feed_wake_fn wake, void *who,
		struct feed_reader **ret_reader, struct http_body *ret_body)
{
	struct stream_fixture *fixture = context;
	int result = feed_join(fixture->feed, wake, who, ret_reader);

	assert_false(http_query_is_unix(query));
	if (result < 0)
		ret_body->text = strdup("too many\n");
	else
		feed_write(fixture->feed, "first\n", 6);
	return result;
}

static const char *const lines[] = { "application/x-ndjson" };
static const struct http_page stream_pages[] = {
	{ .path = "/stream", .types = lines, .n_types = 1, .join = join },
	{ .path = "/small", .types = text, .n_types = 1, .answer = answer_small },
};

/* The endpoint of the other tests, with these pages. */
static int stream_set_up(void **state)
{
	struct stream_fixture *fixture = calloc(1, sizeof(*fixture));
	struct http_site site = { stream_pages, 2, fixture };
	struct error error;

	set_up((void **)&fixture->base);
	http_close(fixture->base->http);
	fixture->feed = feed_new();
	memset(fixture->piece, 'x', PIECE_SIZE - 1);
	fixture->piece[PIECE_SIZE - 1] = '\n';
	assert_int_equal(http_open(&fixture->base->http, fixture->base->loop,
				   &fixture->base->listeners, &site, NULL, &error),
			 0);
	*state = fixture;
	return 0;
}

static int stream_tear_down(void **state)
{
	struct stream_fixture *fixture = *state;

	tear_down((void **)&fixture->base);
	assert_int_equal(feed_readers(fixture->feed), 0);
	feed_free(fixture->feed);
	free(fixture);
	return 0;
}

static int start(struct stream_fixture *fixture)
{
	static const char request[] = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int fd = connect_client(fixture->base);

	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	return fd;
}

static int quit_when_joined(void *context)
{
	struct stream_fixture *fixture = context;

	if (feed_readers(fixture->feed) >= fixture->pieces)
		loop_quit(fixture->base->loop);
	return 0;
}

/* Until so many have joined. */
static void await_readers(struct stream_fixture *fixture, unsigned int count)
{
	fixture->pieces = count;
	assert_int_equal(loop_add_timer(fixture->base->loop, 5, quit_when_joined, fixture), 0);
	assert_int_equal(loop_run(fixture->base->loop), 0);
	assert_false(fixture->base->timed_out);
	assert_int_equal(loop_set_timer(fixture->base->loop, 86400000, quit_when_joined, fixture),
			 0);
}

static int count_bytes(void *context, uint32_t events)
{
	struct fixture *base = context;
	static char bytes[PIECE_SIZE];
	ssize_t n = read(base->client, bytes, sizeof(bytes));

	(void)events;
	if (n <= 0)
		loop_quit(base->loop);
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' && i && bytes[i - 1] == 'x')
			base->renders++; /* a piece's end */
	}
	return 0;
}

/* Writes pieces, each when the client has read the one before. */
static int write_on(void *context)
{
	struct stream_fixture *fixture = context;

	if (fixture->base->renders < fixture->pieces - 1 || !fixture->pieces)
		return 0;
	if (fixture->pieces++ > 2 * FEED_MAX_BYTES / PIECE_SIZE) {
		loop_quit(fixture->base->loop);
		return 0;
	}
	feed_write(fixture->feed, fixture->piece, PIECE_SIZE);
	feed_wake(fixture->feed);
	return 0;
}

static void a_client_that_does_not_read_is_dropped_alone(void **state)
{
	struct stream_fixture *fixture = *state;
	struct fixture *base = fixture->base;
	int slow = start(fixture);

	base->client = start(fixture);
	await_readers(fixture, 2);
	fixture->pieces = 1;
	assert_int_equal(loop_add_fd(base->loop, base->client, EPOLLIN, count_bytes, base), 0);
	assert_int_equal(loop_add_timer(base->loop, 1, write_on, fixture), 0);
	assert_int_equal(loop_run(base->loop), 0);
	assert_false(base->timed_out);
	/* The first has all of it, twice what the feed holds; the other is gone. */
	assert_true(base->renders >= 2 * FEED_MAX_BYTES / PIECE_SIZE - 2);
	assert_int_equal(feed_dropped(fixture->feed), 1);
	loop_remove_fd(base->loop, base->client);
	close(base->client);
	close(slow);
}

static void too_many_are_reported(void **state)
{
	struct stream_fixture *fixture = *state;
	int clients[FEED_READERS_MAX];

	for (size_t i = 0; i < FEED_READERS_MAX; i++)
		clients[i] = start(fixture);
	await_readers(fixture, FEED_READERS_MAX);
	assert_status(get(fixture->base, "GET", "/stream"), 503);
	assert_string_equal(body_of(fixture->base->response), "too many\n");
	assert_status(get(fixture->base, "GET", "/small"), 200);
	for (size_t i = 0; i < FEED_READERS_MAX; i++)
		close(clients[i]);
}

static int quit_when_left(void *context)
{
	struct stream_fixture *fixture = context;

	if (!feed_readers(fixture->feed))
		loop_quit(fixture->base->loop);
	return 0;
}

/* Though nothing is written that could fail. */
static void a_client_that_leaves_gives_its_place_back(void **state)
{
	struct stream_fixture *fixture = *state;
	int client = start(fixture);

	await_readers(fixture, 1);
	close(client);
	assert_int_equal(loop_add_timer(fixture->base->loop, 20, quit_when_left, fixture), 0);
	assert_int_equal(loop_run(fixture->base->loop), 0);
	assert_false(fixture->base->timed_out);
	assert_int_equal(feed_dropped(fixture->feed), 0); /* it was not too slow */
}

/* Its password may be no more. */
static void another_configuration_ends_streams(void **state)
{
	struct stream_fixture *fixture = *state;
	struct fixture *base = fixture->base;
	struct error error;

	base->client = start(fixture);
	await_readers(fixture, 1);
	base->length = 0;
	assert_int_equal(http_configure(base->http, NULL, &error), 0);
	assert_int_equal(loop_add_fd(base->loop, base->client, EPOLLIN, receive, base), 0);
	assert_int_equal(loop_run(base->loop), 0);
	assert_false(base->timed_out);
	base->response[base->length] = '\0';
	assert_status(base->response, 200);
	assert_has(base->response, "Transfer-Encoding: chunked\r\n");
	assert_has(base->response, "Content-Type: application/x-ndjson\r\n");
	assert_has(base->response, "\r\nfirst\n\r\n");
	assert_null(strstr(base->response, "\r\n0\r\n")); /* it did not come to its end */
	loop_remove_fd(base->loop, base->client);
	close(base->client);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, stream_set_up, stream_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(a_client_that_does_not_read_is_dropped_alone),
		STREAM_TEST(too_many_are_reported),
		STREAM_TEST(a_client_that_leaves_gives_its_place_back),
		STREAM_TEST(another_configuration_ends_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
