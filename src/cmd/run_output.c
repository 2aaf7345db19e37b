// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/run.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/output_file.h"
#include "base/text.h"
#include "base/util.h"
#include "sink/wrapped.h"
#include "sink/finding_text.h"
#include "sink/phase_grid.h"

/* How long a reader may take none of the last JSON lines before they are lost. */
#define LAST_LINES_MS 30000
/* Of a file of -o: what a command maps is its user's business. */
#define OUTPUT_MODE 0600

int run_fail(struct run *run, const struct error *error)
{
	if (!run->failed)
		log_error(run->command ? "%s; the command goes on, its numbers are incomplete" :
					 "%s; the numbers are incomplete",
			  error->text);
	run->failed = true;
	return 0;
}

int run_handle_trouble(void *context, int result, unsigned int in_a_row, const struct error *why)
{
	(void)result;
	(void)in_a_row;
	return run_fail(context, why);
}

int run_handle_result(void *context, const void *sink, int result, const struct error *why)
{
	(void)sink;
	return result < 0 ? run_fail(context, why) : 0;
}

static int open_jsonl(struct run *run, const char *path, enum outlet_open how, struct error *error)
{
	int result = sink_jsonl_new(&run->jsonl, path, how, error);

	if (!result)
		sinks_add(&run->sinks, &sink_jsonl_ops, run->jsonl);
	return result;
}

int run_open_output(struct run *run, struct error *error)
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
	if (!path) { /* COMMAND's standard output is its own */
		bool is_alone = run->config->only_code || run->config->only_findings;

		run->output = is_alone && !run->command ? stdout : stderr;
		return 0;
	}
	fd = output_file_open(path, O_TRUNC, OUTPUT_MODE);
	run->output = fd < 0 ? NULL : fdopen(fd, "w");
	text_escape_to(shown, sizeof(shown), path);
	return run->output ? 0 :
			     error_set(error, fd < 0 ? -fd : errno, "opening %s: %s", shown,
				       output_file_strerror(fd < 0 ? -fd : errno));
}

/* Functions alone, unless a file of theirs is standard output. */
static int print_code(struct run *run, struct error *error)
{
	if (stack_options_take_stdout(&run->config->stacks))
		return 0;
	return stack_output_print(&run->stacks, run->config->table.all,
				  cmd_terminal_width(fileno(run->output)), run->output, error);
}

static int print_phases(const struct run *run, FILE *stream)
{
	size_t count = 0;
	const struct phase *phases = run->phases ? phases_list(run->phases, &count) : NULL;

	if (count < 2 || run->config->table.csv)
		return 0;
	fputc('\n', stream);
	return phase_grid_print(phases, count, (uint64_t)sysconf(_SC_PAGESIZE), stream);
}

/* Of tables and prose; files and pipes are as wide as a small terminal. */
static unsigned int width_of(const struct run *run)
{
	return (run->config->output ? 0 : cmd_terminal_width(STDERR_FILENO)) ?: WRAPPED_WIDTH;
}

static int print_findings(const struct run *run, FILE *stream)
{
	if (!run->n_findings || table_format(&run->config->table) != TALLY_TEXT)
		return 0;
	fputc('\n', stream);
	return finding_text_print(run->findings, run->n_findings, width_of(run), stream);
}

/* Findings alone. */
static int print_alone(const struct run *run, struct error *error)
{
	if (finding_text_print_all(run->findings, run->n_findings, run->wall_ns,
				   watch_details[run->config->watch.detail],
				   cmd_terminal_width(fileno(run->output)) ?: WRAPPED_WIDTH,
				   run->output) < 0)
		return error_set(error, ENOMEM, "printing the findings: out of memory");
	errno = 0;
	return fflush(run->output) == 0 ? 0 :
					  error_set(error, errno ?: EIO, "writing the findings: %s",
						    strerror(errno ?: EIO));
}

/* In one piece, so that what COMMAND's children still write does not get between the lines. */
static int print_summary(struct run *run, const struct sink_summary_run *ended, struct error *error)
{
	autofree char *text = NULL;
	size_t size;
	FILE *memory;
	bool is_torn;
	int result;

	if (run->config->only_code)
		return print_code(run, error);
	if (run->config->only_findings)
		return print_alone(run, error);
	memory = open_memstream(&text, &size);
	result = memory ? sink_summary_print(run->summary, ended, memory) : -ENOMEM;
	if (!result && run->slices) {
		fputc('\n', memory);
		result = sink_slices_print(run->slices, memory);
	}
	if (!result && run->stacks.profile && table_format(&run->config->table) == TALLY_TEXT) {
		fputc('\n', memory);
		result = stack_output_print(&run->stacks, run->config->table.all,
					    run->config->output ? 0 :
								  cmd_terminal_width(STDERR_FILENO),
					    memory, error);
	}
	if (!result)
		result = print_phases(run, memory);
	if (!result)
		result = print_findings(run, memory);
	is_torn = memory && fclose(memory) != 0;
	if (result < 0 || is_torn)
		return error_set(error, ENOMEM, "printing the summary: out of memory");
	errno = 0;
	if (fwrite(text, 1, size, run->output) != size || fflush(run->output) != 0)
		return error_set(error, errno ? errno : EIO, "writing the summary: %s",
				 strerror(errno ? errno : EIO));
	return 0;
}

int run_print_meta(struct run *run, struct error *error)
{
	const struct collector_info *info = session_info(run->session);
	struct sink_jsonl_meta meta = watch_meta(info, run->interval_ms);

	return sink_jsonl_meta(run->jsonl, &meta, error);
}

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

static bool has_table(const struct run *run)
{
	return !run->config->json && !run->config->only_code && !run->config->only_findings;
}

int run_make_sinks(struct run *run, struct error *error)
{
	const struct table_options *table = &run->config->table;
	struct sink_summary_options options = {
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		/* Where no table is printed, of its sums alone. */
		.by = has_table(run) ? table_by_of_summary(table) : BY_PROCESS,
		.sort = (enum tally_sort)table->sort,
		.rows = table->rows,
		.width = run->config->output ? 0 : cmd_terminal_width(STDERR_FILENO),
		.has_commands = table->commands,
		.columns = table->chosen,
		.has_colour = !run->config->output && table_has_colour(table, STDERR_FILENO),
		.show_all = table->all,
		.format = table_format(table),
	};

	run->summary = sink_summary_new(&options);
	if (!run->summary)
		return error_set(error, ENOMEM, "starting: out of memory");
	sinks_add(&run->sinks, &sink_summary_ops, run->summary);
	if (run_has_code(run) &&
	    stack_output_open(&run->stacks, &run->config->stacks, &run->config->common.disabled,
			      &run->sinks, error) < 0)
		return -ENOMEM;
	return run->config->slices && !run->config->json ? make_slices(run, error) : 0;
}

bool run_has_code(const struct run *run)
{
	return run->config->watch.code || run->config->watch.stacks;
}

/* The files of call paths; then the summary has the functions' names. */
static int write_code(struct run *run, struct error *error)
{
	if (!run->stacks.profile)
		return 0;
	return stack_output_write(&run->stacks, (uint64_t)sysconf(_SC_PAGESIZE), error);
}

int run_print_end(struct run *run, const struct sink_summary_run *ended, int result,
		  struct error *error)
{
	struct error of_code;

	if (result < 0 && run->output) {
		log_error("%s", error->text);
		run->failed = true;
	}
	if (write_code(run, &of_code) < 0) {
		log_error("%s", of_code.text);
		run->failed = true;
	}
	return run->output ? print_summary(run, ended, error) : result;
}

int run_drain(struct run *run, struct error *error)
{
	sink_jsonl_watch(run->jsonl, NULL);
	return sink_jsonl_drain(run->jsonl, LAST_LINES_MS, error);
}

void run_free(struct run *run)
{
	sinks_free(&run->sinks);
	stack_output_free(&run->stacks);
	session_close(run->session);
	unwinder_free(run->unwinder);
	build_ids_free(run->build_ids);
	marks_free(run->marks);
	budget_free(run->budget);
	if (run->junit)
		fclose(run->junit);
	if (run->output && run->output != stderr && run->output != stdout)
		fclose(run->output);
	if (run->pidfd >= 0)
		close(run->pidfd);
}
