/* SPDX-License-Identifier: GPL-2.0-only */
/* One request of http.c, from its header to its response: who asks, for what, in which form. */
#ifndef FAULTMAP_HTTP_REQUEST_H
#define FAULTMAP_HTTP_REQUEST_H

#include <microhttpd.h>

#include "serve/http.h"
#include "serve/http_stream.h"
#include "serve/login.h"

#define HTTP_MACHINE_LEN 256

struct http_request;

/* What all requests share. */
struct http_shared {
	char machine[HTTP_MACHINE_LEN]; /* its name */
	struct http_site site;
	const struct web_config *config;   /* the newest; NULL: none */
	struct login *login;               /* NULL while no configuration has had users */
	size_t queued_bytes;               /* of responses that are on their way */
	struct http_streams streams;       /* responses that go on */
	uint64_t paid_until_ns;            /* the rate limit: what requests have cost so far */
	LIST_HEAD(, http_request) waiting; /* suspended: what they want is being made */
	bool is_ending;                    /* nothing more will be */
};

/*
 * True if the first line (414) or the whole header (431) is too large for the connection's memory.
 * The refusal is sent here, without libmicrohttpd, which has no memory for it either and would
 * close the connection without a word, or forget it. The caller ends the connection.
 */
bool http_request_refuse_uri(struct MHD_Connection *connection, const char *uri);
bool http_request_refuse_header(struct MHD_Connection *connection);
/* Its header is complete. NULL: no memory. is_last: the connection shall end after it. */
struct http_request *http_request_new(struct http_shared *shared, struct MHD_Connection *connection,
				      const char *path, const char *method, bool is_last);
/*
 * Before any of its body: refuses a client that asks too often, a body, and pages of other sites.
 * No password is checked before that.
 */
enum MHD_Result http_request_begin(struct http_request *request);
/* Its response is a stream without an end: its time is not limited. */
bool http_request_is_stream(const struct http_request *request);
/* It is suspended until what it wants has been made. */
bool http_request_is_waiting(const struct http_request *request);
/* Its response has gone, or its client. NULL is fine. */
void http_request_free(struct http_request *request);
/*
 * Its body is complete: queues the response, or suspends the connection until the password is
 * checked; libmicrohttpd then calls the handler again.
 */
enum MHD_Result http_request_answer(struct http_request *request);
/* One that waits for what is being made goes on; false: none does. libmicrohttpd must run then. */
bool http_request_go_on(struct http_shared *shared);
/* The password is checked: libmicrohttpd must run to go on. Returns the connection. */
struct MHD_Connection *http_request_resume(struct http_request *request, bool granted);

#endif
