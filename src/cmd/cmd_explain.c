// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap explain`: only the findings of `run`, of running processes or of recorded JSON
 * lines. */
#include "cmd/run.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/log_reading.h"
#include "sink/finding_text.h"
#include "sink/wrapped.h"
#include "verdict/findings_phases.h"

static const struct option_spec explain_options[] = {
	INTERVAL_OPTIONS(struct run_config, interval_ms, 50),
	{ .short_name = 'a',
	  .name = "everything",
	  .help = "attach to all processes",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_config, everything) },
	FILTER_OPTIONS(struct run_config, filter),
	{ .name = "unused",
	  .help = "with -p: also say which memory nobody touches; makes the kernel forget\n"
		  "what was touched before, see faultmap(1)",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_config, unused) },
	WATCH_OPTIONS(struct run_config, watch, "full"),
	COMMON_OPTIONS(struct run_config, common),
};

static const struct command_spec explain_spec = {
	.name = "explain",
	.synopsis = "[options] FILE... | -p PID[,PID...] | --unit UNIT ... | -a",
	.summary = "say what the faults of processes or of a log mean, and what to do",
	.details =
		"Prints findings: what was seen, what it costs and what to do. faultmap-findings(7) has a\n"
		"section on each.\n"
		"\n"
		"With FILE it reads what run --jsonl, log and daemon --jsonl wrote, plain or compressed,\n"
		"the oldest file first; - is standard input. Logs of --detail fast time few faults, and so\n"
		"give few findings about time.\n"
		"Without FILE it attaches to running processes until -d SECONDS are over, Ctrl-C is\n"
		"pressed, or all processes of --pid have ended.\n"
		"\n"
		"For a command, `faultmap run` prints the findings at the end.",
	.options = explain_options,
	.n_options = ARRAY_SIZE(explain_options),
};

struct explain {
	struct jsonl_reader *reader;
	struct findings_phases *findings; /* made with the first interval */
	struct log_complaints complaints;
};

static void complain(void *context, const char *path, uint64_t line, const char *why)
{
	struct explain *explain = context;

	log_complaints_print(&explain->complaints, path, line, why);
}

static int add_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct explain *explain = context;

	if (!explain->findings)
		explain->findings =
			findings_phases_new(jsonl_reader_info(explain->reader)->page_size, NULL);
	if (!explain->findings)
		return error_set(error, ENOMEM, "looking for findings: out of memory");
	return findings_phases_tick(explain->findings, snapshot, error);
}

static int begin_phase(void *context, const char *phase, struct error *error)
{
	struct explain *explain = context;

	if (explain->findings && findings_phases_mark(explain->findings, phase) < 0)
		return error_set(error, ENOMEM, "looking for findings: out of memory");
	return 0;
}

static int read_files(struct explain *explain, char *const files[], struct error *error)
{
	int result = log_reading_files(explain->reader, files, error);

	if (!result && !explain->findings)
		result = error_set(error, ENODATA,
				   "no interval in these lines; nothing to explain");
	return result;
}

static int print(struct explain *explain, struct error *error)
{
	const struct jsonl_reader_info *info = jsonl_reader_info(explain->reader);
	const struct finding *list;
	size_t count;

	if (findings_phases_end(explain->findings, info->duration_ns, &list, &count) < 0)
		return error_set(error, ENOMEM, "looking for findings: out of memory");
	if (finding_text_print_all(list, count, info->duration_ns,
				   *info->detail ? info->detail : "?",
				   cmd_terminal_width(STDOUT_FILENO) ?: WRAPPED_WIDTH, stdout) < 0)
		return error_set(error, ENOMEM, "printing the findings: out of memory");
	return 0;
}

static int explain_files(const struct common_options *common, char *const files[])
{
	struct explain explain = {};
	struct jsonl_reader_options reader = { .from_ms = INT64_MIN,
					       .to_ms = INT64_MAX,
					       .on_interval = add_interval,
					       .on_mark = begin_phase,
					       .on_complaint = complain,
					       .context = &explain };
	struct error error;
	int result;

	explain.reader = jsonl_reader_new(&reader);
	result = explain.reader ? log_reading_confine(SANDBOX_REPORT, &common->disabled, &error) :
				  error_set(&error, ENOMEM, "starting: out of memory");
	if (!result)
		result = read_files(&explain, files, &error);
	if (!result)
		result = print(&explain, &error);
	log_complaints_end(&explain.complaints);
	if (result < 0)
		log_error("%s", error.text);
	findings_phases_free(explain.findings);
	jsonl_reader_free(explain.reader);
	return result < 0 || explain.complaints.count ? EXIT_FAILED : EXIT_DONE;
}

static int explain_main(int argc, char *argv[])
{
	struct run_config config = { .watch.detail = DETAIL_FULL,
				     .table = TABLE_DEFAULTS,
				     .only_findings = true };
	int operand, status;

	if (!cmd_begin(&cmd_explain, &config, argc, argv, &operand, &status))
		return status;
	if ((operand < argc) == (filter_flags_given(&config.filter) || config.everything)) {
		log_error("explain takes either FILE, - for standard input, or -p, --unit and the "
			  "like, or -a; see faultmap explain --help");
		return EXIT_USAGE;
	}
	if (config.unused && !config.filter.pid.count) {
		log_error("--unused goes with -p");
		return EXIT_USAGE;
	}
	if (operand == argc)
		return run_begun("explain", &config, NULL);
	if (config.interval_ms) {
		log_error(
			"-d goes with -p, --unit and the like, or -a: a FILE has intervals of its "
			"own");
		return EXIT_USAGE;
	}
	return explain_files(&config.common, argv + operand);
}

const struct command cmd_explain = { &explain_spec, explain_main };
