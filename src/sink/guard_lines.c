// SPDX-License-Identifier: GPL-2.0-only
#include "sink/guard_lines.h"

#include <time.h>

#include "base/text.h"
#include "model/stall_causes.h"
#include "sink/jsonl_records.h"

static void put_time(struct json_line *line, struct timespec when)
{
	char ts[TEXT_TIME_LEN];

	json_line_text(line, "ts", text_time(ts, when));
}

static void put_now(struct json_line *line)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	put_time(line, now);
}

static void put_latency(struct json_line *line, const struct guard_fault *fault)
{
	if (!fault->latency_ns)
		return;
	json_line_int(line, "latency_ns", (int64_t)fault->latency_ns);
	if (!fault->by_cause)
		return;
	json_line_open(line, "stall", '{');
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++)
		if (fault->by_cause[i])
			json_line_int(line, stall_cause_name(i), (int64_t)fault->by_cause[i]);
	json_line_close(line, '}');
}

static void put_context(struct json_line *line, const struct context *context)
{
	if (!context || !context->has_code)
		return;
	jsonl_put_code(line, "code", &context->places[0]);
	if (!context->has_stack)
		return;
	json_line_open(line, "frames", '[');
	for (size_t i = 0; i < context->n_places; i++)
		jsonl_put_code(line, NULL, &context->places[i]);
	json_line_close(line, ']');
	if (context->is_whole)
		json_line_true(line, "whole");
}

int guard_lines_fault(struct sink_jsonl *sink, const struct guard_fault *fault, struct error *error)
{
	struct json_line *line = sink_jsonl_begin(sink, "guard");

	put_time(line, fault->ts);
	json_line_int(line, "pid", fault->tgid);
	json_line_int(line, "start_ns", (int64_t)fault->start_ns);
	json_line_text(line, "comm", fault->comm);
	json_line_int(line, "tid", fault->tid);
	json_line_text(line, "thread", fault->thread);
	json_line_text(line, "outcome", fault->outcome);
	json_line_text(line, "mapping", fault->mapping);
	json_line_hex(line, "map_start", fault->map_start);
	json_line_hex(line, "map_end", fault->map_end);
	json_line_hex(line, "address", fault->address);
	json_line_text(line, "kind", fault->kind);
	json_line_text(line, "access", fault->access);
	json_line_text(line, "mode", fault->mode);
	put_latency(line, fault);
	put_context(line, fault->context);
	return sink_jsonl_end(sink, error);
}

int guard_lines_gup(struct sink_jsonl *sink, const struct process *process, struct error *error)
{
	struct json_line *line = sink_jsonl_begin(sink, "gup");

	put_now(line);
	json_line_int(line, "pid", process->tgid);
	json_line_int(line, "start_ns", (int64_t)process->start_ns);
	json_line_text(line, "comm", process->comm);
	json_line_int(line, "faults", (int64_t)(process->gup - process->gup_before));
	json_line_text(line, "note",
		       "resolved by the kernel without an exception (populate, mlock, O_DIRECT, "
		       "ptrace): the thread and the address are not known");
	return sink_jsonl_end(sink, error);
}

int guard_lines_end(struct sink_jsonl *sink, const struct guard_totals *totals, uint64_t wall_ns,
		    struct error *error)
{
	struct json_line *line = sink_jsonl_begin(sink, "guarded");
	bool is_broken = totals->minor || totals->major || totals->denied || totals->lost;

	put_now(line);
	json_line_real(line, "seconds", (double)wall_ns / 1e9);
	json_line_int(line, "minor", (int64_t)totals->minor);
	json_line_int(line, "major", (int64_t)totals->major);
	json_line_int(line, "denied", (int64_t)totals->denied);
	json_line_int(line, "gup", (int64_t)totals->gup);
	json_line_int(line, "lost", (int64_t)totals->lost);
	json_line_text(line, "verdict", is_broken ? "broken" : "kept");
	return sink_jsonl_end(sink, error);
}
