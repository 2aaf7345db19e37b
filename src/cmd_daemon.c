// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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
/* About 200 KiB per scrape, which Prometheus takes without a thought. */
#define DEFAULT_MAX_SERIES 2000
/* About 10 MiB per scrape: beyond that a person has made a mistake. */
#define MOST_MAX_SERIES 100000
#define DEFAULT_MAPPINGS "top=5"
#define MOST_TOP_MAPPINGS 100
#define PROGRAMS_MAX 32 /* more than there are in bpf/ */

struct daemon_config {
	struct common_options common; /* first: see cmd_begin */
	struct watch_options watch;
	struct option_list listen;
	const char *web_config_file;
	bool web_enable_lifecycle;
	const char *jsonl;
	uint64_t interval_ms;
	int group_by; /* enum group_by */
	const char *mappings;
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
	{ .name = "group-by",
	  .argument = "WHAT",
	  .help = "what makes a group: unit (systemd unit or container, the default),\n"
		  "cgroup, comm, exe, uid or pid",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct daemon_config, group_by),
	  .choices = group_by_names },
	{ .name = "mappings",
	  .argument = "WHICH",
	  .help = "top=N: series for each group's N mappings with the most faults;\n"
		  "none (default " DEFAULT_MAPPINGS ")",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, mappings) },
	{ .name = "max-series",
	  .argument = "N",
	  .help = "at most N series in a scrape, all included (default 2000, at least\n"
		  "1300)",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct daemon_config, max_series),
	  .min = PROMETHEUS_LEAST_MAX_SERIES,
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
		"Label sets are bounded: a scrape has at most --max-series series, faultmap's own and\n"
		"the _created of OpenMetrics included. The groups with the most faults of late have\n"
		"theirs, the rest is group=\"other\"; the mappings with the most of each group have what\n"
		"room is left, the rest is mapping=\"other\". What leaves the top takes its history to\n"
		"other, so that sums are exact and no counter ever goes down; if it comes back, which it\n"
		"may after five minutes, it begins at 0. faultmap_series says how many there are,\n"
		"faultmap_groups_evicted_total how often a group had to go.",
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

static void count_metrics(struct service *service, const struct snapshot *snapshot)
{
	struct program_stats programs[PROGRAMS_MAX];
	struct self_figures self = {
		.tick_ns = session_tick_ns(service->session),
		.rows_capacity = session_info(service->session)->max_rows,
		.n_hooks = session_info(service->session)->n_hooks,
		.programs = programs,
		.n_programs = session_programs(service->session, programs, PROGRAMS_MAX),
	};

	sink_prometheus_tick(service->metrics, snapshot, &self);
}

static int take_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct service *service = context;

	count_metrics(service, snapshot);
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

	if (!service->has_ticked)
		return -EAGAIN;
	return sink_prometheus_render(service->metrics, exposition, ret_text, ret_size);
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

/* "top=N" or "none". */
static int parse_mappings(const char *text, uint64_t *ret_top)
{
	unsigned long top;
	char *end;

	if (!strcmp(text, "none")) {
		*ret_top = 0;
		return 0;
	}
	if (strncmp(text, "top=", 4) || text[4] < '1' || text[4] > '9')
		return -EINVAL;
	errno = 0;
	top = strtoul(text + 4, &end, 10);
	if (*end || errno || top > MOST_TOP_MAPPINGS)
		return -EINVAL;
	*ret_top = top;
	return 0;
}

/* NULL when it cannot be; the exit status then. */
static struct sink_prometheus *make_metrics(const struct daemon_config *config, int *ret_status)
{
	struct prometheus_options prometheus = { .group_by = (enum group_by)config->group_by,
						 .max_series = config->max_series };
	struct sink_prometheus *metrics;

	if (parse_mappings(config->mappings, &prometheus.top_mappings)) {
		log_error("--mappings '%s' is neither none nor top=N with N from 1 to %d",
			  config->mappings, MOST_TOP_MAPPINGS);
		*ret_status = EXIT_USAGE;
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &prometheus.started);
	metrics = sink_prometheus_new(&prometheus);
	if (!metrics) {
		log_error("making the metrics: out of memory");
		*ret_status = EXIT_FAILED;
	}
	return metrics;
}

static int daemon_main(int argc, char *argv[])
{
	struct daemon_config config = {
		.interval_ms = 1000,
		.watch.detail = DETAIL_FAST,
		.mappings = DEFAULT_MAPPINGS,
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
	service.metrics = make_metrics(&config, &status);
	if (!service.metrics)
		return status;
	status = service_run(&service);
	web_close(service.web);
	sink_jsonl_free(service.jsonl);
	sink_prometheus_free(service.metrics);
	return status;
}

const struct command cmd_daemon = { &spec, daemon_main };
