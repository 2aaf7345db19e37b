// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/cmd.h"

#include <jansson.h>
#include <stdio.h>

#include "collect/collector.h"
#include "collect/features.h"
#include "base/log.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/watch.h"

struct check_config {
	struct common_options common;
	bool json;
};

static const struct option_spec check_options[] = {
	{ .name = "json",
	  .help = "one JSON object per feature and line",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct check_config, json) },
	COMMON_OPTIONS(struct check_config, common),
};

static const struct command_spec check_spec = {
	.name = "check",
	.synopsis = "[options]",
	.summary = "say what this kernel, machine and these privileges allow",
	.details =
		"Exits with 0 when `faultmap daemon` would work here, with 77 when it would not.",
	.options = check_options,
	.n_options = ARRAY_SIZE(check_options),
};

static const char *state_of(const struct feature_state *state, const struct feature_info *info)
{
	if (state->available)
		return "yes";
	return info->required ? "MISSING" : "no";
}

static void print_text(const struct feature_state *state, const struct feature_info *info)
{
	printf("%-8s %-15s %s", state_of(state, info), info->name, state->why);
	if (!state->available) {
		printf("; lost: %s", info->lost);
		if (info->remedy)
			printf("; to do: %s", info->remedy);
	}
	putchar('\n');
}

static int print_json(const struct feature_state *state, const struct feature_info *info)
{
	json_t *line = json_pack("{s:s, s:b, s:b, s:s, s:s, s:s*, s:s*}", "feature", info->name,
				 "available", state->available, "required", info->required, "why",
				 state->why, "gives", info->gives, "lost",
				 state->available ? NULL : info->lost, "remedy",
				 state->available ? NULL : info->remedy);
	int result = line ? json_dumpf(line, stdout, JSON_COMPACT) : -1;

	json_decref(line);
	putchar('\n');
	return result;
}

static void print_memory(const struct collector_info *info)
{
	char rows[TEXT_COUNT_LEN], bytes[TEXT_SIZE_LEN];

	printf("table of %s rows (--max-rows); all maps take %s of kernel memory\n",
	       text_count(rows, info->max_rows), text_bytes(bytes, info->map_bytes));
}

/* The proof of the pudding: loads and attaches everything, then lets go of it. */
static int try_collector(const struct check_config *config, struct error *error)
{
	const struct watch_options as_daemon = { .detail = DETAIL_FAST };
	struct collector_options options = watch_collector(&as_daemon, &config->common);
	struct collector *collector = NULL;
	int result = collector_new(&collector, &options, error);

	if (!result && !config->json)
		print_memory(collector_info(collector));
	collector_free(collector);
	return result;
}

static int check_main(int argc, char *argv[])
{
	struct check_config config = {};
	struct feature_set features = {};
	struct error error;
	int operand, status, result;

	if (!cmd_begin(&cmd_check, &config, argc, argv, &operand, &status))
		return status;
	if (operand < argc) {
		log_error("check takes no operand, but got \"%s\"; see faultmap check --help",
			  argv[operand]);
		return EXIT_USAGE;
	}
	if (features_probe(&features, &config.common.disabled, &error)) {
		log_error("%s", error.text);
		return EXIT_USAGE;
	}
	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
		const struct feature_info *info = feature_info(feature);

		if (!config.json)
			print_text(&features.state[feature], info);
		else if (print_json(&features.state[feature], info))
			return EXIT_FAILED;
	}
	result = try_collector(&config, &error);
	if (result) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	if (!config.json)
		puts("faultmap works here: its programs load, attach and detach.");
	return EXIT_DONE;
}

const struct command cmd_check = { &check_spec, check_main };
