// SPDX-License-Identifier: GPL-2.0-only
/* What `faultmap run` allows (--budget), and when: marks and phases. */
#include "cmd/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "collect/memory.h"
#include "base/log.h"
#include "base/output_file.h"
#include "base/text.h"
#include "base/util.h"
#include "sink/junit.h"
#include "sink/verdict_lines.h"

/* Of a report in a build: others read it. */
#define JUNIT_MODE 0644

/* Budgets. ------------------------------------------------------------------------------------- */

/* 0 or a negative errno with the error set. */
static int read_terms(struct run *run, struct error *error)
{
	const struct run_config *config = run->config;
	int result = 0;

	for (size_t i = 0; i < config->budget.count && !result; i++)
		result = budget_add(run->budget, config->budget.values[i], error);
	if (!result && config->budget_file)
		result = budget_add_file(run->budget, config->budget_file, error);
	if (!result && config->phase && budget_set_phase(run->budget, config->phase) < 0)
		result = error_set(error, ENOMEM, "reading the budget: out of memory");
	return result;
}

/* What a term asks for has to be there. */
static bool fits(const struct run *run)
{
	const struct run_config *config = run->config;

	if (!budget_count(run->budget) && (config->phase || config->junit))
		log_error("--phase and --junit are about budgets: give --budget or --budget-file");
	else if (budget_wants_times(run->budget) && config->watch.detail != DETAIL_FULL)
		log_error("a budget of stall needs --detail full, which times every fault");
	else if (budget_wants_marks(run->budget) && !run->command)
		log_error("a budget by phase or step needs a command, which writes the marks");
	else
		return true;
	return false;
}

bool run_read_budget(struct run *run)
{
	struct error error;

	run->budget = budget_new((uint64_t)sysconf(_SC_PAGESIZE));
	if (!run->budget) {
		log_error("starting: out of memory");
		return false;
	}
	if (read_terms(run, &error) < 0) {
		log_error("%s", error.text);
		return false;
	}
	return fits(run);
}

int run_open_junit(struct run *run, struct error *error)
{
	const char *path = run->config->junit;
	char shown[256];
	int fd;

	if (!path)
		return 0;
	fd = output_file_open(path, O_TRUNC, JUNIT_MODE);
	run->junit = fd < 0 ? NULL : fdopen(fd, "w");
	text_escape_to(shown, sizeof(shown), path);
	return run->junit ? 0 :
			    error_set(error, fd < 0 ? -fd : errno, "opening %s: %s", shown,
				      output_file_strerror(fd < 0 ? -fd : errno));
}

/* Marks. --------------------------------------------------------------------------------------- */

/* COMMAND waits meanwhile: what it did before the mark is in this tick, to the last fault. */
static void take_mark(void *context, const char *name)
{
	struct run *run = context;
	struct phase since;
	struct error error;
	int result = session_tick(run->session, &error);

	if (!result && (phases_mark(run->phases, name, monotonic_ns(), &since) < 0 ||
			budget_mark(run->budget, name) < 0 ||
			(run->looker && findings_phases_mark(run->looker, name) < 0)))
		result = error_set(&error, ENOMEM, "taking a mark: out of memory");
	if (!result && run->jsonl)
		result = verdict_lines_mark(run->jsonl, name, &since, marks_are_exact(run->marks),
					    &error);
	if (result < 0)
		run_fail(run, &error);
}

int run_open_marks(struct run *run, struct error *error)
{
	return marks_open(&run->marks, take_mark, run, error);
}

int run_prepare_verdict(struct run *run, struct error *error)
{
	if (budget_count(run->budget))
		sinks_add(&run->sinks, &budget_ops, run->budget);
	if (!run->config->no_explain && !run->config->only_code) {
		run->looker = findings_phases_new((uint64_t)sysconf(_SC_PAGESIZE), memory_limit_of);
		if (!run->looker)
			return error_set(error, ENOMEM, "starting: out of memory");
		sinks_add(&run->sinks, &findings_phases_ops, run->looker);
	}
	if (!run->command)
		return 0;
	run->phases = phases_new(monotonic_ns());
	if (!run->phases)
		return error_set(error, ENOMEM, "starting: out of memory");
	sinks_add(&run->sinks, &phases_ops, run->phases);
	return marks_watch(run->marks, session_loop(run->session), error);
}

/* The verdict. --------------------------------------------------------------------------------- */

int run_end_verdict(struct run *run, struct error *error)
{
	int result = 0;

	if (run->looker &&
	    findings_phases_end(run->looker, run->wall_ns, &run->findings, &run->n_findings) < 0)
		return error_set(error, ENOMEM, "looking for findings: out of memory");
	if (!run->jsonl)
		return 0;
	result = verdict_lines_budget(run->jsonl, run->budget, error);
	return result ? result :
			verdict_lines_findings(run->jsonl, run->findings, run->n_findings,
					       run->wall_ns, error);
}

static void write_junit(struct run *run)
{
	errno = 0;
	junit_print(run->budget, run->command ? run->command[0] : "faultmap", run->wall_ns,
		    run->junit);
	if (fflush(run->junit) == 0 && !ferror(run->junit))
		return;
	log_error("writing %s: %s", run->config->junit, strerror(errno ?: EIO));
	run->failed = true;
}

int run_judge(struct run *run, int status)
{
	for (size_t i = 0; i < budget_count(run->budget); i++) {
		const struct budget_result result = budget_result(run->budget, i);
		char text[1024];

		if (result.is_broken)
			log_error("%s", budget_describe(&result, text, sizeof(text)));
	}
	if (budget_count(run->budget) && budget_lacks(run->budget))
		log_warning("budgets leave out %" PRIu64 " faults that have no row or no time",
			    budget_lacks(run->budget));
	if (run->junit)
		write_junit(run);
	if (status != EXIT_DONE)
		return status;
	if (budget_broken(run->budget))
		return EXIT_OVER_BUDGET;
	return run->failed ? EXIT_FAILED : EXIT_DONE;
}
