// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap run`: profiles one command and what descends from it, and ends as the command ended. */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/output_file.h"
#include "model/losses.h"
#include "sink/sink_jsonl.h"
#include "sink/sink_slices.h"
#include "sink/sink_summary.h"
#include "cmd/child.h"
#include "cmd/session.h"
#include "cmd/table_options.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/watch.h"

/* The kernel's last record of a process comes after an RCU grace period: milliseconds, and seconds
 * on a machine under load. Longer than the collector waits for one (VANISHED_NS), so that each
 * process has its exit line. */
#define RECORDS_MS 15000
#define RECORDS_POLL_MS 20

/* How long a reader may take none of the last JSON lines before they are lost. */
#define LAST_LINES_MS 30000

/* Of a file of -o: what a command maps is its user's business. */
#define OUTPUT_MODE 0600

/* Of a mapping, for --slices without --slice: a strip of some 32 to 64 cells. */
#define AUTOMATIC_SLICES 64

struct run_config {
	struct common_options common;
	struct watch_options watch;
	bool json;
	bool slices;
	struct table_options table;
	const char *output;
	const char *jsonl;
	uint64_t interval_ms;
};

static const struct option_spec run_options[] = {
	WATCH_OPTIONS(struct run_config, watch, "full"),
	CONTEXT_OPTIONS(struct run_config, watch),
	{ .name = "json",
	  .help = "print JSON lines instead of the summary; the last one has the totals",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_config, json) },
	{ .name = "jsonl",
	  .argument = "FILE",
	  .help = "write JSON lines to FILE beside the summary, for `faultmap report`",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct run_config, jsonl) },
	TABLE_OPTIONS(struct run_config, table, "mapping; with --all: row"),
	{ .name = "slices",
	  .help = "show where along each mapping the faults were, in up to 64 slices of\n"
		  "each unless --slice says otherwise",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_config, slices) },
	{ .short_name = 'o',
	  .name = "output",
	  .argument = "FILE",
	  .help = "write to FILE (default: standard error)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct run_config, output) },
	INTERVAL_OPTIONS(struct run_config, interval_ms, 50),
	COMMON_OPTIONS(struct run_config, common),
};

static const struct command_spec run_spec = {
	.name = "run",
	.synopsis = "[options] -- COMMAND [ARG...]",
	.summary = "profile one command and its children, then print where they faulted",
	.details =
		"faultmap follows COMMAND, from before exec, and everything that it starts. The run\n"
		"ends when COMMAND does; what still runs then is counted as it stands. Standard output\n"
		"is COMMAND's alone. VSZ and RSS are peaks. GUP are faults that the kernel resolved\n"
		"itself, without an exception: they are in a process's totals and in no mapping.\n"
		"\n"
		"The exit status is COMMAND's: 128+N when signal N killed it, 127 when it was not\n"
		"found, 126 when it could not be executed; 2 for a wrong flag, 77 when this\n"
		"machine cannot count faults, 1 when faultmap itself failed.",
	.options = run_options,
	.n_options = ARRAY_SIZE(run_options),
};

struct run {
	const struct run_config *config;
	char *const *command;
	FILE *output; /* of the summary; NULL with --json */
	struct session *session;
	struct sinks sinks; /* the next three */
	struct sink_summary *summary;
	struct sink_slices *slices; /* NULL unless asked for */
	struct sink_jsonl *jsonl;   /* NULL unless asked for */
	pid_t pid;
	int pidfd;
	uint64_t begin_ns;
	uint64_t wall_ns;
	int wait_status;
	/* Of COMMAND: the first born of all that are followed. 0: not seen. */
	uint64_t root_start_ns;
	bool root_ended;
	size_t n_pending; /* ended, but their last record is still to come */
	bool failed;      /* told once; COMMAND goes on */
};

/* Ticks. --------------------------------------------------------------------------------------- */

/* Who has ended without having been reported as ended yet? */
static int count_pending(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct run *run = context;

	(void)error;
	run->n_pending = 0;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		if (losses_is_other(process))
			continue;
		if (!run->root_start_ns || process->start_ns < run->root_start_ns)
			run->root_start_ns = process->start_ns;
		if (process->ended) {
			run->root_ended |= process->start_ns == run->root_start_ns;
			continue;
		}
		if (kill((pid_t)process->tgid, 0) < 0 && errno == ESRCH)
			run->n_pending++;
	}
	run->n_pending += !run->root_ended;
	return 0;
}

/* The command goes on, whatever we lose: that is said once. */
static int run_fail(struct run *run, const struct error *error)
{
	if (!run->failed)
		log_error("%s; the command goes on, its numbers are incomplete", error->text);
	run->failed = true;
	return 0;
}

static int handle_trouble(void *context, int result, unsigned int in_a_row, const struct error *why)
{
	(void)result;
	(void)in_a_row;
	return run_fail(context, why);
}

static int handle_result(void *context, const void *sink, int result, const struct error *why)
{
	(void)sink;
	return result < 0 ? run_fail(context, why) : 0;
}

/* The command. --------------------------------------------------------------------------------- */

static int handle_end(void *context, uint32_t events)
{
	struct run *run = context;

	(void)events;
	if (waitpid(run->pid, &run->wait_status, 0) < 0)
		return -errno;
	run->wall_ns = monotonic_ns() - run->begin_ns;
	session_stop(run->session);
	return 0;
}

/*
 * What kill(2) sent to us is meant for COMMAND. What the terminal sent (Ctrl-C) went to the whole
 * foreground group, COMMAND with it: a second copy is what many programs take for "now, at once".
 */
static int forward_signal(void *context, const struct signalfd_siginfo *info)
{
	const struct run *run = context;

	if (info->ssi_code != SI_KERNEL)
		kill(run->pid, (int)info->ssi_signo);
	return 0;
}

/* A signal that came before COMMAND exists is meant for us: it ends faultmap now. */
static void take_pending_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

/* From here on signals end COMMAND, not us. 0 or a negative errno. */
static int forward_signals(struct run *run)
{
	struct loop *loop = session_loop(run->session);
	int result = loop_add_signal(loop, SIGQUIT, forward_signal, run);

	if (!result)
		result = loop_add_signal(loop, SIGHUP, forward_signal, run);
	session_set_signal(run->session, forward_signal);
	take_pending_signals();
	return result;
}

/* Until COMMAND has ended, with a tick after that: 0 or a negative errno. */
static int run_follow(struct run *run)
{
	struct error error;
	int result = loop_add_fd(session_loop(run->session), run->pidfd, EPOLLIN, handle_end, run);

	if (!result)
		result = session_set_interval(run->session, run->config->interval_ms);
	session_set_trouble(run->session, handle_trouble);
	session_set_sinks(run->session, &run->sinks, handle_result);
	return result ? result : session_run(run->session, &error);
}

/* Ticks until everybody who has ended is reported with their final counters. */
static int run_await_records(struct run *run, struct error *error)
{
	uint64_t deadline = monotonic_ns() + (uint64_t)RECORDS_MS * 1000000;
	int result = 0;

	session_set_trouble(run->session, NULL);
	while (!result && run->n_pending && monotonic_ns() < deadline) {
		poll(NULL, 0, RECORDS_POLL_MS);
		result = session_tick(run->session, error);
	}
	if (!result && run->n_pending)
		log_warning("the last counters of %zu process(es) did not come within %d s",
			    run->n_pending, RECORDS_MS / 1000);
	return result;
}

/* Output. -------------------------------------------------------------------------------------- */

static int open_jsonl(struct run *run, const char *path, enum outlet_open how, struct error *error)
{
	int result = sink_jsonl_new(&run->jsonl, path, how, error);

	if (!result)
		sinks_add(&run->sinks, &sink_jsonl_ops, run->jsonl);
	return result;
}

static int open_output(struct run *run, struct error *error)
{
	const char *path = run->config->output;
	char shown[256];
	int fd;

	/* By name, to keep ours apart from COMMAND's descriptor; appending, should it be a file. */
	if (run->config->json)
		return open_jsonl(run, path ? path : "/dev/stderr",
				  path ? OUTLET_REPLACE : OUTLET_APPEND, error);
	if (run->config->jsonl && open_jsonl(run, run->config->jsonl, OUTLET_REPLACE, error) < 0)
		return -EIO;
	if (!path) {
		run->output = stderr;
		return 0;
	}
	fd = output_file_open(path, O_TRUNC, OUTPUT_MODE);
	run->output = fd < 0 ? NULL : fdopen(fd, "w");
	text_escape_to(shown, sizeof(shown), path);
	return run->output ? 0 :
			     error_set(error, fd < 0 ? -fd : errno, "opening %s: %s", shown,
				       output_file_strerror(fd < 0 ? -fd : errno));
}

/* In one piece, so that what COMMAND's children still write does not get between the lines. */
static int print_summary(struct run *run, struct error *error)
{
	struct sink_summary_run ended = { .command = (const char *const *)run->command,
					  .wait_status = run->wait_status,
					  .wall_ns = run->wall_ns };
	autofree char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	int result = memory ? sink_summary_print(run->summary, &ended, memory) : -ENOMEM;
	bool is_torn;

	if (!result && run->slices) {
		fputc('\n', memory);
		result = sink_slices_print(run->slices, memory);
	}
	is_torn = memory && fclose(memory) != 0;
	if (result < 0 || is_torn)
		return error_set(error, ENOMEM, "printing the summary: out of memory");
	errno = 0;
	if (fwrite(text, 1, size, run->output) != size || fflush(run->output) != 0)
		return error_set(error, errno ? errno : EIO, "writing the summary: %s",
				 strerror(errno ? errno : EIO));
	return 0;
}

static int print_meta(struct run *run, struct error *error)
{
	const struct collector_info *info = session_info(run->session);
	struct sink_jsonl_meta meta = watch_meta(info, run->config->interval_ms);

	return sink_jsonl_meta(run->jsonl, &meta, error);
}

static int print_run(struct run *run, struct error *error)
{
	struct sink_summary_totals totals = sink_summary_totals(run->summary);
	struct sink_jsonl_run ended = { .command = (const char *const *)run->command,
					.wait_status = run->wait_status,
					.wall_ns = run->wall_ns,
					.processes = totals.processes,
					.minor_total = totals.minor,
					.major_total = totals.major };
	int result = sink_jsonl_run(run->jsonl, &ended, error);

	sink_jsonl_watch(run->jsonl, NULL);
	return result ? result : sink_jsonl_drain(run->jsonl, LAST_LINES_MS, error);
}

/* From beginning to end. ----------------------------------------------------------------------- */

/* Asks the user's locale without setting it: nothing else here depends on it. */
static bool locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is_utf8 = locale && !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");

	if (locale)
		freelocale(locale);
	return is_utf8;
}

static int make_slices(struct run *run, struct error *error)
{
	const struct collector_info *info = session_info(run->session);
	struct sink_slices_options options = { .page_size = (uint64_t)sysconf(_SC_PAGESIZE),
					       .slice_bytes = info->slice_bytes,
					       .slices_max = info->slices_max,
					       .is_automatic = !run->config->watch.slice_bytes,
					       .utf8 = locale_is_utf8(),
					       .show_all = run->config->table.all };

	run->slices = sink_slices_new(&options);
	if (!run->slices)
		return error_set(error, ENOMEM, "starting: out of memory");
	sinks_add(&run->sinks, &sink_slices_ops, run->slices);
	return 0;
}

static int make_summary(struct run *run, struct error *error)
{
	const struct table_options *table = &run->config->table;
	struct sink_summary_options options = {
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.by = table_by(table, table->all ? BY_ROW : BY_MAPPING),
		.sort = (enum tally_sort)table->sort,
		.rows = table->rows,
		.width = run->config->output ? 0 : cmd_terminal_width(STDERR_FILENO),
		.has_colour = !run->config->output && table_has_colour(table, STDERR_FILENO),
		.show_all = table->all,
		.format = table_format(table),
	};

	run->summary = sink_summary_new(&options);
	if (!run->summary)
		return error_set(error, ENOMEM, "starting: out of memory");
	sinks_add(&run->sinks, &sink_summary_ops, run->summary);
	return run->config->slices && !run->config->json ? make_slices(run, error) : 0;
}

static int open_session(struct run *run, struct error *error)
{
	struct collector_options options = watch_collector(&run->config->watch,
							   &run->config->common);
	int result;

	options.follow = true;
	if (run->config->slices && !options.slice_bytes) {
		options.slice_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
		options.slices_max = AUTOMATIC_SLICES;
	}
	result = session_open(&run->session, &options, run->config->interval_ms, count_pending, run,
			      error);
	if (!result && session_info(run->session)->warning)
		log_warning("%s", session_info(run->session)->warning);
	return result;
}

/* Everything that may fail before COMMAND exists. */
static int run_prepare(struct run *run, struct error *error)
{
	int result = open_session(run, error);

	if (!result)
		result = make_summary(run, error);
	if (!result && run->jsonl) {
		sink_jsonl_watch(run->jsonl, session_loop(run->session));
		result = print_meta(run, error);
	}
	if (result < 0)
		return result;
	session_set_sinks(run->session, &run->sinks, NULL);
	return session_tick(run->session, error);
}

static int run_finish(struct run *run, struct error *error)
{
	int result = run_await_records(run, error);

	if (result < 0)
		run_fail(run, error);
	result = run->jsonl ? print_run(run, error) : 0;
	if (result < 0 && run->output) {
		log_error("%s", error->text);
		run->failed = true;
	}
	return run->output ? print_summary(run, error) : result;
}

static int status_of_wait(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* With COMMAND started: its exit status, or ours where it ended well and we did not. */
static int run_to_end(struct run *run)
{
	struct error error;
	int result = run_follow(run), status;

	if (result < 0) {
		log_error("waiting for the command: %s", strerror(-result));
		waitpid(run->pid, NULL, 0); /* not profiled any more, but waited for */
		return EXIT_FAILED;
	}
	status = status_of_wait(run->wait_status);
	result = run_finish(run, &error);
	if (result < 0)
		log_error("%s", error.text);
	return status == EXIT_DONE && (result < 0 || run->failed) ? EXIT_FAILED : status;
}

static int run_start(struct run *run)
{
	struct error error;
	int result = open_output(run, &error);

	if (result < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	result = run_prepare(run, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	result = forward_signals(run);
	if (result < 0) {
		log_error("watching signals: %s", strerror(-result));
		return EXIT_FAILED;
	}
	run->begin_ns = monotonic_ns();
	result = child_start(run->command, &run->pid, &run->pidfd, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return child_status_of(result);
	}
	return run_to_end(run);
}

static void run_free(struct run *run)
{
	sinks_free(&run->sinks);
	session_close(run->session);
	if (run->output && run->output != stderr)
		fclose(run->output);
	if (run->pidfd >= 0)
		close(run->pidfd);
}

static int run_main(int argc, char *argv[])
{
	struct run_config config = { .interval_ms = 1000,
				     .watch.detail = DETAIL_FULL,
				     .table = TABLE_DEFAULTS };
	struct run run = { .config = &config, .pidfd = -1 };
	int operand, status;

	if (!cmd_begin(&cmd_run, &config, argc, argv, &operand, &status))
		return status;
	if (operand >= argc) {
		log_error("run needs a command: faultmap run [options] -- COMMAND [ARG...]");
		return EXIT_USAGE;
	}
	if (!table_options_fit(&config.table, "run"))
		return EXIT_USAGE;
	if (config.json && config.table.csv) {
		log_error("give --csv or --json, not both");
		return EXIT_USAGE;
	}
	if (config.json && config.jsonl) {
		log_error(
			"--json writes the lines in the summary's place, --jsonl beside it: give one");
		return EXIT_USAGE;
	}
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error */
	run.command = argv + operand;
	status = run_start(&run);
	run_free(&run);
	return status;
}

const struct command cmd_run = { .spec = &run_spec, .main = run_main };
