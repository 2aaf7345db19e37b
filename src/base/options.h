/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One typed table per command says every flag: it parses, checks, and prints the help. Long flags
 * as --name=VALUE or --name VALUE, short ones as -n VALUE or -nVALUE, "--" ends them; the first
 * operand ends them too (so that `faultmap run ls -l` leaves -l to ls).
 */
#ifndef FAULTMAP_OPTIONS_H
#define FAULTMAP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum option_type {
	OPTION_FLAG,    /* bool: set to true */
	OPTION_COUNT,   /* unsigned int: one more each time (-v) */
	OPTION_STRING,  /* const char *: borrowed from argv */
	OPTION_UINT,    /* uint64_t between min and max */
	OPTION_SECONDS, /* uint64_t milliseconds, from decimal seconds ("0.5"); min and max in ms */
	OPTION_SIZE,    /* uint64_t bytes: a power of two between min and max, with K, M, G or T */
	OPTION_CHOICE,  /* int: the index of the word in choices[] */
	OPTION_LIST,    /* struct option_list: each use adds one, at most OPTION_LIST_MAX */
};

#define OPTION_LIST_MAX 16
struct option_list {
	const char *values[OPTION_LIST_MAX];
	size_t count;
};

struct option_spec {
	char short_name;      /* 0: none */
	const char *name;     /* without the dashes */
	const char *argument; /* what the help calls the value; NULL for flags */
	const char *help;     /* may hold several lines */
	enum option_type type;
	size_t offset;              /* of the value in the command's config struct */
	uint64_t min, max;          /* OPTION_UINT, OPTION_SECONDS, OPTION_SIZE */
	const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
	bool hidden;                /* parsed, not in the help */
	bool only_flag;             /* no key of a configuration file */
	/* OPTION_STRING, OPTION_LIST: says what is wrong with a value; may be NULL */
	int (*check)(const char *value, struct error *error);
	bool live; /* a running daemon can take a new value */
};

struct command_spec {
	const char *name;     /* "run" */
	const char *synopsis; /* "[options] -- COMMAND [ARG...]" */
	const char *summary;  /* one line for `faultmap --help` */
	const char *details;  /* paragraphs after the options; may be NULL */
	const struct option_spec *options;
	size_t n_options;
};

/*
 * Parses argv[1..] into config. *ret_operand is the index of the first operand (argc if none).
 * Flags win over what config holds already: the first use of a list or count replaces it.
 * -h/--help and -v/--verbose are the caller's to put into the table, via COMMON_OPTIONS().
 * 0, or -EINVAL with the error saying which flag, what value, and what is accepted.
 */
int options_parse(const struct command_spec *command, void *config, int argc, char *const argv[],
		  int *ret_operand, struct error *error);

/*
 * A key of a configuration file: the flag's name without dashes, yes or no for OPTION_FLAG. Lists
 * grow, all else is set. 0, or -EINVAL with the error as from options_parse, without dashes.
 */
int options_set(const struct command_spec *command, void *config, const char *key,
		const char *value, struct error *error);
/* NULL if the command has no such flag. */
const struct option_spec *options_find(const struct command_spec *command, const char *name);
/* Two configs have the same value. */
bool options_same(const struct option_spec *option, const void *config, const void *other);

/* The help text of one command. */
void options_print_help(const struct command_spec *command, FILE *stream);

/* Every command's config starts with these. */
struct common_options {
	bool help;
	unsigned int verbose;
	struct option_list disabled; /* features to do without: features.h */
};

/* How often, for every command that ticks; least_ms is an integer. `delay` is the older name. */
#define INTERVAL_OPTIONS(config, member, least_ms)                                           \
	{ .short_name = 'd',                                                                 \
	  .name = "interval",                                                                \
	  .argument = "SECONDS",                                                             \
	  .help = "read the kernel's counters every SECONDS (default: 1)",                   \
	  .type = OPTION_SECONDS,                                                            \
	  .offset = offsetof(config, member),                                                \
	  .min = least_ms,                                                                   \
	  .max = 86400000 },                                                                 \
	{                                                                                    \
		.name = "delay", .argument = "SECONDS", .help = "the same", .hidden = true,  \
		.type = OPTION_SECONDS, .offset = offsetof(config, member), .min = least_ms, \
		.max = 86400000                                                              \
	}

#define COMMON_OPTIONS(config, member)                                           \
	{ .short_name = 'v',                                                     \
	  .name = "verbose",                                                     \
	  .help = "say more on stderr; twice: libbpf's messages too",            \
	  .type = OPTION_COUNT,                                                  \
	  .live = true,                                                          \
	  .offset = offsetof(config, member.verbose) },                          \
		{ .short_name = 'h',                                             \
		  .name = "help",                                                \
		  .help = "print this help",                                     \
		  .type = OPTION_FLAG,                                           \
		  .only_flag = true,                                             \
		  .offset = offsetof(config, member.help) },                     \
	{                                                                        \
		.name = "disable-feature", .argument = "NAME", .hidden = true,   \
		.help = "do as if this kernel or machine lacked it (for tests)", \
		.type = OPTION_LIST, .offset = offsetof(config, member.disabled) \
	}

#endif
