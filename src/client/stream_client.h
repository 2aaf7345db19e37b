/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads /stream of a running daemon, on the loop: libcurl speaks HTTP and TLS. The bytes go to a
 * callback as they come. Passwords are neither printed nor sent elsewhere: it follows no redirects
 * and uses no proxy.
 */
#ifndef FAULTMAP_STREAM_CLIENT_H
#define FAULTMAP_STREAM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/loop.h"

struct stream_client;

struct stream_client_options {
	const char *target;      /* unix:PATH, HOST:PORT, http:// or https://HOST[:PORT] */
	const char *credentials; /* "USER:PASSWORD"; NULL: none */
	const char *authorities; /* the file of PEM certificates that sign the daemon's, which is
				  * read at each connection; NULL: the system's */
	/* A piece of the stream. A negative errno with the error set ends the connection. */
	int (*on_bytes)(void *context, const char *bytes, size_t size, struct error *error);
	/* The connection has ended or failed; `why` says the reason. A negative errno ends the loop. */
	int (*on_end)(void *context, const struct error *why);
	void *context;
};

/* 0, or -EINVAL with the error saying what a target is. */
int stream_client_check(const char *target, struct error *error);
/* Whether credentials would go to another machine in clear text. */
bool stream_client_is_open(const char *target);

/* Borrows the options' texts, and the loop. 0 or a negative errno with the error set. */
int stream_client_new(struct stream_client **ret_client,
		      const struct stream_client_options *options, struct loop *loop,
		      struct error *error);
/* NULL is fine. Before the loop is freed. */
void stream_client_free(struct stream_client *client);
/* Connects again after the last connection has ended; on_end is called if that fails. 0 or a
 * negative errno with the error set. */
int stream_client_connect(struct stream_client *client, struct error *error);

#endif
