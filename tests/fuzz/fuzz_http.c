/* SPDX-License-Identifier: GPL-2.0-only */
/* Whatever a client may send over its connection, until the server has closed it. */
#include "fuzz.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http.h"

static struct loop *loop;
static struct listeners listeners;
static struct sockaddr_un address;
static int client = -1;
static unsigned int n_ticks; /* of this client: milliseconds */

/* libmicrohttpd reads on edges: the end must come after what was sent, or it is seen when the time for
 * the header is over. Who has more to say than one request may be kept waiting: it leaves. */
#define END_AT_TICK 2
#define LEAVE_AT_TICK 50

static int answer(void *context, unsigned int type, struct http_body *ret_body)
{
	(void)context;
	FUZZ_ASSERT(type < 2);
	ret_body->text = strdup("answer\n");
	ret_body->size = strlen("answer\n");
	return 0;
}

static const char *const types[] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
};
static const struct http_page pages[] = {
	{ .path = "/metrics", .types = types, .n_types = 2, .answer = answer },
	{ .path = "/-/reload", .types = types, .n_types = 1, .answer = answer, .is_action = true },
};
static const struct http_site site = { pages, 2, NULL };

static int tick(void *context)
{
	(void)context;
	if (++n_ticks == END_AT_TICK)
		shutdown(client, SHUT_WR);
	if (n_ticks == LEAVE_AT_TICK)
		loop_quit(loop);
	return 0;
}

/* http_open() wants descriptors of its own kind; it lives as long as this program. */
static void open_server(void)
{
	struct http *http;
	socklen_t length = sizeof(address);
	struct error error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* A name of the kernel's choice: many run at once. */
	address.sun_family = AF_UNIX;
	FUZZ_ASSERT(!bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)));
	FUZZ_ASSERT(!listen(fd, 16));
	FUZZ_ASSERT(!getsockname(fd, (struct sockaddr *)&address, &length));
	listeners = (struct listeners){ .all = { { .fd = fd } }, .count = 1 };
	FUZZ_ASSERT(!loop_new(&loop));
	FUZZ_ASSERT(!loop_add_timer(loop, 1, tick, NULL));
	FUZZ_ASSERT(!http_open(&http, loop, &listeners, &site, NULL, &error));
}

static int receive(void *context, uint32_t events)
{
	char response[4096];

	(void)context;
	(void)events;
	if (read(client, response, sizeof(response)) <= 0)
		loop_quit(loop);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* All of it is in the socket before the server runs. */
	if (size > 64 * 1024)
		return 0;
	if (!loop)
		open_server();
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FUZZ_ASSERT(client >= 0);
	FUZZ_ASSERT(!connect(client, (struct sockaddr *)&address,
			     offsetof(struct sockaddr_un, sun_path) + 6));
	FUZZ_ASSERT(send(client, data, size, MSG_NOSIGNAL) == (ssize_t)size);
	n_ticks = 0;
	FUZZ_ASSERT(!loop_add_fd(loop, client, EPOLLIN, receive, NULL));
	FUZZ_ASSERT(!loop_run(loop));
	FUZZ_ASSERT(!loop_remove_fd(loop, client));
	close(client);
	return 0;
}
