// SPDX-License-Identifier: GPL-2.0-only
#include "serve/http_request.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <zlib.h>

#include "serve/negotiate.h"
#include "serve/site_check.h"
#include "base/util.h"

/* Of all responses that clients have not read yet. A page is some 100 KiB; a client that does not
 * read keeps it until http.c closes the connection. */
#define MAX_QUEUED_BYTES (32 * 1024 * 1024)
/* Below that gzip saves no packet. */
#define MIN_GZIP_SIZE 1024
/* All Accept headers of a request in one; longer ones are ignored. */
#define MAX_ACCEPT 4096

/* Of a request: its bytes, and what libmicrohttpd keeps beside them of each header, argument and
 * cookie. http.c gives a connection 4 KiB more, for the header of the response. */
#define MAX_HEADER (20 * 1024)
#define FIELD_SIZE 64
/* Two pages take arguments, and a scraper may be configured to send some. */
#define MAX_URI (4 * 1024)
#define MAX_ARGUMENTS 32
/* For the body that curl and others send with a POST, which is dropped. */
#define MAX_BODY 4096

#define REALM "faultmap"
#define TYPE_TEXT "text/plain; charset=utf-8"

enum login_state { LOGIN_NOT_ASKED, LOGIN_ASKED, LOGIN_ACCEPTED, LOGIN_REFUSED };

struct http_request {
	struct http_shared *shared;
	struct MHD_Connection *connection;
	const struct http_page *page; /* NULL: there is none */
	bool is_read;                 /* GET or HEAD */
	bool is_write;                /* POST or PUT */
	bool is_last;
	enum login_state login;
	bool is_stream;
	bool is_waiting;
	LIST_ENTRY(http_request) next; /* of those that wait */
	size_t queued_bytes;
};

struct http_query {
	struct MHD_Connection *connection;
};

const char *http_query_value(const struct http_query *query, const char *name)
{
	return MHD_lookup_connection_value(query->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool http_query_is_unix(const struct http_query *query)
{
	int fd = MHD_get_connection_info(query->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			 ->connect_fd;
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(address);

	return !getsockname(fd, (struct sockaddr *)&address, &length) &&
	       address.ss_family == AF_UNIX;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_more(uint64_t hash, const void *bytes, size_t size)
{
	for (const unsigned char *byte = bytes; size; byte++, size--)
		hash = (hash ^ *byte) * 0x100000001b3;
	return hash;
}

/* Prometheus, and clients that behave like it, send this header with each scrape. */
uint64_t http_query_reader(const struct http_query *query)
{
	const char *agent = MHD_lookup_connection_value(query->connection, MHD_HEADER_KIND,
							"User-Agent");
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(query->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	uint64_t hash = 0xcbf29ce484222325;

	if (!MHD_lookup_connection_value(query->connection, MHD_HEADER_KIND,
					 "X-Prometheus-Scrape-Timeout-Seconds"))
		return 0;
	if (agent)
		hash = hash_more(hash, agent, strlen(agent));
	if (address && address->sa_family == AF_INET)
		hash = hash_more(hash, &((const struct sockaddr_in *)address)->sin_addr,
				 sizeof(struct in_addr));
	if (address && address->sa_family == AF_INET6)
		hash = hash_more(hash, &((const struct sockaddr_in6 *)address)->sin6_addr,
				 sizeof(struct in6_addr));
	return hash ?: 1;
}

static const struct http_page *find_page(const struct http_site *site, const char *path)
{
	for (size_t i = 0; i < site->n_pages; i++) {
		if (!strcmp(site->pages[i].path, path))
			return &site->pages[i];
	}
	return NULL;
}

/* Cookies are there twice, as they came and taken apart. */
static size_t header_memory(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const char *cookies = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							  MHD_HTTP_HEADER_COOKIE);
	int count = MHD_get_connection_values(connection,
					      MHD_HEADER_KIND | MHD_COOKIE_KIND |
						      MHD_GET_ARGUMENT_KIND,
					      NULL, NULL);

	return info->header_size + (cookies ? strlen(cookies) : 0) + (size_t)count * FIELD_SIZE;
}

static void answer_at_once(struct MHD_Connection *connection, const char *status)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	char response[256];
	int length = snprintf(response, sizeof(response),
			      "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: " TYPE_TEXT
			      "\r\nContent-Length: %zu\r\n\r\n%s\n",
			      status, strlen(status) + 1, status);

	if (info && info->tls_session) {
		gnutls_record_send(info->tls_session, response, (size_t)length);
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	(void)!send(info->connect_fd, response, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool http_request_refuse_uri(struct MHD_Connection *connection, const char *uri)
{
	size_t arguments = 0;

	for (const char *c = uri; *c; c++)
		arguments += *c == '&';
	if (strlen(uri) <= MAX_URI && arguments < MAX_ARGUMENTS)
		return false;
	answer_at_once(connection, "414 URI Too Long");
	return true;
}

bool http_request_refuse_header(struct MHD_Connection *connection)
{
	if (header_memory(connection) <= MAX_HEADER)
		return false;
	answer_at_once(connection, "431 Request Header Fields Too Large");
	return true;
}

struct http_request *http_request_new(struct http_shared *shared, struct MHD_Connection *connection,
				      const char *path, const char *method, bool is_last)
{
	struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->shared = shared;
	request->connection = connection;
	request->is_last = is_last;
	request->page = find_page(&shared->site, path);
	request->is_read = !strcmp(method, MHD_HTTP_METHOD_GET) ||
			   !strcmp(method, MHD_HTTP_METHOD_HEAD);
	request->is_write = !strcmp(method, MHD_HTTP_METHOD_POST) ||
			    !strcmp(method, MHD_HTTP_METHOD_PUT);
	return request;
}

void http_request_free(struct http_request *request)
{
	if (!request)
		return;
	request->shared->queued_bytes -= request->queued_bytes;
	if (request->is_waiting)
		LIST_REMOVE(request, next);
	free(request);
}

/* What the browser may do with the page. */
static void add_policy(struct MHD_Response *response, const char *policy)
{
	if (!MHD_get_response_header(response, MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY, policy);
	if (!MHD_get_response_header(response, "X-Content-Type-Options"))
		MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

static void add_headers(const struct http_request *request, struct MHD_Response *response,
			unsigned int status, const char *type)
{
	const struct web_config *config = request->shared->config;

	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					request->page->is_action ? "POST, PUT" : "GET, HEAD");
	if (request->is_last)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	for (size_t i = 0; config && i < config->n_headers; i++)
		MHD_add_response_header(response, config->headers[i].name,
					config->headers[i].value);
	if (request->page && request->page->policy)
		add_policy(response, request->page->policy);
}

/* Takes the response, which may be NULL. */
static enum MHD_Result queue(struct http_request *request, unsigned int status, const char *type,
			     struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	add_headers(request, response, status, type);
	if (status == MHD_HTTP_UNAUTHORIZED)
		result = MHD_queue_basic_auth_fail_response(request->connection, REALM, response);
	else
		result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct http_request *request, unsigned int status, const char *text)
{
	return queue(request, status, TYPE_TEXT,
		     MHD_create_response_from_buffer(strlen(text), (void *)text,
						     MHD_RESPMEM_MUST_COPY));
}

/* Takes the body; false leaves it as it was. */
static bool compress_body(struct http_body *body)
{
	z_stream stream = { 0 };
	unsigned long bound;
	char *text;
	bool is_done;

	/* 15 + 16: the largest window, and gzip's frame. */
	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	bound = deflateBound(&stream, body->size);
	text = malloc(bound);
	stream.next_in = (unsigned char *)body->text;
	stream.avail_in = (unsigned int)body->size;
	stream.next_out = (unsigned char *)text;
	stream.avail_out = (unsigned int)bound;
	is_done = text && deflate(&stream, Z_FINISH) == Z_STREAM_END;
	if (is_done) {
		free(body->text);
		*body = (struct http_body){ text, stream.total_out };
	} else {
		free(text);
	}
	deflateEnd(&stream);
	return is_done;
}

/* Takes the body. */
static enum MHD_Result send_body(struct http_request *request, const char *type, enum coding coding,
				 struct http_body *body)
{
	struct http_shared *shared = request->shared;
	struct MHD_Response *response;
	bool is_gzip = coding == CODING_GZIP && body->size >= MIN_GZIP_SIZE && compress_body(body);

	if (shared->queued_bytes && shared->queued_bytes + body->size > MAX_QUEUED_BYTES) {
		free(body->text);
		return say(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			   "too many clients that do not read their responses\n");
	}
	response = MHD_create_response_from_buffer(body->size, body->text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(body->text);
		return MHD_NO;
	}
	request->queued_bytes = body->size;
	shared->queued_bytes += body->size;
	if (is_gzip)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return queue(request, MHD_HTTP_OK, type, response);
}

static enum MHD_Result send_failure(struct http_request *request, int result,
				    struct http_body *body)
{
	unsigned int status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	enum MHD_Result queued;

	if (result == -EAGAIN || result == -EBUSY)
		status = MHD_HTTP_SERVICE_UNAVAILABLE;
	else if (result == -EACCES)
		status = MHD_HTTP_FORBIDDEN;
	else if (result == -EINVAL)
		status = MHD_HTTP_BAD_REQUEST;
	else if (result == -ENOENT)
		status = MHD_HTTP_NOT_FOUND;
	queued = say(request, status, body->text ? body->text : "out of memory\n");
	free(body->text);
	return queued;
}

struct header {
	const char *name;
	char text[MAX_ACCEPT];
	size_t length;
	bool is_there;
};

static enum MHD_Result join_header(void *context, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct header *header = context;
	int length;

	(void)kind;
	if (strcasecmp(name, header->name) != 0 || !value)
		return MHD_YES;
	length = snprintf(header->text + header->length, sizeof(header->text) - header->length,
			  "%s%s", header->is_there ? "," : "", value);
	header->is_there = true;
	header->length += (size_t)length;
	/* A header that was cut could mean anything: only whole ones count. */
	if (header->length < sizeof(header->text))
		return MHD_YES;
	header->text[header->length - (size_t)length] = '\0';
	return MHD_NO;
}

/* All headers of that name as one list (RFC 9110, 5.3); NULL when there is none. */
static const char *read_header(struct http_request *request, struct header *header,
			       const char *name)
{
	*header = (struct header){ .name = name };
	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, join_header, header);
	return header->is_there ? header->text : NULL;
}

static enum MHD_Result refuse_format(struct http_request *request)
{
	const struct http_page *page = request->page;
	char text[512] = "not acceptable; this can be had as ";
	size_t length = strlen(text);

	for (size_t i = 0; i < page->n_types && length < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
					   i ? ", or " : "", page->types[i]);
	if (length < sizeof(text))
		snprintf(text + length, sizeof(text) - length, ", plain or with gzip\n");
	return say(request, MHD_HTTP_NOT_ACCEPTABLE, text);
}

/* What http_stream.c calls back for, on the way to the page. */
struct joining {
	const struct http_request *request;
	struct http_body *body;
};

static int join(void *context, feed_wake_fn wake, void *who, struct feed_reader **ret_reader)
{
	const struct joining *joining = context;
	const struct http_request *request = joining->request;

	return request->page->join(request->shared->site.context,
				   &(struct http_query){ request->connection }, wake, who,
				   ret_reader, joining->body);
}

/* Never compressed, whatever the client accepts: a compressor would hold lines back. */
static enum MHD_Result send_stream(struct http_request *request, const char *type)
{
	struct http_body body = { 0 };
	struct joining joining = { request, &body };
	struct MHD_Response *response;
	int result = http_stream_new(&request->shared->streams, request->connection, join, &joining,
				     &response);

	if (result < 0)
		return send_failure(request, result, &body);
	request->is_stream = true;
	return queue(request, MHD_HTTP_OK, type, response);
}

bool http_request_is_stream(const struct http_request *request)
{
	return request->is_stream;
}

bool http_request_is_waiting(const struct http_request *request)
{
	return request->is_waiting;
}

static enum MHD_Result wait_for_it(struct http_request *request)
{
	if (request->shared->is_ending)
		return say(request, MHD_HTTP_SERVICE_UNAVAILABLE, "faultmap ends\n");
	request->is_waiting = true;
	LIST_INSERT_HEAD(&request->shared->waiting, request, next);
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

bool http_request_go_on(struct http_shared *shared)
{
	struct http_request *request = LIST_FIRST(&shared->waiting);

	if (!request)
		return false;
	LIST_REMOVE(request, next);
	request->is_waiting = false;
	MHD_resume_connection(request->connection);
	return true;
}

static enum MHD_Result send_page(struct http_request *request)
{
	const struct http_page *page = request->page;
	struct http_body body = { 0 };
	struct header header;
	int type = negotiate_type(read_header(request, &header, MHD_HTTP_HEADER_ACCEPT),
				  page->types, page->n_types);
	enum coding coding =
		negotiate_coding(read_header(request, &header, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	int result;

	if (type < 0 || coding == CODING_NONE)
		return refuse_format(request);
	if (page->join)
		return send_stream(request, page->types[type]);
	result = page->answer(request->shared->site.context, (unsigned int)type,
			      &(struct http_query){ request->connection }, &body);
	if (result == -EINPROGRESS)
		return wait_for_it(request);
	if (result < 0)
		return send_failure(request, result, &body);
	return send_body(request, page->types[type], page->is_packed ? CODING_IDENTITY : coding,
			 &body);
}

static enum MHD_Result route(struct http_request *request)
{
	if (!request->page)
		return say(request, MHD_HTTP_NOT_FOUND, "not found; see / for what there is\n");
	if (!(request->page->is_action ? request->is_write : request->is_read))
		return say(request, MHD_HTTP_METHOD_NOT_ALLOWED,
			   request->page->is_action ? "only POST and PUT\n" :
						      "only GET and HEAD\n");
	return send_page(request);
}

/* The password of an unknown user is checked against the first user's hash, so that the time does
 * not tell which users exist (if all hashes have the same cost). */
static enum login_answer ask(struct http_request *request, const char *name, const char *password)
{
	const struct web_config *config = request->shared->config;
	const struct web_user *found = NULL;

	for (size_t i = 0; i < config->n_users; i++) {
		if (!strcmp(config->users[i].name, name))
			found = &config->users[i];
	}
	return login_check(request->shared->login, found ? found->hash : config->users[0].hash,
			   password, found != NULL, request);
}

static void log_in(struct http_request *request)
{
	const struct web_config *config = request->shared->config;
	char *password = NULL;
	char *name;

	request->login = LOGIN_REFUSED;
	if (!config || !config->n_users) {
		request->login = LOGIN_ACCEPTED;
		return;
	}
	name = MHD_basic_auth_get_username_password(request->connection, &password);
	if (name && password) {
		switch (ask(request, name, password)) {
		case LOGIN_GRANTED:
			request->login = LOGIN_ACCEPTED;
			break;
		case LOGIN_PENDING:
			request->login = LOGIN_ASKED;
			break;
		case LOGIN_BUSY:
			request->login = LOGIN_NOT_ASKED;
			break;
		}
	}
	if (password)
		explicit_bzero(password, strlen(password));
	MHD_free(name);
	MHD_free(password);
}

struct MHD_Connection *http_request_resume(struct http_request *request, bool granted)
{
	request->login = granted ? LOGIN_ACCEPTED : LOGIN_REFUSED;
	MHD_resume_connection(request->connection);
	return request->connection;
}

/* A token bucket as its "generic cell rate algorithm": each request costs an interval of time, and
 * the account may be a burst of them ahead of the clock. */
static bool is_within_limit(struct http_shared *shared)
{
	const struct web_limit *limit = &shared->config->limit;
	uint64_t now = monotonic_ns();

	if (shared->paid_until_ns < now)
		shared->paid_until_ns = now;
	if (shared->paid_until_ns - now > (limit->burst - 1) * limit->interval_ns)
		return false;
	shared->paid_until_ns += limit->interval_ns;
	return true;
}

static const char *header_of(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* A body that is larger than what is dropped of a POST. */
static bool has_body(const struct http_request *request)
{
	const char *length = header_of(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
	bool may_have_one = request->is_write && request->page && request->page->is_action;

	return header_of(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && strtoull(length, NULL, 10) > (may_have_one ? MAX_BODY : 0));
}

/* With users or TLS no check is needed: another site's page has no password, and a certificate is
 * for one name. */
static bool is_foreign_host(const struct http_request *request)
{
	const struct web_config *config = request->shared->config;
	const char *host = header_of(request, MHD_HTTP_HEADER_HOST);
	int fd = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			 ->connect_fd;

	if (!host || (config && (config->n_users || config->tls.certificate)))
		return false;
	return site_is_loopback(fd) && !site_is_ours(host, request->shared->machine);
}

/* Browsers say which site's page made the request; older ones at least for a POST. */
static bool is_cross_site(const struct http_request *request)
{
	const char *site = header_of(request, "Sec-Fetch-Site");
	const char *origin = header_of(request, MHD_HTTP_HEADER_ORIGIN);
	const char *host = header_of(request, MHD_HTTP_HEADER_HOST);

	if (site && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0)
		return true;
	return origin && !site_is_same(origin, host ? host : "");
}

enum MHD_Result http_request_begin(struct http_request *request)
{
	const struct web_config *config = request->shared->config;

	if (config && config->limit.interval_ns && !is_within_limit(request->shared))
		return say(request, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests: rate_limit\n");
	if (has_body(request)) {
		request->is_last = true;
		return say(request, MHD_HTTP_CONTENT_TOO_LARGE, "no body is wanted\n");
	}
	if (is_foreign_host(request))
		return say(request, MHD_HTTP_MISDIRECTED_REQUEST,
			   "not by this name: use an address, localhost or the machine's own name "
			   "(TLS or users in the web configuration allow every name)\n");
	if (request->page && request->page->is_action && is_cross_site(request))
		return say(request, MHD_HTTP_FORBIDDEN, "not for the pages of another site\n");
	return MHD_YES;
}

enum MHD_Result http_request_answer(struct http_request *request)
{
	if (request->login == LOGIN_NOT_ASKED)
		log_in(request);
	switch (request->login) {
	case LOGIN_NOT_ASKED:
		return say(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			   "too many passwords to check; try again\n");
	case LOGIN_ASKED:
		MHD_suspend_connection(request->connection);
		return MHD_YES;
	case LOGIN_REFUSED:
		return say(request, MHD_HTTP_UNAUTHORIZED, "unauthorized\n");
	case LOGIN_ACCEPTED:
		break;
	}
	return route(request);
}
