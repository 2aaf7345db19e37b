/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A response without an end: it sends what is written to a feed, as it comes, until either side
 * ends it. While there is nothing to send the connection is suspended, which costs nothing.
 */
#ifndef FAULTMAP_HTTP_STREAM_H
#define FAULTMAP_HTTP_STREAM_H

#include <microhttpd.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/feed.h"

struct http_stream;

/* Those of one endpoint. */
struct http_streams {
	LIST_HEAD(, http_stream) list;
	/* Makes libmicrohttpd run for this connection soon; not now, as it may be running. */
	void (*run_soon)(struct MHD_Connection *connection);
};

/* Joins the feed as feed_join() does it for *ret_reader: 0 or a negative errno. */
typedef int (*http_stream_join_fn)(void *context, feed_wake_fn wake, void *who,
				   struct feed_reader **ret_reader);

/* The response, to be queued and destroyed: it ends when its client leaves or is dropped. 0, or the
 * negative errno of `join`. */
int http_stream_new(struct http_streams *streams, struct MHD_Connection *connection,
		    http_stream_join_fn join, void *context, struct MHD_Response **ret_response);
/* Each second: drops clients that have taken nothing for too long, and those that have left. */
void http_streams_sweep(struct http_streams *streams);
/* Ends all of them. */
void http_streams_end(struct http_streams *streams);

#endif
