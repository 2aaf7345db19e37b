// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap top --connect TARGET`: what a running daemon streams, on the screen or as tables. */
#include "cmd/top_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "base/util.h"
#include "client/stream_client.h"
#include "cmd/log_reading.h"
#include "replay/jsonl_reader.h"

/* From a connection's end to the next try. */
#define RETRY_MS 2000
/* The timer's period while there is a connection and nothing to do. */
#define IDLE_MS 86400000
#define CREDENTIALS_BYTES 1024

struct connection {
	const struct top_config *config;
	char *credentials;
	struct loop *loop;
	struct stream_client *client;
	struct jsonl_reader *reader; /* of this connection */
	struct filter *filter;       /* NULL: all processes; the reader's */
	bool has_screen;
	struct sink_table *table; /* or: */
	struct term *term;        /* from the first meta line on, as what follows */
	struct recent_findings *findings;
	struct top_settings settings;
	bool was_connected;   /* a meta line has come, ever */
	bool is_reading;      /* the reader is of this connection */
	bool has_meta;        /* on this connection */
	uint64_t n_intervals; /* ever */
	int failure;          /* ours, which ended it; and why the loop ended */
	struct error error;
	struct log_complaints complaints;
};

/* What is given. ------------------------------------------------------------------------------- */

/* The first line of a file, which is the caller's to free. */
static int read_line_of(const char *path, char **ret_line, struct error *error)
{
	autofclose FILE *file = fopen(path, "re");
	autofree char *line = calloc(1, CREDENTIALS_BYTES);
	char shown[256];

	text_escape_to(shown, sizeof(shown), path);
	if (!file || !line)
		return error_set(error, file ? ENOMEM : errno, "opening %s: %s", shown,
				 strerror(file ? ENOMEM : errno));
	if (!fgets(line, CREDENTIALS_BYTES, file))
		*line = '\0';
	*ret_line = TAKE_PTR(line);
	return 0;
}

/* Gives a clearer message than libcurl's. */
static int check_authorities(const char *path, struct error *error)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char shown[256];

	text_escape_to(shown, sizeof(shown), path);
	return fd < 0 ? error_set(error, errno, "opening %s: %s", shown, strerror(errno)) : 0;
}

static void warn_if_others_read(const char *path)
{
	struct stat status;

	if (!stat(path, &status) && S_ISREG(status.st_mode) && (status.st_mode & 077))
		log_warning(
			"other users can read the file of --credentials; chmod 600 prevents that");
}

static int read_credentials(struct connection *connection, struct error *error)
{
	const char *path = connection->config->credentials;
	const char *given = getenv("FAULTMAP_CREDENTIALS");
	int result = 0;

	if (path) {
		result = read_line_of(path, &connection->credentials, error);
		warn_if_others_read(path);
	} else if (given && *given) {
		connection->credentials = strdup(given);
		if (!connection->credentials)
			return error_set(error, ENOMEM, "starting: out of memory");
	}
	if (result < 0 || !connection->credentials)
		return result;
	connection->credentials[strcspn(connection->credentials, "\r\n")] = '\0';
	if (!strchr(connection->credentials, ':'))
		return error_set(error, EINVAL, "%s has no line USER:PASSWORD",
				 path ? "the file of --credentials" : "FAULTMAP_CREDENTIALS");
	if (stream_client_is_open(connection->config->connect))
		log_warning("the password goes to another machine in clear text; https:// has TLS");
	return 0;
}

/* What comes. ---------------------------------------------------------------------------------- */

static void quit(void *context)
{
	struct connection *connection = context;

	loop_quit(connection->loop);
}

static int save(void *context, const char *text, char *ret_where, size_t size, struct error *error)
{
	struct connection *connection = context;

	return top_settings_save(&connection->settings, text, ret_where, size, error);
}

static void note_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	struct connection *connection = context;

	if (!connection->term) {
		log_complaints_print(&connection->complaints, path, line, why);
		return;
	}
	connection->complaints.count++;
	ui_say(term_ui(connection->term), "%s", why);
}

/* Prints a table of the interval; after the last one that -n asks for it stops the loop. */
static int print(struct connection *connection, const struct snapshot *snapshot,
		 struct error *error)
{
	uint64_t wanted = connection->config->once ? 1 : connection->config->count;
	int result = 0;

	if (!wanted || connection->n_intervals < wanted)
		result = sink_table_tick(connection->table, snapshot, error);
	connection->n_intervals++;
	if (wanted && connection->n_intervals >= wanted)
		quit(connection);
	return result;
}

static int take_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct connection *connection = context;

	if (connection->filter)
		snapshot = filter_apply(connection->filter, snapshot);
	if (!snapshot)
		return error_set(error, ENOMEM, "choosing processes: out of memory");
	if (connection->has_screen &&
	    top_show_findings(connection->term, connection->findings, snapshot, error) < 0)
		return -ENOMEM;
	if (connection->has_screen)
		return sink_term_tick(connection->term, snapshot, error);
	return print(connection, snapshot, error);
}

static int open_screen(struct connection *connection, struct error *error)
{
	struct term_options options = {
		.ui = { .is_remote = true,
			.keeps_interval = true,
			.page_size = jsonl_reader_info(connection->reader)->page_size,
			.source = { .save = save, .context = connection } },
		.on_quit = quit,
		.context = connection,
	};

	connection->findings = recent_findings_new(options.ui.page_size, RECENT_FINDINGS_WINDOW_NS,
						   0, NULL);
	if (!connection->findings)
		return error_set(error, ENOMEM, "starting: out of memory");
	return top_open_term(&connection->term, &options, connection->config, &connection->settings,
			     connection->loop, error);
}

static int make_table(struct connection *connection, struct error *error)
{
	struct sink_table_options options;

	top_table(connection->config, &options, jsonl_reader_info(connection->reader)->page_size);
	connection->table = sink_table_new(&options);
	return connection->table ? 0 : error_set(error, ENOMEM, "starting: out of memory");
}

/* Takes the meta line, the first of a connection: only with it can the rest be shown. */
static int take_meta(struct connection *connection, struct error *error)
{
	const struct jsonl_reader_info *info = jsonl_reader_info(connection->reader);
	int result = 0;

	connection->has_meta = true;
	if (connection->has_screen && !connection->term)
		result = open_screen(connection, error);
	else if (!connection->has_screen && !connection->table)
		result = make_table(connection, error);
	if (result < 0)
		return result;
	if (connection->term) {
		ui_set_host(term_ui(connection->term), info->host, info->kernel, info->detail);
		ui_set_connected(term_ui(connection->term), true);
		ui_say(term_ui(connection->term), "%s",
		       connection->was_connected ? "connected again: totals begin anew" :
						   "connected: waiting for a tick");
		term_draw(connection->term);
	} else if (connection->was_connected) {
		log_notice("connected again; totals begin anew");
	}
	connection->was_connected = true;
	return 0;
}

/* Forgets what the former connection brought, as it is not known which processes ended
 * meanwhile. */
static int begin_reading(struct connection *connection, struct error *error)
{
	const struct jsonl_reader_options options = {
		.from_ms = INT64_MIN,
		.to_ms = INT64_MAX,
		.on_interval = take_interval,
		.on_complaint = note_complaint,
		.context = connection,
	};
	const struct filter_options *by = &connection->config->filter.by;

	if (connection->term)
		ui_forget(term_ui(connection->term));
	if (connection->findings && recent_findings_reset(connection->findings) < 0)
		return error_set(error, ENOMEM, "connecting: out of memory");
	sink_table_free(TAKE_PTR(connection->table));
	filter_free(TAKE_PTR(connection->filter));
	jsonl_reader_free(connection->reader);
	connection->reader = jsonl_reader_new(&options);
	connection->has_meta = false;
	connection->is_reading = true;
	if (!filter_is_empty(by))
		connection->filter = filter_new(by);
	if (!connection->reader || (!filter_is_empty(by) && !connection->filter))
		return error_set(error, ENOMEM, "connecting: out of memory");
	jsonl_reader_begin_stream(connection->reader, connection->config->connect);
	return 0;
}

static int take_bytes(void *context, const char *bytes, size_t size, struct error *error)
{
	struct connection *connection = context;
	const char *end = connection->has_meta ? NULL : memchr(bytes, '\n', size);
	size_t first = end ? (size_t)(end + 1 - bytes) : size;
	int result = connection->is_reading ? 0 : begin_reading(connection, error);

	if (!result)
		result = jsonl_reader_push(connection->reader, bytes, first, error);

	if (!result && end)
		result = take_meta(connection, error);
	if (!result && first < size)
		result = jsonl_reader_push(connection->reader, bytes + first, size - first, error);
	connection->failure = result;
	return result;
}

/* The connection. ------------------------------------------------------------------------------ */

static int retry(void *context)
{
	struct connection *connection = context;
	int result;

	loop_set_timer(connection->loop, IDLE_MS, retry, connection);
	result = stream_client_connect(connection->client, &connection->error);
	return result;
}

/* A connection has ended. If none ever worked, that is an error; later it is reported and
 * retried. */
static int handle_end(void *context, const struct error *why)
{
	struct connection *connection = context;

	if (connection->failure < 0 || !connection->was_connected ||
	    (connection->config->once && !connection->term)) {
		connection->error = *why;
		return connection->failure < 0 ? connection->failure : -ECONNRESET;
	}
	if (connection->term) {
		ui_set_connected(term_ui(connection->term), false);
		ui_say(term_ui(connection->term), "%s; trying again", why->text);
		term_draw(connection->term);
	} else if (connection->has_meta) {
		log_warning("%s; trying again", why->text);
	}
	connection->has_meta = connection->is_reading = false;
	return loop_set_timer(connection->loop, RETRY_MS, retry, connection);
}

static int handle_signal(void *context, const struct signalfd_siginfo *info)
{
	(void)info;
	quit(context);
	return 0;
}

static int open_loop(struct connection *connection, struct error *error)
{
	const struct stream_client_options options = {
		.target = connection->config->connect,
		.credentials = connection->credentials,
		.authorities = connection->config->ca,
		.on_bytes = take_bytes,
		.on_end = handle_end,
		.context = connection,
	};
	int result = loop_new(&connection->loop);

	if (!result)
		result = loop_add_signal(connection->loop, SIGINT, handle_signal, connection);
	if (!result)
		result = loop_add_signal(connection->loop, SIGTERM, handle_signal, connection);
	if (!result)
		result = loop_add_timer(connection->loop, IDLE_MS, retry, connection);
	if (result < 0)
		return error_set(error, -result, "making the event loop: %s", strerror(-result));
	return stream_client_new(&connection->client, &options, connection->loop, error);
}

/* Gives up root's capabilities but the one that each connection needs to open another user's unix:
 * socket, or the file of --ca. */
static int confine(const struct connection *connection, struct error *error)
{
	bool is_unix = !strncasecmp(connection->config->connect, "unix:", 5);
	struct privileges_user user;
	int result = privileges_find(&user, NULL, error);

	user.is_other = false;
	if (!result)
		result = privileges_suspend(&user, error);
	if (!result)
		result =
			privileges_drop((is_unix ? PRIVILEGE_WRITE_FILES : 0) |
						(connection->config->ca ? PRIVILEGE_READ_FILES : 0),
					error);
	if (!result)
		sandbox_try(SANDBOX_CONNECT, &connection->config->common.disabled);
	return result;
}

static int run(struct connection *connection, struct error *error)
{
	const struct top_config *config = connection->config;
	int result = read_credentials(connection, error);

	if (!result && config->ca)
		result = check_authorities(config->ca, error);
	if (!result)
		result = open_loop(connection, error);
	if (!result)
		result = confine(connection, error);
	if (!result)
		result = stream_client_connect(connection->client, error);
	if (result)
		return result;
	result = loop_run(connection->loop);
	if (result < 0)
		*error = connection->error;
	return result;
}

static void close_all(struct connection *connection)
{
	term_close(connection->term);
	stream_client_free(connection->client);
	loop_free(connection->loop);
	sink_table_free(connection->table);
	filter_free(connection->filter);
	jsonl_reader_free(connection->reader);
	recent_findings_free(connection->findings);
	top_settings_close(&connection->settings);
	if (connection->credentials)
		explicit_bzero(connection->credentials, strlen(connection->credentials));
	free(connection->credentials);
}

int top_connected(const struct top_config *config, bool has_screen)
{
	struct connection connection = { .config = config, .has_screen = has_screen };
	struct error error = {};
	int result;

	connection.settings.fd = -1;
	if (has_screen)
		top_settings_open(&connection.settings);
	result = run(&connection, &error);
	close_all(&connection);
	log_complaints_end(&connection.complaints);
	if (result < 0 && result != -EPIPE)
		log_error("%s", *error.text ? error.text : "waiting for events failed");
	return result < 0 || connection.complaints.count ? EXIT_FAILED : EXIT_DONE;
}
