// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collect/memory.h"
#include "base/log.h"
#include "cmd/filter_flags.h"
#include "cmd/session.h"
#include "cmd/unwinding.h"
#include "sink/sink_jsonl.h"
#include "base/util.h"
#include "cmd/watch.h"

/* After SIGINT or SIGTERM: give up on a reader that takes no line for this long. */
#define SIGNALLED_DRAIN_MS 1000

struct log_config {
	struct common_options common; /* first: see cmd_begin */
	struct watch_options watch;
	struct filter_flags filter;
	const char *user; /* to become; NULL: the default */
	uint64_t interval_ms;
	uint64_t count;
	const char *output;
	struct fold_flags fold;
	struct limit_flags limit;
	bool schema;
};

static const struct option_spec options[] = {
	INTERVAL_OPTIONS(struct log_config, interval_ms, 100),
	{ .short_name = 'n',
	  .name = "count",
	  .argument = "COUNT",
	  .help = "end after COUNT ticks (default: until SIGINT or SIGTERM)",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct log_config, count),
	  .min = 1,
	  .max = UINT32_MAX },
	{ .short_name = 'o',
	  .name = "output",
	  .argument = "FILE",
	  .help = "write to FILE, which is replaced, or to a log shipper that listens at\n"
		  "unix:PATH (default: -, standard output); FILE.gz and FILE.zst are\n"
		  "compressed",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct log_config, output) },
	LIMIT_OPTIONS(struct log_config, limit),
	FOLD_OPTIONS("", struct log_config, fold),
	{ .name = "schema",
	  .help = "print the JSON Schema of the lines and exit",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct log_config, schema) },
	FILTER_OPTIONS(struct log_config, filter),
	WATCH_OPTIONS(struct log_config, watch, "fast"),
	THREADS_OPTION(struct log_config, watch),
	CODE_OPTIONS(struct log_config, watch),
	USER_OPTION(struct log_config, user),
	COMMON_OPTIONS(struct log_config, common)
};

static const struct command_spec spec = {
	.name = "log",
	.synopsis = "[--detail LEVEL] [-d SECONDS] [-n COUNT] [-o FILE]",
	.summary = "write the page faults of all processes as JSON lines",
	.details =
		"Each line is a JSON object; `rec` names its type. `meta` comes first. Each tick then\n"
		"writes one `interval` line with the totals and losses, one `faults` line for each\n"
		"process, mapping and kind that had faults, one `process` line for each process that had\n"
		"faults, and one `exit` line for each process that ended. Every ten seconds there is one\n"
		"`finding` line for each finding, see faultmap-findings(7). Fields whose names end in\n"
		"_total are running totals; the other counts are since the tick before.\n"
		"After SIGINT or SIGTERM it takes more ticks, for a second at most, until processes that\n"
		"have ended have their `exit` line.\n"
		"With --min-faults, --top and --fold there are fewer lines: `other` and `exits` lines\n"
		"have the rest, so that each fault is in one line.\n"
		"In comm, mapping and cgroup, control characters and bytes that are not valid UTF-8 are\n"
		"written as \\xNN, and a backslash as \\\\; JSON's own escapes come on top.\n"
		"\n"
		"faultmap does not wait for a slow reader: 2 MiB are queued for it, and `other` and\n"
		"`exits` lines sum up the lines for which there is no room. Lines that cannot be written\n"
		"at all are lost. lines_lost in the next line that is written says how many were. The\n"
		"counts are not lost: they are in the totals of later lines. At the end a message on\n"
		"stderr says how many lines were lost, and the exit status is 1.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

struct log {
	const struct log_config *config;
	struct privileges_user user; /* that it becomes */
	struct unwinder *unwinder;   /* NULL: stacks are not copied */
	struct build_ids *build_ids; /* NULL without --stacks */
	struct session *session;
	struct sink_jsonl *sink; /* in sinks */
	struct sinks sinks;
	bool reader_left; /* standard output is a pipe that was closed: `faultmap log | head` */
	bool is_slow;     /* the reader did not keep up, and a message has said so */
	bool is_complete; /* all ticks of -n have come */
};

/* A reader that does not keep up gets sums in place of lines; one message says so. */
static int handle_result(void *context, const void *sink, int result, const struct error *why)
{
	struct log *log = context;

	(void)sink;
	if (result == -EPIPE && sink_jsonl_is_stdout(log->sink))
		log->reader_left = true;
	if (result == -EAGAIN && !log->is_slow)
		log_warning("%s; continuing", why->text);
	log->is_slow = result == -EAGAIN;
	return log->is_slow ? 0 : result;
}

static int count_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct log *log = context;

	(void)error;
	if (log->config->count && snapshot->tick >= log->config->count) {
		log->is_complete = true;
		session_stop(log->session);
	}
	return 0;
}

static int write_meta(struct log *log, struct error *error)
{
	const struct collector_info *info = session_info(log->session);
	struct sink_jsonl_meta meta = watch_meta(info, log->config->interval_ms);

	if (info->warning)
		log_warning("%s", info->warning);
	sink_jsonl_watch(log->sink, session_loop(log->session));
	return handle_result(log, log->sink, sink_jsonl_meta(log->sink, &meta, error), error);
}

/* Writes the last lines: for as long as it takes if -n was given, for a moment after a signal. */
static int drain(struct log *log, struct error *error)
{
	int result = sink_jsonl_drain(log->sink, log->is_complete ? -1 : SIGNALLED_DRAIN_MS, error);

	if (result == -EPIPE && sink_jsonl_is_stdout(log->sink))
		log->reader_left = true;
	return result;
}

/* Lost lines make the log incomplete: that is a failure even if all else went well. */
static int finish(const struct log *log, int result, const struct error *error)
{
	uint64_t lost = sink_jsonl_lost(log->sink), folded = sink_jsonl_folded(log->sink);

	if (folded && !log->reader_left)
		log_warning("%" PRIu64 " lines are summed up in `other` lines, because their "
			    "reader did not keep up; no fault is missing for that",
			    folded);
	if (log->reader_left || (!result && !lost))
		return EXIT_DONE;
	if (result && lost)
		log_error("%s; %" PRIu64 " lines are lost", error->text, lost);
	else if (result)
		log_error("%s", error->text);
	else
		log_error("%" PRIu64 " lines are lost: their reader did not keep up; the totals of "
			  "later lines include what they counted",
			  lost);
	return EXIT_FAILED;
}

static int give_up_privileges(struct log *log, struct error *error)
{
	bool rotates = log->config->limit.max_bytes && sink_jsonl_is_file(log->sink);

	if (rotates && log->user.is_other)
		sink_jsonl_give(log->sink, log->user.uid);
	if (rotates)
		session_keep_making(log->session, log->config->output);
	return session_give_up_privileges(log->session, &log->user, &log->config->common,
					  rotates ? SANDBOX_RENAME : SANDBOX_WATCH, error);
}

static int log_run(struct log *log)
{
	struct collector_options collector = watch_collector(&log->config->watch,
							     &log->config->common);
	struct error error;
	int result;

	filter_flags_collect(&log->config->filter, &collector);
	unwinding_open(&log->unwinder, &log->config->watch, &log->user,
		       &log->config->common.disabled, &collector);
	build_ids_open(&log->build_ids, &log->config->watch, &collector);
	result = session_open(&log->session, &collector, log->config->interval_ms, count_tick, log,
			      &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	session_set_sinks(log->session, &log->sinks, handle_result);
	result = session_set_filter(log->session, &log->config->filter.by);
	if (result < 0)
		error_set(&error, -result, "starting: %s", strerror(-result));
	else
		result = give_up_privileges(log, &error);
	if (!result)
		result = write_meta(log, &error);
	if (!result)
		result = session_run(log->session, &error);
	if (!result && !log->is_complete && !log->reader_left)
		result = session_await_ended(log->session, &error);
	if (!result)
		filter_flags_tell(&log->config->filter, log->session);
	sink_jsonl_watch(log->sink, NULL);
	session_close(log->session);
	if (!result)
		result = drain(log, &error);
	return finish(log, result, &error);
}

static int log_main(int argc, char *argv[])
{
	struct log_config config = { .interval_ms = 1000,
				     .limit.keep = LIMIT_KEEP_DEFAULT,
				     .watch = { .detail = DETAIL_FAST,
						.stack_samples = STACK_SAMPLES_DEFAULT } };
	struct log log = { .config = &config };
	struct recent_findings *findings;
	struct fold_options fold;
	int operand, status;
	struct error error;

	if (!cmd_begin(&cmd_log, &config, argc, argv, &operand, &status))
		return status;
	if (operand < argc) {
		log_error("log takes no operand, but got \"%s\"; see faultmap log --help",
			  argv[operand]);
		return EXIT_USAGE;
	}
	if (config.schema) {
		const char *schema = sink_jsonl_schema();

		return cmd_write_stdout(schema, strlen(schema));
	}
	if (config.limit.max_bytes && (!config.output || !strcmp(config.output, "-"))) {
		log_error("--jsonl-max is for a file: name one with -o FILE");
		return EXIT_USAGE;
	}
	if (filter_flags_read(&config.filter, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_USAGE;
	}
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error */
	if (privileges_find(&log.user, config.user, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	if (sink_jsonl_new(&log.sink, config.output, OUTLET_REPLACE, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	findings = recent_findings_new((uint64_t)sysconf(_SC_PAGESIZE), RECENT_FINDINGS_WINDOW_NS,
				       0, memory_limit_of);
	if (!findings) {
		sink_jsonl_free(log.sink);
		log_error("starting: out of memory");
		return EXIT_FAILED;
	}
	sink_jsonl_set_findings(log.sink, findings);
	sinks_add(&log.sinks, &recent_findings_ops, findings);
	sink_jsonl_set_limit(log.sink, config.limit.max_bytes, config.limit.keep);
	fold = watch_folding(&config.fold);
	sink_jsonl_set_folding(log.sink, &fold);
	sinks_add(&log.sinks, &sink_jsonl_ops, log.sink);
	status = log_run(&log);
	sinks_free(&log.sinks);
	unwinder_free(log.unwinder);
	build_ids_free(log.build_ids);
	return status;
}

const struct command cmd_log = { &spec, log_main };
