// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client may send over its connection, until the server has closed it. Of random bytes libmicrohttpd
 * lets few through to our code, so that most inputs are a request's parts. The first byte says which:
 *
 *   o, p   the method, the path, and header lines, each on a line of its own, of which these are short for
 *          a:TEXT  Accept       e:TEXT  Accept-Encoding       u:TEXT  Authorization: Basic, TEXT in base64
 *          for the site that is open (o) or has a password (p)
 *   r, R   the connection's bytes, for the one site or the other
 */
#include "fuzz.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "serve/http.h"

#define PASSWORD "secret"
#define ANSWER_SIZE 2048 /* gzip is worth it */

struct site_at {
	struct listeners listeners;
	struct sockaddr_un address;
	socklen_t length;
};

static struct loop *loop;
static struct site_at sites[2]; /* open, with a password */
static int client = -1;
static unsigned int n_ticks; /* of this client: milliseconds */
static size_t n_received;
static bool is_answered;

/* libmicrohttpd reads on edges: the end must come after what was sent, or it is seen when the time for
 * the header is over. Who has more to say than one request may be kept waiting: it leaves. */
#define END_AT_TICK 2
#define LEAVE_AT_TICK 50

static int answer(void *context, unsigned int type, const struct http_query *query,
		  struct http_body *ret_body)
{
	(void)query;
	(void)context;
	FUZZ_ASSERT(type < 2);
	is_answered = true;
	ret_body->text = malloc(ANSWER_SIZE);
	FUZZ_ASSERT(ret_body->text);
	memset(ret_body->text, 'a', ANSWER_SIZE);
	ret_body->size = ANSWER_SIZE;
	return 0;
}

static const char *const types[] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
};
static const struct http_page pages[] = {
	{ .path = "/metrics", .types = types, .n_types = 2, .answer = answer },
	{ .path = "/", .types = types, .n_types = 1, .answer = answer, .policy = "default-src" },
	{ .path = "/-/reload", .types = types, .n_types = 1, .answer = answer, .is_action = true },
};
static const struct http_site site = { pages, 3, NULL };

static int tick(void *context)
{
	(void)context;
	if (++n_ticks == END_AT_TICK)
		shutdown(client, SHUT_WR);
	if (n_ticks == LEAVE_AT_TICK)
		loop_quit(loop);
	return 0;
}

/* One user, with a hash of the lowest cost. */
static struct web_config *make_config(void)
{
	static struct crypt_data data;
	struct web_config *config = calloc(1, sizeof(*config));

	FUZZ_ASSERT(config);
	config->users = calloc(1, sizeof(*config->users));
	FUZZ_ASSERT(config->users);
	config->users[0].name = strdup("user");
	config->users[0].hash = strdup(crypt_r(PASSWORD, "$2b$04$abcdefghijklmnopqrstuu", &data));
	config->n_users = 1;
	return config;
}

/* http_open() wants descriptors of its own kind; it lives as long as this program. */
static void open_site(struct site_at *at, struct web_config *config)
{
	struct http *http;
	struct error error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* A name of the kernel's choice: many run at once. */
	at->address.sun_family = AF_UNIX;
	FUZZ_ASSERT(!bind(fd, (struct sockaddr *)&at->address, sizeof(sa_family_t)));
	FUZZ_ASSERT(!listen(fd, 16));
	at->length = sizeof(at->address);
	FUZZ_ASSERT(!getsockname(fd, (struct sockaddr *)&at->address, &at->length));
	at->listeners = (struct listeners){ .all = { { .fd = fd } }, .count = 1 };
	FUZZ_ASSERT(!http_open(&http, loop, &at->listeners, &site, config, &error));
}

static void open_sites(void)
{
	FUZZ_ASSERT(!loop_new(&loop));
	FUZZ_ASSERT(!loop_add_timer(loop, 1, tick, NULL));
	open_site(&sites[0], NULL);
	open_site(&sites[1], make_config());
}

static int receive(void *context, uint32_t events)
{
	char response[4096];
	ssize_t n = read(client, response, sizeof(response));

	(void)context;
	(void)events;
	if (n <= 0)
		loop_quit(loop);
	else if (!n_received)
		FUZZ_ASSERT(n >= 12 && !memcmp(response, "HTTP/1.", 7));
	n_received += n > 0 ? (size_t)n : 0;
	return 0;
}

static void converse(const struct site_at *at, const void *bytes, size_t size)
{
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FUZZ_ASSERT(client >= 0);
	FUZZ_ASSERT(!connect(client, (const struct sockaddr *)&at->address, at->length));
	/* All of it is in the socket before the server runs. */
	FUZZ_ASSERT(send(client, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
	n_ticks = 0;
	n_received = 0;
	is_answered = false;
	FUZZ_ASSERT(!loop_add_fd(loop, client, EPOLLIN, receive, NULL));
	FUZZ_ASSERT(!loop_run(loop));
	FUZZ_ASSERT(!loop_remove_fd(loop, client));
	close(client);
}

static void put_credentials(FILE *stream, const char *text)
{
	gnutls_datum_t plain = { (unsigned char *)text, (unsigned int)strlen(text) };
	gnutls_datum_t encoded;

	FUZZ_ASSERT(!gnutls_base64_encode2(&plain, &encoded));
	fprintf(stream, "Authorization: Basic %s\r\n", encoded.data);
	gnutls_free(encoded.data);
}

static void put_header(FILE *stream, const char *line)
{
	if (!strncmp(line, "a:", 2))
		fprintf(stream, "Accept: %s\r\n", line + 2);
	else if (!strncmp(line, "e:", 2))
		fprintf(stream, "Accept-Encoding: %s\r\n", line + 2);
	else if (!strncmp(line, "u:", 2))
		put_credentials(stream, line + 2);
	else if (!strcasestr(line,
			     "Authorization")) /* u: alone, so that it is known what was said */
		fprintf(stream, "%s\r\n", line);
}

/* The request of these lines; the server is to close after it. */
static char *compose(char *lines, size_t *ret_size)
{
	const char *method = strsep(&lines, "\n");
	const char *path = strsep(&lines, "\n");
	char *request = NULL, *line;
	FILE *stream = open_memstream(&request, ret_size);

	FUZZ_ASSERT(stream);
	fprintf(stream, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method,
		path ? path : "/");
	while ((line = strsep(&lines, "\n")))
		put_header(stream, line);
	fprintf(stream, "\r\n");
	FUZZ_ASSERT(!fclose(stream));
	return request;
}

static void ask(const struct site_at *at, const uint8_t *data, size_t size)
{
	char *lines = fuzz_text(data, size);
	bool knows = strstr(lines, PASSWORD);
	size_t length;
	char *request = compose(lines, &length);

	converse(at, request, length);
	FUZZ_ASSERT(at == &sites[0] || knows || !is_answered);
	free(request);
	free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 16 * 1024)
		return 0;
	if (!loop)
		open_sites();
	switch (data[0]) {
	case 'o':
	case 'p':
		ask(&sites[data[0] == 'p'], data + 1, size - 1);
		return 0;
	case 'r':
	case 'R':
		converse(&sites[data[0] == 'R'], data + 1, size - 1);
		return 0;
	}
	return -1; /* not for the corpus */
}
