/* SPDX-License-Identifier: GPL-2.0-only */
/* One request of http.c's, from its header to its response: who asks, for what, in which form. */
#ifndef FAULTMAP_HTTP_REQUEST_H
#define FAULTMAP_HTTP_REQUEST_H

#include <microhttpd.h>

#include "serve/http.h"
#include "serve/login.h"

/* What all requests share. */
struct http_shared {
	struct http_site site;
	const struct web_config *config; /* the newest; NULL: none */
	struct login *login;             /* NULL while no configuration has had users */
	size_t queued_bytes;             /* of responses that are on their way */
	uint64_t paid_until_ns;          /* the rate limit: what requests have cost so far */
};

struct http_request;

/* Its header is complete. NULL: no memory. */
struct http_request *http_request_new(struct http_shared *shared, struct MHD_Connection *connection,
				      const char *path, const char *method);
/* Its response has gone, or its client. NULL is fine. */
void http_request_free(struct http_request *request);
/*
 * Its body is complete: queues the response, or suspends the connection until the password is
 * checked; libmicrohttpd then calls the handler again. is_last: the connection shall end after it.
 */
enum MHD_Result http_request_answer(struct http_request *request, bool is_last);
/* The password is checked: libmicrohttpd must run to go on. Returns the connection. */
struct MHD_Connection *http_request_resume(struct http_request *request, bool granted);

#endif
