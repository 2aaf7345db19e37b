// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap explain`: the findings of `run` from JSON lines that were kept. */
#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/privileges.h"
#include "cmd/sandbox.h"
#include "replay/jsonl_reader.h"
#include "sink/finding_text.h"

/* So many bad lines are reported one by one; then only their number. */
#define MAX_COMPLAINTS 20

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
	uint64_t n_complaints;
};

static void print_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	struct explain *explain = context;
	char shown[256], reason[512]; /* which may quote the line */

	if (explain->n_complaints++ >= MAX_COMPLAINTS)
		return;
	text_escape_to(shown, sizeof(shown), strcmp(path, "-") ? path : "standard input");
	text_escape_to(reason, sizeof(reason), why);
	log_warning("%s:%" PRIu64 ": %s", shown, line, reason);
}

static int skip_run(void *context, const char *const *command, int wait_status, uint64_t wall_ns,
		    struct error *error)
{
	(void)context;
	(void)command;
	(void)wait_status;
	(void)wall_ns;
	(void)error;
	return 0;
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

/* Of root's capabilities that stays which opens the files, one after the other. */
static int give_up_privileges(const struct explain_config *config, struct error *error)
{
	struct privileges_user user;
	int result = privileges_find(&user, NULL, error);

	user.is_other = false; /* the files are those of who asks */
	if (!result)
		result = privileges_suspend(&user, error);
	if (!result)
		result = privileges_drop(PRIVILEGE_READ_FILES, error);
	if (!result)
		sandbox_try(SANDBOX_REPORT, &config->common.disabled);
	return result;
}

static int read_files(struct explain *explain, char *const files[], struct error *error)
{
	int result = 0;

	for (size_t i = 0; files[i] && !result; i++)
		result = jsonl_reader_file(explain->reader, files[i], error);
	if (!result)
		result = jsonl_reader_end(explain->reader, error);
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
					       .on_run = skip_run,
					       .on_complaint = print_complaint,
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
	result = explain.reader ? give_up_privileges(&config, &error) :
				  error_set(&error, ENOMEM, "starting: out of memory");
	if (!result)
		result = read_files(&explain, argv + operand, &error);
	if (!result)
		result = print(&explain, &error);
	if (explain.n_complaints > MAX_COMPLAINTS)
		log_warning("%" PRIu64 " more lines skipped",
			    explain.n_complaints - MAX_COMPLAINTS);
	if (result < 0)
		log_error("%s", error.text);
	findings_free(explain.findings);
	jsonl_reader_free(explain.reader);
	return result < 0 || explain.n_complaints ? EXIT_FAILED : EXIT_DONE;
}

const struct command cmd_explain = { &spec, explain_main };
