// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <signal.h>
#include <unistd.h>

#include "http.h"
#include "listen.h"
#include "log.h"
#include "session.h"
#include "sink_jsonl.h"
#include "sink_prometheus.h"
#include "util.h"
#include "watch.h"

/* Readings that may fail one after another before a restart by the service manager is the better
 * hope. */
#define MAX_TROUBLE_IN_A_ROW 5
/* 1,000 series are about 100 KiB per scrape, which Prometheus takes without a thought. */
#define DEFAULT_MAX_SERIES 1000
/* About 10 MiB per scrape: beyond that a person has made a mistake. */
#define MOST_MAX_SERIES 100000

struct daemon_config {
	struct common_options common; /* first: see cmd_begin */
	struct watch_options watch;
	const char *listen;
	const char *jsonl;
	uint64_t interval_ms;
	uint64_t max_series;
};

static const struct option_spec options[] = {
	{ .name = "listen",
	  .argument = "ADDR:PORT",
	  .help = "where to serve HTTP: ADDR:PORT, [IPv6]:PORT, or :PORT for every address\n"
		  "(default 127.0.0.1:14096; port 0: any free one, -v says which)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, listen) },
	{ .name = "jsonl",
	  .argument = "FILE",
	  .help = "append JSON lines to FILE as `faultmap log` writes them",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, jsonl) },
	{ .name = "interval",
	  .argument = "SECONDS",
	  .help = "between two readings (default 1, at least 0.1)",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct daemon_config, interval_ms),
	  .min = 100,
	  .max = 24 * 3600 * 1000 },
	{ .name = "max-series",
	  .argument = "N",
	  .help = "at most N series of faultmap_mapping_faults_total (default 1000)",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct daemon_config, max_series),
	  .min = 0,
	  .max = MOST_MAX_SERIES },
	WATCH_OPTIONS(struct daemon_config, watch, "fast"),
	COMMON_OPTIONS(struct daemon_config, common),
};

static const struct command_spec spec = {
	.name = "daemon",
	.synopsis = "[options]",
	.summary = "the service: /metrics for Prometheus, JSON lines to a file",
	.details =
		"Serves /metrics, / (a page with links), /-/healthy and /-/ready, in the foreground,\n"
		"until SIGTERM or SIGINT.\n"
		"\n"
		"Label sets are bounded. faultmap_mapping_faults_total{comm,mapping,kind,severity} has\n"
		"at most --max-series series, given out first come, first served; whatever comes later\n"
		"is counted in comm=\"other\",mapping=\"other\" with its kind and severity, so that sums\n"
		"are exact and no counter ever goes down. faultmap_series says how many are in use.\n"
		"The labels of every other metric come from fixed lists; no label holds a pid.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

struct service {
	const struct daemon_config *config;
	struct session *session;
	struct sink_prometheus *metrics;
	struct sink_jsonl *jsonl; /* NULL without --jsonl */
	struct http *http;
	bool jsonl_fails; /* said so already */
};

/* A full disk must not end the service: said once, and once when it is over. */
static void report_jsonl(struct service *service, int result, const struct error *error)
{
	if (result < 0 && !service->jsonl_fails)
		log_warning("%s; continuing, lost lines are counted", error->text);
	else if (!result && service->jsonl_fails)
		log_warning("writing JSON lines to %s works again", service->config->jsonl);
	service->jsonl_fails = result < 0;
}

static int take_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct service *service = context;

	sink_prometheus_tick(service->metrics, snapshot, session_tick_ns(service->session));
	if (service->jsonl)
		report_jsonl(service, sink_jsonl_tick(service->jsonl, snapshot, error), error);
	http_set_ready(service->http, true);
	return 0;
}

static int retry_later(void *context, int result, unsigned int in_a_row, const struct error *why)
{
	(void)context;
	if (in_a_row >= MAX_TROUBLE_IN_A_ROW)
		return result;
	log_warning("%s; trying again at the next interval", why->text);
	return 0;
}

static int render(void *context, char **ret_text, size_t *ret_size)
{
	struct service *service = context;

	return sink_prometheus_render(service->metrics, ret_text, ret_size);
}

static void write_meta(struct service *service)
{
	const struct collector_info *info = session_info(service->session);
	struct jsonl_meta meta = {
		.detail = watch_details[info->detail],
		.hooks = info->hooks,
		.n_hooks = info->n_hooks,
		.slice_bytes = info->slice_bytes,
		.slices_max = info->slices_max,
		.interval_ms = service->config->interval_ms,
	};
	struct error error;

	if (info->warning)
		log_warning("%s", info->warning);
	if (service->jsonl)
		report_jsonl(service, sink_jsonl_meta(service->jsonl, &meta, &error), &error);
}

/* Takes the listening socket. */
static int serve(struct service *service, int listen_fd)
{
	char where[LISTEN_TEXT_LEN];
	struct error error;
	int result;

	listen_describe(listen_fd, where);
	result = http_open(&service->http, session_loop(service->session), listen_fd, render,
			   service, &error);
	if (!result) {
		log_info("serving on http://%s/metrics", where);
		write_meta(service);
		session_set_trouble(service->session, retry_later);
		result = session_run(service->session, &error);
		http_close(service->http);
	}
	if (result < 0)
		log_error("%s", error.text);
	return result < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* What can fail for a person's mistake comes before the programs are loaded. */
static int service_run(struct service *service, const struct listen_address *address)
{
	struct collector_options collector = watch_collector(&service->config->watch,
							     &service->config->common);
	autoclose int listen_fd = -1;
	struct error error;
	int result, status;

	if ((service->config->jsonl &&
	     sink_jsonl_open(&service->jsonl, service->config->jsonl, JSONL_APPEND, &error) < 0) ||
	    listen_open(address, &listen_fd, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	result = session_open(&service->session, &collector, service->config->interval_ms,
			      take_tick, service, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	status = serve(service, TAKE_FD(listen_fd));
	session_close(service->session);
	return status;
}

static int daemon_main(int argc, char *argv[])
{
	struct daemon_config config = {
		.listen = "127.0.0.1:14096",
		.interval_ms = 1000,
		.watch.detail = DETAIL_FAST,
		.max_series = DEFAULT_MAX_SERIES,
	};
	struct service service = { .config = &config };
	struct listen_address address;
	int operand, status;
	struct error error;

	if (!cmd_begin(&cmd_daemon, &config, argc, argv, &operand, &status))
		return status;
	if (operand < argc) {
		log_error("daemon takes no operand, but got '%s'; see faultmap daemon --help",
			  argv[operand]);
		return EXIT_USAGE;
	}
	if (listen_parse(config.listen, &address, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_USAGE;
	}
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error */
	service.metrics = sink_prometheus_new(config.max_series);
	if (!service.metrics) {
		log_error("making the metrics: out of memory");
		return EXIT_FAILED;
	}
	status = service_run(&service, &address);
	sink_jsonl_free(service.jsonl);
	sink_prometheus_free(service.metrics);
	return status;
}

const struct command cmd_daemon = { &spec, daemon_main };
