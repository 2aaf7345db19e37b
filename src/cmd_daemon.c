// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "session.h"
#include "sink_jsonl.h"
#include "sink_prometheus.h"
#include "util.h"
#include "watch.h"
#include "web.h"

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
	struct option_list listen;
	const char *web_config_file;
	bool web_enable_lifecycle;
	const char *jsonl;
	uint64_t interval_ms;
	uint64_t max_series;
};

static const struct option_spec options[] = {
	{ .name = "listen",
	  .argument = "ADDRESS",
	  .help = "where to serve HTTP, as often as wanted: ADDR:PORT, [IPv6]:PORT, :PORT\n"
		  "for every address, unix:PATH, or fd:// for systemd's sockets\n"
		  "(default " WEB_DEFAULT_LISTEN "; port 0: any free one, -v says which)",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct daemon_config, listen) },
	{ .name = "web.config.file",
	  .argument = "FILE",
	  .help = "TLS, users and headers, in the format of Prometheus' exporters;\n"
		  "read again on SIGHUP",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, web_config_file) },
	{ .name = "web.enable-lifecycle",
	  .help = "allow POST /-/reload, which does what SIGHUP does",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, web_enable_lifecycle) },
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
		"Serves /metrics, / (a page with links), /-/healthy, /-/ready (the readings succeed) and\n"
		"/-/reload, in the foreground, until SIGTERM or SIGINT. SIGHUP reloads.\n"
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
	struct web *web;
	bool has_ticked;  /* /metrics has something to say */
	bool tick_fails;  /* the newest one */
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
	service->has_ticked = true;
	service->tick_fails = false;
	return 0;
}

static int retry_later(void *context, int result, unsigned int in_a_row, const struct error *why)
{
	struct service *service = context;

	service->tick_fails = true;
	if (in_a_row >= MAX_TROUBLE_IN_A_ROW)
		return result;
	log_warning("%s; trying again at the next interval", why->text);
	return 0;
}

static int render(void *context, enum exposition exposition, char **ret_text, size_t *ret_size)
{
	struct service *service = context;

	(void)exposition;
	if (!service->has_ticked)
		return -EAGAIN;
	return sink_prometheus_render(service->metrics, ret_text, ret_size);
}

/* A reading that hangs needs no word here: the loop hangs with it and answers nobody. */
static bool is_ready(void *context)
{
	const struct service *service = context;

	return service->has_ticked && !service->tick_fails;
}

/* What is bad changes nothing and is told in one line. */
static int reload(void *context, struct error *error)
{
	struct service *service = context;
	int result = web_reload(service->web, error);

	if (result < 0)
		log_error("reloading: %s; going on as before", error->text);
	else
		log_info("reloaded");
	return result;
}

static int handle_hangup(void *context, int signo)
{
	struct error error;

	(void)signo;
	reload(context, &error);
	return 0;
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

static void tell_where(const struct web *web)
{
	const char *warning = web_warning(web);
	char url[WEB_URL_LEN];

	for (size_t i = 0; web_url(web, i, url); i++)
		log_info("serving on %s", url);
	if (warning)
		log_warning("%s", warning);
}

static int serve(struct service *service)
{
	struct web_source source = {
		.render = render, .is_ready = is_ready, .reload = reload, .context = service
	};
	struct loop *loop = session_loop(service->session);
	struct error error;
	/* The signal first: threads that the endpoint starts must not have it. */
	int result = loop_add_signal(loop, SIGHUP, handle_hangup, service);

	if (result < 0)
		error_set(&error, -result, "taking SIGHUP: %s", strerror(-result));
	else
		result = web_start(service->web, loop, &source, &error);
	if (!result) {
		tell_where(service->web);
		write_meta(service);
		session_set_trouble(service->session, retry_later);
		result = session_run(service->session, &error);
	}
	if (result < 0)
		log_error("%s", error.text);
	return result < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* What can fail for a person's mistake comes before the programs are loaded. */
static int service_open(struct service *service)
{
	const struct daemon_config *config = service->config;
	struct web_options web = { &config->listen, config->web_config_file,
				   config->web_enable_lifecycle };
	struct error error;
	int result = web_listen(&service->web, &web, &error);

	if (!result && config->jsonl &&
	    sink_jsonl_open(&service->jsonl, config->jsonl, JSONL_APPEND, &error) < 0)
		result = -EIO;
	if (!result)
		return EXIT_DONE;
	log_error("%s", error.text);
	return result == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

static int service_run(struct service *service)
{
	struct collector_options collector = watch_collector(&service->config->watch,
							     &service->config->common);
	int status = service_open(service);
	struct error error;
	int result;

	if (status != EXIT_DONE)
		return status;
	result = session_open(&service->session, &collector, service->config->interval_ms,
			      take_tick, service, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	status = serve(service);
	web_close(TAKE_PTR(service->web)); /* before the loop that it is on */
	session_close(service->session);
	return status;
}

static int daemon_main(int argc, char *argv[])
{
	struct daemon_config config = {
		.interval_ms = 1000,
		.watch.detail = DETAIL_FAST,
		.max_series = DEFAULT_MAX_SERIES,
	};
	struct service service = { .config = &config };
	int operand, status;

	if (!cmd_begin(&cmd_daemon, &config, argc, argv, &operand, &status))
		return status;
	if (operand < argc) {
		log_error("daemon takes no operand, but got '%s'; see faultmap daemon --help",
			  argv[operand]);
		return EXIT_USAGE;
	}
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error */
	service.metrics = sink_prometheus_new(config.max_series);
	if (!service.metrics) {
		log_error("making the metrics: out of memory");
		return EXIT_FAILED;
	}
	status = service_run(&service);
	web_close(service.web);
	sink_jsonl_free(service.jsonl);
	sink_prometheus_free(service.metrics);
	return status;
}

const struct command cmd_daemon = { &spec, daemon_main };
