/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The HTTP endpoint on the program's loop: libmicrohttpd speaks HTTP and TLS, this module takes the
 * connections, bounds their number and time, asks for passwords and negotiates. It knows no
 * snapshot: a page's callback makes what a path serves. The callback must not block, and its answer
 * must depend on the request only, not on who asks, except for the number of the Prometheus server.
 */
#ifndef FAULTMAP_HTTP_H
#define FAULTMAP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/feed.h"
#include "serve/listen.h"
#include "base/loop.h"
#include "serve/web_config.h"

struct http;

struct http_body {
	char *text; /* allocated with malloc; the caller's from then on */
	size_t size;
};

/* What follows the path, ?NAME=VALUE&...: of one request, while its callback runs. */
struct http_query;

/* The value, decoded, in any bytes but NUL; NULL when there is none of that name. At most
 * 4 KiB. */
const char *http_query_value(const struct http_query *query, const char *name);

/* The request came through a unix: socket, whose file mode says who may connect. */
bool http_query_is_unix(const struct http_query *query);

/* A number for the Prometheus server that asks: always the same for the same server and address. 0:
 * it is no Prometheus server, as it sends no timeout of its scrape. */
uint64_t http_query_reader(const struct http_query *query);

/*
 * `type` is the index of the media type that was negotiated. 0, or -EAGAIN (nothing to say yet:
 * 503), -EACCES (not allowed here: 403), -EINVAL (a wrong query: 400), -ENOENT (there is none:
 * 404), -EBUSY (too many clients: 503), any other negative errno (500); the body then says why, or
 * is left empty. -EINPROGRESS: it is being made; the client waits, and http_again() calls again.
 */
typedef int (*http_answer_fn)(void *context, unsigned int type, const struct http_query *query,
			      struct http_body *ret_body);

/* For a page without an end: joins its feed as feed_join() does; or returns as above. */
typedef int (*http_join_fn)(void *context, const struct http_query *query, feed_wake_fn wake,
			    void *who, struct feed_reader **ret_reader, struct http_body *ret_body);

struct http_page {
	const char *path;
	const char *const *types; /* media types that it can be had in, the default first */
	size_t n_types;
	http_answer_fn answer;
	http_join_fn join;  /* in place of it: the answer is a feed, which has no end */
	const char *policy; /* Content-Security-Policy, unless the configuration has one; or NULL */
	bool is_packed;     /* the body is compressed as it is */
	bool is_action;     /* POST and PUT do something; otherwise GET and HEAD */
};

struct http_site {
	const struct http_page *pages;
	size_t n_pages;
	void *context; /* of the pages' callbacks */
};

/*
 * Serves on the listeners, which stay the caller's, and on the loop; both must outlive it, so must
 * the site. `config` is taken, whatever the result; NULL: no TLS, no passwords. 0 or a negative
 * errno with the error set.
 */
int http_open(struct http **ret_http, struct loop *loop, const struct listeners *listeners,
	      const struct http_site *site, struct web_config *config, struct error *error);
/* Something has been made: calls again for those whose callback said -EINPROGRESS, before it
 * returns. Not within a callback. */
void http_again(struct http *http);
/* NULL is fine. Open connections are cut. */
void http_close(struct http *http);
/* The configuration is used for new connections from now on, its passwords for all. On failure the
 * old one stays. Takes config as http_open does. Safe in a page's callback. */
int http_configure(struct http *http, struct web_config *config, struct error *error);

#endif
