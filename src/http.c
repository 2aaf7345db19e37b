// SPDX-License-Identifier: GPL-2.0-only
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "util.h"
#include "version.h"

/* A scraper holds one or two connections and a browser six; more wait in the backlog, so that clients
 * cannot use up our descriptors. */
#define MAX_CONNECTIONS 64
/* Longer than the usual 15 s between two scrapes, so that a scraper's connection stays open; a client
 * that sends or reads nothing for that long makes room for others. */
#define IDLE_TIMEOUT_SECONDS 30
/* Of one connection, for its request header and our response header: no header of a scraper comes near,
 * and libmicrohttpd answers 431 to a larger one. */
#define CONNECTION_MEMORY (16 * 1024)

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

struct http {
	struct MHD_Daemon *daemon;
	struct loop *loop;
	int epoll_fd; /* the daemon's */
	int timer_fd; /* when the daemon wants to run although no descriptor is ready */
	http_render_fn render;
	void *context;
	bool is_ready;
};

static const char landing_page[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\"><title>faultmap</title></head>\n"
	"<body><h1>faultmap " FAULTMAP_VERSION "</h1>\n"
	"<p>Page faults of this machine by process, mapping and kind.</p>\n"
	"<ul>\n"
	"<li><a href=\"/metrics\">/metrics</a>: for Prometheus</li>\n"
	"<li><a href=\"/-/healthy\">/-/healthy</a>: the service runs</li>\n"
	"<li><a href=\"/-/ready\">/-/ready</a>: the first reading is there</li>\n"
	"</ul></body></html>\n";

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status,
			       const char *type, struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned int status,
				    const char *type, const char *text)
{
	return respond(connection, status, type,
		       MHD_create_response_from_buffer(strlen(text), (void *)text,
						       MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result respond_metrics(struct http *http, struct MHD_Connection *connection)
{
	struct MHD_Response *response;
	char *text;
	size_t size;

	if (http->render(http->context, &text, &size) < 0)
		return respond_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, TYPE_TEXT,
				    "out of memory\n");
	response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(text);
	return respond(connection, MHD_HTTP_OK, TYPE_METRICS, response);
}

static enum MHD_Result route(struct http *http, struct MHD_Connection *connection, const char *path)
{
	bool is_metrics = !strcmp(path, "/metrics");

	if (!strcmp(path, "/"))
		return respond_text(connection, MHD_HTTP_OK, TYPE_HTML, landing_page);
	if (!strcmp(path, "/-/healthy"))
		return respond_text(connection, MHD_HTTP_OK, TYPE_TEXT, "healthy\n");
	if (!is_metrics && strcmp(path, "/-/ready"))
		return respond_text(connection, MHD_HTTP_NOT_FOUND, TYPE_TEXT,
				    "not found; see / for what there is\n");
	if (!http->is_ready)
		return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, TYPE_TEXT,
				    "the first reading is not there yet\n");
	if (is_metrics)
		return respond_metrics(http, connection);
	return respond_text(connection, MHD_HTTP_OK, TYPE_TEXT, "ready\n");
}

/* libmicrohttpd calls once with the header, then for each piece of a body, then once at its end. */
static enum MHD_Result handle_request(void *context, struct MHD_Connection *connection,
				      const char *path, const char *method, const char *version,
				      const char *upload, size_t *upload_size, void **request)
{
	static const char header_seen;

	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, TYPE_TEXT,
				    "only GET and HEAD\n");
	if (!*request) {
		*request = (void *)&header_seen;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0; /* a body means nothing here: drop it */
		return MHD_YES;
	}
	return route(context, connection, path);
}

/* Asks when the daemon must run next (to close idle connections, or to go on at once). */
static void set_timer(struct http *http)
{
	struct itimerspec when = { 0 };
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	if (MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES) {
		when.it_value.tv_sec = (time_t)(timeout_ms / 1000);
		/* 1 ns: an all-zero value would disarm the timer. */
		when.it_value.tv_nsec = (long)(timeout_ms % 1000) * 1000000 + 1;
	}
	timerfd_settime(http->timer_fd, 0, &when, NULL);
}

static int handle_io(void *context, uint32_t events)
{
	struct http *http = context;

	(void)events;
	MHD_run(http->daemon);
	set_timer(http);
	return 0;
}

static int handle_timeout(void *context, uint32_t events)
{
	struct http *http = context;
	uint64_t expirations;

	(void)!read(http->timer_fd, &expirations, sizeof(expirations));
	return handle_io(context, events);
}

/* What goes wrong within a connection is the client's business and must not fill our log. */
static void drop_message(void *context, const char *format, va_list arguments)
{
	(void)context;
	(void)format;
	(void)arguments;
}

static int start_daemon(struct http *http, int listen_fd)
{
	const union MHD_DaemonInfo *info;

	http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL,
					handle_request, http, MHD_OPTION_EXTERNAL_LOGGER,
					drop_message, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
					MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
					MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_SECONDS,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					(size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	if (!http->daemon)
		return -ENOTSUP;
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -ENOTSUP;
	http->epoll_fd = info->epoll_fd;
	return 0;
}

static int start(struct http *http, int listen_fd)
{
	int result = start_daemon(http, listen_fd);

	if (result < 0)
		return result;
	http->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (http->timer_fd < 0)
		return -errno;
	result = loop_add_fd(http->loop, http->epoll_fd, EPOLLIN, handle_io, http);
	if (!result)
		result = loop_add_fd(http->loop, http->timer_fd, EPOLLIN, handle_timeout, http);
	return result;
}

int http_open(struct http **ret_http, struct loop *loop, int listen_fd, http_render_fn render,
	      void *context, struct error *error)
{
	struct http *http = calloc(1, sizeof(*http));
	int result;

	if (!http) {
		close(listen_fd);
		return error_set(error, ENOMEM, "starting the HTTP endpoint: out of memory");
	}
	http->loop = loop;
	http->epoll_fd = -1;
	http->timer_fd = -1;
	http->render = render;
	http->context = context;
	result = start(http, listen_fd);
	if (result < 0) {
		http_close(http);
		return error_set(error, -result, "starting the HTTP endpoint: %s",
				 strerror(-result));
	}
	*ret_http = http;
	return 0;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	if (http->epoll_fd >= 0)
		loop_remove_fd(http->loop, http->epoll_fd);
	if (http->timer_fd >= 0) {
		loop_remove_fd(http->loop, http->timer_fd);
		close(http->timer_fd);
	}
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	free(http);
}

void http_set_ready(struct http *http, bool is_ready)
{
	http->is_ready = is_ready;
}
