// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap report`: the summary of `run` from JSON lines that were kept. */
#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/log_reading.h"
#include "cmd/stack_output.h"
#include "cmd/table_options.h"
#include "sink/wrapped.h"
#include "sink/sink_summary.h"
#include "base/text.h"
#include "base/util.h"

/* Commands are printed up to this many bytes; of the others only the number. */
#define MAX_RUN_TEXT (1 << 20)

struct report_config {
	struct common_options common; /* first: see cmd_begin */
	const char *from, *to;
	struct table_options table;
	struct stack_options stacks;
	bool code;
};

static const struct option_spec options[] = {
	{ .name = "from",
	  .argument = "TIME",
	  .help = "only intervals that ended at TIME or later, as in 2026-11-22T10:08:56Z; UTC\n"
		  "unless it has an offset; seconds and time of day may be left out",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct report_config, from) },
	{ .name = "to",
	  .argument = "TIME",
	  .help = "only intervals that ended before TIME",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct report_config, to) },
	TABLE_OPTIONS(struct report_config, table, "mapping; with --all: row"),
	TABLE_JSON_OPTION(struct report_config, table),
	{ .name = "code",
	  .help = "also print the functions that faulted, of a log with --code or --stacks",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct report_config, code) },
	STACK_OPTIONS(struct report_config, stacks),
	COMMON_OPTIONS(struct report_config, common),
};

static const struct command_spec spec = {
	.name = "report",
	.synopsis = "[--from TIME] [--to TIME] [--by WHAT] [options] FILE...",
	.summary = "print the summary of recorded JSON lines",
	.details =
		"Reads files that log, daemon --jsonl and run --jsonl wrote, plain or compressed (gzip,\n"
		"zstd): of those that are named .gz or .zst when they are written, what --from and --to\n"
		"leave out is not read. Name the oldest FILE first; - is standard input. Counts of lines\n"
		"that were lost are in the totals of later lines, and so in the report.\n"
		"\n"
		"A damaged line is reported with its number and left out; the exit status is then 1.\n"
		"An interval holds at most 200,000 rows, 50,000 processes and 6 MiB of names: the rest is\n"
		"counted in the process other, or names are cut, and the report says how many.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

struct report {
	const struct report_config *config;
	struct jsonl_reader *reader;
	struct sink_summary *summary; /* made with the first interval */
	struct sink_summary_run
		run; /* a copy of the first; if it is the only one it is printed with the summary */
	FILE *text;  /* all that is printed, in memory */
	uint64_t n_runs;
	uint64_t n_runs_left_out;
	struct log_complaints complaints;
	bool is_narrowed;
	struct sinks sinks; /* has the sink of `stacks`, if code is asked for */
	struct stack_output stacks;
};

static void complain(void *context, const char *path, uint64_t line, const char *why)
{
	struct report *report = context;

	log_complaints_print(&report->complaints, path, line, why);
}

static void free_command(const char *const *command)
{
	for (size_t i = 0; command && command[i]; i++)
		free((char *)command[i]);
	free((void *)command);
}

/* A copy; NULL: out of memory. */
static const char *const *copy_command(const char *const *command)
{
	size_t count = 0;
	const char **copy;

	while (command[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(command[i]);
		if (!copy[i]) {
			free_command(copy);
			return NULL;
		}
	}
	return copy;
}

/* Prints a run in lines of its own. */
static int print_run(struct report *report, const struct sink_summary_run *run, struct error *error)
{
	if (ftell(report->text) > MAX_RUN_TEXT) {
		report->n_runs_left_out++;
		return 0;
	}
	if (sink_summary_print_run(run, report->text) < 0)
		return error_set(error, ENOMEM, "making the report: out of memory");
	return 0;
}

static int add_run(void *context, const char *const *command, int wait_status, uint64_t wall_ns,
		   struct error *error)
{
	struct report *report = context;
	struct sink_summary_run run = { .command = command,
					.wait_status = wait_status,
					.wall_ns = wall_ns };
	int result = 0;

	if (++report->n_runs > 1 && table_format(&report->config->table) != TALLY_TEXT)
		return 0;
	if (report->n_runs == 1) {
		report->run = run;
		report->run.command = copy_command(command);
		return report->run.command ?
			       0 :
			       error_set(error, ENOMEM, "making the report: out of memory");
	}
	if (report->n_runs == 2)
		result = print_run(report, &report->run, error);
	return result ? result : print_run(report, &run, error);
}

static int add_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct report *report = context;
	const struct table_options *table = &report->config->table;
	struct sink_summary_options summary = {
		.page_size = jsonl_reader_info(report->reader)->page_size,
		.by = table_by_of_summary(table),
		.sort = (enum tally_sort)table->sort,
		.rows = table->rows,
		.width = cmd_terminal_width(STDOUT_FILENO),
		.columns = table->chosen,
		.has_colour = table_has_colour(table, STDOUT_FILENO),
		.show_all = table->all,
		.format = table_format(table),
	};
	int result;

	if (!report->summary)
		report->summary = sink_summary_new(&summary);
	if (!report->summary)
		return error_set(error, ENOMEM, "making the report: out of memory");
	result = sinks_tick(&report->sinks, snapshot, NULL, NULL, error);
	return result ? result : sink_summary_tick(report->summary, snapshot, error);
}

/* Prints where the log comes from, unless it is that of a single command. */
static void print_source(const struct report *report, FILE *stream)
{
	const struct jsonl_reader_info *info = jsonl_reader_info(report->reader);
	char first[TEXT_TIME_LEN], last[TEXT_TIME_LEN], count[TEXT_COUNT_LEN];

	if (report->n_runs != 1 || report->is_narrowed)
		fprintf(stream, "%s, Linux %s, --detail %s: %s to %s, %s interval%s of %.3f s\n",
			*info->host ? info->host : "(no meta line)",
			*info->kernel ? info->kernel : "?", *info->detail ? info->detail : "?",
			text_time(first, info->first), text_time(last, info->last),
			text_count(count, info->n_intervals), info->n_intervals == 1 ? "" : "s",
			(double)info->duration_ns / 1e9);
	if (info->lines_lost)
		fprintf(stream, "%s lines were lost when this log was written\n",
			text_count(count, info->lines_lost));
	if (report->n_runs_left_out)
		fprintf(stream, "%s more commands\n", text_count(count, report->n_runs_left_out));
	if (info->n_folded)
		fprintf(stream,
			"%s lines have more processes or rows than fit: their faults are in [other]; "
			"give --from and --to to read less\n",
			text_count(count, info->n_folded));
	if (info->names_cut)
		fprintf(stream, "%s names were cut to fit\n", text_count(count, info->names_cut));
}

/* Reads the time that the flag has; `none` if it was not given. EXIT_DONE or EXIT_USAGE. */
static int read_time(const char *flag, const char *text, int64_t none, int64_t *ret_ms)
{
	char shown[128];

	*ret_ms = none;
	if (!text || text_read_time(text, ret_ms))
		return EXIT_DONE;
	text_escape_to(shown, sizeof(shown), text);
	log_error("%s: \"%s\" is not a time; give a date or time as 2026-11-22T10:08:56Z", flag,
		  shown);
	return EXIT_USAGE;
}

static int report_read(struct report *report, char *const files[], struct error *error)
{
	int result = log_reading_files(report->reader, files, error);

	if (!result && !jsonl_reader_info(report->reader)->n_intervals)
		result = error_set(error, ENODATA, "no interval %s; nothing to report",
				   report->is_narrowed ? "in that time" : "in these lines");
	return result;
}

static int report_print(struct report *report, struct error *error)
{
	bool is_text = table_format(&report->config->table) == TALLY_TEXT;
	bool is_one_run = report->n_runs == 1 && !report->is_narrowed;
	struct wrapped source;
	int result = 0;

	if (is_text && report->n_runs == 1 && !is_one_run &&
	    print_run(report, &report->run, error) < 0)
		return -ENOMEM;
	if (is_text) {
		if (!wrapped_begin(&source))
			print_source(report, source.lines);
		result = wrapped_end(&source, cmd_terminal_width(STDOUT_FILENO) ?: WRAPPED_WIDTH,
				     report->text);
	}
	if (result < 0 ||
	    sink_summary_print(report->summary, is_one_run ? &report->run : NULL, report->text) < 0)
		return error_set(error, ENOMEM, "making the report: out of memory");
	return 0;
}

static bool asks_for_code(const struct report_config *config)
{
	return config->code || stack_options_ask(&config->stacks);
}

/* What code faulted: the files, and the table. */
static int print_code(struct report *report, struct error *error)
{
	int result = asks_for_code(report->config) ?
			     stack_output_write(&report->stacks,
						jsonl_reader_info(report->reader)->page_size,
						error) :
			     0;

	if (result || !report->config->code)
		return result;
	fputc('\n', report->text);
	return stack_output_print(&report->stacks, report->config->table.all,
				  cmd_terminal_width(STDOUT_FILENO), report->text, error);
}

/* Without the filter of system calls if code is asked for: names are found in a process of its own,
 * which the filter does not let start. */
static int give_up_privileges(const struct report_config *config, struct error *error)
{
	return asks_for_code(config) ?
		       log_reading_give_up_privileges(error) :
		       log_reading_confine(SANDBOX_REPORT, &config->common.disabled, error);
}

static int report_run(struct report *report, char *const files[])
{
	autofree char *text = NULL;
	struct error error;
	size_t size;
	int result;

	report->text = open_memstream(&text, &size);
	if (!report->reader || !report->text) {
		log_error("starting: out of memory");
		return EXIT_FAILED;
	}
	result = give_up_privileges(report->config, &error);
	if (!result)
		result = report_read(report, files, &error);
	if (!result)
		result = report_print(report, &error);
	if (!result)
		result = print_code(report, &error);
	if (fclose(report->text) != 0 && !result)
		result = error_set(&error, ENOMEM, "making the report: out of memory");
	log_complaints_end(&report->complaints);
	if (result < 0)
		log_error("%s", error.text);
	else if (cmd_write_stdout(text, size) != EXIT_DONE)
		return EXIT_FAILED;
	return result < 0 || report->complaints.count ? EXIT_FAILED : EXIT_DONE;
}

static int report_main(int argc, char *argv[])
{
	struct report_config config = { .table = TABLE_DEFAULTS };
	struct report report = { .config = &config };
	struct jsonl_reader_options reader = { .on_interval = add_interval,
					       .on_run = add_run,
					       .on_complaint = complain,
					       .context = &report };
	struct error error;
	int operand, status;

	if (!cmd_begin(&cmd_report, &config, argc, argv, &operand, &status))
		return status;
	if (operand == argc) {
		log_error("report needs a FILE, or - for standard input; see faultmap report "
			  "--help");
		return EXIT_USAGE;
	}
	if (!table_options_fit(&config.table, table_by_of_summary(&config.table), false, "report"))
		return EXIT_USAGE;
	if (read_time("--from", config.from, INT64_MIN, &reader.from_ms) != EXIT_DONE ||
	    read_time("--to", config.to, INT64_MAX, &reader.to_ms) != EXIT_DONE)
		return EXIT_USAGE;
	if (asks_for_code(&config) &&
	    stack_output_open(&report.stacks, &config.stacks, &config.common.disabled,
			      &report.sinks, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	report.is_narrowed = config.from || config.to;
	report.reader = jsonl_reader_new(&reader);
	status = report_run(&report, argv + operand);
	free_command(report.run.command);
	sink_summary_free(report.summary);
	jsonl_reader_free(report.reader);
	sinks_free(&report.sinks);
	stack_output_free(&report.stacks);
	return status;
}

const struct command cmd_report = { &spec, report_main };
