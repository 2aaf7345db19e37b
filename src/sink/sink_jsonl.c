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
#include "sink/jsonl_records.h"
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
	char ts[TEXT_TIME_LEN]; /* of this tick */
	int64_t ts_ms;          /* the same, since 1970 */
	struct table stacks;    /* that this file or connection has */
	struct folds *folds;    /* what has no line of its own */
	struct fold_options fold_options;
	uint64_t n_folded; /* lines that are in sums because there was no room */
	/* An interval without its line, for want of room: the next one's says it, too. */
	struct totals told, latest;
	uint64_t untold_ns;                     /* 0: there is none */
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

/* The list ends at n, or at a NULL. */
static void put_list(struct json_line *line, const char *name, const char *const *texts, size_t n)
{
	json_line_open(line, name, '[');
	for (size_t i = 0; i < n && texts[i]; i++)
		json_line_text(line, NULL, texts[i]);
	json_line_close(line, ']');
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
	jsonl_put_uint(line, "lines_lost", outlet_untold(outlet));
	jsonl_put_total(line, "lines_lost", outlet_lost(outlet));
}

/* Ends the line and queues it. After a failure of this call it is only counted. */
static void sink_emit(struct sink_jsonl *sink, bool tells_losses)
{
	struct outlet *outlet = sink->outlet;
	struct json_line *line = &sink->line;

	if (!sink->failure && !outlet_has_reserve(outlet))
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
		return "its reader does not keep up: `other` lines sum up what finds none";
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

	if (!sink->failure || result)
		sink->failure = result;
	return sink_tell(sink, error);
}

static struct sink_jsonl *sink_new(void)
{
	struct sink_jsonl *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	table_init(&sink->stacks, 0, sizeof(uint64_t));
	sink->folds = folds_new();
	if (!sink->folds) {
		free(sink);
		return NULL;
	}
	return sink;
}

int sink_jsonl_new(struct sink_jsonl **ret_sink, const char *target, enum outlet_open how,
		   struct error *error)
{
	struct sink_jsonl *sink = sink_new();
	int result;

	if (!sink)
		return error_set(error, ENOMEM, "opening the JSON lines: out of memory");
	result = outlet_open(&sink->outlet, target, how, error);
	if (result < 0)
		sink_jsonl_free(sink);
	else
		*ret_sink = sink;
	return result;
}

int sink_jsonl_new_feed(struct sink_jsonl **ret_sink, struct feed *feed)
{
	struct sink_jsonl *sink = sink_new();

	if (!sink || outlet_open_feed(&sink->outlet, feed) < 0) {
		sink_jsonl_free(sink);
		return -ENOMEM;
	}
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
	folds_free(sink->folds);
	free(sink);
}

void sink_jsonl_set_folding(struct sink_jsonl *sink, const struct fold_options *options)
{
	sink->fold_options = *options;
	folds_set_options(sink->folds, options);
}

bool sink_jsonl_is_stdout(const struct sink_jsonl *sink)
{
	return outlet_is_stdout(sink->outlet);
}

bool sink_jsonl_is_file(const struct sink_jsonl *sink)
{
	return outlet_is_file(sink->outlet);
}

uint64_t sink_jsonl_lost(const struct sink_jsonl *sink)
{
	return outlet_lost(sink->outlet);
}

uint64_t sink_jsonl_folded(const struct sink_jsonl *sink)
{
	return sink->n_folded;
}

const char *sink_jsonl_schema(void)
{
	return schema;
}

void sink_jsonl_watch(struct sink_jsonl *sink, struct loop *loop)
{
	outlet_watch(sink->outlet, loop);
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
			       "renaming %s, which has grown to --jsonl-max: %s; let its user write "
			       "to its directory",
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

static void put_folding(struct json_line *line, const struct fold_options *options)
{
	if (options->min_faults)
		jsonl_put_uint(line, "min_faults", options->min_faults);
	if (options->top)
		jsonl_put_uint(line, "top", options->top);
	if (options->exits)
		json_line_true(line, "fold_exit");
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
	jsonl_put_uint(line, "v", FAULTMAP_SCHEMA_VERSION);
	json_line_text(line, "faultmap", FAULTMAP_VERSION);
	json_line_text(line, "since", text_time(since, now));
	json_line_text(line, "host", uts.nodename);
	json_line_text(line, "kernel", uts.release);
	jsonl_put_uint(line, "page_size", (uint64_t)sysconf(_SC_PAGESIZE));
	json_line_text(line, "detail", meta->detail);
	put_list(line, "hooks", meta->hooks, meta->n_hooks);
	jsonl_put_seconds(line, "interval_seconds", meta->interval_ms * 1000000);
	if (meta->slice_bytes) {
		jsonl_put_uint(line, "slice_bytes", meta->slice_bytes);
		jsonl_put_uint(line, "slices_max", meta->slices_max);
	}
	if (meta->threads)
		json_line_true(line, "threads");
	if (meta->code)
		json_line_true(line, "code");
	if (meta->stacks)
		json_line_true(line, "stacks");
	if (meta->sample_every)
		jsonl_put_uint(line, "stack_samples", meta->sample_every);
	put_folding(line, &sink->fold_options);
	if (line->is_short)
		return error_set(error, ENOMEM, "writing the meta line: out of memory");
	json_line_free(&sink->meta);
	sink->meta = sink->line;
	sink->line = (struct json_line){ 0 };
	sink->meta_is_due = true;
	sink_begin(sink);
	return sink_end(sink, error);
}

static void put_interval(struct sink_jsonl *sink, const struct totals *now,
			 const struct totals *before, uint64_t duration_ns)
{
	struct json_line *line = line_begin_now(sink, "interval");

	jsonl_put_seconds(line, "seconds", duration_ns);
	for (size_t i = 0; i < totals_count; i++)
		if (total_is_counted(now, &totals_table[i]))
			jsonl_put_counter(line, totals_table[i].name,
					  total_of(now, &totals_table[i]),
					  total_of(before, &totals_table[i]));
	jsonl_put_uint(line, "in_flight", losses_in_flight(now)); /* a gauge */
	put_lines_lost(line, sink->outlet);
	sink_emit(sink, true);
}

/* Its reader leaves no room, not even for what must not be missing. */
static bool is_stuck(const struct sink_jsonl *sink)
{
	return !sink->failure && !outlet_has_reserve(sink->outlet);
}

static void emit_interval(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	uint64_t duration_ns = sink->untold_ns + snapshot->interval_ns;

	if (!sink->untold_ns)
		sink->told = snapshot->totals_before;
	sink->latest = snapshot->totals;
	if (is_stuck(sink)) {
		sink->untold_ns = duration_ns;
		sink->n_folded++;
		return;
	}
	put_interval(sink, &snapshot->totals, &sink->told, duration_ns);
	sink->untold_ns = 0;
}

/* Remembers the stack. False: it was there already. */
static bool is_new_stack(struct sink_jsonl *sink, uint64_t stack_id)
{
	const struct told_stack told = { .id = stack_id };

	if (table_get(&sink->stacks, &stack_id))
		return false;
	if (sink->stacks.count >= STACKS_TOLD_MAX)
		forget_stacks(sink);
	table_add_copy(&sink->stacks, &told, sizeof(told)); /* else it will be written again */
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
		jsonl_put_code(line, NULL, &context->places[i]);
	json_line_close(line, ']');
	if (context->n_kernel)
		jsonl_put_kernel(line, context->kernel, context->n_kernel);
	if (context->is_whole)
		json_line_true(line, "whole");
	outlet_set_time(sink->outlet, OUTLET_NO_TIME); /* lines of any later time refer to it */
	sink_emit(sink, false);
	outlet_set_time(sink->outlet, sink->ts_ms);
	if (sink->failure) /* it is lost, and written again when it is next needed */
		free(table_remove(&sink->stacks, &context->stack_id));
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

		jsonl_put_seconds(line, "seconds", window_ns);
		verdict_lines_put_finding(line, &list[i]);
		sink_emit(sink, false);
	}
}

static void emit_faults(struct sink_jsonl *sink, const struct row *row)
{
	emit_stack(sink, row->context);
	jsonl_put_faults(line_begin_now(sink, "faults"), row, folds_of_row(sink->folds, row));
	sink_emit(sink, false);
}

static void emit_sampled(struct sink_jsonl *sink, const struct sampled_path *path)
{
	emit_stack(sink, path->context);
	jsonl_put_sample(line_begin_now(sink, "stack_sample"), path);
	sink_emit(sink, false);
}

static void emit_slept(struct sink_jsonl *sink, const struct slept_paths *paths)
{
	for (size_t i = 0; paths && i < paths->count; i++) {
		if (paths->list[i].now.count == paths->list[i].before.count)
			continue;
		jsonl_put_slept(line_begin_now(sink, "stall_stack"), &paths->list[i]);
		sink_emit(sink, false);
	}
}

static void emit_process(struct sink_jsonl *sink, const struct process *process)
{
	jsonl_put_process(line_begin_now(sink, "process"), process,
			  folds_of_process(sink->folds, process));
	sink_emit(sink, false);
}

static void emit_exit(struct sink_jsonl *sink, const struct process *process)
{
	jsonl_put_exit(line_begin_now(sink, "exit"), process,
		       folds_of_process(sink->folds, process));
	sink_emit(sink, false);
}

/* False: its reader has not made room, so it goes to a sum. What cannot be written for another reason
 * is tried, and lost: later totals have it. */
static bool finds_room(struct sink_jsonl *sink, bool is_needed)
{
	if (!sink->failure && !outlet_has_room(sink->outlet))
		sink->failure = outlet_flush(sink->outlet);
	if (sink->failure && sink->failure != -EAGAIN)
		return true;
	if (!sink->failure &&
	    (is_needed ? outlet_has_reserve(sink->outlet) : outlet_has_room(sink->outlet)))
		return true;
	sink->n_folded++;
	return false;
}

/* What has no line of its own is added to a sum; what no sum takes has its line all the same. */
static void emit_rows(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		const struct row *row = snapshot->rows[i];

		if (!row_changed(row))
			continue;
		if ((folds_row_has_line(sink->folds, i) &&
		     finds_room(sink, losses_is_other(row->process))) ||
		    folds_add_faults(sink->folds, row) < 0)
			emit_faults(sink, row);
	}
	for (size_t i = 0; i < snapshot->n_sampled; i++)
		emit_sampled(sink, &snapshot->sampled[i]);
	emit_slept(sink, snapshot->slept);
}

static void emit_processes(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		if (!has_process_line(process))
			continue;
		if ((folds_process_has_line(sink->folds, process) && finds_room(sink, true)) ||
		    folds_add_process(sink->folds, process) < 0)
			emit_process(sink, process);
	}
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		if (!process->ended)
			continue;
		if ((folds_process_has_line(sink->folds, process) && finds_room(sink, true)) ||
		    folds_add_exit(sink->folds, process) < 0)
			emit_exit(sink, process);
	}
}

/* Those that find no room wait for the next tick. */
static void emit_sums(struct sink_jsonl *sink)
{
	const struct fold *fold;

	while ((fold = folds_first(sink->folds)) && !sink->failure &&
	       outlet_has_reserve(sink->outlet)) {
		if (fold->is_exits)
			jsonl_put_exits(line_begin_now(sink, "exits"), fold);
		else
			jsonl_put_other(line_begin_now(sink, "other"), fold);
		sink_emit(sink, false);
		folds_take_first(sink->folds);
	}
}

static void emit_deltas(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	folds_plan(sink->folds, snapshot); /* without memory everything has its line */
	if (!sink->interval_is_last)
		emit_interval(sink, snapshot);
	emit_rows(sink, snapshot);
	emit_processes(sink, snapshot);
	emit_sums(sink);
	if (sink->findings)
		emit_findings(sink);
	folds_end_tick(sink->folds, snapshot);
	if (sink->interval_is_last)
		emit_interval(sink, snapshot);
}

int sink_jsonl_tick(struct sink_jsonl *sink, const struct snapshot *snapshot, struct error *error)
{
	uint64_t n_folded = sink->n_folded;
	struct error other;
	int result = rotate(sink, error), written;

	sink_begin(sink);
	text_time(sink->ts, snapshot->ts);
	sink->ts_ms = (int64_t)snapshot->ts.tv_sec * 1000 + snapshot->ts.tv_nsec / 1000000;
	outlet_set_time(sink->outlet, sink->ts_ms);
	if (snapshot->tick)
		emit_deltas(sink, snapshot);
	outlet_set_time(sink->outlet, OUTLET_NO_TIME);
	if (!sink->failure && sink->n_folded > n_folded)
		sink->failure = -EAGAIN;
	written = sink_end(sink, result < 0 ? &other : error);
	return result < 0 ? result : written;
}

SINK_OPS(jsonl);

/* What waits for room, now that there is some. */
static void emit_rest(struct sink_jsonl *sink)
{
	emit_sums(sink);
	if (!sink->untold_ns || is_stuck(sink))
		return;
	put_interval(sink, &sink->latest, &sink->told, sink->untold_ns);
	sink->untold_ns = 0;
}

int sink_jsonl_drain(struct sink_jsonl *sink, int timeout_ms, struct error *error)
{
	sink->failure = outlet_drain(sink->outlet, timeout_ms);
	emit_rest(sink);
	if (!sink->failure)
		sink->failure = outlet_drain(sink->outlet, timeout_ms);
	for (; folds_first(sink->folds); folds_take_first(sink->folds))
		outlet_lose(sink->outlet);
	return sink_tell(sink, error);
}

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
	jsonl_put_exit_status(line, run->wait_status);
	jsonl_put_seconds(line, "seconds", run->wall_ns);
	jsonl_put_uint(line, "processes", run->processes);
	jsonl_put_uint(line, "minor_total", run->minor_total);
	jsonl_put_uint(line, "major_total", run->major_total);
	if (run->n_phases > 1)
		verdict_lines_phases(line, run->phases, run->n_phases);
	put_lines_lost(line, sink->outlet);
	sink_emit(sink, true);
	return sink_end(sink, error);
}
