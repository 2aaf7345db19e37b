// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap explain`: the findings of `run` from JSON lines that were kept. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/log_reading.h"
#include "sink/finding_text.h"

struct explain_config {
	struct common_options common; /* first: see cmd_begin */
};

static const struct option_spec options[] = {
	COMMON_OPTIONS(struct explain_config, common),
};

static const struct command_spec spec = {
	.name = "explain",
	.synopsis = "[options] FILE...",
	.summary = "say what recorded JSON lines come to, and what to do",
	.details =
		"Reads what run --jsonl, log and daemon --jsonl wrote, plain or gzipped, the oldest FILE\n"
		"first; - is standard input. Prints findings, each with what was seen, what it cost and\n"
		"what to do; faultmap-findings(7) has a section on each. Logs of --detail fast have few\n"
		"times, and so few findings that are about time.\n"
		"\n"
		"The findings of a command, or of what runs now, are at the end of faultmap run.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

struct explain {
	struct jsonl_reader *reader;
	struct findings *findings; /* made with the first interval */
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
		explain->findings = findings_new(jsonl_reader_info(explain->reader)->page_size);
	if (!explain->findings)
		return error_set(error, ENOMEM, "looking for findings: out of memory");
	return findings_tick(explain->findings, snapshot, error);
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

	if (findings_end(explain->findings, info->duration_ns, &list, &count) < 0)
		return error_set(error, ENOMEM, "looking for findings: out of memory");
	if (count)
		finding_text_print(list, count, stdout);
	else
		printf("no finding in %.3f s of --detail %s\n", (double)info->duration_ns / 1e9,
		       *info->detail ? info->detail : "?");
	return 0;
}

static int explain_main(int argc, char *argv[])
{
	struct explain_config config = {};
	struct explain explain = {};
	struct jsonl_reader_options reader = { .from_ms = INT64_MIN,
					       .to_ms = INT64_MAX,
					       .on_interval = add_interval,
					       .on_complaint = complain,
					       .context = &explain };
	struct error error;
	int operand, status, result;

	if (!cmd_begin(&cmd_explain, &config, argc, argv, &operand, &status))
		return status;
	if (operand == argc) {
		log_error("explain needs a FILE, or - for standard input; see faultmap explain "
			  "--help");
		return EXIT_USAGE;
	}
	explain.reader = jsonl_reader_new(&reader);
	result = explain.reader ?
			 log_reading_confine(SANDBOX_REPORT, &config.common.disabled, &error) :
			 error_set(&error, ENOMEM, "starting: out of memory");
	if (!result)
		result = read_files(&explain, argv + operand, &error);
	if (!result)
		result = print(&explain, &error);
	log_complaints_end(&explain.complaints);
	if (result < 0)
		log_error("%s", error.text);
	findings_free(explain.findings);
	jsonl_reader_free(explain.reader);
	return result < 0 || explain.complaints.count ? EXIT_FAILED : EXIT_DONE;
}

const struct command cmd_explain = { &spec, explain_main };
