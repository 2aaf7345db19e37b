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
#include "symbol/symbolizer.h"

struct check_config {
	struct common_options common;
	bool json;
};

static const struct option_spec check_options[] = {
	{ .name = "json",
	  .help = "print each feature as one line of JSON",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct check_config, json) },
	COMMON_OPTIONS(struct check_config, common),
};

static const struct command_spec check_spec = {
	.name = "check",
	.synopsis = "[options]",
	.summary = "say what works with this kernel, this machine and your privileges",
	.details =
		"The exit status is 0 if `faultmap daemon` would work here, and 77 if it would not.",
	.options = check_options,
	.n_options = ARRAY_SIZE(check_options),
};

/* A feature is used, or refused by a kernel that has it, or absent. */
static const char *state_of(const struct feature_state *state)
{
	if (state->available)
		return "used";
	return state->refused ? "refused" : "absent";
}

static void print_text(const struct feature_state *state, const struct feature_info *info)
{
	const char *missing = info->required ? "MISSING" : "no";
	const char *refused = info->required ? "REFUSED" : "refused";

	printf("%-8s %-15s %s",
	       state->available ? "yes" :
	       state->refused   ? refused :
				  missing,
	       info->name, state->why);
	if (!state->available) {
		printf("; lost: %s", info->lost);
		if (info->remedy)
			printf("; to do: %s", info->remedy);
	}
	putchar('\n');
}

static int print_json(const struct feature_state *state, const struct feature_info *info)
{
	json_t *line = json_pack("{s:s, s:b, s:s, s:s*, s:b, s:s, s:s, s:s*, s:s*}", "feature",
				 info->name, "available", state->available, "state",
				 state_of(state), "errno", state->refused ? state->error : NULL,
				 "required", info->required, "why", state->why, "gives",
				 info->gives, "lost", state->available ? NULL : info->lost,
				 "remedy", state->available ? NULL : info->remedy);
	int result = line ? json_dumpf(line, stdout, JSON_COMPACT) : -1;

	json_decref(line);
	putchar('\n');
	return result;
}

/* What this faultmap was built without (make WITHOUT="..."). */
static const struct {
	const char *name, *gives, *lost;
} left_out[] = {
#ifdef WITHOUT_TERM
	{ "term", "the interactive view of top", "top has tables alone" },
#endif
#ifdef WITHOUT_ZSTD
	{ "zstd", "logs compressed by zstd", "logs are compressed by gzip alone" },
#endif
#ifdef WITHOUT_CONNECT
	{ "connect", "top --connect to a running daemon",
	  "top has no --connect, daemon no --otlp" },
#endif
	{}
};

/* What names of code lack. */
static void print_names(void)
{
	struct error error;

	if (!symbolizer_is_built())
		puts("built without names for code (WITHOUT=symbol): stacks shows offsets");
	else if (debug_files_load(&error) < 0)
		puts(error.text);
}

static int print_left_out(const struct check_config *config)
{
	static const char why[] = "left out when this faultmap was built (make WITHOUT=...)";
	int result = 0;

	for (size_t i = 0; !result && left_out[i].name; i++) {
		json_t *line = config->json ?
				       json_pack("{s:s, s:b, s:s, s:b, s:s, s:s, s:s}", "feature",
						 left_out[i].name, "available", 0, "state",
						 "absent", "required", 0, "why", why, "gives",
						 left_out[i].gives, "lost", left_out[i].lost) :
				       NULL;

		if (!config->json)
			printf("%-8s %-15s %s; lost: %s\n", "no", left_out[i].name, why,
			       left_out[i].lost);
		else if (!line || json_dumpf(line, stdout, JSON_COMPACT) || putchar('\n') == EOF)
			result = -1;
		json_decref(line);
	}
	return result;
}

static void print_memory(const struct collector_info *info)
{
	char rows[TEXT_COUNT_LEN], bytes[TEXT_SIZE_LEN];

	printf("table of %s rows (--max-rows); all maps take %s of kernel memory\n",
	       text_count(rows, info->max_rows), text_bytes(bytes, info->map_bytes));
}

static int print_features(const struct check_config *config, const struct feature_set *features)
{
	int result = 0;

	for (enum feature feature = 0; !result && feature < FEATURE_COUNT; feature++) {
		const struct feature_state *state = &features->state[feature];

		if (config->json)
			result = print_json(state, feature_info(feature));
		else
			print_text(state, feature_info(feature));
	}
	return result;
}

/* Loads and attaches everything that a command does, then lets go of it. */
static int try_collector(const struct check_config *config, enum detail detail, bool follow,
			 struct feature_set *features, struct collector_info *ret_info,
			 struct error *error)
{
	const struct watch_options watch = { .detail = detail };
	struct collector_options options = watch_collector(&watch, &config->common);
	struct collector *collector = NULL;
	int result;

	options.follow = follow;
	options.try_all = true;
	options.ret_features = features;
	result = collector_new(&collector, &options, error);
	if (!result)
		*ret_info = *collector_info(collector);
	collector_free(collector);
	return result;
}

/* Tries what `daemon` and `run` do by default, as each loads programs that the other does not. A
 * feature counts as refused if either was refused it. */
static int try_all(const struct check_config *config, struct feature_set *features,
		   struct collector_info *ret_info, struct error *error, struct error *run_error)
{
	struct feature_set as_run = {};
	struct collector_info info_of_run;
	int result = try_collector(config, DETAIL_FAST, false, features, ret_info, error);

	run_error->text[0] = '\0';
	if (result)
		return result;
	if (!try_collector(config, DETAIL_FULL, true, &as_run, &info_of_run, run_error))
		run_error->text[0] = '\0';
	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++)
		if (as_run.state[feature].refused)
			features->state[feature] = as_run.state[feature];
	return 0;
}

static int check_main(int argc, char *argv[])
{
	struct check_config config = {};
	struct feature_set features = {};
	struct collector_info info = {};
	struct error error, run_error;
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
	cmd_buffer_stdout();
	result = try_all(&config, &features, &info, &error, &run_error);
	if (print_features(&config, &features) || print_left_out(&config))
		return EXIT_FAILED;
	if (result) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	if (!config.json)
		print_memory(&info);
	if (!config.json)
		print_names();
	if (run_error.text[0])
		log_warning("`faultmap run` does not work here: %s", run_error.text);
	else if (!config.json)
		puts("faultmap works here: its programs load, attach and detach.");
	return EXIT_DONE;
}

const struct command cmd_check = { &check_spec, check_main };
