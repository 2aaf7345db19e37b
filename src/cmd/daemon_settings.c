// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/daemon_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/daemon_otlp.h"
#include "cmd/unwinding.h"
#include "cmd/privileges.h"
#include "metrics/pod_names.h"
#include "metrics/sink_prometheus.h"
#include "serve/listen.h"
#include "serve/web.h"

/* About 200 KiB per scrape, which is little for Prometheus. */
#define DEFAULT_MAX_SERIES 2000
/* About 10 MiB per scrape: more is a mistake. */
#define MOST_MAX_SERIES 100000
#define DEFAULT_MAPPINGS "top=5"
#define MOST_TOP_MAPPINGS 100

static const char *const mappings_names_words[] = { "auto", "public", "all", NULL };

int daemon_parse_mappings(const char *text, uint64_t *ret_top)
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

static int check_mappings(const char *text, struct error *error)
{
	uint64_t top;

	if (!daemon_parse_mappings(text, &top))
		return 0;
	return error_set(error, EINVAL,
			 "mappings '%s' is neither none nor top=N with N from 1 to %d", text,
			 MOST_TOP_MAPPINGS);
}

/* Here, so that the error names the line of the file. */
static int check_address(const char *text, struct error *error)
{
	struct listen_address address;

	return listen_parse(text, &address, error);
}

static const struct option_spec options[] = {
	{ .name = "config",
	  .argument = "FILE",
	  .help = "read flags from FILE: a line each, NAME = VALUE, without dashes; flags\n"
		  "on the command line win (default " DEFAULT_CONFIG_FILE ",\n"
		  "if it exists)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, config_file),
	  .only_flag = true },
	{ .name = "check-config",
	  .help = "say whether the configuration is valid, or what is wrong, and exit",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, check_config),
	  .only_flag = true },
	{ .name = "listen",
	  .argument = "ADDRESS",
	  .help = "serve HTTP here; may be repeated: ADDR:PORT, [IPv6]:PORT, :PORT for\n"
		  "every address, unix:PATH, or fd:// for sockets passed by systemd\n"
		  "(default those, or " WEB_DEFAULT_LISTEN "; port 0: any free one, -v says\n"
		  "which)",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct daemon_config, listen),
	  .check = check_address },
	{ .name = "web.config.file",
	  .argument = "FILE",
	  .help = "TLS, users, headers, a rate limit, in the format of Prometheus'\n"
		  "exporters; read again on SIGHUP",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, web_config_file),
	  .live = true },
	{ .name = "web.enable-lifecycle",
	  .help = "let POST /-/reload do what SIGHUP does",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, web_enable_lifecycle),
	  .live = true },
	{ .name = "jsonl",
	  .argument = "FILE",
	  .help = "append JSON lines, as `faultmap log` writes them, to FILE (SIGHUP\n"
		  "opens it again), to a log shipper that listens at unix:PATH, or to\n"
		  "standard output (-); FILE.gz and FILE.zst are compressed",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, jsonl),
	  .live = true },
	LIMIT_OPTIONS(struct daemon_config, jsonl_limit),
	FOLD_OPTIONS("jsonl-", struct daemon_config, jsonl_fold),
	{ .name = "stream",
	  .help = "serve JSON lines live at /stream, for top --connect: through a unix:\n"
		  "socket, or with a password or client certificate (to everybody with\n"
		  "`--mappings-names all`)",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, stream) },
	USER_OPTION(struct daemon_config, user),
	{ .name = "interval",
	  .argument = "SECONDS",
	  .help = "read the kernel's counters every SECONDS (default 1, at least 0.1)",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct daemon_config, interval_ms),
	  .live = true,
	  .min = 100,
	  .max = 24 * 3600 * 1000 },
	{ .name = "group-by",
	  .argument = "WHAT",
	  .help = "make metrics for each unit (systemd unit or container, the default),\n"
		  "pod (of Kubernetes), cgroup, comm, exe, uid or pid: these are the\n"
		  "groups",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct daemon_config, group_by),
	  .choices = group_by_names },
	{ .name = "group-rules",
	  .argument = "FILE",
	  .help = "name groups by the rules in FILE, one FIELD REGEX => NAME a line, the\n"
		  "first that matches wins: FIELD is comm, exe, cmdline, unit or cgroup,\n"
		  "REGEX matches all of it, NAME may have $1 to $9; the rest is in the\n"
		  "group of --group-by. Read again on SIGHUP",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, group_rules),
	  .live = true },
	{ .name = "pod-logs",
	  .argument = "DIR",
	  .help = "names of Kubernetes pods and containers are those of the kubelet's\n"
		  "directories DIR/pods and DIR/containers (default " POD_LOGS_DEFAULT ")",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, pod_logs) },
	{ .name = "mappings",
	  .argument = "WHICH",
	  .help = "top=N: series for each group's N mappings with the most faults;\n"
		  "none (default " DEFAULT_MAPPINGS ")",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, mappings),
	  .check = check_mappings },
	{ .name = "mappings-names",
	  .argument = "WHICH",
	  .help = "public: show files in directories that not everybody may list as\n"
		  "[private]; all: show all names; auto (default): public if anybody can\n"
		  "read them, by TCP without a password or client certificate, else all",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct daemon_config, mappings_names),
	  .choices = mappings_names_words },
	{ .name = "max-series",
	  .argument = "N",
	  .help = "serve at most N series in a scrape, in all (default 2000, at least\n"
		  "1300)",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct daemon_config, max_series),
	  .min = PROMETHEUS_LEAST_MAX_SERIES,
	  .max = MOST_MAX_SERIES },
	{ .name = "otlp",
	  .argument = "URL",
	  .help = "push metrics to an OpenTelemetry receiver, as OTLP/HTTP in JSON:\n"
		  "http:// or https://HOST[:PORT], where /v1/metrics is behind, or all of\n"
		  "the URL; OTEL_EXPORTER_OTLP_HEADERS may have headers for it",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, otlp),
	  .check = daemon_otlp_check },
	{ .name = "otlp-interval",
	  .argument = "N",
	  .help = "push every N seconds (default 60, at least 1)",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct daemon_config, otlp_interval_ms),
	  .min = 1000,
	  .max = 24 * 3600 * 1000 },
	{ .name = "stacks",
	  .help = "count each call path separately, for JSON lines and for\n"
		  "/debug/pprof/faults, a profile of up to a minute for Parca and\n"
		  "Pyroscope. Takes more rows and twice as long per fault",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, watch.stacks) },
	STACK_SAMPLES_OPTION(struct daemon_config, watch),
	DEBUGINFOD_OPTION(struct daemon_config, debuginfod),
	WATCH_OPTIONS(struct daemon_config, watch, "fast"),
	COMMON_OPTIONS(struct daemon_config, common),
};

const struct command_spec daemon_spec = {
	.name = "daemon",
	.synopsis = "[options]",
	.summary = "run as a service: metrics for Prometheus, JSON lines to a file",
	.details =
		"Runs in the foreground until SIGTERM or SIGINT. Serves /metrics, / (a page for the\n"
		"browser), /-/healthy, /-/ready (200 if the last tick succeeded), /-/reload and, with\n"
		"--stacks, /debug/pprof/faults?seconds=N. A tick is one reading of the kernel's counters.\n"
		"SIGHUP reads --config again: web.*, jsonl, interval, group-rules and verbose change at\n"
		"once; for any other key a message says that the change takes a restart.\n"
		"Once its BPF programs are attached, the daemon gives up its capabilities, becomes --user\n"
		"if root started it, and restricts its own system calls (seccomp).\n"
		"\n"
		"A scrape has at most --max-series series; faultmap's own and OpenMetrics' _created count.\n"
		"The groups with the most recent faults have series of their own, and so have the top\n"
		"mappings of each group, as far as there is room. Everything else is in group=\"other\" or\n"
		"mapping=\"other\". When a group has to make room for another, its series stand still until\n"
		"Prometheus has read their last values, then they end; other counts its faults from then\n"
		"on. So rate() is right, and no counter goes down. The group may come back after five\n"
		"minutes, and then begins at 0. faultmap_series is the number of series,\n"
		"faultmap_groups_evicted_total how many groups had to make room.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	config_file_free(settings->file);
	group_rules_free(settings->rules);
	free(settings);
}

static int read_config_file(struct settings *settings, const char *path, struct error *error)
{
	int result = config_file_read(&settings->file, path ?: DEFAULT_CONFIG_FILE, &daemon_spec,
				      &settings->config, error);

	return !path && result == -ENOENT ? 0 : result;
}

int settings_load(struct settings **ret_settings, int argc, char *const argv[], struct error *error)
{
	static const struct daemon_config defaults = {
		.interval_ms = 1000,
		.watch = { .detail = DETAIL_FAST, .stack_samples = STACK_SAMPLES_DEFAULT },
		.mappings = DEFAULT_MAPPINGS,
		.max_series = DEFAULT_MAX_SERIES,
		.jsonl_limit.keep = LIMIT_KEEP_DEFAULT,
		.otlp_interval_ms = 60000,
	};
	struct daemon_config flags = defaults;
	struct settings *settings;
	int operand;
	int result = options_parse(&daemon_spec, &flags, argc, argv, &operand, error);

	if (result < 0)
		return result;
	settings = calloc(1, sizeof(*settings));
	if (!settings)
		return error_set(error, ENOMEM, "reading the configuration: out of memory");
	settings->config = defaults;
	result = read_config_file(settings, flags.config_file, error);
	if (!result)
		result = options_parse(&daemon_spec, &settings->config, argc, argv, &operand,
				       error);
	if (!result && settings->config.group_rules)
		result = group_rules_read(&settings->rules, settings->config.group_rules, error);
	if (result < 0)
		settings_free(settings);
	else
		*ret_settings = settings;
	return result;
}

bool settings_read_others(const struct settings *settings)
{
	const struct daemon_config *config = &settings->config;

	return config->group_by == GROUP_BY_EXE ||
	       (config->group_by == GROUP_BY_POD &&
		!pod_names_have_logs(config->pod_logs ?: POD_LOGS_DEFAULT)) ||
	       group_rules_use(settings->rules, RULE_EXE);
}

void settings_collect(const struct settings *settings, struct collector_options *options)
{
	options->wants_exe |= settings->config.group_by == GROUP_BY_EXE ||
			      group_rules_use(settings->rules, RULE_EXE);
	options->wants_command |= group_rules_use(settings->rules, RULE_CMDLINE);
}

int settings_check_reload(const struct settings *started, const struct settings *settings,
			  struct error *error)
{
	if (!group_rules_use(settings->rules, RULE_EXE) || settings_read_others(started))
		return 0;
	return error_set(error, EPERM,
			 "rules by exe in %s, where there were none: that takes a restart",
			 settings->config.group_rules);
}

void settings_tell_what_waits(const struct settings *started, const struct settings *settings)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_spec *option = &options[i];

		if (!option->live && !option->only_flag &&
		    !options_same(option, &started->config, &settings->config))
			log_warning("reloading: %s has changed; that takes a restart",
				    option->name);
	}
}
