/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's web side: where it listens, its web configuration, and its pages. The contents of pages
  * come from the daemon's callbacks.
 *
 * 	web_listen (what a person can get wrong) -> web_start -> [web_reload] -> web_close
 */
#ifndef FAULTMAP_WEB_H
#define FAULTMAP_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/exposition_format.h"
#include "base/feed.h"
#include "base/loop.h"
#include "base/options.h"

struct web;

struct web_options {
	const struct option_list *listen; /* empty: the default address */
	const char *config_file;          /* NULL: none */
	bool enable_lifecycle;
	bool stream_to_all; /* /stream is for everybody */
};

/* What the daemon knows. None may block. */
struct web_source {
	/* The text of /metrics, for this reader (http_query_reader()); 0 or a negative errno,
	 * -EAGAIN while there is none */
	int (*render)(void *context, enum exposition exposition, uint64_t reader, char **ret_text,
		      size_t *ret_size);
	/* The JSON of /overview.json, groups sorted by this column, of which the name contains
	 * `search`; either may be NULL; the same, -EINVAL when there is no such column */
	int (*overview)(void *context, const char *sort, const char *search, char **ret_text,
			size_t *ret_size);
	/* The JSON of /group.json: of the group of this name; the same, -ENOENT when there is
	 * none */
	int (*group)(void *context, const char *name, char **ret_text, size_t *ret_size);
	/* /stream: as feed_join(). NULL: there is none */
	int (*join)(void *context, feed_wake_fn wake, void *who, struct feed_reader **ret_reader);
	/* The profile of /debug/pprof/faults or, as a page, of /flame.html, of the last so many
	 * seconds; the same, -ENOTSUP where there is none, -EACCES where anybody could read it,
	 * -EINPROGRESS: it is being made, and asked for again by web_again(), -EBUSY: too much is */
	int (*profile)(void *context, bool is_page, unsigned int seconds, char **ret_bytes,
		       size_t *ret_size);
	bool (*is_ready)(void *context);
	/* /-/reload: 0 or a negative errno with the error set */
	int (*reload)(void *context, struct error *error);
	void *context;
};

/* The default address, for the help. */
#define WEB_DEFAULT_LISTEN "127.0.0.1:14096"

/* What web_listen would refuse, without binding: 0, -EINVAL or another negative errno likewise. */
int web_check(const struct web_options *options, struct error *error);

/* Reads the configuration and binds the sockets. 0, -EINVAL for a bad flag or file, or another
 * negative errno, with the error set. */
int web_listen(struct web **ret_web, const struct web_options *options, struct error *error);
/* As listen_give() and listen_may_unlink(). */
void web_give(const struct web *web, uid_t owner);
bool web_may_unlink(const struct web *web);
/* NULL is fine. */
void web_close(struct web *web);

/* Serves. The loop must outlive it. 0 or a negative errno with the error set. */
int web_start(struct web *web, struct loop *loop, const struct web_source *source,
	      struct error *error);
/* Reads the configuration again, which may be another file. If it is bad, or would remove TLS or
 * the need for a password or certificate, the old one stays. The sockets stay. 0 or a negative
 * errno with the error set. */
int web_reload(struct web *web, const struct web_options *options, struct error *error);

/* As http_again(). */
void web_again(struct web *web);

/* For messages: the i-th URL of /metrics; false beyond the last. */
#define WEB_URL_LEN 160
bool web_url(const struct web *web, size_t i, char url[WEB_URL_LEN]);
/* Anybody on this machine can read it: by TCP, without showing who they are. */
bool web_is_open(const struct web *web);
/* A warning about who can read the pages, or NULL. */
const char *web_warning(const struct web *web);

#endif
