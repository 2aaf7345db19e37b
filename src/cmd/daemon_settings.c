// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/daemon_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/privileges.h"
#include "metrics/sink_prometheus.h"
#include "serve/listen.h"
#include "serve/web.h"

/* About 200 KiB per scrape, which Prometheus takes without a thought. */
#define DEFAULT_MAX_SERIES 2000
/* About 10 MiB per scrape: beyond that a person has made a mistake. */
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
	  .help = "read flags from FILE, without their dashes, one NAME = VALUE a line;\n"
		  "those on the command line win (default " DEFAULT_CONFIG_FILE ",\n"
		  "if it is there)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, config_file),
	  .only_flag = true },
	{ .name = "check-config",
	  .help = "say whether the configuration is good, or where it is not, and exit",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, check_config),
	  .only_flag = true },
	{ .name = "listen",
	  .argument = "ADDRESS",
	  .help = "serve HTTP here; may be given several times: ADDR:PORT, [IPv6]:PORT,\n"
		  ":PORT for every address, unix:PATH, or fd:// for systemd's sockets\n"
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
	  .help = "allow POST /-/reload, which does what SIGHUP does",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, web_enable_lifecycle),
	  .live = true },
	{ .name = "jsonl",
	  .argument = "FILE",
	  .help = "append JSON lines to FILE as `faultmap log` writes them (SIGHUP opens\n"
		  "it again), or to a listener at unix:PATH, or to standard output (-)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct daemon_config, jsonl),
	  .live = true },
	{ .name = "stream",
	  .help = "serve JSON lines as they come at /stream, for top --connect:\n"
		  "by a unix: socket, or to who has a password or client certificate\n"
		  "(--mappings-names all: to everybody)",
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
	  .offset = offsetof(struct daemon_config, mappings),
	  .check = check_mappings },
	{ .name = "mappings-names",
	  .argument = "WHICH",
	  .help = "public: [private] stands for files in directories that not everybody\n"
		  "may list; all; auto (default): public if anybody can read it, by TCP\n"
		  "without a password or client certificate, otherwise all",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct daemon_config, mappings_names),
	  .choices = mappings_names_words },
	{ .name = "max-series",
	  .argument = "N",
	  .help = "at most N series in a scrape, all included (default 2000, at least\n"
		  "1300)",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct daemon_config, max_series),
	  .min = PROMETHEUS_LEAST_MAX_SERIES,
	  .max = MOST_MAX_SERIES },
	{ .name = "stacks",
	  .help = "count the faults of each call path apart: JSON lines have them, and\n"
		  "/debug/pprof/faults is a profile of the last minute or less, for\n"
		  "Parca and Pyroscope. More rows, and twice the time of a fault",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct daemon_config, watch.stacks) },
	STACK_SAMPLES_OPTION(struct daemon_config, watch),
	WATCH_OPTIONS(struct daemon_config, watch, "fast"),
	COMMON_OPTIONS(struct daemon_config, common),
};

const struct command_spec daemon_spec = {
	.name = "daemon",
	.synopsis = "[options]",
	.summary = "run as a service: metrics for Prometheus, JSON lines to a file",
	.details =
		"Serves /metrics, / (a page for the browser), /-/healthy, /-/ready (the last tick\n"
		"succeeded), /-/reload and with --stacks /debug/pprof/faults?seconds=N, in the\n"
		"foreground, until SIGTERM or SIGINT. A tick is one reading of the kernel's counters.\n"
		"SIGHUP reads --config again: web.*, jsonl, interval and verbose change at once; for any\n"
		"other key a message says that it takes a restart.\n"
		"Once the programs are attached the daemon gives up its capabilities, becomes --user if\n"
		"root has started it, and takes a filter of system calls upon itself.\n"
		"\n"
		"A scrape has at most --max-series series, faultmap's own and OpenMetrics' _created\n"
		"included. The groups with the most faults of late have series of their own, and so have\n"
		"the top mappings of each group as far as there is room; the rest is group=\"other\" or\n"
		"mapping=\"other\". A group that has to go stands still until Prometheus has seen its last\n"
		"values, then its series end; other counts what it does from then on: rate() is right and\n"
		"no counter goes down. It may come back after five minutes, and begins at 0 then.\n"
		"faultmap_series says how many series there are, faultmap_groups_evicted_total how often\n"
		"a group had to go.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	config_file_free(settings->file);
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
	if (result < 0)
		settings_free(settings);
	else
		*ret_settings = settings;
	return result;
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
