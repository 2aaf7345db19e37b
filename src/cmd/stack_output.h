/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `stacks`, `run` and `report` print about code: the flags, the sink that adds it up, the
 * names, and the files. Everything is owned here except the sink, which the command's sinks free.
 */
#ifndef FAULTMAP_STACK_OUTPUT_H
#define FAULTMAP_STACK_OUTPUT_H

#include "base/options.h"
#include "cmd/unwinding.h"
#include "sink/profile_output.h"
#include "symbol/symbolizer.h"

/* Part of the command's config. */
struct stack_options {
	int weight; /* enum profile_weight */
	const char *kind;
	const char *mapping;
	const char *folded;
	const char *pprof;
	const char *flame;
	const char *debuginfod; /* URLs; NULL: no server is asked */
};

/* For the table below: a kind that there is. */
int stack_options_check_kind(const char *name, struct error *error);

#define STACK_OPTIONS(config, member)                                                           \
	{ .name = "weight",                                                                     \
	  .argument = "WHAT",                                                                   \
	  .help = "sort code by faults (default), pages, major or stall",                       \
	  .type = OPTION_CHOICE,                                                                \
	  .offset = offsetof(config, member.weight),                                            \
	  .choices = profile_weight_words },                                                    \
		{ .name = "kind",                                                               \
		  .argument = "KIND",                                                           \
		  .help = "show code for faults of this kind only",                             \
		  .type = OPTION_STRING,                                                        \
		  .offset = offsetof(config, member.kind),                                      \
		  .check = stack_options_check_kind },                                          \
		{ .name = "mapping",                                                            \
		  .argument = "NAME",                                                           \
		  .help = "show code for faults in mappings of this name only",                 \
		  .type = OPTION_STRING,                                                        \
		  .offset = offsetof(config, member.mapping) },                                 \
		{ .name = "folded",                                                             \
		  .argument = "FILE",                                                           \
		  .help = "write call paths to FILE, for flamegraph.pl and speedscope",         \
		  .type = OPTION_STRING,                                                        \
		  .offset = offsetof(config, member.folded) },                                  \
		{ .name = "pprof",                                                              \
		  .argument = "FILE",                                                           \
		  .help = "write a gzipped profile for pprof to FILE",                          \
		  .type = OPTION_STRING,                                                        \
		  .offset = offsetof(config, member.pprof) },                                   \
		DEBUGINFOD_OPTION(config, member.debuginfod),                                   \
	{                                                                                       \
		.name = "flame", .argument = "FILE",                                            \
		.help = "write a flame graph to FILE, as one HTML page", .type = OPTION_STRING, \
		.offset = offsetof(config, member.flame)                                        \
	}

struct stack_output {
	const struct stack_options *options;
	struct sink_profile *profile; /* in the command's sinks; NULL: not in use */
	struct symbolizer *symbolizer;
};

/* Whether the flags ask for any file. */
bool stack_options_ask(const struct stack_options *options);
/* Whether one of them goes to standard output, which is its own then. */
bool stack_options_take_stdout(const struct stack_options *options);
/* Makes the sink and adds it. `disabled` is borrowed: features that --disable names. 0 or -ENOMEM
 * with the error set. */
int stack_output_open(struct stack_output *output, const struct stack_options *options,
		      const struct option_list *disabled, struct sinks *sinks, struct error *error);
/* Finds the names, and writes the files. 0 or a negative errno with the error set. */
int stack_output_write(struct stack_output *output, uint64_t page_size, struct error *error);
/* After it: the table, of the 20 functions that come first unless `all`. */
int stack_output_print(struct stack_output *output, bool all, unsigned int width, FILE *stream,
		       struct error *error);
void stack_output_free(struct stack_output *output);

#endif
