// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap run`: profiles one command and its descendants, and exits with the command's status. */
#include "cmd/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/child.h"
#include "model/losses.h"

/* How long to wait for the last records. The kernel's last record of a process comes after an RCU
 * grace period: milliseconds, but seconds on a machine under load. This is longer than the
 * collector waits for one (VANISHED_NS), so that each process has its exit line. */
#define RECORDS_MS 15000
#define RECORDS_POLL_MS 20
/* The last stacks are unwound in milliseconds, unless a file takes long to read. */
#define STACKS_MS 5000

/* The most slices of a mapping with --slices but no --slice: a strip of some 32 to 64 cells. */
#define AUTOMATIC_SLICES 64

static const struct option_spec run_options[] = {
	WATCH_OPTIONS(struct run_config, watch, "full"),
	THREADS_OPTION(struct run_config, watch),
	CODE_OPTIONS(struct run_config, watch),
	STACK_OPTIONS(struct run_config, stacks),
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
	TABLE_COMMAND_OPTION(struct run_config, table),
	{ .name = "budget",
	  .argument = "TERMS",
	  .help = "allow at most this, as in 'major<=0, minor[mapping=/usr/*]<=100,\n"
		  "stall<=10ms'; the exit status is 3 when there is more",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct run_config, budget) },
	{ .name = "budget-file",
	  .argument = "FILE",
	  .help = "read the budget from FILE, a term on each line",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct run_config, budget_file) },
	{ .name = "phase",
	  .argument = "NAME",
	  .help = "apply budgets to the phase NAME only: from the mark NAME to the next mark",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct run_config, phase) },
	{ .name = "no-explain",
	  .help = "print no findings: what the figures mean, and what to do about them",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_config, no_explain) },
	{ .name = "junit",
	  .argument = "FILE",
	  .help = "write the result of each budget to FILE, as a JUnit report",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct run_config, junit) },
	RUN_OPTIONS,
	COMMON_OPTIONS(struct run_config, common),
};

static const struct command_spec run_spec = {
	.name = "run",
	.synopsis = "[options] -- COMMAND [ARG...] | run -p PID[,PID...] | --unit UNIT ... | -a",
	.summary = "profile a command or running processes, then print where they fault",
	.details =
		"faultmap follows COMMAND, from before its exec, and all processes that it starts. The\n"
		"run ends when COMMAND ends; processes that still run then are counted up to that moment.\n"
		"faultmap prints to standard error, or to -o FILE: standard output is left to COMMAND.\n"
		"VSZ and RSS are peaks. GUP means faults that the kernel resolved itself, without an\n"
		"exception: they count in a process's totals, but in no mapping.\n"
		"Under sudo COMMAND runs as root; with --user \"$SUDO_USER\" it runs as you.\n"
		"\n"
		"Without COMMAND faultmap attaches to running processes. It prints the summary after\n"
		"-d SECONDS, at Ctrl-C, or when all processes of --pid have ended.\n"
		"\n"
		"COMMAND can divide its run into phases: a line that it writes to the file descriptor in\n"
		"$FAULTMAP_MARK begins a phase of that name. In a shell script:\n"
		"[ -z \"$FAULTMAP_MARK\" ] || echo steady >&\"$FAULTMAP_MARK\"\n"
		"\n"
		"The exit status is COMMAND's: 128+N when signal N killed it, 127 when it was not\n"
		"found, 126 when it could not be executed. Otherwise it is 2 for a wrong flag, 77 when\n"
		"this machine cannot count faults, 3 when COMMAND succeeded but broke a budget, and 1\n"
		"when faultmap itself failed.",
	.options = run_options,
	.n_options = ARRAY_SIZE(run_options),
};

/* Ticks. --------------------------------------------------------------------------------------- */

/* Counts the processes that have ended but were not reported as ended yet. */
int run_count_pending(void *context, const struct snapshot *snapshot, struct error *error)
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
	run->n_pending += run->command && !run->root_ended;
	return 0;
}

/* The command. --------------------------------------------------------------------------------- */

static int handle_end(void *context, uint32_t events)
{
	struct run *run = context;

	(void)events;
	if (waitpid(run->pid, &run->wait_status, 0) < 0)
		return -errno;
	run->wall_ns = monotonic_ns() - run->begin_ns;
	if (!marks_end(run->marks))
		log_warning("the last mark does not end with a newline: it was ignored");
	session_stop(run->session);
	return 0;
}

/*
 * Passes on signals that kill(2) sent to us: they are meant for COMMAND. The terminal's (Ctrl-C)
 * are not passed on, as they went to the whole foreground group: many programs take a second one
 * for "stop at once".
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

/* From now on signals go to COMMAND and do not end faultmap. 0 or a negative errno. */
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

/* Runs until COMMAND has ended, and takes a last tick. 0 or a negative errno. */
static int run_follow(struct run *run)
{
	struct error error;
	int result = loop_add_fd(session_loop(run->session), run->pidfd, EPOLLIN, handle_end, run);

	if (!result)
		result = session_set_interval(run->session, run->interval_ms);
	session_set_trouble(run->session, run_handle_trouble);
	session_set_sinks(run->session, &run->sinks, run_handle_result);
	return result ? result : session_run(run->session, &error);
}

/* Takes ticks until every process that has ended is reported with its final counters. */
int run_await_records(struct run *run, struct error *error)
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

int run_await_stacks(struct run *run, struct error *error)
{
	uint64_t deadline = monotonic_ns() + (uint64_t)STACKS_MS * 1000000;
	int result = 0;

	session_set_trouble(run->session, NULL);
	while (!result && session_unwinding(run->session) && monotonic_ns() < deadline) {
		poll(NULL, 0, RECORDS_POLL_MS);
		result = session_tick(run->session, error);
	}
	return result;
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
	int result;

	ended.phases = phases_list(run->phases, &ended.n_phases);
	result = sink_jsonl_run(run->jsonl, &ended, error);
	return result ? result : run_drain(run, error);
}

/* From beginning to end. ----------------------------------------------------------------------- */

static int open_session(struct run *run, bool follow, session_tick_fn on_tick, struct error *error)
{
	struct collector_options options = watch_collector(&run->config->watch,
							   &run->config->common);
	int result;

	options.follow = follow;
	options.wants_exe = run->config->table.by == BY_EXE;
	options.wants_command = run->config->table.commands;
	options.threads |= run->config->table.by == BY_THREAD;
	filter_flags_collect(&run->config->filter, &options);
	if (run->config->slices && !options.slice_bytes) {
		options.slice_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
		options.slices_max = AUTOMATIC_SLICES;
	}
	unwinding_open(&run->unwinder, &run->config->watch, NULL, &run->config->common.disabled,
		       &options);
	build_ids_open(&run->build_ids, &run->config->watch, &options);
	result = session_open(&run->session, &options, run->interval_ms, on_tick, run, error);
	if (!result && session_info(run->session)->warning)
		log_warning("%s", session_info(run->session)->warning);
	return result;
}

int run_prepare(struct run *run, bool follow, session_tick_fn on_tick, struct error *error)
{
	int result = open_session(run, follow, on_tick, error);

	if (!result)
		result = run_make_sinks(run, error);
	if (!result)
		result = run_prepare_verdict(run, error);
	if (!result && run->jsonl) {
		sink_jsonl_watch(run->jsonl, session_loop(run->session));
		result = run_print_meta(run, error);
	}
	return result;
}

/* Everything that may fail before COMMAND exists. */
static int prepare(struct run *run, struct error *error)
{
	int result = run_prepare(run, true, run_count_pending, error);

	if (result < 0)
		return result;
	session_set_sinks(run->session, &run->sinks, NULL);
	return session_tick(run->session, error);
}

static int run_finish(struct run *run, struct error *error)
{
	struct sink_summary_run ended = { .command = (const char *const *)run->command,
					  .wait_status = run->wait_status,
					  .wall_ns = run->wall_ns };
	int result = run_await_records(run, error) ?: run_await_stacks(run, error);

	if (result < 0)
		run_fail(run, error);
	phases_end(run->phases, run->begin_ns + run->wall_ns);
	result = run_end_verdict(run, error);
	if (!result && run->jsonl)
		result = print_run(run, error);
	return run_print_end(run, &ended, result, error);
}

static int status_of_wait(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* Runs the started COMMAND to its end. Returns its exit status, or ours if only we failed. */
static int run_to_end(struct run *run)
{
	struct error error;
	int result = run_follow(run), status;

	if (result < 0) {
		log_error("waiting for the command: %s", strerror(-result));
		marks_end(run->marks);      /* it may wait for an answer to a mark */
		waitpid(run->pid, NULL, 0); /* not profiled any more, but waited for */
		return EXIT_FAILED;
	}
	status = status_of_wait(run->wait_status);
	result = run_finish(run, &error);
	if (result < 0)
		log_error("%s", error.text);
	if (result < 0)
		run->failed = true;
	return run_judge(run, status);
}

static int run_start(struct run *run)
{
	struct child_descriptor mark;
	struct error error;
	int result = run_open_output(run, &error);

	if (!result)
		result = run_open_junit(run, &error);
	if (!result) /* its thread would be counted, were it to come later */
		result = run_open_marks(run, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	result = prepare(run, &error);
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
	mark = (struct child_descriptor){ marks_descriptor(run->marks), marks_number(run->marks) };
	result = child_start(run->command, run->config->user ? &run->user : NULL, &mark, &run->pid,
			     &run->pidfd, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return child_status_of(result);
	}
	return run_to_end(run);
}

/* What the option table cannot say: which flags go together. */
static bool run_accepts(struct run_config *config, const char *name, bool has_command)
{
	bool has_filter = filter_flags_given(&config->filter) || config->everything;
	struct error error;

	if (!has_command && !has_filter)
		log_error(
			"%s needs a command: faultmap %s [options] -- COMMAND [ARG...]; or -p PID, "
			"--unit UNIT and the like, or -a, to attach to running processes",
			name, name);
	else if (has_command && has_filter)
		log_error(
			"give either a command, or -p, -a and filters, which choose among running "
			"processes");
	else if (has_command && config->count)
		log_error("-n goes with -p, -a and filters; a command runs until it ends");
	else if (!has_command && config->user)
		log_error("--user is the user to run COMMAND as, and no COMMAND is given");
	else if (stack_options_ask(&config->stacks) && !config->watch.code && !config->watch.stacks)
		log_error("--folded, --pprof and --flame need --stacks, or --code");
	else if (config->json && config->table.columns)
		log_error("--columns is for tables, and --json prints none");
	else if (config->json && config->table.csv)
		log_error("give --csv or --json, not both");
	else if (config->json && config->jsonl)
		log_error(
			"--json writes the lines instead of the summary, --jsonl beside it: give one");
	else if (filter_flags_read(&config->filter, &error) < 0)
		log_error("%s", error.text);
	else
		return table_options_fit(&config->table, table_by_of_summary(&config->table), false,
					 name);
	return false;
}

int run_begun(const char *name, struct run_config *config, char *const *command)
{
	struct run run = { .config = config, .pidfd = -1, .command = command };
	struct error error;
	int status;

	if (!run_accepts(config, name, command))
		return EXIT_USAGE;
	if (config->user && privileges_find(&run.user, config->user, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error */
	run.interval_ms = config->interval_ms ?: 1000;
	if (run_read_budget(&run))
		status = run.command ? run_start(&run) : run_attach(&run);
	else
		status = EXIT_USAGE;
	run_free(&run);
	return status;
}

int run_main(const struct command *command, struct run_config *config, int argc, char *argv[])
{
	int operand, status;

	if (!cmd_begin(command, config, argc, argv, &operand, &status))
		return status;
	return run_begun(command->spec->name, config, operand < argc ? argv + operand : NULL);
}

static int main_of_run(int argc, char *argv[])
{
	struct run_config config = { .watch = { .detail = DETAIL_FULL,
						.stack_samples = STACK_SAMPLES_DEFAULT },
				     .table = TABLE_DEFAULTS };

	return run_main(&cmd_run, &config, argc, argv);
}

const struct command cmd_run = { .spec = &run_spec, .main = main_of_run };
