// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_jsonl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/latency.h"
#include "model/ledger.h"
#include "model/stall_causes.h"
#include "model/losses.h"
#include "base/table.h"
#include "base/text.h"
#include "base/util.h"
#include "base/version.h"
#include "sink/json_line.h"
#include "sink/verdict_lines.h"

static const char schema[] =
#include "faultmap.schema.h"
	;

struct sink_jsonl {
	struct outlet *outlet;
	int failure;           /* of this call: what comes after it is lost without another try */
	struct json_line line; /* the one in the making */
	struct json_line meta; /* as it was given, not ended: for each file and connection */
	bool meta_is_due;
	bool interval_is_last;
	char ts[TEXT_TIME_LEN];                 /* of this tick */
	struct table stacks;                    /* that this file or connection has */
	const struct recent_findings *findings; /* NULL: no lines of them */
};

/* The most stacks that are remembered as written to a file; beyond, all are written again. 6
 * MiB. */
#define STACKS_TOLD_MAX 65536
struct told_stack {
	uint64_t id;
};

static void forget_stacks(struct sink_jsonl *sink)
{
	table_clear_values(&sink->stacks, free);
	table_init(&sink->stacks, 0, sizeof(uint64_t));
}

static void put_uint(struct json_line *line, const char *name, uint64_t value)
{
	json_line_int(line, name, (int64_t)value);
}

static void put_seconds(struct json_line *line, const char *name, uint64_t duration_ns)
{
	json_line_real(line, name, (double)duration_ns / 1e9);
}

/* The list ends at n, or at a NULL. */
static void put_list(struct json_line *line, const char *name, const char *const *texts, size_t n)
{
	json_line_open(line, name, '[');
	for (size_t i = 0; i < n && texts[i]; i++)
		json_line_text(line, NULL, texts[i]);
	json_line_close(line, ']');
}

static void put_total(struct json_line *line, const char *name, uint64_t now)
{
	char total[64];

	stpcpy(stpcpy(total, name), "_total");
	put_uint(line, total, now);
}

/* The delta under the plain name, the running total under NAME_total. */
static void put_counter(struct json_line *line, const char *name, uint64_t now, uint64_t before)
{
	put_uint(line, name, now - before);
	put_total(line, name, now);
}

static struct json_line *line_begin(struct sink_jsonl *sink, const char *rec)
{
	json_line_begin(&sink->line);
	json_line_text(&sink->line, "rec", rec);
	return &sink->line;
}

/* Of this tick. */
static struct json_line *line_begin_now(struct sink_jsonl *sink, const char *rec)
{
	struct json_line *line = line_begin(sink, rec);

	json_line_text(line, "ts", sink->ts);
	return line;
}

/* Adds how many lines were lost since the last line that said so. */
static void put_lines_lost(struct json_line *line, const struct outlet *outlet)
{
	put_uint(line, "lines_lost", outlet_untold(outlet));
	put_total(line, "lines_lost", outlet_lost(outlet));
}

/* Ends the line and queues it. After a failure of this call it is only counted. */
static void sink_emit(struct sink_jsonl *sink, bool tells_losses)
{
	struct outlet *outlet = sink->outlet;
	struct json_line *line = &sink->line;

	if (!sink->failure && !outlet_has_room(outlet))
		sink->failure = -EAGAIN;
	if (sink->failure) {
		outlet_lose(outlet);
	} else if (!json_line_end(line) || outlet_add(outlet, line->text, line->length) < 0) {
		outlet_drop_line(outlet);
		sink->failure = outlet_flush(outlet) ?: -ENOMEM;
	} else {
		sink->failure = outlet_end_line(outlet, tells_losses);
	}
}

static void sink_emit_meta(struct sink_jsonl *sink)
{
	uint64_t lost = outlet_lost(sink->outlet);

	if (sink->failure)
		return;
	json_line_copy(&sink->line, &sink->meta);
	put_lines_lost(&sink->line, sink->outlet);
	sink_emit(sink, true);
	if (!sink->failure)
		sink->failure = outlet_flush(sink->outlet);
	if (sink->failure)
		outlet_unlose(sink->outlet, lost); /* it is late, not lost */
	else
		sink->meta_is_due = false;
}

static void sink_begin(struct sink_jsonl *sink)
{
	bool is_new;

	sink->failure = outlet_connect(sink->outlet, &is_new);
	sink->meta_is_due |= is_new;
	if (is_new)
		forget_stacks(sink);
	if (sink->meta_is_due && sink->meta.length)
		sink_emit_meta(sink);
}

static const char *advice_for(int errnum)
{
	switch (errnum) {
	case EPIPE:
	case ECONNRESET:
		return "its reader has gone away";
	case EAGAIN:
		return "its reader does not keep up";
	case ENXIO:
	case ENOENT:
	case ECONNREFUSED:
		return "nobody reads there";
	default:
		return "free space there or write elsewhere";
	}
}

static int sink_tell(const struct sink_jsonl *sink, struct error *error)
{
	int errnum = -sink->failure;

	if (!errnum)
		return 0;
	return error_set(error, errnum, "writing JSON lines to %s: %s; %s",
			 outlet_name(sink->outlet), errnum == EAGAIN ? "no room" : strerror(errnum),
			 advice_for(errnum));
}

static int sink_end(struct sink_jsonl *sink, struct error *error)
{
	int result = outlet_flush(sink->outlet);

	if (!sink->failure)
		sink->failure = result;
	return sink_tell(sink, error);
}

int sink_jsonl_new(struct sink_jsonl **ret_sink, const char *target, enum outlet_open how,
		   struct error *error)
{
	struct sink_jsonl *sink = calloc(1, sizeof(*sink));
	int result;

	if (!sink)
		return error_set(error, ENOMEM, "opening the JSON lines: out of memory");
	table_init(&sink->stacks, 0, sizeof(uint64_t));
	result = outlet_open(&sink->outlet, target, how, error);
	if (result < 0)
		free(sink);
	else
		*ret_sink = sink;
	return result;
}

int sink_jsonl_new_feed(struct sink_jsonl **ret_sink, struct feed *feed)
{
	struct sink_jsonl *sink = calloc(1, sizeof(*sink));

	if (!sink || outlet_open_feed(&sink->outlet, feed) < 0) {
		free(sink);
		return -ENOMEM;
	}
	table_init(&sink->stacks, 0, sizeof(uint64_t));
	sink->interval_is_last = true;
	*ret_sink = sink;
	return 0;
}

void sink_jsonl_free(struct sink_jsonl *sink)
{
	if (!sink)
		return;
	outlet_free(sink->outlet);
	json_line_free(&sink->line);
	json_line_free(&sink->meta);
	table_clear_values(&sink->stacks, free);
	free(sink);
}

bool sink_jsonl_is_stdout(const struct sink_jsonl *sink)
{
	return outlet_is_stdout(sink->outlet);
}

uint64_t sink_jsonl_lost(const struct sink_jsonl *sink)
{
	return outlet_lost(sink->outlet);
}

const char *sink_jsonl_schema(void)
{
	return schema;
}

void sink_jsonl_watch(struct sink_jsonl *sink, struct loop *loop)
{
	outlet_watch(sink->outlet, loop);
}

int sink_jsonl_drain(struct sink_jsonl *sink, int timeout_ms, struct error *error)
{
	sink->failure = outlet_drain(sink->outlet, timeout_ms);
	return sink_tell(sink, error);
}

void sink_jsonl_give(const struct sink_jsonl *sink, uid_t owner)
{
	outlet_give(sink->outlet, owner);
}

int sink_jsonl_reopen(struct sink_jsonl *sink, struct error *error)
{
	bool is_new;
	int result = outlet_reopen(sink->outlet, &is_new);

	if (result < 0)
		return error_set(error, -result, "opening %s again: %s; continuing in the old file",
				 outlet_name(sink->outlet), strerror(-result));
	sink->meta_is_due |= is_new;
	if (is_new)
		forget_stacks(sink);
	sink_begin(sink);
	return sink_end(sink, error);
}

void sink_jsonl_set_limit(struct sink_jsonl *sink, uint64_t max_bytes, uint64_t keep)
{
	outlet_set_limit(sink->outlet, max_bytes, keep);
}

/* Renames a file that has reached its maximum size, and begins a new one. */
static int rotate(struct sink_jsonl *sink, struct error *error)
{
	bool is_new;
	int result = outlet_rotate(sink->outlet, &is_new);

	sink->meta_is_due |= is_new;
	if (is_new)
		forget_stacks(sink);
	return result < 0 ?
		       error_set(
			       error, -result,
			       "renaming %s, which has grown to --jsonl-max: %s; it keeps growing: "
			       "let its user write to its directory",
			       outlet_name(sink->outlet), strerror(-result)) :
		       0;
}

int sink_jsonl_restart(struct sink_jsonl *sink, struct error *error)
{
	sink->meta_is_due = true;
	forget_stacks(sink);
	sink_begin(sink);
	return sink_end(sink, error);
}

int sink_jsonl_meta(struct sink_jsonl *sink, const struct sink_jsonl_meta *meta,
		    struct error *error)
{
	struct json_line *line = line_begin(sink, "meta");
	struct utsname uts;
	struct timespec now;
	char since[TEXT_TIME_LEN];

	uname(&uts);
	clock_gettime(CLOCK_REALTIME, &now);
	put_uint(line, "v", FAULTMAP_SCHEMA_VERSION);
	json_line_text(line, "faultmap", FAULTMAP_VERSION);
	json_line_text(line, "since", text_time(since, now));
	json_line_text(line, "host", uts.nodename);
	json_line_text(line, "kernel", uts.release);
	put_uint(line, "page_size", (uint64_t)sysconf(_SC_PAGESIZE));
	json_line_text(line, "detail", meta->detail);
	put_list(line, "hooks", meta->hooks, meta->n_hooks);
	put_seconds(line, "interval_seconds", meta->interval_ms * 1000000);
	if (meta->slice_bytes) {
		put_uint(line, "slice_bytes", meta->slice_bytes);
		put_uint(line, "slices_max", meta->slices_max);
	}
	if (meta->threads)
		json_line_true(line, "threads");
	if (meta->code)
		json_line_true(line, "code");
	if (meta->stacks)
		json_line_true(line, "stacks");
	if (meta->sample_every)
		put_uint(line, "stack_samples", meta->sample_every);
	if (line->is_short)
		return error_set(error, ENOMEM, "writing the meta line: out of memory");
	json_line_free(&sink->meta);
	sink->meta = sink->line;
	sink->line = (struct json_line){ 0 };
	sink->meta_is_due = true;
	sink_begin(sink);
	return sink_end(sink, error);
}

static void emit_interval(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	struct json_line *line = line_begin_now(sink, "interval");
	const struct totals *now = &snapshot->totals;
	const struct totals *before = &snapshot->totals_before;

	put_seconds(line, "seconds", snapshot->interval_ns);
	for (size_t i = 0; i < totals_count; i++)
		if (total_is_counted(now, &totals_table[i]))
			put_counter(line, totals_table[i].name, total_of(now, &totals_table[i]),
				    total_of(before, &totals_table[i]));
	put_uint(line, "in_flight", losses_in_flight(now)); /* a gauge */
	put_lines_lost(line, sink->outlet);
	sink_emit(sink, true);
}

static void put_identity(struct json_line *line, const struct process *process)
{
	put_uint(line, "pid", process->tgid);
	put_uint(line, "start_ns", process->start_ns);
	json_line_text(line, "comm", process->comm);
}

static void put_owner(struct json_line *line, const struct process *process)
{
	put_uint(line, "ppid", process->ppid);
	put_uint(line, "uid", process->uid);
	json_line_text(line, "cgroup", process->cgroup);
}

/* max_ns is since attach; what was longer than the last bucket's bound is in count only. */
static void put_latency(struct json_line *line, const struct row *row)
{
	struct latency_counts delta = latency_delta(row);

	json_line_open(line, "latency", '{');
	put_uint(line, "count", delta.count);
	put_total(line, "count", row->latency->now.count);
	put_uint(line, "sum_ns", delta.sum_ns);
	put_total(line, "sum_ns", row->latency->now.sum_ns);
	put_uint(line, "max_ns", row->latency->max_ns);
	json_line_open(line, "buckets", '[');
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		put_uint(line, NULL, delta.buckets[i]);
	json_line_close(line, ']');
	json_line_close(line, '}');
}

void sink_jsonl_put_code(struct json_line *line, const char *name, const struct code_place *place)
{
	json_line_open(line, name, '{');
	json_line_text(line, "file", place->file);
	json_line_hex(line, place->in_file ? "offset" : "address", place->offset);
	if (!name && place->build_id)
		json_line_text(line, "build_id", place->build_id);
	json_line_close(line, '}');
}

static void put_context(struct json_line *line, const struct row *row)
{
	const struct context *context = row->context;

	if (!row->context_id)
		return;
	json_line_hex(line, "context", row->context_id);
	if (context && context->has_thread) {
		put_uint(line, "tid", context->tid);
		json_line_text(line, "thread", context->thread);
	}
	if (context && context->has_code)
		sink_jsonl_put_code(line, "code", &context->places[0]);
	if (context && context->has_stack)
		json_line_hex(line, "stack", context->stack_id);
}

/* Remembers the stack. False: it was there already. */
static bool is_new_stack(struct sink_jsonl *sink, uint64_t stack_id)
{
	struct told_stack *told;

	if (table_get(&sink->stacks, &stack_id))
		return false;
	if (sink->stacks.count >= STACKS_TOLD_MAX)
		forget_stacks(sink);
	told = malloc(sizeof(*told));
	if (!told)
		return true; /* it will be written again */
	told->id = stack_id;
	if (table_add(&sink->stacks, told) < 0)
		free(told);
	return true;
}

/* Writes a stack before the first line that refers to it. */
static void emit_stack(struct sink_jsonl *sink, const struct context *context)
{
	struct json_line *line;

	if (!context || !context->has_stack || !is_new_stack(sink, context->stack_id))
		return;
	line = line_begin_now(sink, "stack");
	json_line_hex(line, "stack", context->stack_id);
	json_line_open(line, "frames", '[');
	for (size_t i = 0; i < context->n_places; i++)
		sink_jsonl_put_code(line, NULL, &context->places[i]);
	json_line_close(line, ']');
	if (context->is_whole)
		json_line_true(line, "whole");
	sink_emit(sink, false);
	if (sink->failure) /* it is lost, and written again when it is next needed */
		free(table_remove(&sink->stacks, &context->stack_id));
}

/* Each cause that the row has ever had, so that the totals make up for lost lines. */
static void put_stall(struct json_line *line, const struct row *row)
{
	const struct row_causes *causes = row->latency->causes;
	struct cause_counts delta = causes_delta(row);

	json_line_open(line, "stall", '{');
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		if (!causes->now.count[i])
			continue;
		json_line_open(line, stall_cause_name(i), '{');
		put_uint(line, "count", delta.count[i]);
		put_total(line, "count", causes->now.count[i]);
		put_uint(line, "sum_ns", delta.sum_ns[i]);
		put_total(line, "sum_ns", causes->now.sum_ns[i]);
		put_uint(line, "max_ns", causes->max_ns[i]);
		if (i == STALL_LOCK && causes->holder_tid)
			put_uint(line, "holder_tid", causes->holder_tid);
		json_line_close(line, '}');
	}
	json_line_close(line, '}');
}

static void emit_faults(struct sink_jsonl *sink, const struct row *row)
{
	struct json_line *line = line_begin_now(sink, "faults");
	const struct fault_counts *now = &row->now;
	const struct fault_counts *before = &row->before;

	put_identity(line, row->process);
	put_context(line, row);
	json_line_text(line, "mapping", row->mapping);
	/* With kind, access, mode and context it names the series: addresses change as a mapping
	 * grows. */
	json_line_hex(line, "mapping_id", row->mapping_id);
	json_line_hex(line, "map_start", row->map_start);
	json_line_hex(line, "map_end", row->map_end);
	put_uint(line, "map_offset", row->map_offset);
	if (ledger_largest(row) != LEDGER_NO_BOUND &&
	    row->largest != ledger_size_code(row->map_end - row->map_start))
		put_uint(line, "map_largest_bytes", ledger_largest(row));
	if (row->slice) {
		json_line_hex(line, "slice_start", row->slice_start);
		json_line_hex(line, "slice_end", row->slice_end);
	}
	json_line_text(line, "perms", row->perms);
	json_line_text(line, "kind", kind_name(row->kind));
	json_line_text(line, "access", access_name(row->access));
	json_line_text(line, "mode", mode_name(row->mode));
	put_counter(line, "minor", now->minor, before->minor);
	put_counter(line, "major", now->major, before->major);
	put_counter(line, "denied", now->denied, before->denied);
	put_counter(line, "pages", now->pages, before->pages);
	if (row->latency)
		put_latency(line, row);
	if (causes_are_told(row)) {
		const struct row_causes *causes = row->latency->causes;

		put_stall(line, row);
		if (causes->now.refaults)
			put_counter(line, "refaults", causes->now.refaults,
				    causes->before.refaults);
	}
	sink_emit(sink, false);
}

/* The call path of one fault. Its process may have no line of its own. */
static void emit_sampled(struct sink_jsonl *sink, const struct sampled_path *path)
{
	struct json_line *line;

	emit_stack(sink, path->context);
	line = line_begin_now(sink, "stack_sample");
	put_uint(line, "pid", path->tgid);
	put_uint(line, "start_ns", path->start_ns);
	json_line_text(line, "mapping", path->mapping);
	json_line_hex(line, "stack", path->context->stack_id);
	if (path->row_stack)
		json_line_hex(line, "row_stack", path->row_stack);
	sink_emit(sink, false);
}

static void emit_process(struct sink_jsonl *sink, const struct process *process)
{
	struct json_line *line = line_begin_now(sink, "process");

	put_identity(line, process);
	put_owner(line, process);
	put_uint(line, "vsz_bytes", process->vsz_bytes);
	put_uint(line, "rss_bytes", process->rss_bytes);
	put_uint(line, "peak_rss_bytes", process->peak_rss_bytes);
	json_line_int(line, "rss_growth_bytes",
		      (int64_t)(process->rss_bytes - process->rss_before_bytes));
	put_counter(line, "brought_pages", process->brought_pages, process->brought_before_pages);
	put_counter(line, "minor", process->minor, process->minor_before);
	put_counter(line, "major", process->major, process->major_before);
	put_counter(line, "gup", process->gup, process->gup_before);
	sink_emit(sink, false);
}

/* exit_status as a shell's $? shows it; `signal` only where one killed the process. */
static void put_exit_status(struct json_line *line, int wait_status)
{
	if (!WIFSIGNALED(wait_status)) {
		put_uint(line, "exit_status", (uint64_t)WEXITSTATUS(wait_status));
		return;
	}
	put_uint(line, "exit_status", 128 + (uint64_t)WTERMSIG(wait_status));
	put_uint(line, "signal", (uint64_t)WTERMSIG(wait_status));
	if (WCOREDUMP(wait_status))
		json_line_true(line, "core_dumped");
}

static void emit_exit(struct sink_jsonl *sink, const struct process *process)
{
	struct json_line *line = line_begin_now(sink, "exit");

	put_identity(line, process);
	put_owner(line, process);
	put_exit_status(line, process->exit_status);
	put_seconds(line, "seconds", process->lifetime_ns);
	put_uint(line, "peak_vsz_bytes", process->peak_vsz_bytes);
	put_uint(line, "peak_rss_bytes", process->peak_rss_bytes);
	put_total(line, "minor", process->minor);
	put_total(line, "major", process->major);
	put_total(line, "gup", process->gup);
	sink_emit(sink, false);
}

/* gup is what no exception explains, so it can move a tick after the counter it is part of. Memory
 * goes away without a fault. */
static bool has_process_line(const struct process *process)
{
	return process_moved(process) || process->gup != process->gup_before ||
	       (!process->ended && ledger_growth(process));
}

static void emit_findings(struct sink_jsonl *sink)
{
	uint64_t window_ns;
	size_t count;
	const struct finding *list = recent_findings_new_ones(sink->findings, &count, &window_ns);

	for (size_t i = 0; i < count; i++) {
		struct json_line *line = line_begin_now(sink, "finding");

		put_seconds(line, "seconds", window_ns);
		verdict_lines_put_finding(line, &list[i]);
		sink_emit(sink, false);
	}
}

static void emit_deltas(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	if (!sink->interval_is_last)
		emit_interval(sink, snapshot);
	for (size_t i = 0; i < snapshot->n_touched; i++)
		if (row_changed(snapshot->rows[i])) {
			emit_stack(sink, snapshot->rows[i]->context);
			emit_faults(sink, snapshot->rows[i]);
		}
	for (size_t i = 0; i < snapshot->n_sampled; i++)
		emit_sampled(sink, &snapshot->sampled[i]);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (has_process_line(snapshot->processes[i]))
			emit_process(sink, snapshot->processes[i]);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->ended)
			emit_exit(sink, snapshot->processes[i]);
	if (sink->findings)
		emit_findings(sink);
	if (sink->interval_is_last)
		emit_interval(sink, snapshot);
}

int sink_jsonl_tick(struct sink_jsonl *sink, const struct snapshot *snapshot, struct error *error)
{
	struct error other;
	int result = rotate(sink, error), written;

	sink_begin(sink);
	text_time(sink->ts, snapshot->ts);
	if (snapshot->tick)
		emit_deltas(sink, snapshot);
	written = sink_end(sink, result < 0 ? &other : error);
	return result < 0 ? result : written;
}

SINK_OPS(jsonl);

void sink_jsonl_set_findings(struct sink_jsonl *sink, const struct recent_findings *findings)
{
	sink->findings = findings;
}

struct json_line *sink_jsonl_begin(struct sink_jsonl *sink, const char *rec)
{
	sink_begin(sink);
	return line_begin(sink, rec);
}

int sink_jsonl_end(struct sink_jsonl *sink, struct error *error)
{
	sink_emit(sink, false);
	return sink_end(sink, error);
}

int sink_jsonl_run(struct sink_jsonl *sink, const struct sink_jsonl_run *run, struct error *error)
{
	struct json_line *line;

	sink_begin(sink);
	line = line_begin(sink, "run");
	put_list(line, "command", run->command, SIZE_MAX);
	put_exit_status(line, run->wait_status);
	put_seconds(line, "seconds", run->wall_ns);
	put_uint(line, "processes", run->processes);
	put_uint(line, "minor_total", run->minor_total);
	put_uint(line, "major_total", run->major_total);
	if (run->n_phases > 1)
		verdict_lines_phases(line, run->phases, run->n_phases);
	put_lines_lost(line, sink->outlet);
	sink_emit(sink, true);
	return sink_end(sink, error);
}
