/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The HTTP endpoint on the program's loop, without a thread of its own: libmicrohttpd speaks HTTP,
 * this module says which paths there are. It knows no snapshot: what /metrics says comes from a
 * render callback, which must not block and must not depend on who asks.
 */
#ifndef FAULTMAP_HTTP_H
#define FAULTMAP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "loop.h"

struct http;

/* The text of /metrics, allocated with malloc. 0 or a negative errno. */
typedef int (*http_render_fn)(void *context, char **ret_text, size_t *ret_size);

/*
 * Serves on listen_fd (see listen.h), which is the endpoint's from now on, whatever the result, and
 * on the loop, which must outlive it. 0 or a negative errno with the error set.
 */
int http_open(struct http **ret_http, struct loop *loop, int listen_fd, http_render_fn render,
	      void *context, struct error *error);
/* NULL is fine. Open connections are cut. */
void http_close(struct http *http);
/* /-/ready and /metrics answer 503 until then. */
void http_set_ready(struct http *http, bool is_ready);

#endif
