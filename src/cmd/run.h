/* SPDX-License-Identifier: GPL-2.0-only */
/* What cmd_run.c (a command), run_attach.c (what runs already) and run_output.c (what is printed)
 * share; nobody else includes it. */
#ifndef FAULTMAP_RUN_H
#define FAULTMAP_RUN_H

#include <stdio.h>
#include <sys/types.h>

#include "cmd/cmd.h"
#include "cmd/filter_flags.h"
#include "cmd/privileges.h"
#include "cmd/marks.h"
#include "cmd/session.h"
#include "cmd/stack_output.h"
#include "cmd/table_options.h"
#include "cmd/unwinding.h"
#include "cmd/watch.h"
#include "collect/referenced.h"
#include "sink/sink_jsonl.h"
#include "sink/sink_slices.h"
#include "sink/sink_summary.h"
#include "verdict/budget.h"
#include "verdict/findings_phases.h"
#include "verdict/phases.h"

struct run_config {
	struct common_options common;
	struct watch_options watch;
	bool json;
	bool slices;
	struct table_options table;
	struct stack_options stacks;
	const char *output;
	const char *jsonl;
	struct filter_flags filter;
	struct option_list budget;
	const char *budget_file;
	const char *phase;
	const char *junit;
	bool no_explain;
	bool everything;      /* -a */
	uint64_t interval_ms; /* 0: not given */
	uint64_t count;       /* of ticks; 0: not given */
	const char *user;     /* whom COMMAND runs as; NULL: as faultmap runs */
	bool only_code;       /* `stacks`: functions alone, without the summary */
	bool only_findings;   /* `explain`: findings alone */
	bool unused;          /* `explain`: of memory that is not touched, too */
};

/* The flags of both: whom to attach to, for how long, and as whom COMMAND runs. */
#define RUN_OPTIONS                                                                             \
	INTERVAL_OPTIONS(struct run_config, interval_ms, 50),                                   \
		{ .short_name = 'a',                                                            \
		  .name = "everything",                                                         \
		  .help = "attach to all processes",                                            \
		  .type = OPTION_FLAG,                                                          \
		  .offset = offsetof(struct run_config, everything) },                          \
		FILTER_OPTIONS(struct run_config, filter),                                      \
		{ .name = "user",                                                               \
		  .argument = "NAME",                                                           \
		  .help = "run COMMAND as this user, with its groups, HOME, USER and LOGNAME\n" \
			  "(default: the user who runs faultmap)",                              \
		  .type = OPTION_STRING,                                                        \
		  .offset = offsetof(struct run_config, user),                                  \
		  .check = privileges_check },                                                  \
	{                                                                                       \
		.short_name = 'n', .name = "count", .argument = "COUNT",                        \
		.help = "when attached: end after COUNT ticks (default: 1 with -d, else when\n" \
			"interrupted)",                                                         \
		.type = OPTION_UINT, .offset = offsetof(struct run_config, count), .min = 1,    \
		.max = 1000000000                                                               \
	}

struct run {
	const struct run_config *config;
	char *const *command;        /* NULL: attached to what runs already */
	struct privileges_user user; /* of COMMAND, if it is not ours */
	FILE *output;                /* of the summary; NULL with --json */
	struct unwinder *unwinder;   /* NULL: stacks are not copied */
	struct build_ids *build_ids; /* NULL without --stacks */
	struct session *session;
	struct sinks sinks; /* the next three */
	struct sink_summary *summary;
	struct sink_slices *slices;                /* NULL unless asked for */
	struct sink_jsonl *jsonl;                  /* NULL unless asked for */
	struct stack_output stacks;                /* its sink is there with --code and --stacks */
	struct budget *budget;                     /* empty unless asked for */
	struct phases *phases;                     /* NULL: attached */
	struct marks *marks;                       /* NULL: attached */
	FILE *junit;                               /* NULL unless asked for */
	struct findings_phases *looker;            /* NULL with --no-explain */
	struct referenced *referenced[ATTACH_MAX]; /* --unused: of each --pid */
	const struct finding *findings;            /* the next: at the end, the looker's */
	size_t n_findings;
	pid_t pid;
	int pidfd;
	uint64_t interval_ms;
	uint64_t begin_ns;
	uint64_t wall_ns;
	int wait_status;
	/* Of COMMAND: the first born of all that are followed. 0: not seen. */
	uint64_t root_start_ns;
	bool root_ended;
	size_t n_attached; /* of --pid, that have not ended */
	struct {
		bool is_seen, is_reported; /* as ended */
	} named[ATTACH_MAX];
	size_t n_pending; /* ended, but their last record is still to come */
	bool failed;      /* told once; COMMAND goes on */
};

/* `run` and `stacks`, with the defaults that are in the config: from the flags to the exit
 * status. */
int run_main(const struct command *command, struct run_config *config, int argc, char *argv[]);
/* The same once cmd_begin() has read the flags of a command of this name; `command` NULL: none is
 * followed. */
int run_begun(const char *name, struct run_config *config, char *const *command);
/* Opens the session as the flags say, with its sinks, and writes the first JSON line. `follow`:
 * only what descends from us. As below. */
int run_prepare(struct run *run, bool follow, session_tick_fn on_tick, struct error *error);
/* A callback of it: counts processes that have ended but were not reported as ended yet. */
int run_count_pending(void *context, const struct snapshot *snapshot, struct error *error);
/* Ticks until all of these are reported with their final counters. As below. */
int run_await_records(struct run *run, struct error *error);
/* The same for the stacks that are being unwound. */
int run_await_stacks(struct run *run, struct error *error);
/* Whether rows are by code. */
bool run_has_code(const struct run *run);
/* Before what is profiled begins: the file of -o, or of --jsonl. 0 or a negative errno with the
 * error set. */
int run_open_output(struct run *run, struct error *error);
/* Adds the summary, and strips, to the sinks; after the session was opened. As above. */
int run_make_sinks(struct run *run, struct error *error);
/* The first JSON line. As above. */
int run_print_meta(struct run *run, struct error *error);
/* The files of call paths and the summary; `ended` says of what, `result` how the lines before
 * went, with the error set where they failed. As above. */
int run_print_end(struct run *run, const struct sink_summary_run *ended, int result,
		  struct error *error);
/* All JSON lines are out, or lost. As above. */
int run_drain(struct run *run, struct error *error);
/* Reports, once, that we failed: what is profiled continues. Returns 0. */
int run_fail(struct run *run, const struct error *error);
/* The callbacks of a session that go with that. */
int run_handle_trouble(void *context, int result, unsigned int in_a_row, const struct error *why);
int run_handle_result(void *context, const void *sink, int result, const struct error *why);
/* Frees and closes all. */
void run_free(struct run *run);

/* Reads the budgets: false when something is wrong with them, which has been said. */
bool run_read_budget(struct run *run);
/* Before what is profiled begins: the file of --junit. 0 or a negative errno with the error set. */
int run_open_junit(struct run *run, struct error *error);
/* Before the session is opened, with a command. As above. */
int run_open_marks(struct run *run, struct error *error);
/* Adds the budgets, and phases, to the sinks, and makes ready for marks. As above. */
int run_prepare_verdict(struct run *run, struct error *error);
/* After the last tick: what is in run->findings from now on, and the JSON lines of budgets and
 * findings. As above. */
int run_end_verdict(struct run *run, struct error *error);
/* Writes the JUnit report, and a line on stderr for each broken budget. Returns the exit status,
 * which was `status` before. */
int run_judge(struct run *run, int status);

/* What was asked for without a command. The exit status. */
int run_attach(struct run *run);

#endif
