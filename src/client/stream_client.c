// SPDX-License-Identifier: GPL-2.0-only
#include "client/stream_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "client/curl_library.h"

#define DEFAULT_PORT "14096"
#define CONNECT_SECONDS 10L
/* Keepalive notices after some two minutes that the daemon's machine has failed. */
#define KEEPALIVE_SECONDS 60L
/* How much of a refusing daemon's answer is shown. */
#define REFUSAL_LEN 256
#define MEDIA_TYPE "application/x-ndjson"

/* One descriptor of libcurl's. */
struct watched {
	struct stream_client *client;
	curl_socket_t fd;
};

struct stream_client {
	struct curl_library curl;
	struct stream_client_options options;
	struct loop *loop;
	char shown[256]; /* the target, for messages */
	CURLM *multi;
	CURL *transfer;
	int timer_fd;
	bool is_running;
	char wrong[CURL_ERROR_SIZE];
	char refusal[REFUSAL_LEN];
	int result; /* of on_bytes */
	struct error error;
};

/* Targets. ------------------------------------------------------------------------------------- */

static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncasecmp(text, prefix, length) ? NULL : text + length;
}

static const char *host_of(const char *target)
{
	return after(target, "https://") ?: after(target, "http://") ?: target;
}

static bool is_tls(const char *target)
{
	return after(target, "https://");
}

/* The port, which follows the host; an IPv6 address has its colons in brackets. NULL: none. */
static const char *port_of(const char *host)
{
	const char *end = strrchr(host, ']'), *colon = strrchr(host, ':');

	return colon && (!end || colon > end) ? colon + 1 : NULL;
}

int stream_client_check(const char *target, struct error *error)
{
	const char *path = after(target, "unix:"), *host = host_of(target);
	const char *port = path ? NULL : port_of(host);
	char shown[128];

	text_escape_to(shown, sizeof(shown), target);
	if (strchr(host, '@') && !path)
		return error_set(
			error, EINVAL,
			"--connect: everybody on this machine can read a password in a flag; "
			"put it in a file for --credentials");
	if (path ? *path == '\0' :
		   !*host || *host == ':' || strpbrk(host, "/?# \t") || (host == target && !port) ||
			    (port && (!*port || strspn(port, "0123456789") != strlen(port))))
		return error_set(error, EINVAL,
				 "--connect: \"%s\" is neither unix:PATH nor HOST:PORT nor "
				 "https://HOST[:PORT]",
				 shown);
	return 0;
}

bool stream_client_is_open(const char *target)
{
	const char *host = host_of(target);

	return !after(target, "unix:") && !is_tls(target) && !after(host, "127.") &&
	       !after(host, "localhost:") && !after(host, "[::1]");
}

static int set_target(struct stream_client *client)
{
	const char *target = client->options.target, *path = after(target, "unix:");
	const char *host = host_of(target);
	autofree char *url = NULL;

	if (path)
		client->curl.easy_setopt(client->transfer, CURLOPT_UNIX_SOCKET_PATH, path);
	if (asprintf(&url, "%s://%s%s/stream", is_tls(target) ? "https" : "http",
		     path ? "localhost" : host, path || port_of(host) ? "" : ":" DEFAULT_PORT) < 0)
		return -ENOMEM;
	return client->curl.easy_setopt(client->transfer, CURLOPT_URL, url) ? -ENOMEM : 0;
}

/* What comes. ---------------------------------------------------------------------------------- */

static bool is_stream(struct stream_client *client)
{
	const char *type = NULL;
	long status = 0;

	client->curl.easy_getinfo(client->transfer, CURLINFO_RESPONSE_CODE, &status);
	client->curl.easy_getinfo(client->transfer, CURLINFO_CONTENT_TYPE, &type);
	return status == 200 && type && after(type, MEDIA_TYPE);
}

static size_t take(char *bytes, size_t unit, size_t size, void *context)
{
	struct stream_client *client = context;
	size_t length = strlen(client->refusal);

	(void)unit; /* always 1 */
	if (!is_stream(client)) {
		size_t room = sizeof(client->refusal) - 1 - length;

		strncat(client->refusal, bytes, min_of(room, size));
		return size;
	}
	client->result = client->options.on_bytes(client->options.context, bytes, size,
						  &client->error);
	return client->result < 0 ? 0 : size;
}

static void set_refusal(struct stream_client *client, long status, struct error *ret_why)
{
	char shown[REFUSAL_LEN];

	client->refusal[strcspn(client->refusal, "\r\n")] = '\0';
	text_escape_to(shown, sizeof(shown), client->refusal);
	if (status == 401)
		error_set(ret_why, EACCES,
			  "%s wants another user or password; --credentials names a file with "
			  "USER:PASSWORD",
			  client->shown);
	else if (status == 200 || status == 404)
		error_set(ret_why, EPROTO, "%s does not serve a stream of faultmap", client->shown);
	else
		error_set(ret_why, EPROTO, "%s says %ld: %s", client->shown, status, shown);
}

static void set_reason(struct stream_client *client, CURLcode code, struct error *ret_why)
{
	long status = 0, errnum = 0;

	client->curl.easy_getinfo(client->transfer, CURLINFO_RESPONSE_CODE, &status);
	client->curl.easy_getinfo(client->transfer, CURLINFO_OS_ERRNO, &errnum);
	if (client->result < 0)
		*ret_why = client->error;
	else if (status && !is_stream(client))
		set_refusal(client, status, ret_why);
	else if (status)
		error_set(ret_why, ECONNRESET, "%s has ended the stream", client->shown);
	else
		error_set(ret_why, ECONNREFUSED, "connecting to %s: %s", client->shown,
			  code == CURLE_COULDNT_CONNECT && errnum ? strerror((int)errnum) :
			  *client->wrong                          ? client->wrong :
								    client->curl.easy_strerror(code));
}

/* The loop. ------------------------------------------------------------------------------------ */

static int finish(struct stream_client *client)
{
	struct error why;
	CURLMsg *message;
	int left;

	while ((message = client->curl.multi_info_read(client->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		set_reason(client, message->data.result, &why);
		client->curl.multi_remove_handle(client->multi, client->transfer);
		client->is_running = false;
		return client->options.on_end(client->options.context, &why);
	}
	return 0;
}

static int handle_socket(void *context, uint32_t events)
{
	const struct watched *watched = context;
	struct stream_client *client = watched->client;
	int flags = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		    (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;

	client->curl.multi_socket_action(client->multi, watched->fd, flags, &running);
	return finish(client);
}

static int handle_timeout(void *context, uint32_t events)
{
	struct stream_client *client = context;
	uint64_t expirations;
	int running;

	(void)events;
	(void)!read(client->timer_fd, &expirations, sizeof(expirations));
	client->curl.multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	return finish(client);
}

static void unwatch(struct stream_client *client, struct watched *watched)
{
	if (!watched)
		return;
	loop_remove_fd(client->loop, watched->fd);
	client->curl.multi_assign(client->multi, watched->fd, NULL);
	free(watched);
}

/* libcurl's callback: it wants events of this descriptor. */
static int watch(CURL *transfer, curl_socket_t fd, int what, void *context, void *socket_context)
{
	struct stream_client *client = context;
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	struct watched *watched;

	(void)transfer;
	unwatch(client, socket_context);
	if (what == CURL_POLL_REMOVE)
		return 0;
	watched = malloc(sizeof(*watched));
	if (!watched)
		return -1;
	*watched = (struct watched){ client, fd };
	if (loop_add_fd(client->loop, fd, events, handle_socket, watched) < 0) {
		free(watched);
		return -1;
	}
	client->curl.multi_assign(client->multi, fd, watched);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct stream_client *client = context;
	struct itimerspec when = { 0 };

	(void)multi;
	if (timeout_ms >= 0) {
		when.it_value.tv_sec = timeout_ms / 1000;
		when.it_value.tv_nsec = timeout_ms % 1000 * 1000000 + 1;
	}
	return timerfd_settime(client->timer_fd, 0, &when, NULL);
}

/* The client. ---------------------------------------------------------------------------------- */

static int set_options(struct stream_client *client)
{
	const struct stream_client_options *options = &client->options;
	CURL *transfer = client->transfer;
	CURLcode code = CURLE_OK;

	client->curl.multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch);
	client->curl.multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	client->curl.multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	client->curl.multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	client->curl.easy_setopt(transfer, CURLOPT_WRITEFUNCTION, take);
	client->curl.easy_setopt(transfer, CURLOPT_WRITEDATA, client);
	client->curl.easy_setopt(transfer, CURLOPT_ERRORBUFFER, client->wrong);
	client->curl.easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
	client->curl.easy_setopt(transfer, CURLOPT_PROXY, "");
	client->curl.easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L);
	client->curl.easy_setopt(transfer, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	client->curl.easy_setopt(transfer, CURLOPT_TCP_KEEPALIVE, 1L);
	client->curl.easy_setopt(transfer, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_SECONDS);
	client->curl.easy_setopt(transfer, CURLOPT_FRESH_CONNECT, 1L);
	client->curl.easy_setopt(transfer, CURLOPT_FORBID_REUSE, 1L);
	if (options->credentials) {
		client->curl.easy_setopt(transfer, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		code = client->curl.easy_setopt(transfer, CURLOPT_USERPWD, options->credentials);
	}
	if (!code && options->authorities)
		code = client->curl.easy_setopt(transfer, CURLOPT_CAINFO, options->authorities);
	return code ? -ENOMEM : set_target(client);
}

static int client_init(struct stream_client *client)
{
	client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (client->timer_fd < 0)
		return -errno;
	if (client->curl.global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	client->multi = client->curl.multi_init();
	client->transfer = client->curl.easy_init();
	if (!client->multi || !client->transfer)
		return -ENOMEM;
	return set_options(client) ?:
		       loop_add_fd(client->loop, client->timer_fd, EPOLLIN, handle_timeout, client);
}

int stream_client_new(struct stream_client **ret_client,
		      const struct stream_client_options *options, struct loop *loop,
		      struct error *error)
{
	struct stream_client *client = calloc(1, sizeof(*client));
	int result;

	if (!client)
		return error_set(error, ENOMEM, "connecting: out of memory");
	client->options = *options;
	client->loop = loop;
	client->timer_fd = -1;
	text_escape_to(client->shown, sizeof(client->shown), options->target);
	result = curl_library_load(&client->curl, "--connect", error);
	if (result < 0) {
		free(client);
		return result;
	}
	result = client_init(client);
	if (result < 0) {
		stream_client_free(client);
		return error_set(error, -result, "connecting to %s: %s", options->target,
				 strerror(-result));
	}
	*ret_client = client;
	return 0;
}

void stream_client_free(struct stream_client *client)
{
	if (!client)
		return;
	if (client->is_running)
		client->curl.multi_remove_handle(client->multi, client->transfer);
	client->curl.easy_cleanup(client->transfer);
	if (client->multi)
		client->curl.multi_cleanup(client->multi);
	if (client->timer_fd >= 0) {
		loop_remove_fd(client->loop, client->timer_fd);
		close(client->timer_fd);
	}
	free(client);
}

int stream_client_connect(struct stream_client *client, struct error *error)
{
	client->wrong[0] = client->refusal[0] = '\0';
	client->result = 0;
	if (client->curl.multi_add_handle(client->multi, client->transfer))
		return error_set(error, ENOMEM, "connecting to %s: out of memory", client->shown);
	client->is_running = true;
	return 0;
}
