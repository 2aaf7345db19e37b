// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap stacks`: which code faults, of a command, of a process or of all. */
#include "cmd/cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "cmd/child.h"
#include "cmd/session.h"
#include "cmd/stack_output.h"
#include "cmd/watch.h"

/* How long the last record of a command may take: longer than the collector waits for one. */
#define RECORDS_MS 15000
#define RECORDS_POLL_MS 20

struct stacks_config {
	struct common_options common;
	struct watch_options watch;
	struct stack_options stacks;
	uint64_t pid; /* 0: not given */
	bool every_process;
	bool all;
	uint64_t duration_ms; /* 0: until it ends, or a signal */
};

static const struct option_spec stacks_options[] = {
	{ .short_name = 'p',
	  .name = "pid",
	  .argument = "PID",
	  .help = "watch this process, which runs already",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct stacks_config, pid),
	  .min = 1,
	  .max = 4194304 },
	{ .short_name = 'a',
	  .name = "all-processes",
	  .help = "watch all processes",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stacks_config, every_process) },
	{ .short_name = 'd',
	  .name = "duration",
	  .argument = "SECONDS",
	  .help = "end after SECONDS (default: when the process or COMMAND ends, or at Ctrl-C)",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct stacks_config, duration_ms),
	  .min = 100,
	  .max = 86400000 },
	{ .name = "all",
	  .help = "show every function, not only the 20 that faulted most",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stacks_config, all) },
	STACK_OPTIONS(struct stacks_config, stacks),
	WATCH_OPTIONS(struct stacks_config, watch, "full"),
	COMMON_OPTIONS(struct stacks_config, common),
};

static const struct command_spec stacks_spec = {
	.name = "stacks",
	.synopsis = "-p PID | -a | -- COMMAND [ARG...] [options]",
	.summary = "show which code faults, and who called it",
	.details =
		"A line for each function: the faults of its own instructions, and with CALLERS those\n"
		"of what it called besides. WHERE is its source line, or its file; MOSTLY the kind and\n"
		"mapping that it faulted in most. Instructions are exact for every program. Callers are\n"
		"found by frame pointers: a library or program that was built without them hides them,\n"
		"and the last line says how much of the faults has whole stacks. A name counts only\n"
		"within its function's size: what is in none is file+offset.\n"
		"\n"
		"With --folded, --pprof and --flame, - is standard output. The exit status is\n"
		"COMMAND's, as of faultmap run.",
	.options = stacks_options,
	.n_options = ARRAY_SIZE(stacks_options),
};

struct stacks {
	const struct stacks_config *config;
	char *const *command; /* NULL: none */
	struct session *session;
	struct sinks sinks;
	struct stack_output output;
	pid_t pid; /* of COMMAND, or as given; 0: all */
	int pidfd;
	int wait_status;
	bool has_ended; /* COMMAND has, and was waited for */
	bool is_over;   /* and its last record has come */
	uint64_t deadline_ns;
};

static int watch_end(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct stacks *stacks = context;

	(void)error;
	for (size_t i = 0; stacks->pid && i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->tgid == (uint32_t)stacks->pid &&
		    snapshot->processes[i]->ended)
			stacks->is_over = true;
	if ((!stacks->command && stacks->is_over) ||
	    (stacks->deadline_ns && monotonic_ns() >= stacks->deadline_ns))
		session_stop(stacks->session);
	return 0;
}

static int handle_end(void *context, uint32_t events)
{
	struct stacks *stacks = context;

	(void)events;
	if (waitpid(stacks->pid, &stacks->wait_status, 0) < 0)
		return -errno;
	stacks->has_ended = true;
	session_stop(stacks->session);
	return 0;
}

/* Ticks of at most a second that end with the duration. */
static uint64_t interval_of(uint64_t duration_ms)
{
	uint64_t ticks = (duration_ms + 999) / 1000;

	return ticks ? duration_ms / ticks : 1000;
}

static int open_session(struct stacks *stacks, struct error *error)
{
	struct collector_options options = watch_collector(&stacks->config->watch,
							   &stacks->config->common);
	int result;

	options.follow = stacks->command;
	options.code = options.stacks = true;
	result = session_open(&stacks->session, &options, interval_of(stacks->config->duration_ms),
			      watch_end, stacks, error);
	if (result < 0)
		return result;
	if (session_info(stacks->session)->warning)
		log_warning("%s", session_info(stacks->session)->warning);
	session_set_sinks(stacks->session, &stacks->sinks, NULL);
	return session_tick(stacks->session, error);
}

/* 0, a negative errno with the error set, and *ret_status the exit status for it. */
static int start_command(struct stacks *stacks, int *ret_status, struct error *error)
{
	struct loop *loop = session_loop(stacks->session);
	int result = child_start(stacks->command, NULL, &stacks->pid, &stacks->pidfd, error);

	if (result < 0) {
		*ret_status = child_status_of(result);
		return result;
	}
	result = loop_add_fd(loop, stacks->pidfd, EPOLLIN, handle_end, stacks);
	return result ?
		       error_set(error, -result, "waiting for the command: %s", strerror(-result)) :
		       0;
}

/* Until the last counters of the command are there. */
static int await_records(struct stacks *stacks, struct error *error)
{
	uint64_t deadline = monotonic_ns() + (uint64_t)RECORDS_MS * 1000000;
	int result = 0;

	while (!result && stacks->has_ended && !stacks->is_over && monotonic_ns() < deadline) {
		poll(NULL, 0, RECORDS_POLL_MS);
		result = session_tick(stacks->session, error);
	}
	return result;
}

/* Whether a file goes to standard output, which is its own then. */
static bool takes_stdout(const struct stack_options *options)
{
	const char *const paths[] = { options->folded, options->pprof, options->flame };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (paths[i] && !strcmp(paths[i], "-"))
			return true;
	return false;
}

/* COMMAND's output is its own: the table goes to stderr beside it, as run's summary does. */
static int print_all(struct stacks *stacks, struct error *error)
{
	FILE *stream = stacks->command ? stderr : stdout;
	int result = stack_output_write(&stacks->output, (uint64_t)sysconf(_SC_PAGESIZE), error);

	if (result || takes_stdout(&stacks->config->stacks))
		return result;
	return stack_output_print(&stacks->output, stacks->config->all,
				  cmd_terminal_width(fileno(stream)), stream, error);
}

static int status_of_wait(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static int stacks_run(struct stacks *stacks)
{
	struct error error;
	int status = EXIT_FAILED;
	int result = open_session(stacks, &error);

	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	if (stacks->command)
		result = start_command(stacks, &status, &error);
	if (stacks->config->duration_ms)
		stacks->deadline_ns = monotonic_ns() + stacks->config->duration_ms * 1000000;
	if (!result)
		result = session_run(stacks->session, &error);
	if (!result)
		result = await_records(stacks, &error);
	if (!result)
		result = print_all(stacks, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return status;
	}
	return stacks->has_ended ? status_of_wait(stacks->wait_status) : EXIT_DONE;
}

/* What the option table cannot say: one of the three. */
static bool stacks_accepts(const struct stacks_config *config, int argc, int operand)
{
	int given = (config->pid != 0) + config->every_process + (operand < argc);

	if (given == 1 && (!config->pid || kill((pid_t)config->pid, 0) == 0 || errno != ESRCH))
		return true;
	if (given == 1)
		log_error("there is no process %u; -p takes one that runs",
			  (unsigned int)config->pid);
	else
		log_error("stacks needs one of -p PID, -a and -- COMMAND; see faultmap stacks "
			  "--help");
	return false;
}

static int stacks_main(int argc, char *argv[])
{
	struct stacks_config config = { .watch.detail = DETAIL_FULL };
	struct stacks stacks = { .config = &config, .pidfd = -1 };
	int operand, status;
	struct error error;

	if (!cmd_begin(&cmd_stacks, &config, argc, argv, &operand, &status))
		return status;
	if (!stacks_accepts(&config, argc, operand))
		return EXIT_USAGE;
	stacks.command = operand < argc ? argv + operand : NULL;
	stacks.pid = (pid_t)config.pid;
	if (stack_output_open(&stacks.output, &config.stacks, (uint32_t)config.pid, &stacks.sinks,
			      &error) < 0) {
		log_error("%s", error.text);
		return EXIT_USAGE;
	}
	status = stacks_run(&stacks);
	session_close(stacks.session);
	sinks_free(&stacks.sinks);
	stack_output_free(&stacks.output);
	if (stacks.pidfd >= 0)
		close(stacks.pidfd);
	return status;
}

const struct command cmd_stacks = { .spec = &stacks_spec, .main = stacks_main };
