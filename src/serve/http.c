// SPDX-License-Identifier: GPL-2.0-only
#include "serve/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "serve/http_request.h"
#include "base/util.h"
#include "serve/web_tls.h"

/* A scraper holds one or two connections and a browser six. When there are more, the connection
 * that has waited longest without a request is closed: a thousand idle clients keep nobody out. */
#define MAX_CLIENTS 128
/* The most connections while libmicrohttpd has yet to close some. Beyond that, new ones are
 * refused. */
#define MAX_CONNECTIONS (2 * MAX_CLIENTS)
/* Connections to accept in one turn of the loop, as a tick may be due. */
#define MAX_ACCEPTS 64
/* Memory of a connection for its request header and our response header. A scraper's header is much
 * smaller; a larger one gets 431, from http_request.c or from libmicrohttpd. */
#define CONNECTION_MEMORY (24 * 1024)
/* How libmicrohttpd's buffer for a request grows; it starts with half of the memory. The last 4 KiB
 * are left for its own answer 431. */
#define CONNECTION_INCREMENT (8 * 1024)
/* From connecting to the end of the first request's header, with TLS: for all of it, not between
 * bytes. */
#define HEADER_SECONDS 10
/* From there to the last byte of the response: more than the 10 s that Prometheus waits. Without the
 * time in which the response is made on a thread of ours: that is not the client's. */
#define ANSWER_SECONDS 30
/* To the next request's header: longer than the usual minute between two scrapes. */
#define IDLE_SECONDS 90
/* The most configurations that have connections; one more reload cuts those of the oldest. */
#define MAX_SERVERS 4

enum client_state {
	CLIENT_WAITING,   /* we for it */
	CLIENT_ANSWERING, /* it takes its response */
	CLIENT_SUSPENDED, /* it for us */
	CLIENT_STREAMING,
};

struct client {
	TAILQ_ENTRY(client) next; /* in the order in which they came into their state */
	struct server *server;
	int fd; /* libmicrohttpd's */
	enum client_state state;
	uint64_t deadline_ns;
};

/* A libmicrohttpd daemon: TLS cannot be changed under one, so each configuration has its own. It
 * has no socket to listen on and gets the connections that this module accepts. */
struct server {
	TAILQ_ENTRY(server) next; /* newest first */
	struct http *http;
	struct MHD_Daemon *daemon;
	struct web_config *config; /* may be NULL */
	int epoll_fd;              /* the daemon's */
	int timer_fd; /* when the daemon wants to run although no descriptor is ready */
	size_t n_clients;
	char trouble[256]; /* what the daemon said while it started */
};

struct acceptor {
	struct http *http;
	int fd; /* the listener's */
};

struct http {
	struct loop *loop;
	struct acceptor acceptors[LISTEN_MAX];
	size_t n_acceptors;
	size_t n_accepting; /* of them, from the first: those on the loop */
	int sweep_fd;       /* timer */
	struct http_shared shared;
	TAILQ_HEAD(, server) servers;
	TAILQ_HEAD(, client) clients;
	size_t n_clients;
};

/* Arms the timer for when the daemon must run next. */
static void server_run(struct server *server)
{
	struct itimerspec when = { 0 };
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(server->daemon);
	if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES) {
		when.it_value.tv_sec = (time_t)(timeout_ms / 1000);
		/* 1 ns: an all-zero value would disarm the timer. */
		when.it_value.tv_nsec = (long)(timeout_ms % 1000) * 1000000 + 1;
	}
	timerfd_settime(server->timer_fd, 0, &when, NULL);
}

static int handle_io(void *context, uint32_t events)
{
	(void)events;
	server_run(context);
	return 0;
}

static int handle_timeout(void *context, uint32_t events)
{
	struct server *server = context;
	uint64_t expirations;

	(void)!read(server->timer_fd, &expirations, sizeof(expirations));
	return handle_io(context, events);
}

static void client_enter(struct client *client, enum client_state state, unsigned int seconds)
{
	struct http *http = client->server->http;

	client->state = state;
	client->deadline_ns = monotonic_ns() + seconds * 1000000000ULL;
	TAILQ_REMOVE(&http->clients, client, next);
	TAILQ_INSERT_TAIL(&http->clients, client, next);
}

/* libmicrohttpd sees the connection end, and closes it. NULL is fine. */
static void client_cut(const struct client *client)
{
	if (client)
		shutdown(client->fd, SHUT_RDWR);
}

/* From now on http_stream.c watches its time, and its end. */
static void client_stream(struct client *client)
{
	client_enter(client, CLIENT_STREAMING, 0);
	client->deadline_ns = UINT64_MAX;
}

/* Its response is being made, or has been. */
static void client_suspend(struct client *client, bool is_waiting)
{
	if (is_waiting) {
		client_enter(client, CLIENT_SUSPENDED, 0);
		client->deadline_ns = UINT64_MAX;
	} else if (client->state == CLIENT_SUSPENDED) {
		client_enter(client, CLIENT_ANSWERING, ANSWER_SECONDS);
	}
}

/* The client has shut down its side. libmicrohttpd does not notice while a connection is suspended,
 * nor if that happened before it got the connection. */
static bool client_has_ended(const struct client *client)
{
	char byte;

	return !recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

static struct client *client_new(struct server *server, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->server = server;
	client->fd = info->connect_fd;
	TAILQ_INSERT_TAIL(&server->http->clients, client, next);
	server->http->n_clients++;
	server->n_clients++;
	client_enter(client, CLIENT_WAITING, HEADER_SECONDS);
	return client;
}

static void client_free(struct client *client)
{
	TAILQ_REMOVE(&client->server->http->clients, client, next);
	client->server->http->n_clients--;
	client->server->n_clients--;
	free(client);
}

static void handle_connection(void *context, struct MHD_Connection *connection,
			      void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	struct server *server = context;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*socket_context)
			client_free(*socket_context);
		return;
	}
	*socket_context = client_new(server, connection);
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info && info->tls_session)
		web_tls_prepare(&server->config->tls, info->tls_session);
}

static struct client *client_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static void handle_login(void *who, bool granted)
{
	server_run(client_of(http_request_resume(who, granted))->server);
}

/* Runs the connection's daemon soon, as if it had asked for that. */
static void run_soon(struct MHD_Connection *connection)
{
	struct itimerspec at_once = { .it_value.tv_nsec = 1 };

	timerfd_settime(client_of(connection)->server->timer_fd, 0, &at_once, NULL);
}

static bool is_newest(const struct server *server)
{
	return server == TAILQ_FIRST(&server->http->servers);
}

/* libmicrohttpd calls this with the first line, of any length. */
static void *handle_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
	(void)context;
	if (http_request_refuse_uri(connection, uri))
		client_cut(client_of(connection));
	return NULL;
}

/* libmicrohttpd calls once with the header, then for each piece of a body, then once at its end. */
static enum MHD_Result handle_request(void *context, struct MHD_Connection *connection,
				      const char *path, const char *method, const char *version,
				      const char *upload, size_t *upload_size, void **request)
{
	struct server *server = context;
	struct client *client = client_of(connection);
	enum MHD_Result result;

	(void)version;
	(void)upload;
	if (!client)
		return MHD_NO; /* no memory: nothing would limit its time */
	if (!*request) {
		if (http_request_refuse_header(connection))
			return MHD_NO;
		*request = http_request_new(&server->http->shared, connection, path, method,
					    !is_newest(server));
		client_enter(client, CLIENT_ANSWERING, ANSWER_SECONDS);
		return *request ? http_request_begin(*request) : MHD_NO;
	}
	if (*upload_size) {
		*upload_size = 0; /* bodies are dropped */
		return MHD_YES;
	}
	result = http_request_answer(*request);
	client_suspend(client, http_request_is_waiting(*request));
	if (http_request_is_stream(*request))
		client_stream(client);
	return result;
}

static void handle_completed(void *context, struct MHD_Connection *connection, void **request,
			     enum MHD_RequestTerminationCode code)
{
	struct client *client = client_of(connection);

	(void)context;
	(void)code;
	http_request_free(*request);
	*request = NULL;
	if (!client)
		return;
	client_enter(client, CLIENT_WAITING, IDLE_SECONDS);
	if (client_has_ended(client))
		client_cut(client);
}

/* Errors within a connection concern its client, and must not fill our log. */
static void keep_message(void *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void keep_message(void *context, const char *format, va_list arguments)
{
	struct server *server = context;

	if (!server->daemon)
		vsnprintf(server->trouble, sizeof(server->trouble), format, arguments);
}

static int start_daemon(struct server *server)
{
	const struct web_tls *tls = server->config ? &server->config->tls : NULL;
	bool is_tls = tls && tls->certificate;
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
			     MHD_USE_ERROR_LOG | (is_tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, is_tls ? tls->certificate : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, is_tls ? tls->key : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, is_tls ? (void *)tls->priorities : NULL },
		{ is_tls && tls->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  is_tls ? tls->client_ca : NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const union MHD_DaemonInfo *info;

	server->daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, handle_request, server,
				 MHD_OPTION_EXTERNAL_LOGGER, keep_message, server,
				 MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				 MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
				 (size_t)CONNECTION_INCREMENT, MHD_OPTION_URI_LOG_CALLBACK,
				 handle_uri, server, MHD_OPTION_NOTIFY_CONNECTION,
				 handle_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
				 handle_completed, server, MHD_OPTION_ARRAY,
				 is_tls ? tls_options : tls_options + ARRAY_SIZE(tls_options) - 1,
				 MHD_OPTION_END);
	if (!server->daemon)
		return -ENOTSUP;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -ENOTSUP;
	server->epoll_fd = info->epoll_fd;
	return 0;
}

static int server_start(struct server *server)
{
	struct loop *loop = server->http->loop;
	int result = start_daemon(server);

	if (result < 0)
		return result;
	server->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->timer_fd < 0)
		return -errno;
	result = loop_add_fd(loop, server->epoll_fd, EPOLLIN, handle_io, server);
	if (!result)
		result = loop_add_fd(loop, server->timer_fd, EPOLLIN, handle_timeout, server);
	return result;
}

/* Must not be called within one of its own callbacks. */
static void server_free(struct server *server)
{
	if (server->epoll_fd >= 0)
		loop_remove_fd(server->http->loop, server->epoll_fd);
	if (server->timer_fd >= 0) {
		loop_remove_fd(server->http->loop, server->timer_fd);
		close(server->timer_fd);
	}
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	web_config_free(server->config);
	free(server);
}

/* Takes config. */
static int server_new(struct http *http, struct web_config *config, struct server **ret_server,
		      struct error *error)
{
	struct server *server = calloc(1, sizeof(*server));
	int result;

	if (!server) {
		web_config_free(config);
		return error_set(error, ENOMEM, "starting the HTTP endpoint: out of memory");
	}
	server->http = http;
	server->config = config;
	server->epoll_fd = -1;
	server->timer_fd = -1;
	result = server_start(server);
	if (result < 0) {
		error_set(error, -result, "starting the HTTP endpoint: %s",
			  server->trouble[0] ? server->trouble : strerror(-result));
		server_free(server);
		return result;
	}
	*ret_server = server;
	return 0;
}

int http_configure(struct http *http, struct web_config *config, struct error *error)
{
	struct server *server;
	int result = 0;

	if (config && config->n_users && !http->shared.login)
		result = login_new(&http->shared.login, http->loop, handle_login);
	if (result < 0) {
		web_config_free(config);
		return error_set(error, -result, "starting to check passwords: %s",
				 strerror(-result));
	}
	result = server_new(http, config, &server, error);
	if (result < 0)
		return result;
	TAILQ_INSERT_HEAD(&http->servers, server, next);
	http_streams_end(&http->shared.streams); /* their passwords may no longer be valid */
	http->shared.config = config;
	http->shared.paid_until_ns = 0;
	return 0;
}

/* The client that waits longest; if all are being answered, the one that takes longest. Not a
 * stream, of which there are few. */
static struct client *find_victim(struct http *http)
{
	struct client *client, *busy = NULL;

	TAILQ_FOREACH(client, &http->clients, next)
	{
		if (client->state == CLIENT_WAITING)
			return client;
		if (!busy && client->state != CLIENT_STREAMING)
			busy = client;
	}
	return busy;
}

static void make_room(struct http *http)
{
	struct client *victim = find_victim(http);
	struct server *server;

	if (!victim)
		return;
	server = victim->server;
	client_cut(victim);
	/* It may be suspended and stay for now: the next victim is another one. */
	client_enter(victim, CLIENT_ANSWERING, 0);
	server_run(server);
}

static void admit_client(struct http *http, int fd, const struct sockaddr *address,
			 socklen_t length)
{
	struct server *server = TAILQ_FIRST(&http->servers);

	if (http->n_clients >= MAX_CLIENTS)
		make_room(http);
	/* It closes the descriptor if it fails. */
	if (MHD_add_connection(server->daemon, fd, address, length) == MHD_YES)
		server_run(server);
}

static void stop_accepting(struct http *http)
{
	while (http->n_accepting)
		loop_remove_fd(http->loop, http->acceptors[--http->n_accepting].fd);
}

static int handle_accept(void *context, uint32_t events)
{
	struct acceptor *acceptor = context;

	(void)events;
	for (unsigned int i = 0; i < MAX_ACCEPTS; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int fd = accept4(acceptor->fd, (struct sockaddr *)&address, &length,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			admit_client(acceptor->http, fd, (struct sockaddr *)&address, length);
			continue;
		}
		/* No descriptor or memory is left: tries again at the next sweep. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			make_room(acceptor->http);
			stop_accepting(acceptor->http);
		}
		break;
	}
	return 0;
}

static int start_accepting(struct http *http)
{
	int result = 0;

	while (!result && http->n_accepting < http->n_acceptors) {
		struct acceptor *acceptor = &http->acceptors[http->n_accepting];

		result = loop_add_fd(http->loop, acceptor->fd, EPOLLIN, handle_accept, acceptor);
		if (!result)
			http->n_accepting++;
	}
	return result;
}

/* Former configurations are freed with their last client. If there are too many, the clients of the
 * oldest are cut. */
static void retire_servers(struct http *http)
{
	struct server *newest = TAILQ_FIRST(&http->servers), *server, *older;
	size_t count = 0;

	for (server = newest; server; server = older) {
		struct client *client;

		older = TAILQ_NEXT(server, next);
		if (server != newest && !server->n_clients) {
			TAILQ_REMOVE(&http->servers, server, next);
			server_free(server);
		} else if (++count > MAX_SERVERS) {
			TAILQ_FOREACH(client, &http->clients, next)
			{
				if (client->server == server)
					client_cut(client);
			}
		}
	}
}

/* Each second. */
static int handle_sweep(void *context, uint32_t events)
{
	struct http *http = context;
	uint64_t now = monotonic_ns(), expirations;
	struct client *client, *next;

	(void)events;
	(void)!read(http->sweep_fd, &expirations, sizeof(expirations));
	for (client = TAILQ_FIRST(&http->clients); client; client = next) {
		next = TAILQ_NEXT(client, next);
		/* It may be gone, or only have nothing more to ask. */
		if (client->state == CLIENT_SUSPENDED && client_has_ended(client))
			client_enter(client, CLIENT_ANSWERING, ANSWER_SECONDS);
		if (client->deadline_ns <= now ||
		    (client->state == CLIENT_WAITING && client_has_ended(client)))
			client_cut(client);
	}
	http_streams_sweep(&http->shared.streams);
	retire_servers(http);
	/* A listener that cannot be watched now, for want of memory, is tried again in a second. */
	start_accepting(http);
	return 0;
}

static int start_sweeping(struct http *http)
{
	struct itimerspec each_second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };

	http->sweep_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (http->sweep_fd < 0 || timerfd_settime(http->sweep_fd, 0, &each_second, NULL) < 0)
		return -errno;
	return loop_add_fd(http->loop, http->sweep_fd, EPOLLIN, handle_sweep, http);
}

static struct http *http_new(struct loop *loop, const struct listeners *listeners,
			     const struct http_site *site)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->loop = loop;
	http->sweep_fd = -1;
	http->shared.site = *site;
	gethostname(http->shared.machine, sizeof(http->shared.machine) - 1);
	LIST_INIT(&http->shared.streams.list);
	LIST_INIT(&http->shared.waiting);
	http->shared.streams.run_soon = run_soon;
	TAILQ_INIT(&http->servers);
	TAILQ_INIT(&http->clients);
	for (; http->n_acceptors < listeners->count; http->n_acceptors++) {
		http->acceptors[http->n_acceptors].http = http;
		http->acceptors[http->n_acceptors].fd = listeners->all[http->n_acceptors].fd;
	}
	return http;
}

int http_open(struct http **ret_http, struct loop *loop, const struct listeners *listeners,
	      const struct http_site *site, struct web_config *config, struct error *error)
{
	struct http *http = http_new(loop, listeners, site);
	int result;

	if (!http) {
		web_config_free(config);
		return error_set(error, ENOMEM, "starting the HTTP endpoint: out of memory");
	}
	result = http_configure(http, config, error);
	if (result < 0) {
		http_close(http);
		return result;
	}
	result = start_sweeping(http);
	if (!result)
		result = start_accepting(http);
	if (result < 0) {
		http_close(http);
		return error_set(error, -result, "starting the HTTP endpoint: %s",
				 strerror(-result));
	}
	*ret_http = http;
	return 0;
}

void http_again(struct http *http)
{
	struct server *server;
	bool has_some = false;

	while (http_request_go_on(&http->shared))
		has_some = true;
	if (has_some)
		TAILQ_FOREACH(server, &http->servers, next)
	server_run(server);
}

void http_close(struct http *http)
{
	struct server *server;

	if (!http)
		return;
	stop_accepting(http);
	if (http->sweep_fd >= 0) {
		loop_remove_fd(http->loop, http->sweep_fd);
		close(http->sweep_fd);
	}
	/* First: connections that wait for its thread are suspended, and must be resumed to be
	 * closed. */
	login_free(http->shared.login);
	http->shared.is_ending = true;
	http_again(http);
	http_streams_end(&http->shared.streams);
	while ((server = TAILQ_FIRST(&http->servers))) {
		TAILQ_REMOVE(&http->servers, server, next);
		server_free(server);
	}
	free(http);
}
