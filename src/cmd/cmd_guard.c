// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap guard`: reports every fault of these threads, and fails if there was one. */
#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sd_daemon.h"
#include "base/util.h"
#include "cmd/guarded.h"
#include "cmd/session.h"
#include "cmd/textfile.h"
#include "cmd/watch.h"
#include "sink/guard_lines.h"

/* Between two ticks. Faults are reported at once; only faults without an exception, new cgroups and
 * the file of metrics wait for a tick. */
#define TICK_MS 1000
/* At the end: give up on a reader of standard output that takes no line for this long. */
#define DRAIN_MS 1000

struct guard_config {
	struct common_options common; /* first: see cmd_begin */
	struct option_list pid;
	struct filter_options by; /* unit */
	bool since_mlockall;
	uint64_t duration_ms; /* 0: without an end */
	const char *output;
	const char *textfile;
	const char *user;
};

static int check_textfile(const char *value, struct error *error)
{
	return textfile_check(value, error);
}

static const struct option_spec guard_flags[] = {
	{ .short_name = 'p',
	  .name = "pid",
	  .argument = "PIDS",
	  .help = "guard these processes (PID) or single threads (PID/TID), separated by\n"
		  "commas",
	  .type = OPTION_LIST,
	  .only_flag = true,
	  .offset = offsetof(struct guard_config, pid) },
	{ .name = "unit",
	  .argument = "UNIT",
	  .help = "guard all processes of this systemd unit, or container",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct guard_config, by.unit) },
	{ .name = "since-mlockall",
	  .help = "guard each process only while its mlockall(MCL_FUTURE) is in force",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct guard_config, since_mlockall) },
	{ .short_name = 'd',
	  .name = "duration",
	  .argument = "SECONDS",
	  .help = "end after SECONDS (default: at SIGINT or SIGTERM, or when all processes\n"
		  "of --pid have ended)",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct guard_config, duration_ms),
	  .min = 100,
	  .max = 86400000 },
	{ .short_name = 'o',
	  .name = "output",
	  .argument = "FILE",
	  .help = "write JSON lines to FILE, or to a log shipper that listens at unix:PATH\n"
		  "(default: -, standard output)",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct guard_config, output) },
	{ .name = "prometheus-textfile",
	  .argument = "FILE",
	  .help = "keep counters in FILE (NAME.prom), for node_exporter's textfile collector",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct guard_config, textfile),
	  .check = check_textfile },
	USER_OPTION(struct guard_config, user),
	COMMON_OPTIONS(struct guard_config, common),
};

static const struct command_spec guard_spec = {
	.name = "guard",
	.synopsis = "[options] -p PID[/TID][,...] | --unit UNIT",
	.summary = "report each page fault of real-time threads at once",
	.details =
		"Each page fault of a guarded thread becomes a JSON line (rec: guard) as soon as the\n"
		"kernel has handled it: thread, code with its callers, mapping, kind, latency. Faults that\n"
		"the kernel resolves without an exception only show in the process's total: a line each\n"
		"second (rec: gup) says how many there were. The last line (rec: guarded) has the sums.\n"
		"\n"
		"With --pid, children of the processes are not guarded; with --unit they are. The exit\n"
		"status is 3 when a guarded thread faulted, 0 when none did, 1 when faultmap failed, 2 for\n"
		"a wrong flag, 77 when this machine cannot count faults.",
	.options = guard_flags,
	.n_options = ARRAY_SIZE(guard_flags),
};

struct guard_command;
struct ending {
	struct guard_command *guard;
	int pidfd; /* -1: it has ended */
};

struct guard_command {
	const struct guard_config *config;
	struct guarded guarded;
	struct privileges_user user;
	struct session *session;
	struct sink_jsonl *sink;
	struct guard_totals totals;
	struct timespec since;
	uint64_t begin_ns;
	uint64_t n_ticks; /* to take; 0: without an end */
	struct ending endings[ATTACH_MAX];
	size_t n_running; /* of --pid */
	char name[256];   /* the label in metrics */
	bool is_slow;     /* the reader did not keep up, and a message has said so */
	bool reader_left; /* standard output is a pipe that was closed */
	bool file_failed; /* said so already */
};

/* Lines. --------------------------------------------------------------------------------------- */

/* Handles the result of writing lines. A slow reader does not end guarding: counters go on. */
static int handle_lines(struct guard_command *guard, int result, const struct error *why)
{
	if (result == -EPIPE && sink_jsonl_is_stdout(guard->sink))
		guard->reader_left = true;
	if (result == -EAGAIN && !guard->is_slow)
		log_warning("%s; continuing, the last line has the sums", why->text);
	guard->is_slow = result == -EAGAIN;
	return guard->is_slow ? 0 : result;
}

static int take_fault(void *context, const struct guard_fault *fault)
{
	struct guard_command *guard = context;
	struct guard_totals *totals = &guard->totals;
	struct error error;
	int result;

	totals->minor += !strcmp(fault->outcome, "minor");
	totals->major += !strcmp(fault->outcome, "major");
	totals->denied += !strcmp(fault->outcome, "denied");
	result = guard_lines_fault(guard->sink, fault, &error);
	return handle_lines(guard, result, &error);
}

static int read_faults(struct guard_command *guard, struct error *error)
{
	struct collector *collector = session_collector(guard->session);
	int result = collector_guard_read(collector, take_fault, guard, error);

	guard->totals.lost = collector_guard_lost(collector);
	return result;
}

static int handle_ring(void *context, uint32_t events)
{
	struct error error;
	int result = read_faults(context, &error);

	(void)events;
	if (result < 0)
		log_error("%s", error.text);
	return result;
}

/* Writing the file of metrics may fail for a while: a full disk must not end the guard. */
static void write_textfile(struct guard_command *guard)
{
	struct error error;
	int result = guard->config->textfile ?
			     textfile_write(guard->config->textfile, guard->name, &guard->totals,
					    guard->since, &error) :
			     0;

	if (result && !guard->file_failed)
		log_warning("%s; continuing without", error.text);
	guard->file_failed = result;
}

static int tell_gup(struct guard_command *guard, const struct snapshot *snapshot,
		    struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < snapshot->n_processes && !result; i++) {
		const struct process *process = snapshot->processes[i];

		if (process->gup == process->gup_before)
			continue;
		guard->totals.gup += process->gup - process->gup_before;
		result = guard_lines_gup(guard->sink, process, error);
		result = handle_lines(guard, result, error);
	}
	return result;
}

static int take_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct guard_command *guard = context;
	int result = snapshot->tick ? read_faults(guard, error) : 0; /* not before the meta line */

	if (!result && guard->config->by.unit.count) {
		result = collector_guard_find(session_collector(guard->session), error);
		result = result < 0 ? result : 0;
	}
	if (!result && snapshot->tick)
		result = tell_gup(guard, snapshot, error);
	if (!result)
		write_textfile(guard);
	if (guard->n_ticks && snapshot->tick >= guard->n_ticks)
		session_stop(guard->session);
	return result;
}

/* Guarded processes. --------------------------------------------------------------------------- */

static int handle_end(void *context, uint32_t events)
{
	struct ending *ending = context;

	(void)events;
	loop_remove_fd(session_loop(ending->guard->session), ending->pidfd);
	close(ending->pidfd);
	ending->pidfd = -1;
	if (--ending->guard->n_running == 0)
		session_stop(ending->guard->session);
	return 0;
}

static int watch_ends(struct guard_command *guard, struct error *error)
{
	struct loop *loop = session_loop(guard->session);
	int result = 0;

	for (size_t i = 0; i < guard->guarded.n_pids && !result; i++) {
		struct ending *ending = &guard->endings[i];

		ending->guard = guard;
		ending->pidfd = (int)syscall(SYS_pidfd_open, guard->guarded.pids[i], 0);
		if (ending->pidfd < 0)
			return error_set(error, errno, "watching process %d: %s",
					 (int)guard->guarded.pids[i],
					 errno == ESRCH ? "it has ended" : strerror(errno));
		guard->n_running++;
		result = loop_add_fd(loop, ending->pidfd, EPOLLIN, handle_end, ending);
	}
	return result < 0 ?
		       error_set(error, -result, "watching the processes: %s", strerror(-result)) :
		       0;
}

/* A name that stays the same when pids change: the unit's, or the program's. */
static void find_name(struct guard_command *guard)
{
	char path[64];
	autofclose FILE *comm = NULL;

	if (guard->config->by.unit.count) {
		snprintf(guard->name, sizeof(guard->name), "%s", guard->config->by.unit.values[0]);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)guard->guarded.pids[0]);
	comm = fopen(path, "re");
	if (!comm || !fgets(guard->name, sizeof(guard->name), comm))
		strcpy(guard->name, "unknown");
	guard->name[strcspn(guard->name, "\n")] = '\0';
}

/* Tries again without callers where this kernel cannot walk stacks. */
static int open_session(struct guard_command *guard, struct error *error)
{
	const struct guarded *guarded = &guard->guarded;
	uint64_t duration_ms = guard->config->duration_ms;
	uint64_t n_ticks = (duration_ms + TICK_MS - 1) / TICK_MS;
	uint64_t interval_ms = n_ticks ? duration_ms / n_ticks : TICK_MS;
	struct guard_options whom = {
		.tids = guarded->tids,
		.n_tids = guarded->n_tids,
		.tgids = guarded->whole,
		.n_tgids = guarded->n_whole,
		.units = &guard->config->by.unit,
		.since_mlockall = guard->config->since_mlockall,
	};
	struct collector_options options = {
		.detail = DETAIL_FULL,
		.threads = true,
		.code = true,
		.stacks = true,
		.attach = guarded->n_pids ? guarded->pids : NULL,
		.n_attach = guarded->n_pids,
		.guard = &whom,
		.disabled = &guard->config->common.disabled,
	};
	int result;

	guard->n_ticks = n_ticks;
	result = session_open(&guard->session, &options, interval_ms, take_tick, guard, error);
	if (result != -ENOTSUP || !strstr(error->text, "cannot walk stacks"))
		return result;
	options.stacks = false;
	return session_open(&guard->session, &options, interval_ms, take_tick, guard, error);
}

/* From beginning to end. ----------------------------------------------------------------------- */

static int write_meta(struct guard_command *guard, struct error *error)
{
	const struct collector_info *info = session_info(guard->session);
	struct sink_jsonl_meta meta = watch_meta(info, 0);

	if (info->warning)
		log_warning("%s", info->warning);
	sink_jsonl_watch(guard->sink, session_loop(guard->session));
	return handle_lines(guard, sink_jsonl_meta(guard->sink, &meta, error), error);
}

/* Whatever can fail at the start fails here, writing the file of metrics included. */
static int prepare(struct guard_command *guard, struct error *error)
{
	int result = session_set_filter(guard->session, &guard->config->by);

	if (result)
		return error_set(error, -result, "starting: %s", strerror(-result));
	result = watch_ends(guard, error);
	if (!result)
		result = session_give_up_privileges(guard->session, &guard->user,
						    &guard->config->common, SANDBOX_RENAME, error);
	if (!result && guard->config->textfile)
		result = textfile_write(guard->config->textfile, guard->name, &guard->totals,
					guard->since, error);
	if (!result)
		result = session_tick(guard->session, error);
	if (!result) /* now that what comes counts */
		result = write_meta(guard, error);
	if (!result)
		result = loop_add_fd(session_loop(guard->session),
				     collector_guard_fd(session_collector(guard->session)), EPOLLIN,
				     handle_ring, guard);
	if (!result)
		sd_notify(false, "READY=1");
	return result;
}

static bool is_broken(const struct guard_totals *totals)
{
	return totals->minor || totals->major || totals->denied || totals->lost;
}

/* Writes the sums. 0 or a negative errno with the error set. */
static int finish(struct guard_command *guard, struct error *error)
{
	const struct guard_totals *totals = &guard->totals;
	/* While a process runs, a tick reports its GUP faults up to the tick before (raise_gup() in
	 * collector.c): without this one those of the last interval would be lost. */
	int result = session_tick(guard->session, error);

	if (!result)
		result = guard_lines_end(guard->sink, totals, monotonic_ns() - guard->begin_ns,
					 error);
	if (!result)
		result = sink_jsonl_drain(guard->sink, DRAIN_MS, error);
	write_textfile(guard);
	if (is_broken(totals))
		log_error("guarded threads faulted: %" PRIu64 " minor, %" PRIu64 " major, %" PRIu64
			  " denied, %" PRIu64 " not reported one by one",
			  totals->minor, totals->major, totals->denied, totals->lost);
	return result;
}

static int run_guard(struct guard_command *guard)
{
	struct error error;
	int result = open_session(guard, &error);

	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	guard->begin_ns = monotonic_ns();
	result = prepare(guard, &error);
	if (!result)
		result = session_run(guard->session, &error);
	if (!result)
		result = finish(guard, &error);
	if (result < 0 && !guard->reader_left)
		log_error("%s", error.text);
	if (is_broken(&guard->totals))
		return EXIT_OVER_BUDGET;
	return result < 0 && !guard->reader_left ? EXIT_FAILED : EXIT_DONE;
}

static void close_all(struct guard_command *guard)
{
	if (guard->sink)
		sink_jsonl_watch(guard->sink, NULL);
	session_close(guard->session);
	for (size_t i = 0; i < guard->guarded.n_pids; i++)
		if (guard->endings[i].guard && guard->endings[i].pidfd >= 0)
			close(guard->endings[i].pidfd);
	sink_jsonl_free(guard->sink);
}

static int guard_main(int argc, char *argv[])
{
	struct guard_config config = {};
	struct guard_command guard = { .config = &config };
	int operand, status;
	struct error error;

	if (!cmd_begin(&cmd_guard, &config, argc, argv, &operand, &status))
		return status;
	if (operand < argc || !config.pid.count == !config.by.unit.count) {
		log_error("guard takes either --pid or --unit, and no operand; see faultmap guard "
			  "--help");
		return EXIT_USAGE;
	}
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error */
	if (guarded_read(&guard.guarded, &config.pid, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_USAGE;
	}
	clock_gettime(CLOCK_REALTIME, &guard.since);
	find_name(&guard);
	if (privileges_find(&guard.user, config.user, &error) < 0 ||
	    sink_jsonl_new(&guard.sink, config.output, OUTLET_REPLACE, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	status = run_guard(&guard);
	close_all(&guard);
	return status;
}

const struct command cmd_guard = { &guard_spec, guard_main };
