/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flags of every command that prints a table: defined once, so that --by, --sort, --rows,
 * --all, --csv and --color mean the same everywhere. Everything is borrowed from the command's
 * config.
 */
#ifndef FAULTMAP_TABLE_OPTIONS_H
#define FAULTMAP_TABLE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "model/grouping.h"
#include "sink/tally_grid.h"
#include "sink/tally_records.h"

/* Part of the command's config; TABLE_DEFAULTS before it parses. */
struct table_options {
	int by;   /* enum grouping_by; TABLE_UNSET: not given */
	int sort; /* enum tally_sort */
	uint64_t rows;
	bool all;
	bool csv;
	bool json;
	int colour; /* enum colour */
	bool commands;
	const char *columns;
	struct tally_columns chosen; /* what it says: table_options_fit() */
};
#define TABLE_UNSET (-1)
#define TABLE_DEFAULTS                               \
	{                                            \
		.by = TABLE_UNSET, .sort = SORT_COST \
	}

/* The words of --color, NULL-terminated. */
extern const char *const table_colours[];

/* Entries of an option table; default_by ("process") is for the help. */
#define TABLE_OPTIONS(config, member, default_by)                                                      \
	{ .name = "by",                                                                                \
	  .argument = "WHAT",                                                                          \
	  .help = "one line per process, thread, mapping, file, kind, unit, cgroup, comm,\n"           \
		  "exe, uid, parent or row (default: " default_by ")",                                 \
	  .type = OPTION_CHOICE,                                                                       \
	  .offset = offsetof(config, member.by),                                                       \
	  .choices = grouping_words },                                                                 \
		{ .name = "sort",                                                                      \
		  .argument = "WHAT",                                                                  \
		  .help = "the largest stall, faults, minor, major, denied, bytes, rate, pages, rss\n" \
			  "or vsz first; or the first pid or name (default: stall if most faults\n"    \
			  "were timed, else faults)",                                                  \
		  .type = OPTION_CHOICE,                                                               \
		  .offset = offsetof(config, member.sort),                                             \
		  .choices = tally_sort_words },                                                       \
		{ .name = "rows",                                                                      \
		  .argument = "N",                                                                     \
		  .help = "print N lines and sum up the rest in one (default: 15, or more until the\n" \
			  "rest is small and has no major or denied faults)",                          \
		  .type = OPTION_UINT,                                                                 \
		  .offset = offsetof(config, member.rows),                                             \
		  .min = 1,                                                                            \
		  .max = 1000000000 },                                                                 \
		{ .name = "all",                                                                       \
		  .help = "print every line, not only the largest",                                    \
		  .type = OPTION_FLAG,                                                                 \
		  .offset = offsetof(config, member.all) },                                            \
		{ .name = "columns",                                                                   \
		  .argument = "TITLES",                                                                \
		  .help = "print these columns: titles of the table, separated by commas (default:\n"  \
			  "as many as fit the width)",                                                 \
		  .type = OPTION_STRING,                                                               \
		  .offset = offsetof(config, member.columns) },                                        \
		{ .name = "csv",                                                                       \
		  .help = "print comma-separated values",                                              \
		  .type = OPTION_FLAG,                                                                 \
		  .offset = offsetof(config, member.csv) },                                            \
	{                                                                                              \
		.name = "color", .argument = "WHEN",                                                   \
		.help = "colour lines with denied or major faults: never, always, or auto, on a\n"     \
			"terminal unless NO_COLOR is set or TERM is dumb (default: auto)",             \
		.type = OPTION_CHOICE, .offset = offsetof(config, member.colour),                      \
		.choices = table_colours                                                               \
	}
/* The flag --json, which means something else in `run`. */
#define TABLE_JSON_OPTION(config, member)                                       \
	{                                                                       \
		.name = "json", .help = "print each table as one line of JSON", \
		.type = OPTION_FLAG, .offset = offsetof(config, member.json)    \
	}

/* Not of `report`: no log has command lines. */
#define TABLE_COMMAND_OPTION(config, member)                                         \
	{                                                                            \
		.short_name = 'c', .name = "command",                                \
		.help = "show command lines instead of names; implies --by process", \
		.type = OPTION_FLAG, .offset = offsetof(config, member.commands)     \
	}

/* What is grouped by, if it was not said: `by`. */
enum grouping_by table_by(const struct table_options *options, enum grouping_by by);
/* The same for `run` and `report`: mappings, with --all rows. */
enum grouping_by table_by_of_summary(const struct table_options *options);
/* What the option table cannot say: which flags go together, and which columns there are, where it
 * is grouped so. is_live: as in `top`. False: it has told. */
bool table_options_fit(struct table_options *options, enum grouping_by by, bool is_live,
		       const char *command);
enum tally_format table_format(const struct table_options *options);
/* Whether fd is to have colours. */
bool table_has_colour(const struct table_options *options, int fd);

#endif
