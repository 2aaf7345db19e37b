// SPDX-License-Identifier: GPL-2.0-only
#include "serve/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/http.h"
#include "serve/listen.h"
#include "serve/page.h"
#include "base/sd_daemon.h"
#include "base/util.h"
#include "flame_csp.h"
#include "serve/web_config.h"

struct web {
	struct listeners listeners;
	struct web_config *config; /* until web_start */
	bool has_config_file;
	bool enable_lifecycle;
	bool stream_to_all;
	bool has_tls, has_users, is_guarded;
	struct web_source source;
	struct http *http; /* NULL until web_start */
};

/* Loads nothing from other sites, runs no script but page.js, and is in no other site's frame. */
#define PAGE_POLICY                                                                               \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src " \
	"'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
/* Its own script and style, by their hashes, and nothing else; in the frame of the page above. */
#define FLAME_POLICY                                                                           \
	"default-src 'none'; script-src '" FLAME_SCRIPT_HASH "'; style-src '" FLAME_STYLE_HASH \
	"'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

static int say(struct http_body *body, const char *text, int result)
{
	body->text = strdup(text);
	if (!body->text)
		return -ENOMEM;
	body->size = strlen(text);
	return result;
}

static int send_file(const struct page_file *file, struct http_body *body)
{
	body->size = (size_t)(file->end - file->begin);
	body->text = malloc(body->size);
	if (!body->text)
		return -ENOMEM;
	memcpy(body->text, file->begin, body->size);
	return 0;
}

static int answer_page(void *context, unsigned int type, const struct http_query *query,
		       struct http_body *ret_body)
{
	(void)context;
	(void)type;
	(void)query;
	return send_file(&page_html, ret_body);
}

static int answer_css(void *context, unsigned int type, const struct http_query *query,
		      struct http_body *ret_body)
{
	(void)context;
	(void)type;
	(void)query;
	return send_file(&page_css, ret_body);
}

static int answer_js(void *context, unsigned int type, const struct http_query *query,
		     struct http_body *ret_body)
{
	(void)context;
	(void)type;
	(void)query;
	return send_file(&page_js, ret_body);
}

/* Passes on the result; before the first tick it says so in the body. */
static int or_wait(struct http_body *body, int result)
{
	return result == -EAGAIN ? say(body, "the first tick is not done yet\n", result) : result;
}

static int answer_overview(void *context, unsigned int type, const struct http_query *query,
			   struct http_body *ret_body)
{
	const struct web *web = context;
	int result = web->source.overview(web->source.context, http_query_value(query, "sort"),
					  http_query_value(query, "search"), &ret_body->text,
					  &ret_body->size);

	(void)type;
	return result == -EINVAL ? say(ret_body, "no such column to sort by\n", result) :
				   or_wait(ret_body, result);
}

static int answer_group(void *context, unsigned int type, const struct http_query *query,
			struct http_body *ret_body)
{
	const struct web *web = context;
	const char *name = http_query_value(query, "name");
	int result;

	(void)type;
	if (!name)
		return say(ret_body, "which group? /group.json?name=NAME\n", -EINVAL);
	result = web->source.group(web->source.context, name, &ret_body->text, &ret_body->size);
	return result == -ENOENT ? say(ret_body, "no such group\n", result) :
				   or_wait(ret_body, result);
}

/* The default of Go's profiles, too. */
#define PROFILE_SECONDS 30
#define PROFILE_SECONDS_MAX 60

/* False: it is no number of seconds. */
static bool read_seconds(const struct http_query *query, unsigned int *ret_seconds)
{
	const char *text = http_query_value(query, "seconds");
	unsigned long seconds;
	char *end;

	*ret_seconds = PROFILE_SECONDS;
	if (!text)
		return true;
	seconds = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (!seconds || *end)
		return false;
	*ret_seconds = seconds < PROFILE_SECONDS_MAX ? (unsigned int)seconds : PROFILE_SECONDS_MAX;
	return true;
}

static int send_profile(const struct web *web, bool is_page, const struct http_query *query,
			struct http_body *ret_body)
{
	unsigned int seconds;
	int result;

	if (!read_seconds(query, &seconds))
		return say(ret_body, "seconds=N, of the last minute\n", -EINVAL);
	result = web->source.profile(web->source.context, is_page, seconds, &ret_body->text,
				     &ret_body->size);
	if (result == -ENOTSUP)
		return say(ret_body, "no profile is taken; start faultmap with --stacks\n",
			   -ENOENT);
	if (result == -EACCES)
		return say(ret_body,
			   "anybody on this machine could read it: set users or client "
			   "certificates in the web configuration, listen at unix:PATH, or start "
			   "faultmap with --mappings-names all\n",
			   result);
	if (result == -EBUSY)
		return say(ret_body, "too many profiles at once\n", result);
	return or_wait(ret_body, result);
}

static int answer_profile(void *context, unsigned int type, const struct http_query *query,
			  struct http_body *ret_body)
{
	(void)type;
	return send_profile(context, false, query, ret_body);
}

static int answer_flame(void *context, unsigned int type, const struct http_query *query,
			struct http_body *ret_body)
{
	(void)type;
	return send_profile(context, true, query, ret_body);
}

static int answer_healthy(void *context, unsigned int type, const struct http_query *query,
			  struct http_body *ret_body)
{
	(void)context;
	(void)type;
	(void)query;
	return say(ret_body, "healthy\n", 0);
}

static int answer_ready(void *context, unsigned int type, const struct http_query *query,
			struct http_body *ret_body)
{
	const struct web *web = context;

	(void)type;
	(void)query;
	if (!web->source.is_ready(web->source.context))
		return say(ret_body, "no tick yet, or the last one failed\n", -EAGAIN);
	return say(ret_body, "ready\n", 0);
}

static int answer_metrics(void *context, unsigned int type, const struct http_query *query,
			  struct http_body *ret_body)
{
	const struct web *web = context;

	return or_wait(ret_body, web->source.render(web->source.context, (enum exposition)type,
						    http_query_reader(query), &ret_body->text,
						    &ret_body->size));
}

static int answer_reload(void *context, unsigned int type, const struct http_query *query,
			 struct http_body *ret_body)
{
	const struct web *web = context;
	struct error error;
	int result;

	(void)type;
	(void)query;
	if (!web->enable_lifecycle)
		return say(ret_body, "not enabled; start faultmap with --web.enable-lifecycle\n",
			   -EACCES);
	result = web->source.reload(web->source.context, &error);
	/* The reason is only in the log: clients need not know it. */
	return result < 0 ? say(ret_body, "reloading failed; faultmap's log says why\n", -EIO) :
			    say(ret_body, "reloaded\n", 0);
}

/* It names what every process maps, which is private to its user: only for authenticated
 * clients. */
static int join_stream(void *context, const struct http_query *query, feed_wake_fn wake, void *who,
		       struct feed_reader **ret_reader, struct http_body *ret_body)
{
	const struct web *web = context;
	int result;

	if (!web->source.join)
		return say(ret_body, "not enabled; start faultmap daemon with --stream\n", -EACCES);
	if (!web->stream_to_all && !web->is_guarded && !http_query_is_unix(query))
		return say(ret_body,
			   "only by a unix: socket, or with users or client certificates in the "
			   "web configuration; --mappings-names all: for everybody\n",
			   -EACCES);
	result = web->source.join(web->source.context, wake, who, ret_reader);
	return result == -EBUSY ? say(ret_body, "too many clients of /stream\n", result) : result;
}

static const char *const html[] = { "text/html; charset=utf-8" };
static const char *const css[] = { "text/css; charset=utf-8" };
static const char *const js[] = { "text/javascript; charset=utf-8" };
static const char *const json[] = { "application/json" };
static const char *const lines[] = { "application/x-ndjson" };
static const char *const pprof[] = { "application/octet-stream" };
static const char *const text[] = { "text/plain; charset=utf-8" };
/* In the order of enum exposition. */
static const char *const expositions[] = {
	[EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

static const struct http_page pages[] = {
	{ .path = "/",
	  .types = html,
	  .n_types = ARRAY_SIZE(html),
	  .answer = answer_page,
	  .policy = PAGE_POLICY },
	{ .path = "/page.css",
	  .types = css,
	  .n_types = ARRAY_SIZE(css),
	  .answer = answer_css,
	  .policy = PAGE_POLICY },
	{ .path = "/page.js",
	  .types = js,
	  .n_types = ARRAY_SIZE(js),
	  .answer = answer_js,
	  .policy = PAGE_POLICY },
	{ .path = "/overview.json",
	  .types = json,
	  .n_types = ARRAY_SIZE(json),
	  .answer = answer_overview,
	  .policy = PAGE_POLICY },
	{ .path = "/group.json",
	  .types = json,
	  .n_types = ARRAY_SIZE(json),
	  .answer = answer_group,
	  .policy = PAGE_POLICY },
	{ .path = "/metrics",
	  .types = expositions,
	  .n_types = ARRAY_SIZE(expositions),
	  .answer = answer_metrics },
	{ .path = "/stream", .types = lines, .n_types = ARRAY_SIZE(lines), .join = join_stream },
	{ .path = "/debug/pprof/faults",
	  .types = pprof,
	  .n_types = ARRAY_SIZE(pprof),
	  .answer = answer_profile,
	  .is_packed = true },
	{ .path = "/flame.html",
	  .types = html,
	  .n_types = ARRAY_SIZE(html),
	  .answer = answer_flame,
	  .policy = FLAME_POLICY },
	{ .path = "/-/healthy",
	  .types = text,
	  .n_types = ARRAY_SIZE(text),
	  .answer = answer_healthy },
	{ .path = "/-/ready", .types = text, .n_types = ARRAY_SIZE(text), .answer = answer_ready },
	{ .path = "/-/reload",
	  .types = text,
	  .n_types = ARRAY_SIZE(text),
	  .answer = answer_reload,
	  .is_action = true },
};

static int parse_addresses(const struct option_list *list,
			   struct listen_address addresses[OPTION_LIST_MAX], size_t *ret_count,
			   struct error *error)
{
	int result = 0;

	*ret_count = list->count ? list->count : 1;
	/* Started by a socket unit and without --listen: listens on its sockets. */
	if (!list->count)
		return listen_parse(sd_listen_fds(0) > 0 ? "fd://" : WEB_DEFAULT_LISTEN,
				    &addresses[0], error);
	for (size_t i = 0; i < list->count && !result; i++)
		result = listen_parse(list->values[i], &addresses[i], error);
	return result;
}

static int load_config(const char *path, struct web_config **ret_config, struct error *error)
{
	*ret_config = NULL;
	return path ? web_config_load(ret_config, path, error) : 0;
}

/* Clients need a password or a certificate. */
static bool is_guarded(const struct web_config *config)
{
	return config && (config->n_users || config->tls.client_auth == CLIENT_AUTH_VERIFY ||
			  config->tls.client_auth == CLIENT_AUTH_REQUIRE_ANY);
}

static void note_config(struct web *web, const struct web_config *config)
{
	web->has_tls = config && config->tls.certificate;
	web->has_users = config && config->n_users;
	web->is_guarded = is_guarded(config);
}

/* A reload cannot remove passwords or TLS, as the file may have been cut off by mistake: that takes
 * a restart. */
static int check_protection(const struct web *web, const struct web_config *config,
			    struct error *error)
{
	const char *lost = NULL;

	if (web->is_guarded && !is_guarded(config))
		lost = "asks for no password and no client certificate";
	else if (web->has_tls && (!config || !config->tls.certificate))
		lost = "has no TLS";
	return lost ? error_set(error, EPERM,
				"the web configuration %s any more; that takes a restart", lost) :
		      0;
}

static int open_all(struct web *web, const struct web_options *options, struct error *error)
{
	struct listen_address addresses[OPTION_LIST_MAX];
	size_t count;
	int result = parse_addresses(options->listen, addresses, &count, error);

	if (!result)
		result = load_config(options->config_file, &web->config, error);
	for (size_t i = 0; i < count && !result; i++)
		result = listen_add(&web->listeners, &addresses[i], error);
	return result;
}

int web_check(const struct web_options *options, struct error *error)
{
	struct listen_address addresses[OPTION_LIST_MAX];
	struct web_config *config = NULL;
	size_t count;
	int result = parse_addresses(options->listen, addresses, &count, error);

	if (!result)
		result = load_config(options->config_file, &config, error);
	web_config_free(config);
	return result;
}

int web_listen(struct web **ret_web, const struct web_options *options, struct error *error)
{
	struct web *web = calloc(1, sizeof(*web));
	int result;

	if (!web)
		return error_set(error, ENOMEM, "starting the HTTP endpoint: out of memory");
	web->has_config_file = options->config_file;
	web->enable_lifecycle = options->enable_lifecycle;
	web->stream_to_all = options->stream_to_all;
	result = open_all(web, options, error);
	if (result < 0) {
		web_close(web);
		return result;
	}
	note_config(web, web->config);
	*ret_web = web;
	return 0;
}

void web_give(const struct web *web, uid_t owner)
{
	listen_give(&web->listeners, owner);
}

bool web_may_unlink(const struct web *web)
{
	return listen_may_unlink(&web->listeners);
}

void web_close(struct web *web)
{
	if (!web)
		return;
	http_close(web->http);
	listen_close(&web->listeners);
	web_config_free(web->config);
	free(web);
}

int web_start(struct web *web, struct loop *loop, const struct web_source *source,
	      struct error *error)
{
	struct http_site site = { .pages = pages, .n_pages = ARRAY_SIZE(pages), .context = web };

	web->source = *source;
	return http_open(&web->http, loop, &web->listeners, &site, TAKE_PTR(web->config), error);
}

void web_again(struct web *web)
{
	http_again(web->http);
}

int web_reload(struct web *web, const struct web_options *options, struct error *error)
{
	bool had_config_file = web->has_config_file;
	struct web_config *config;
	int result = load_config(options->config_file, &config, error);

	if (result < 0)
		return result;
	result = check_protection(web, config, error);
	if (result < 0) {
		web_config_free(config);
		return result;
	}
	if (config || had_config_file)
		result = http_configure(web->http, config, error);
	if (result < 0)
		return result;
	web->has_config_file = config;
	web->enable_lifecycle = options->enable_lifecycle;
	note_config(web, config);
	return 0;
}

bool web_url(const struct web *web, size_t i, char url[WEB_URL_LEN])
{
	char where[LISTEN_TEXT_LEN];

	if (i >= web->listeners.count)
		return false;
	listen_describe(web->listeners.all[i].fd, where);
	snprintf(url, WEB_URL_LEN, "%s%s%s",
		 where[0] == 'u' ? "" :
		 web->has_tls    ? "https://" :
				   "http://",
		 where, where[0] == 'u' ? "" : "/metrics");
	return true;
}

bool web_is_open(const struct web *web)
{
	bool is_tcp = false;

	for (size_t i = 0; i < web->listeners.count; i++)
		is_tcp |= !web->listeners.all[i].is_unix;
	return is_tcp && !web->is_guarded;
}

const char *web_warning(const struct web *web)
{
	bool is_remote = false;

	for (size_t i = 0; i < web->listeners.count; i++)
		is_remote |= web->listeners.all[i].is_remote;
	if (!is_remote || web->has_tls)
		return NULL;
	if (web->has_users)
		return "passwords from other machines come in clear text; tls_server_config in "
		       "--web.config.file sets TLS";
	return "serving other machines in clear text and without a password; --web.config.file "
	       "sets TLS and users";
}
