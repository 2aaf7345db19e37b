// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap top`: tables on standard output, one (--once) or one per tick (-b). */
#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/memory.h"
#include "collect/collector.h"
#include "base/log.h"
#include "cmd/filter_flags.h"
#include "cmd/session.h"
#include "cmd/table_options.h"
#include "sink/finding_text.h"
#include "sink/sink_table.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/top.h"
#include "client/stream_client.h"

#ifdef WITHOUT_CONNECT
static int check_target(const char *target, struct error *error)
{
	(void)target;
	return error_set(error, EINVAL,
			 "--connect: this faultmap was built without it "
			 "(WITHOUT=connect)");
}
#else
#define check_target stream_client_check
#endif

static const struct option_spec top_options[] = {
	{ .name = "once",
	  .help = "print one table and exit",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct top_config, once) },
	{ .short_name = 'b',
	  .name = "batch",
	  .help = "print a table at each tick",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct top_config, batch) },
	{ .short_name = 'n',
	  .name = "count",
	  .argument = "COUNT",
	  .help = "with -b: end after COUNT ticks (default: when interrupted)",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct top_config, count),
	  .min = 1,
	  .max = 1000000000 },
	{ .name = "number",
	  .argument = "COUNT",
	  .help = "the same",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct top_config, count),
	  .min = 1,
	  .max = 1000000000,
	  .hidden = true },
	INTERVAL_OPTIONS(struct top_config, interval_ms, 50),
	TABLE_OPTIONS(struct top_config, table, "process"),
	TABLE_JSON_OPTION(struct top_config, table),
	TABLE_COMMAND_OPTION(struct top_config, table),
	FILTER_OPTIONS(struct top_config, filter),
	{ .short_name = 'w',
	  .name = "width",
	  .argument = "COLUMNS",
	  .help = "print tables at most COLUMNS wide (default: as wide as the terminal;\n"
		  "without a terminal nothing is cut)",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct top_config, width),
	  .min = 20,
	  .max = 10000 },
	{ .name = "replay",
	  .help = "show recorded JSON lines instead of this machine; name the oldest FILE\n"
		  "first",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct top_config, replay) },
	{ .name = "connect",
	  .argument = "WHERE",
	  .help = "show the stream of a running `faultmap daemon --stream`, which needs no\n"
		  "privileges: unix:PATH, HOST:PORT or https://HOST[:PORT]",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct top_config, connect),
	  .check = check_target },
	{ .name = "credentials",
	  .argument = "FILE",
	  .help = "with --connect: read USER:PASSWORD from the first line of FILE (default:\n"
		  "from the environment variable FAULTMAP_CREDENTIALS, if set)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct top_config, credentials) },
	{ .name = "ca",
	  .argument = "FILE",
	  .help = "with --connect https://: trust the certificate authorities in FILE, in\n"
		  "PEM form (default: those that this system trusts)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct top_config, ca) },
	{ .name = "ascii",
	  .help = "on a terminal: draw with ASCII only (default: as the locale says)",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct top_config, ascii) },
	WATCH_OPTIONS(struct top_config, watch, "fast"),
	THREADS_OPTION(struct top_config, watch),
	{ .name = "code",
	  .help = "count each instruction separately, for the table of code on a terminal",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct top_config, watch.code) },
	USER_OPTION(struct top_config, user),
	COMMON_OPTIONS(struct top_config, common),
};

static const struct command_spec top_spec = {
	.name = "top",
	.synopsis = "[--once | -b] [options] [--replay FILE... | --connect WHERE]",
	.summary = "show who faults now, on the terminal or as a table",
	.details =
		"On a terminal top is interactive, like htop: press h for its keys. It uses no colours if\n"
		"NO_COLOR is set. If standard output is not a terminal, or with --json or --csv, top\n"
		"prints tables, as with -b.\n"
		"\n"
		"Columns that end in /s are rates since the tick before. MINOR and MAJOR are totals of\n"
		"processes that still run; (exited) is the sum of those that have ended. By mapping,\n"
		"file, kind and row they are what faultmap has counted since it started. Otherwise they\n"
		"are the kernel's own counters since each process began (min_flt and maj_flt of ps), and\n"
		"include faults that the kernel resolved without an exception, which the KIND column\n"
		"shows as `gup`.",
	.options = top_options,
	.n_options = ARRAY_SIZE(top_options),
};

struct top {
	const struct top_config *config;
	struct privileges_user user; /* that it becomes */
	struct session *session;
	struct sinks sinks; /* the table */
};

static int count_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct top *top = context;
	uint64_t wanted = top->config->once ? 1 : top->config->count;

	(void)error;
	if (wanted && snapshot->tick >= wanted)
		session_stop(top->session);
	return 0;
}

/* Ends without a table of the interval that the signal has cut short. */
static int handle_signal(void *context, const struct signalfd_siginfo *info)
{
	struct top *top = context;

	(void)info;
	session_stop_at_once(top->session);
	return 0;
}

static bool has_stdin(char *const files[])
{
	while (*files && strcmp(*files, "-"))
		files++;
	return *files;
}

/* What the option table cannot say: which flags go together. */
static bool top_accepts(struct top_config *config, int argc, int operand, char *argv[])
{
	char shown[128];

	text_escape_to(shown, sizeof(shown), operand < argc ? argv[operand] : "");
	if (operand < argc && !config->replay)
		log_error("top takes no operand: \"%s\"; see faultmap top --help", shown);
	else if (operand == argc && config->replay)
		log_error("--replay needs a FILE; see faultmap top --help");
	else if (config->replay && has_stdin(argv + operand))
		log_error("--replay reads its files more than once: standard input cannot be one");
	else if (config->replay && filter_flags_given(&config->filter))
		log_error("--replay shows all processes of the log: filters are for running "
			  "processes; on the screen use the keys \\ and u");
	else if (config->connect && config->replay)
		log_error("give --connect or --replay, not both");
	else if (config->connect && (config->filter.pid.count || config->filter.by.exe.count))
		log_error("--connect takes the filters --comm, --unit, --cgroup and --uid, but not "
			  "--pid and --exe");
	else if (config->connect && config->interval_ms)
		log_error("--connect uses the daemon's interval: it does not take -d");
	else if (!config->connect && (config->credentials || config->ca))
		log_error("--credentials and --ca go with --connect");
	else if (config->once && config->batch)
		log_error("give --once or -b, not both");
	else
		return table_options_fit(&config->table, table_by(&config->table, BY_PROCESS), true,
					 "top");
	return false;
}

/* With --once, -n was the number of lines before there was --rows: that still works. */
static void accept_old_n(struct top_config *config)
{
	if (!config->once || !config->count)
		return;
	log_warning("--once takes -n for --rows: say --rows, as -n is the number of ticks");
	if (!config->table.rows)
		config->table.rows = config->count;
}

static int top_run(struct top *top)
{
	struct collector_options options = watch_collector(&top->config->watch,
							   &top->config->common);
	struct error error;
	int result;

	options.wants_exe = top->config->table.by == BY_EXE;
	options.wants_command = top->config->table.commands;
	options.threads |= top->config->table.by == BY_THREAD;
	filter_flags_collect(&top->config->filter, &options);
	result = session_open(&top->session, &options, top->config->interval_ms, count_tick, top,
			      &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	if (session_info(top->session)->warning)
		log_warning("%s", session_info(top->session)->warning);
	session_set_sinks(top->session, &top->sinks, NULL);
	session_set_signal(top->session, handle_signal);
	result = session_set_filter(top->session, &top->config->filter.by);
	if (result < 0)
		error_set(&error, -result, "starting: %s", strerror(-result));
	else
		result = session_give_up_privileges(top->session, &top->user, &top->config->common,
						    SANDBOX_WATCH, &error);
	if (!result)
		result = session_run(top->session, &error);
	if (!result)
		filter_flags_tell(&top->config->filter, top->session);
	session_close(top->session);
	if (result < 0 && result != -EPIPE) /* `top -b | head`: the reader has what it wanted */
		log_error("%s", error.text);
	return result < 0 ? EXIT_FAILED : EXIT_DONE;
}

void top_table(const struct top_config *config, struct sink_table_options *ret_options,
	       uint64_t page_size)
{
	*ret_options = (struct sink_table_options){
		.by = table_by(&config->table, BY_PROCESS),
		.sort = (enum tally_sort)config->table.sort,
		.rows = config->table.rows,
		.show_all = config->table.all,
		.width = config->width ? (unsigned int)config->width :
					 cmd_terminal_width(STDOUT_FILENO),
		.has_commands = config->table.commands,
		.columns = config->table.chosen,
		.has_colour = table_has_colour(&config->table, STDOUT_FILENO),
		.format = table_format(&config->table),
		.page_size = page_size,
		.has_findings = true,
		.limit_of = config->connect || config->replay ? NULL : memory_limit_of,
		.stream = stdout,
	};
}

static int top_main(int argc, char *argv[])
{
	struct top_config config = { .watch.detail = DETAIL_FAST, .table = TABLE_DEFAULTS };
	struct sink_table_options options;
	struct top top = { .config = &config };
	struct sink_table *table;
	struct error error;
	int operand, status;
	bool has_screen;

	if (!cmd_begin(&cmd_top, &config, argc, argv, &operand, &status))
		return status;
	if (!top_accepts(&config, argc, operand, argv))
		return EXIT_USAGE;
	/* Without a terminal it is a table per tick. */
	has_screen = !config.once && !config.batch && !config.table.json && !config.table.csv &&
		     top_has_screen();
	if (has_screen && config.table.by >= 0 && !top_screen_has(config.table.by)) {
		log_error("--by %s is for tables: add -b or --once",
			  grouping_words[config.table.by]);
		return EXIT_USAGE;
	}
	config.has_interval = config.interval_ms != 0;
	config.interval_ms = config.interval_ms ?: 1000;
	accept_old_n(&config);
	if (config.replay)
		return has_screen ? top_replay_on_screen(&config, argv + operand) :
				    top_replay_tables(&config, argv + operand);
	if (config.connect)
		return top_connected(&config, has_screen);
	if (filter_flags_read(&config.filter, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_USAGE;
	}
	if (privileges_find(&top.user, config.user, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	if (has_screen)
		return top_on_screen(&config, &top.user);
	top_table(&config, &options, (uint64_t)sysconf(_SC_PAGESIZE));
	table = sink_table_new(&options);
	if (!table) {
		log_error("starting: out of memory");
		return EXIT_FAILED;
	}
	sinks_add(&top.sinks, &sink_table_ops, table);
	status = top_run(&top);
	sinks_free(&top.sinks);
	return status;
}

const struct command cmd_top = { .spec = &top_spec, .main = top_main };
