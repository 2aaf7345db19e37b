// SPDX-License-Identifier: GPL-2.0-only
#include "sink/verdict_lines.h"

#include <time.h>

#include "base/text.h"

static void put_now(struct json_line *line)
{
	char ts[TEXT_TIME_LEN];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_line_text(line, "ts", text_time(ts, now));
}

static void put_phase(struct json_line *line, const struct phase *phase)
{
	json_line_text(line, "phase", phase->name);
	json_line_real(line, "seconds", (double)phase->duration_ns / 1e9);
	json_line_int(line, "minor", (int64_t)phase->minor);
	json_line_int(line, "major", (int64_t)phase->major);
	json_line_int(line, "denied", (int64_t)phase->denied);
	json_line_int(line, "pages", (int64_t)phase->pages);
	json_line_int(line, "stall_ns", (int64_t)phase->stall_ns);
}

void verdict_lines_phases(struct json_line *line, const struct phase *phases, size_t count)
{
	json_line_open(line, "phases", '[');
	for (size_t i = 0; i < count; i++) {
		json_line_open(line, NULL, '{');
		json_line_int(line, "times", (int64_t)phases[i].n_times);
		put_phase(line, &phases[i]);
		json_line_close(line, '}');
	}
	json_line_close(line, ']');
}

int verdict_lines_mark(struct sink_jsonl *sink, const char *name, const struct phase *since,
		       bool is_exact, struct error *error)
{
	struct json_line *line = sink_jsonl_begin(sink, "mark");

	put_now(line);
	json_line_text(line, "mark", name);
	if (is_exact)
		json_line_true(line, "exact");
	put_phase(line, since);
	return sink_jsonl_end(sink, error);
}

static void put_worst(struct json_line *line, const struct budget_result *result)
{
	json_line_open(line, "worst", '{');
	json_line_text(line, "comm", result->comm);
	json_line_text(line, "mapping", result->mapping);
	if (result->kind)
		json_line_text(line, "kind", result->kind);
	json_line_int(line, "seen", (int64_t)result->worst);
	json_line_close(line, '}');
}

static int put_budget(struct sink_jsonl *sink, const struct budget_result *result,
		      struct error *error)
{
	struct json_line *line = sink_jsonl_begin(sink, "budget");

	put_now(line);
	json_line_text(line, "term", result->text);
	json_line_text(line, "figure", budget_figure_name(result->figure));
	json_line_text(line, "unit", budget_unit(result->figure));
	json_line_int(line, "limit", (int64_t)result->limit);
	json_line_int(line, "seen", (int64_t)result->seen);
	json_line_text(line, "verdict",
		       result->is_unmeasured ? "unmeasured" :
		       result->is_broken     ? "broken" :
					       "kept");
	if (result->phase)
		json_line_text(line, "phase", result->phase);
	if (result->step) {
		json_line_text(line, "step", result->step);
		json_line_int(line, "steps", (int64_t)result->n_steps);
		json_line_int(line, "worst_step", (int64_t)result->worst_step);
	}
	if (result->mapping)
		put_worst(line, result);
	return sink_jsonl_end(sink, error);
}

void verdict_lines_put_finding(struct json_line *line, const struct finding *finding)
{
	json_line_text(line, "finding", finding->name);
	json_line_text(line, "sure", finding->sure);
	json_line_int(line, "pid", (int64_t)finding->pid);
	json_line_text(line, "comm", finding->comm);
	if (finding->mapping)
		json_line_text(line, "mapping", finding->mapping);
	json_line_text(line, "seen", finding->seen);
	if (finding->phase) {
		json_line_text(line, "phase", finding->phase);
		json_line_real(line, "phase_share", finding->phase_share);
	}
	json_line_int(line, "cost_ns", (int64_t)finding->cost_ns);
	json_line_int(line, "cost_bytes", (int64_t)finding->cost_bytes);
	json_line_text(line, "do", finding->advice);
	json_line_text(line, "see", "faultmap-findings(7)");
}

static int put_finding(struct sink_jsonl *sink, const struct finding *finding, uint64_t wall_ns,
		       struct error *error)
{
	struct json_line *line = sink_jsonl_begin(sink, "finding");

	put_now(line);
	json_line_real(line, "seconds", (double)wall_ns / 1e9);
	verdict_lines_put_finding(line, finding);
	return sink_jsonl_end(sink, error);
}

int verdict_lines_findings(struct sink_jsonl *sink, const struct finding *findings, size_t count,
			   uint64_t wall_ns, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = put_finding(sink, &findings[i], wall_ns, error);
	return result;
}

int verdict_lines_budget(struct sink_jsonl *sink, const struct budget *budget, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < budget_count(budget) && !result; i++) {
		const struct budget_result each = budget_result(budget, i);

		result = put_budget(sink, &each, error);
	}
	return result;
}
