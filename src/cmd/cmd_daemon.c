// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/daemon_otlp.h"
#include "cmd/daemon_profile.h"
#include "cmd/daemon_settings.h"
#include "collect/memory.h"
#include "base/clean_pages.h"
#include "base/libc.h"
#include "base/log.h"
#include "base/output_file.h"
#include "cmd/manager.h"
#include "cmd/privileges.h"
#include "cmd/sandbox.h"
#include "metrics/group_detail.h"
#include "metrics/sink_overview.h"
#include "cmd/session.h"
#include "sink/sink_jsonl.h"
#include "metrics/sink_prometheus.h"
#include "sink/sink_stream.h"
#include "base/util.h"
#include "serve/web.h"

/* After this many failed ticks in a row the daemon ends, so that the service manager restarts
 * it. */
#define MAX_TROUBLE_IN_A_ROW 5
/* At the end: give up on a log shipper that takes no line for this long. */
#define LAST_LINES_MS 1000
/* How often to check the heap, and how much of it may be free. A tick of thousands of processes
 * leaves some 20 MiB free, and free(3) only gives back what lies at the heap's end. */
#define TRIM_TICKS 20
#define TRIM_BYTES (256 << 10)
/* How old findings may be that the page shows: as old as its figures. */
#define FINDINGS_KEEP_NS 60000000000UL

struct service {
	int argc; /* the flags, for a reload */
	char *const *argv;
	struct settings *settings;
	struct settings *started;           /* what the daemon was started with */
	const struct daemon_config *config; /* of settings */
	struct privileges_user user;        /* whom the daemon becomes */
	struct session *session;
	struct sinks sinks; /* the sinks below, those that are in use */
	struct recent_findings *findings;
	struct sink_prometheus *metrics;
	struct sink_overview *overview;
	struct sink_jsonl *jsonl;       /* NULL without --jsonl */
	struct sink_stream *stream;     /* NULL without --stream */
	struct unwinder *unwinder;      /* NULL: stacks are not copied */
	struct build_ids *build_ids;    /* NULL without --stacks */
	struct daemon_profile *profile; /* NULL without --stacks */
	struct daemon_otlp *otlp;       /* NULL without --otlp */
	struct web *web;
	uint64_t ticks;
	bool has_ticked;   /* after the first tick: /metrics has figures */
	bool tick_fails;   /* the latest tick failed */
	int jsonl_failure; /* errno of the last failure, which was reported; 0: writing works */
};

static struct web_options web_options_of(const struct daemon_config *config)
{
	return (struct web_options){ &config->listen, config->web_config_file,
				     config->web_enable_lifecycle,
				     config->mappings_names == NAMES_ALL };
}

/* A full disk must not end the service. One message reports each reason, and one says when writing
 * works again. */
static void report_jsonl(struct service *service, int result, const struct error *error)
{
	if (result < 0 && result != service->jsonl_failure)
		log_warning("%s; continuing, lost lines are counted", error->text);
	else if (!result && service->jsonl_failure)
		log_warning("writing JSON lines to %s works again", service->config->jsonl);
	service->jsonl_failure = result;
}

/* After a rotation. If opening fails, a message says so and lines still go to the old file. */
static void reopen_jsonl(struct service *service)
{
	struct error error;

	if (sink_jsonl_reopen(service->jsonl, &error) < 0)
		log_warning("%s", error.text);
}

/* To be called before the loop is freed. */
static void finish_jsonl(struct service *service)
{
	struct error error;

	sink_jsonl_watch(service->jsonl, NULL);
	if (sink_jsonl_drain(service->jsonl, LAST_LINES_MS, &error) < 0)
		log_warning("%s", error.text);
}

static void get_self(void *context, struct self_figures *ret_self)
{
	const struct service *service = context;

	ret_self->tick_ns = session_tick_ns(service->session);
	ret_self->rows_capacity = session_info(service->session)->max_rows;
	ret_self->map_bytes = session_info(service->session)->map_bytes;
	if (service->stream) {
		const struct feed *feed = sink_stream_feed(service->stream);

		ret_self->stream_clients = feed_readers(feed);
		ret_self->stream_clients_dropped = feed_dropped(feed);
	}
	ret_self->n_hooks = session_info(service->session)->n_hooks;
	ret_self->n_programs = session_programs(service->session, ret_self->programs, PROGRAMS_MAX);
}

static void give_memory_back(struct service *service)
{
	if (++service->ticks % TRIM_TICKS == 0 && libc_heap_has_free(TRIM_BYTES))
		libc_trim_heap();
}

static int handle_result(void *context, const void *sink, int result, const struct error *why)
{
	struct service *service = context;

	if (sink == service->jsonl) /* the others cannot fail */
		report_jsonl(service, result, why);
	return 0;
}

static int finish_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct service *service = context;

	(void)error;
	if (service->profile)
		daemon_profile_tick(service->profile);
	if (service->otlp)
		daemon_otlp_tick(service->otlp, service->metrics, snapshot);
	give_memory_back(service);
	manager_tick();
	if (!service->has_ticked) {
		manager_ready();
		clean_pages_release();
	}
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
	log_warning("%s; trying again at the next tick", why->text);
	return 0;
}

static int render(void *context, enum exposition exposition, uint64_t reader, char **ret_text,
		  size_t *ret_size)
{
	struct service *service = context;

	if (!service->has_ticked)
		return -EAGAIN;
	return sink_prometheus_render(service->metrics, exposition, reader, ret_text, ret_size);
}

static int render_overview(void *context, const char *sort, const char *search, char **ret_text,
			   size_t *ret_size)
{
	struct service *service = context;

	if (!service->has_ticked)
		return -EAGAIN;
	return sink_overview_render(service->overview, sink_prometheus_groups(service->metrics),
				    service->findings, sort, search, ret_text, ret_size);
}

static int render_group(void *context, const char *name, char **ret_text, size_t *ret_size)
{
	struct service *service = context;

	if (!service->has_ticked)
		return -EAGAIN;
	return group_detail_render(sink_prometheus_groups(service->metrics), name, ret_text,
				   ret_size);
}

static int join_stream(void *context, feed_wake_fn wake, void *who, struct feed_reader **ret_reader)
{
	struct service *service = context;

	return sink_stream_join(service->stream, wake, who, ret_reader);
}

/* Paths and functions are as private to their users as the names of mappings. */
static bool may_show_all(const struct service *service)
{
	enum mappings_names names = (enum mappings_names)service->started->config.mappings_names;

	return names == NAMES_ALL || (names == NAMES_AUTO && !web_is_open(service->web));
}

static int render_profile(void *context, bool is_page, unsigned int seconds, char **ret_bytes,
			  size_t *ret_size)
{
	struct service *service = context;

	if (!service->profile)
		return -ENOTSUP;
	if (!may_show_all(service))
		return -EACCES;
	if (!service->has_ticked)
		return -EAGAIN;
	return daemon_profile_get(service->profile, is_page ? PROFILE_FLAME : PROFILE_PPROF,
				  seconds, ret_bytes, ret_size);
}

static void render_again(void *context)
{
	const struct service *service = context;

	web_again(service->web);
}

/* No check for a tick that hangs: the loop hangs with it, and nobody gets an answer. */
static bool is_ready(void *context)
{
	const struct service *service = context;

	return service->has_ticked && !service->tick_fails;
}

static void write_meta(struct service *service)
{
	struct sink_jsonl_meta meta = watch_meta(session_info(service->session),
						 service->config->interval_ms);
	struct error error;

	if (service->stream)
		sink_stream_meta(service->stream, &meta, &error);
	if (!service->jsonl)
		return;
	sink_jsonl_watch(service->jsonl, session_loop(service->session));
	report_jsonl(service, sink_jsonl_meta(service->jsonl, &meta, &error), &error);
}

static void set_jsonl(struct service *service, struct sink_jsonl *jsonl)
{
	service->jsonl = jsonl;
	if (jsonl)
		sink_jsonl_set_findings(jsonl, service->findings);
	if (jsonl)
		sinks_add(&service->sinks, &sink_jsonl_ops, jsonl);
}

/* Commits the new settings; nothing here can fail. */
static void commit(struct service *service, struct settings *settings, struct sink_jsonl *jsonl,
		   bool is_other_jsonl)
{
	bool is_other_interval = settings->config.interval_ms != service->config->interval_ms;

	sink_prometheus_set_rules(service->metrics, settings->rules);
	if (service->settings != service->started)
		settings_free(service->settings);
	service->settings = settings;
	service->config = &settings->config;
	cmd_set_verbosity(service->config->common.verbose);
	if (is_other_interval) {
		session_set_interval(service->session, service->config->interval_ms);
		manager_interval(service->config->interval_ms);
	}
	if (is_other_jsonl) {
		if (service->jsonl) /* takes its descriptor out of the loop */
			sink_jsonl_watch(service->jsonl, NULL);
		sinks_remove(&service->sinks, service->jsonl);
		set_jsonl(service, jsonl);
		service->jsonl_failure = 0;
	}
	if (is_other_interval || is_other_jsonl)
		write_meta(service);
	settings_tell_what_waits(service->started, service->settings);
}

static int open_jsonl(struct sink_jsonl **ret_jsonl, const struct daemon_config *config,
		      struct error *error)
{
	struct fold_options fold = watch_folding(&config->jsonl_fold);

	if (!config->jsonl)
		return 0;
	if (sink_jsonl_new(ret_jsonl, config->jsonl, OUTLET_PERSIST, error) < 0)
		return -EIO;
	sink_jsonl_set_limit(*ret_jsonl, config->jsonl_limit.max_bytes, config->jsonl_limit.keep);
	sink_jsonl_set_folding(*ret_jsonl, &fold);
	return 0;
}

static int apply_settings(struct service *service, struct settings *settings, struct error *error)
{
	const struct daemon_config *config = &settings->config;
	struct web_options web = web_options_of(config);
	const char *path = config->jsonl;
	bool is_other_jsonl = !service->config->jsonl != !path ||
			      (path && strcmp(service->config->jsonl, path));
	struct sink_jsonl *jsonl = NULL;
	int result = settings_check_reload(service->started, settings, error);

	if (!result && is_other_jsonl)
		result = open_jsonl(&jsonl, config, error);
	if (!result)
		result = web_reload(service->web, &web, error);
	if (result < 0)
		sink_jsonl_free(jsonl);
	else
		commit(service, settings, jsonl, is_other_jsonl);
	return result;
}

/* Bad settings change nothing and are reported in one line. */
static int reload(void *context, struct error *error)
{
	struct service *service = context;
	struct settings *settings = NULL;
	int result;

	manager_reloading();
	/* First, as a log may have been rotated even if the new settings are wrong. */
	if (service->jsonl)
		reopen_jsonl(service);
	result = settings_load(&settings, service->argc, service->argv, error);
	if (!result) {
		result = apply_settings(service, settings, error);
		if (result < 0)
			settings_free(settings);
	}
	if (result < 0)
		log_error("reloading: %s; continuing as before", error->text);
	else
		log_info("reloaded");
	manager_ready();
	return result;
}

static int handle_hangup(void *context, const struct signalfd_siginfo *info)
{
	struct error error;

	(void)info;
	reload(context, &error);
	return 0;
}

static void tell_where(const struct web *web)
{
	const char *warning = web_warning(web);
	char url[WEB_URL_LEN];

	for (size_t i = 0; web_url(web, i, url); i++)
		log_notice("serving on %s", url);
	if (warning)
		log_warning("%s", warning);
}

static int serve(struct service *service)
{
	struct web_source source = {
		.render = render,
		.overview = render_overview,
		.group = render_group,
		.join = service->stream ? join_stream : NULL,
		.profile = render_profile,
		.is_ready = is_ready,
		.reload = reload,
		.context = service,
	};
	struct loop *loop = session_loop(service->session);
	struct error error;
	/* The signal first: threads that the endpoint starts must not have it. */
	int result = loop_add_signal(loop, SIGHUP, handle_hangup, service);

	if (!result && service->profile)
		result = daemon_profile_watch(service->profile, loop, render_again, service);
	if (result < 0)
		error_set(&error, -result, "taking SIGHUP: %s", strerror(-result));
	else
		result = web_start(service->web, loop, &source, &error);
	if (!result) {
		tell_where(service->web);
		if (session_info(service->session)->warning)
			log_warning("%s", session_info(service->session)->warning);
		write_meta(service);
		session_set_trouble(service->session, retry_later);
		manager_interval(service->config->interval_ms);
		result = session_run(service->session, &error);
		if (!result && service->jsonl)
			result = session_await_ended(service->session, &error);
		manager_stopping();
	}
	if (result < 0)
		log_error("%s", error.text);
	return result < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* What a process maps is private to its user, unless every reader has been authenticated. */
static int choose_names(struct service *service, struct error *error)
{
	if (may_show_all(service) || !sink_prometheus_hide_private(service->metrics))
		return 0;
	return error_set(error, ENOMEM, "making the metrics: out of memory");
}

/* Opens first what fails if a setting is wrong; the programs are loaded after that. */
static int service_open(struct service *service)
{
	const struct daemon_config *config = service->config;
	struct web_options web = web_options_of(config);
	struct sink_jsonl *jsonl = NULL;
	struct error error;
	int result = privileges_find(&service->user, config->user, &error);

	if (!result)
		result = web_listen(&service->web, &web, &error);

	if (!result)
		result = choose_names(service, &error);
	if (!result)
		result = open_jsonl(&jsonl, config, &error);
	if (!result) {
		set_jsonl(service, jsonl);
		return EXIT_DONE;
	}
	log_error("%s", error.text);
	return result == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* Reads what a reload reads. If that fails now, without capabilities, one has to be kept. */
static unsigned int privileges_to_read(const struct service *service)
{
	struct settings *settings = NULL;
	struct error error;
	int result = settings_load(&settings, service->argc, service->argv, &error);

	if (!result) {
		struct web_options web = web_options_of(&settings->config);

		result = web_check(&web, &error);
		settings_free(settings);
	}
	if (!result)
		return 0;
	log_info("keeping CAP_DAC_READ_SEARCH, for a reload: %s", error.text);
	return PRIVILEGE_READ_FILES;
}

/* Checks whether this user may reopen the JSON lines and remove socket files at the end. */
static unsigned int privileges_to_write(const struct service *service)
{
	const char *jsonl = service->config->jsonl;
	const char *what = NULL;

	if (jsonl && strcmp(jsonl, "-") != 0 &&
	    !output_file_may_reopen(jsonl + (strncmp(jsonl, "unix:", 5) ? 0 : 5)))
		what = "the JSON lines or to make their file again";
	else if (!web_may_unlink(service->web))
		what = "the directory of a unix: socket, to remove it at the end";
	if (!what)
		return 0;
	log_info("keeping CAP_DAC_OVERRIDE: user %u may not write to %s", (unsigned int)geteuid(),
		 what);
	return PRIVILEGE_WRITE_FILES;
}

/* The capabilities that the daemon still needs once it is running. */
static unsigned int privileges_needed(const struct service *service)
{
	return privileges_to_read(service) | privileges_to_write(service) |
	       (settings_read_others(service->settings) ? PRIVILEGE_READ_EXE : 0) |
	       (session_info(service->session)->reads_ask_for_bpf ? PRIVILEGE_CALL_BPF : 0);
}

static int give_up_privileges(struct service *service, struct error *error)
{
	int result;

	if (service->user.is_other)
		web_give(service->web, service->user.uid);
	if (service->user.is_other && service->jsonl)
		sink_jsonl_give(service->jsonl, service->user.uid);
	result = privileges_suspend(&service->user, error);
	if (result)
		return result;
	if (service->user.stays_root)
		log_warning(
			"staying root, without its capabilities: %s; give --user NAME to become "
			"that user, or --user root to stay root without this warning",
			service->user.why);
	return privileges_drop(privileges_needed(service), error);
}

/* To be called before the programs are loaded: the helper process must not inherit them. */
static int open_profile(struct service *service, struct collector_options *collector,
			struct error *error)
{
	const struct daemon_config *config = service->config;

	if (!config->watch.stacks)
		return 0;
	sink_overview_set_flame(service->overview, may_show_all(service));
	unwinding_open(&service->unwinder, &config->watch, &service->user, &config->common.disabled,
		       collector);
	build_ids_open(&service->build_ids, &config->watch, collector);
	return daemon_profile_new(&service->profile, &service->user, config->debuginfod,
				  &config->common.disabled, &service->sinks, error);
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
	settings_collect(service->settings, &collector);
	result = open_profile(service, &collector, &error);
	if (!result && service->config->otlp)
		result = daemon_otlp_new(&service->otlp, service->config->otlp,
					 service->config->otlp_interval_ms, &service->user,
					 &service->config->common.disabled, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	result = session_open(&service->session, &collector, service->config->interval_ms,
			      finish_tick, service, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	session_set_sinks(service->session, &service->sinks, handle_result);
	result = give_up_privileges(service, &error);
	if (result < 0)
		log_error("%s", error.text);
	else
		sandbox_try(service->config->jsonl_limit.max_bytes ? SANDBOX_ROTATE :
								     SANDBOX_DAEMON,
			    &service->config->common.disabled);
	status = result < 0 ? EXIT_FAILED : serve(service);
	web_close(TAKE_PTR(service->web)); /* before the loop that it is on */
	daemon_profile_leave(service->profile);
	if (service->jsonl)
		finish_jsonl(service);
	session_close(service->session);
	return status;
}

/* 0 or -ENOMEM. */
static int make_metrics(struct service *service)
{
	const struct daemon_config *config = service->config;
	struct sink_prometheus_options options = { .group_by = (enum group_by)config->group_by,
						   .pod_logs = config->pod_logs,
						   .max_series = config->max_series,
						   .get_self = get_self,
						   .context = service };

	daemon_parse_mappings(config->mappings, &options.top_mappings); /* checked with the flags */
	clock_gettime(CLOCK_REALTIME, &options.started);
	service->findings = recent_findings_new((uint64_t)sysconf(_SC_PAGESIZE),
						RECENT_FINDINGS_WINDOW_NS, FINDINGS_KEEP_NS,
						memory_limit_of);
	if (service->findings)
		sinks_add(&service->sinks, &recent_findings_ops, service->findings);
	service->metrics = sink_prometheus_new(&options);
	if (service->metrics) {
		sink_prometheus_set_rules(service->metrics, service->settings->rules);
		sinks_add(&service->sinks, &sink_prometheus_ops, service->metrics);
	}
	service->overview = sink_overview_new();
	if (service->overview)
		sinks_add(&service->sinks, &sink_overview_ops, service->overview);
	if (config->stream)
		service->stream = sink_stream_new();
	if (service->stream)
		sink_stream_set_findings(service->stream, service->findings);
	if (service->stream)
		sinks_add(&service->sinks, &sink_stream_ops, service->stream);
	return service->findings && service->metrics && service->overview &&
			       !service->stream == !config->stream ?
		       0 :
		       -ENOMEM;
}

static int check_config(const struct settings *settings)
{
	const struct daemon_config *config = &settings->config;
	struct web_options web = web_options_of(config);
	struct error error;
	int result = web_check(&web, &error);

	if (result < 0) {
		log_error("%s", error.text);
		return result == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	if (settings->file)
		printf("%s is good\n", config->config_file ?: DEFAULT_CONFIG_FILE);
	else
		puts("the flags are good; there is no " DEFAULT_CONFIG_FILE);
	return EXIT_DONE;
}

static int run_with(struct service *service)
{
	int status = EXIT_FAILED;

	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error */
	/* The thread that reads names takes them from the same heap, which can use again what
	 * either gave back. */
	libc_keep_heap_small();
	if (!make_metrics(service))
		status = service_run(service);
	else
		log_error("making the metrics: out of memory");
	web_close(service->web);
	sinks_free(&service->sinks);
	daemon_profile_free(service->profile);
	daemon_otlp_free(service->otlp);
	unwinder_free(service->unwinder);
	build_ids_free(service->build_ids);
	return status;
}

static int daemon_main(int argc, char *argv[])
{
	struct daemon_config flags = {};
	struct service service = { .argc = argc, .argv = argv };
	struct error error;
	int operand, status, result;

	if (!cmd_begin(&cmd_daemon, &flags, argc, argv, &operand, &status))
		return status;
	if (operand < argc) {
		log_error("daemon takes no operand, but got \"%s\"; see faultmap daemon --help",
			  argv[operand]);
		return EXIT_USAGE;
	}
	result = settings_load(&service.settings, argc, argv, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return result == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	service.started = service.settings;
	service.config = &service.settings->config;
	cmd_set_verbosity(service.config->common.verbose);
	status = flags.check_config ? check_config(service.settings) : run_with(&service);
	if (service.settings != service.started)
		settings_free(service.settings);
	settings_free(service.started);
	return status;
}

const struct command cmd_daemon = { &daemon_spec, daemon_main };
