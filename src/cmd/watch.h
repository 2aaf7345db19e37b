/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flags of every command that watches faults, and what they ask of the collector: defined once,
 * so that --detail and --slice mean the same everywhere. Everything is borrowed from the command's
 * config.
 */
#ifndef FAULTMAP_WATCH_H
#define FAULTMAP_WATCH_H

#include "collect/collector.h"
#include "base/options.h"
#include "sink/sink_jsonl.h"

/* Part of the command's config, which sets the defaults before it parses. */
struct watch_options {
	int detail;           /* enum detail */
	uint64_t slice_bytes; /* 0: mappings are not split */
	uint64_t max_rows;    /* of the kernel's table; 0: by the number of CPUs */
	bool threads;
	bool code;
	bool stacks; /* code, too */
	uint64_t stack_samples;
};

/* The words of --detail, by enum detail; NULL-terminated. */
extern const char *const watch_details[];

/* Entries of an option table; default_detail ("fast") is for the help. */
#define WATCH_OPTIONS(config, member, default_detail)                                             \
	{ .name = "detail",                                                                       \
	  .argument = "LEVEL",                                                                    \
	  .help = "fast, or full: exact kind and latency of every fault (default " default_detail \
		  ")",                                                                            \
	  .type = OPTION_CHOICE,                                                                  \
	  .offset = offsetof(config, member.detail),                                              \
	  .choices = watch_details },                                                             \
		{ .name = "slice",                                                                \
		  .argument = "SIZE",                                                             \
		  .help = "count each slice of a mapping separately, for JSON lines. SIZE is a\n" \
			  "power of two from 4K to 1T; it doubles until a mapping has at most\n"  \
			  "1024 slices (default: mappings are not split)",                        \
		  .type = OPTION_SIZE,                                                            \
		  .offset = offsetof(config, member.slice_bytes),                                 \
		  .min = 4096,                                                                    \
		  .max = 1ULL << 40 },                                                            \
	{                                                                                         \
		.name = "max-rows", .argument = "N",                                              \
		.help = "have room for N rows that count faults in the same tick (default:\n"     \
			"32768, full detail 24576; more with more than 16 CPUs)",                 \
		.type = OPTION_UINT, .offset = offsetof(config, member.max_rows), .min = 1,       \
		.max = 1048576                                                                    \
	}

/* Entries for commands that show threads ... */
#define THREADS_OPTION(config, member)                                                  \
	{                                                                               \
		.name = "threads",                                                      \
		.help = "count each thread separately, for JSON lines and --by thread", \
		.type = OPTION_FLAG, .offset = offsetof(config, member.threads)         \
	}
/* Every how many faults a stack is copied: a prime, so that no program faults in step with it. */
#define STACK_SAMPLES_DEFAULT 101
#define STACK_SAMPLES_OPTION(config, member)                                                      \
	{                                                                                         \
		.name = "stack-samples", .argument = "N",                                         \
		.help = "with --stacks, where frame pointers do not find the callers: copy and\n" \
			"unwind the stack of an instruction's first fault and of every N-th\n"    \
			"fault (default: 101; 0: none)",                                          \
		.type = OPTION_UINT, .offset = offsetof(config, member.stack_samples), .min = 0,  \
		.max = 1000000                                                                    \
	}
/* ... and code. */
#define CODE_OPTIONS(config, member)                                                                   \
	STACK_SAMPLES_OPTION(config, member),                                                          \
		{ .name = "stacks",                                                                    \
		  .help = "count each call path separately, as far as frame pointers lead; includes\n" \
			  "what --code does",                                                          \
		  .type = OPTION_FLAG,                                                                 \
		  .offset = offsetof(config, member.stacks) },                                         \
	{                                                                                              \
		.name = "code",                                                                        \
		.help = "count each instruction separately, as a file and an offset in it, for\n"      \
			"JSON lines and tables of code",                                               \
		.type = OPTION_FLAG, .offset = offsetof(config, member.code)                           \
	}

/* Which rows and processes are summed up in JSON lines; part of the command's config. */
struct fold_flags {
	uint64_t min_faults;
	uint64_t top;
	int exits; /* a bool: which of fold_words */
};

/* "none", "exit"; NULL-terminated. */
extern const char *const fold_words[];

/* prefix: "" or "jsonl-". */
#define FOLD_OPTIONS(prefix, config, member)                                                   \
	{ .name = prefix "min-faults",                                                         \
	  .argument = "N",                                                                     \
	  .help = "write no `faults` line of fewer than N faults, unless denied:\n"            \
		  "`other` lines sum these up by cgroup, user and kind",                       \
	  .type = OPTION_UINT,                                                                 \
	  .offset = offsetof(config, member.min_faults),                                       \
	  .min = 1,                                                                            \
	  .max = UINT32_MAX },                                                                 \
		{ .name = prefix "top",                                                        \
		  .argument = "N",                                                             \
		  .help = "write at most N `faults` lines at each tick, those with the most\n" \
			  "faults, denied ones first; `other` lines sum up the rest",          \
		  .type = OPTION_UINT,                                                         \
		  .offset = offsetof(config, member.top),                                      \
		  .min = 1,                                                                    \
		  .max = UINT32_MAX },                                                         \
	{                                                                                      \
		.name = prefix "fold", .argument = "WHAT",                                     \
		.help = "exit: sum up processes that began and ended between two ticks in\n"   \
			"`exits` lines, unless one of the two flags before leaves them a\n"    \
			"`faults` line (default: none)",                                       \
		.type = OPTION_CHOICE, .offset = offsetof(config, member.exits),               \
		.choices = fold_words                                                          \
	}

/* How large a file of JSON lines grows; part of the command's config. */
struct limit_flags {
	uint64_t max_bytes; /* 0: any */
	uint64_t keep;
};

#define LIMIT_KEEP_DEFAULT 7
#define LIMIT_OPTIONS(config, member)                                                              \
	{ .name = "jsonl-max",                                                                     \
	  .argument = "SIZE",                                                                      \
	  .help = "when FILE has grown to SIZE, rename it to FILE.1, FILE.1 to FILE.2 and\n"       \
		  "so on: a power of two from 64K to 1T (default: never)",                         \
	  .type = OPTION_SIZE,                                                                     \
	  .offset = offsetof(config, member.max_bytes),                                            \
	  .min = 64 << 10,                                                                         \
	  .max = 1ULL << 40 },                                                                     \
	{                                                                                          \
		.name = "jsonl-keep", .argument = "N",                                             \
		.help = "with --jsonl-max: keep N renamed files (default 7)", .type = OPTION_UINT, \
		.offset = offsetof(config, member.keep), .min = 1, .max = 1000                     \
	}

struct fold_options watch_folding(const struct fold_flags *flags);

/* For collector_new and session_open; `follow` and the like are the command's to add. */
struct collector_options watch_collector(const struct watch_options *watch,
					 const struct common_options *common);
/* For the `meta` line; borrows from info. interval_ms 0: none that is fixed. */
struct sink_jsonl_meta watch_meta(const struct collector_info *info, uint64_t interval_ms);

#endif
