/* SPDX-License-Identifier: GPL-2.0-only */
/* A command with an option of each type, for the targets that read them. */
#ifndef FAULTMAP_TEST_FUZZ_OPTIONS_H
#define FAULTMAP_TEST_FUZZ_OPTIONS_H

#include "fuzz.h"
#include "base/options.h"

struct config {
	struct common_options common;
	bool flag;
	const char *text;
	uint64_t number, seconds_ms, size;
	int choice;
	struct option_list list;
};

static const char *const words[] = { "fast", "full", NULL };

static const struct option_spec options[] = {
	COMMON_OPTIONS(struct config, common),
	{ .short_name = 'f',
	  .name = "flag",
	  .help = "h",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct config, flag) },
	{ .short_name = 'o',
	  .name = "output",
	  .argument = "FILE",
	  .help = "h",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct config, text) },
	{ .short_name = 'n',
	  .name = "count",
	  .argument = "N",
	  .help = "h",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct config, number),
	  .min = 1,
	  .max = 1000 },
	{ .short_name = 'd',
	  .name = "delay",
	  .argument = "SECONDS",
	  .help = "h",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct config, seconds_ms),
	  .min = 100,
	  .max = 86400000 },
	{ .name = "slice",
	  .argument = "SIZE",
	  .help = "h",
	  .type = OPTION_SIZE,
	  .offset = offsetof(struct config, size),
	  .min = 4096,
	  .max = 1ULL << 40 },
	{ .name = "detail",
	  .argument = "LEVEL",
	  .help = "h",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct config, choice),
	  .choices = words },
	{ .name = "listen",
	  .argument = "ADDRESS",
	  .help = "h",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct config, list) },
};

static const struct command_spec command = {
	.name = "fuzz",
	.synopsis = "[options]",
	.summary = "every type of option",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

/* Each value is unset or within its bounds, whatever came. */
static inline void check_config(const struct config *config)
{
	FUZZ_ASSERT(!config->number || (config->number >= 1 && config->number <= 1000));
	FUZZ_ASSERT(!config->seconds_ms ||
		    (config->seconds_ms >= 100 && config->seconds_ms <= 86400000));
	FUZZ_ASSERT(!config->size || (config->size >= 4096 && config->size <= 1ULL << 40 &&
				      !(config->size & (config->size - 1))));
	FUZZ_ASSERT(config->choice == 0 || config->choice == 1);
	FUZZ_ASSERT(config->list.count <= OPTION_LIST_MAX);
	FUZZ_ASSERT(config->common.disabled.count <= OPTION_LIST_MAX);
}

#endif
