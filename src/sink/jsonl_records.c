// SPDX-License-Identifier: GPL-2.0-only
#include "sink/jsonl_records.h"

#include <string.h>
#include <sys/wait.h>

#include "model/latency.h"
#include "model/ledger.h"
#include "model/stall_causes.h"

void jsonl_put_uint(struct json_line *line, const char *name, uint64_t value)
{
	json_line_int(line, name, (int64_t)value);
}

void jsonl_put_seconds(struct json_line *line, const char *name, uint64_t duration_ns)
{
	json_line_real(line, name, (double)duration_ns / 1e9);
}

void jsonl_put_total(struct json_line *line, const char *name, uint64_t now)
{
	char total[64];

	stpcpy(stpcpy(total, name), "_total");
	jsonl_put_uint(line, total, now);
}

void jsonl_put_counter(struct json_line *line, const char *name, uint64_t now, uint64_t before)
{
	jsonl_put_uint(line, name, now - before);
	jsonl_put_total(line, name, now);
}

static void put_identity(struct json_line *line, const struct process *process)
{
	jsonl_put_uint(line, "pid", process->tgid);
	jsonl_put_uint(line, "start_ns", process->start_ns);
	json_line_text(line, "comm", process->comm);
}

static void put_owner(struct json_line *line, const struct process *process)
{
	jsonl_put_uint(line, "ppid", process->ppid);
	jsonl_put_uint(line, "uid", process->uid);
	json_line_text(line, "cgroup", process->cgroup);
}

/* Faults. -------------------------------------------------------------------------------------- */

static void put_buckets(struct json_line *line, const struct latency_counts *latency)
{
	json_line_open(line, "buckets", '[');
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		jsonl_put_uint(line, NULL, latency->buckets[i]);
	json_line_close(line, ']');
}

/* max_ns is since attach; what was longer than the last bucket's bound is in count only. */
static void put_latency(struct json_line *line, const struct row *row,
			const struct row_left_out *left_out)
{
	const struct latency_counts *now = &row->latency->now;
	struct latency_counts delta = latency_delta(row);

	json_line_open(line, "latency", '{');
	jsonl_put_uint(line, "count", delta.count);
	jsonl_put_total(line, "count", now->count - (left_out ? left_out->stalls : 0));
	jsonl_put_uint(line, "sum_ns", delta.sum_ns);
	jsonl_put_total(line, "sum_ns", now->sum_ns - (left_out ? left_out->stalled_ns : 0));
	jsonl_put_uint(line, "max_ns", row->latency->max_ns);
	put_buckets(line, &delta);
	json_line_close(line, '}');
}

void jsonl_put_code(struct json_line *line, const char *name, const struct code_place *place)
{
	json_line_open(line, name, '{');
	json_line_text(line, "file", place->file);
	json_line_hex(line, place->in_file ? "offset" : "address", place->offset);
	if (!name && place->build_id)
		json_line_text(line, "build_id", place->build_id);
	json_line_close(line, '}');
}

void jsonl_put_kernel(struct json_line *line, const char *const *names, size_t count)
{
	json_line_open(line, "kernel", '[');
	for (size_t i = 0; i < count; i++)
		json_line_text(line, NULL, names[i]);
	json_line_close(line, ']');
}

static void put_context(struct json_line *line, const struct row *row)
{
	const struct context *context = row->context;

	if (!row->context_id)
		return;
	json_line_hex(line, "context", row->context_id);
	if (context && context->has_thread) {
		jsonl_put_uint(line, "tid", context->tid);
		json_line_text(line, "thread", context->thread);
	}
	if (context && context->has_code)
		jsonl_put_code(line, "code", &context->places[0]);
	if (context && context->has_stack)
		json_line_hex(line, "stack", context->stack_id);
}

/* Writes each cause that the row has ever had: a later total makes up for a lost line. */
static void put_stall(struct json_line *line, const struct row *row,
		      const struct cause_counts *left_out)
{
	const struct row_causes *causes = row->latency->causes;
	struct cause_counts delta = causes_delta(row);

	json_line_open(line, "stall", '{');
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		uint64_t count = causes->now.count[i] - (left_out ? left_out->count[i] : 0);

		if (!count)
			continue;
		json_line_open(line, stall_cause_name(i), '{');
		jsonl_put_uint(line, "count", delta.count[i]);
		jsonl_put_total(line, "count", count);
		jsonl_put_uint(line, "sum_ns", delta.sum_ns[i]);
		jsonl_put_total(line, "sum_ns",
				causes->now.sum_ns[i] - (left_out ? left_out->sum_ns[i] : 0));
		jsonl_put_uint(line, "max_ns", causes->max_ns[i]);
		if (i == STALL_LOCK && causes->holder_tid)
			jsonl_put_uint(line, "holder_tid", causes->holder_tid);
		json_line_close(line, '}');
	}
	json_line_close(line, '}');
}

static void put_causes(struct json_line *line, const struct row *row,
		       const struct cause_counts *left_out)
{
	const struct row_causes *causes = row->latency->causes;
	uint64_t refaults = left_out ? left_out->refaults : 0;

	put_stall(line, row, left_out);
	if (causes->now.refaults > refaults)
		jsonl_put_counter(line, "refaults", causes->now.refaults - refaults,
				  causes->before.refaults - refaults);
}

/* As put_counter(), with less in the total. */
static void put_less(struct json_line *line, const char *name, uint64_t now, uint64_t before,
		     uint64_t less)
{
	jsonl_put_counter(line, name, now - less, before - less);
}

static void put_place(struct json_line *line, const struct row *row)
{
	json_line_text(line, "mapping", row->mapping);
	/* With kind, access, mode and context it names the series: addresses change as a mapping grows. */
	json_line_hex(line, "mapping_id", row->mapping_id);
	json_line_hex(line, "map_start", row->map_start);
	json_line_hex(line, "map_end", row->map_end);
	jsonl_put_uint(line, "map_offset", row->map_offset);
	if (ledger_largest(row) != LEDGER_NO_BOUND &&
	    row->largest != ledger_size_code(row->map_end - row->map_start))
		jsonl_put_uint(line, "map_largest_bytes", ledger_largest(row));
	if (row->slice) {
		json_line_hex(line, "slice_start", row->slice_start);
		json_line_hex(line, "slice_end", row->slice_end);
	}
	json_line_text(line, "perms", row->perms);
}

static void put_what(struct json_line *line, uint8_t kind, uint8_t access, uint8_t mode)
{
	json_line_text(line, "kind", kind_name(kind));
	json_line_text(line, "access", access_name(access));
	json_line_text(line, "mode", mode_name(mode));
}

void jsonl_put_faults(struct json_line *line, const struct row *row,
		      const struct row_left_out *left_out)
{
	static const struct fault_counts none = {};
	const struct fault_counts *now = &row->now, *before = &row->before;
	const struct fault_counts *less = left_out ? &left_out->counts : &none;

	put_identity(line, row->process);
	put_context(line, row);
	put_place(line, row);
	put_what(line, row->kind, row->access, row->mode);
	put_less(line, "minor", now->minor, before->minor, less->minor);
	put_less(line, "major", now->major, before->major, less->major);
	put_less(line, "denied", now->denied, before->denied, less->denied);
	put_less(line, "pages", now->pages, before->pages, less->pages);
	if (row->latency)
		put_latency(line, row, left_out);
	if (row->latency && causes_are_told(row))
		put_causes(line, row, left_out ? left_out->causes : NULL);
}

void jsonl_put_sample(struct json_line *line, const struct sampled_path *path)
{
	jsonl_put_uint(line, "pid", path->tgid);
	jsonl_put_uint(line, "start_ns", path->start_ns);
	json_line_text(line, "mapping", path->mapping);
	json_line_hex(line, "stack", path->context->stack_id);
	if (path->row_stack)
		json_line_hex(line, "row_stack", path->row_stack);
}

void jsonl_put_slept(struct json_line *line, const struct slept_path *path)
{
	const struct slept_counts *now = &path->now, *before = &path->before;

	jsonl_put_kernel(line, path->names, path->n_names);
	jsonl_put_counter(line, "count", now->count, before->count);
	jsonl_put_counter(line, "sum_ns", now->sum_ns, before->sum_ns);
	jsonl_put_uint(line, "max_ns", now->max_ns);
}

/* Processes. ----------------------------------------------------------------------------------- */

void jsonl_put_process(struct json_line *line, const struct process *process,
		       const struct process_left_out *left_out)
{
	static const struct process_left_out none = {};
	const struct process_left_out *less = left_out ?: &none;

	put_identity(line, process);
	put_owner(line, process);
	jsonl_put_uint(line, "vsz_bytes", process->vsz_bytes);
	jsonl_put_uint(line, "rss_bytes", process->rss_bytes);
	jsonl_put_uint(line, "peak_rss_bytes", process->peak_rss_bytes);
	json_line_int(line, "rss_growth_bytes",
		      (int64_t)(process->rss_bytes - process->rss_before_bytes));
	jsonl_put_counter(line, "brought_pages", process->brought_pages,
			  process->brought_before_pages);
	put_less(line, "minor", process->minor, process->minor_before, less->minor);
	put_less(line, "major", process->major, process->major_before, less->major);
	put_less(line, "gup", process->gup, process->gup_before, less->gup);
}

void jsonl_put_exit_status(struct json_line *line, int wait_status)
{
	if (!WIFSIGNALED(wait_status)) {
		jsonl_put_uint(line, "exit_status", (uint64_t)WEXITSTATUS(wait_status));
		return;
	}
	jsonl_put_uint(line, "exit_status", 128 + (uint64_t)WTERMSIG(wait_status));
	jsonl_put_uint(line, "signal", (uint64_t)WTERMSIG(wait_status));
	if (WCOREDUMP(wait_status))
		json_line_true(line, "core_dumped");
}

void jsonl_put_exit(struct json_line *line, const struct process *process,
		    const struct process_left_out *left_out)
{
	put_identity(line, process);
	put_owner(line, process);
	jsonl_put_exit_status(line, process->exit_status);
	jsonl_put_seconds(line, "seconds", process->lifetime_ns);
	jsonl_put_uint(line, "peak_vsz_bytes", process->peak_vsz_bytes);
	jsonl_put_uint(line, "peak_rss_bytes", process->peak_rss_bytes);
	jsonl_put_total(line, "minor", process->minor - (left_out ? left_out->minor : 0));
	jsonl_put_total(line, "major", process->major - (left_out ? left_out->major : 0));
	jsonl_put_total(line, "gup", process->gup - (left_out ? left_out->gup : 0));
}

/* Sums. ---------------------------------------------------------------------------------------- */

static void put_whose(struct json_line *line, const struct fold *fold)
{
	json_line_text(line, "cgroup", fold->cgroup);
	jsonl_put_uint(line, "uid", fold->uid);
	if (*fold->comm)
		json_line_text(line, "comm", fold->comm);
}

static void put_sum_of_latency(struct json_line *line, const struct fold *fold)
{
	json_line_open(line, "latency", '{');
	jsonl_put_uint(line, "count", fold->latency.count);
	jsonl_put_uint(line, "sum_ns", fold->latency.sum_ns);
	jsonl_put_uint(line, "max_ns", fold->max_ns);
	put_buckets(line, &fold->latency);
	json_line_close(line, '}');
}

static void put_sum_of_causes(struct json_line *line, const struct fold *fold)
{
	json_line_open(line, "stall", '{');
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		if (!fold->causes.count[i])
			continue;
		json_line_open(line, stall_cause_name(i), '{');
		jsonl_put_uint(line, "count", fold->causes.count[i]);
		jsonl_put_uint(line, "sum_ns", fold->causes.sum_ns[i]);
		jsonl_put_uint(line, "max_ns", fold->cause_max_ns[i]);
		json_line_close(line, '}');
	}
	json_line_close(line, '}');
	if (fold->causes.refaults)
		jsonl_put_uint(line, "refaults", fold->causes.refaults);
}

void jsonl_put_other(struct json_line *line, const struct fold *fold)
{
	put_whose(line, fold);
	put_what(line, fold->kind, fold->access, fold->mode);
	jsonl_put_uint(line, "lines", fold->n_lines);
	jsonl_put_uint(line, "minor", fold->counts.minor);
	jsonl_put_uint(line, "major", fold->counts.major);
	jsonl_put_uint(line, "denied", fold->counts.denied);
	jsonl_put_uint(line, "pages", fold->counts.pages);
	if (fold->has_latency)
		put_sum_of_latency(line, fold);
	if (fold->has_causes)
		put_sum_of_causes(line, fold);
}

void jsonl_put_exits(struct json_line *line, const struct fold *fold)
{
	put_whose(line, fold);
	jsonl_put_uint(line, "processes", fold->ended);
	jsonl_put_uint(line, "failed", fold->failed);
	jsonl_put_uint(line, "killed", fold->killed);
	jsonl_put_seconds(line, "seconds", fold->lifetime_ns);
	jsonl_put_uint(line, "peak_vsz_bytes", fold->peak_vsz_bytes);
	jsonl_put_uint(line, "peak_rss_bytes", fold->peak_rss_bytes);
	jsonl_put_uint(line, "minor", fold->minor);
	jsonl_put_uint(line, "major", fold->major);
	jsonl_put_uint(line, "gup", fold->gup);
}
