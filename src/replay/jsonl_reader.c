// SPDX-License-Identifier: GPL-2.0-only
#include "replay/jsonl_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/jsonl_file.h"
#include "replay/jsonl_line.h"
#include "replay/jsonl_totals.h"
#include "base/table.h"
#include "base/text.h"
#include "base/util.h"
#include "base/version.h"
#include "model/stall_causes.h"

/* Of one interval: some 50 MiB. What comes beyond is in the process "other". */
#define MAX_ROWS 200000
#define MAX_PROCESSES 50000
/* What found no room; no mapping of a log has it. */
#define OTHER_MAPPING UINT64_MAX
/* A result that is no error: the line is counted elsewhere, or its process not at all. */
#define NO_ROOM 1
/* Call paths that are kept; a log that has more is read without those beyond. */
#define MAX_STACKS 65536
/* At least totals_count. */
#define COUNTERS_MAX 32

/* The line belongs to the next interval, and the one before has not been handed out. */
#define HELD 2

struct jsonl_reader {
	struct jsonl_reader_options options;
	struct jsonl_reader_info info;
	struct snapshot *snapshot;
	struct jsonl_file *file;
	const char *path;
	uint64_t line_number;
	char since[TEXT_TIME_LEN];
	bool is_foreign;   /* lines of another version, up to the next meta */
	bool has_interval; /* one that was not handed out yet */
	bool has_totals;   /* last_totals are of this faultmap */
	bool went_back;    /* in this file: said so already */
	bool by_step;      /* jsonl_reader_step() reads, which stops between intervals */
	char *held;        /* the line that it stopped at */
	size_t held_length;
	int64_t ts_ms;
	uint64_t last_totals[COUNTERS_MAX];
	struct jsonl_totals last; /* of rows and processes */
	struct table stacks;      /* contexts that have a stack alone, by its id */
};

static void complain(struct jsonl_reader *reader, uint64_t line, const char *why)
{
	reader->options.on_complaint(reader->options.context, reader->path, line, why);
}

static const char *kind_word(unsigned int value)
{
	return kind_name((enum fault_kind)value);
}

static const char *access_word(unsigned int value)
{
	return access_name((enum fault_access)value);
}

static const char *mode_word(unsigned int value)
{
	return mode_name((enum fault_mode)value);
}

/* What was added since the line before, be it that lines between them were lost. */
static uint64_t gain(uint64_t delta, uint64_t total, bool is_known, uint64_t *last)
{
	uint64_t gained = is_known && total >= *last ? total - *last : delta;

	*last = total;
	return gained;
}

/* Intervals. ----------------------------------------------------------------------------------- */

static int hand_out(struct jsonl_reader *reader, struct error *error)
{
	struct snapshot *snapshot = reader->snapshot;

	reader->has_interval = false;
	snapshot->tick++;
	return reader->options.on_interval(reader->options.context, snapshot, error);
}

/* An interval's lines have the same ts; its `interval` line may be lost. */
static int enter_interval(struct jsonl_reader *reader, int64_t ts_ms, struct error *error)
{
	struct timespec ts = { ts_ms / 1000, ts_ms % 1000 * 1000000 };
	int result = 0;

	if (reader->has_interval && reader->ts_ms == ts_ms)
		return 0;
	if (ts_ms < reader->ts_ms && !reader->went_back) {
		reader->went_back = true;
		complain(reader, reader->line_number,
			 "older than what was read before it; name the oldest file first");
	}
	reader->ts_ms = ts_ms;
	if (reader->has_interval)
		result = hand_out(reader, error);
	if (result < 0)
		return result;
	jsonl_totals_drop_ended(&reader->last, reader->snapshot);
	snapshot_begin(reader->snapshot);
	snapshot_seal(reader->snapshot, ts, 0);
	if (!reader->info.first.tv_sec)
		reader->info.first = ts;
	reader->info.last = ts;
	reader->has_interval = true;
	return 0;
}

/* Not counted everywhere, or not in the logs of older versions. */
static bool is_optional(const struct total *total)
{
	return total->has_offset || total->is_late;
}

static void add_totals(struct jsonl_reader *reader, const uint64_t *delta, const uint64_t *total)
{
	struct totals *totals = &reader->snapshot->totals;

	for (size_t i = 0; i < totals_count; i++) {
		uint64_t *counter = total_in(totals, &totals_table[i]);

		*counter += gain(delta[i], total[i], reader->has_totals, &reader->last_totals[i]);
	}
	reader->has_totals = true;
}

static void read_interval(struct jsonl_line *line)
{
	struct jsonl_reader *reader = line->reader;
	struct snapshot *snapshot = reader->snapshot;
	uint64_t duration_ns = jsonl_line_duration_ns(line, "seconds");
	uint64_t lines_lost = jsonl_line_uint(line, "lines_lost");
	uint64_t delta[COUNTERS_MAX] = {}, total[COUNTERS_MAX] = {};

	for (size_t i = 0; i < totals_count; i++) {
		if (is_optional(&totals_table[i]) &&
		    !json_object_get(line->object, totals_table[i].name))
			continue;
		delta[i] = jsonl_line_uint(line, totals_table[i].name);
		total[i] = jsonl_line_total_of(line, line->object, totals_table[i].name);
	}
	if (line->why[0])
		return;
	add_totals(reader, delta, total);
	snapshot->totals.has_perf_minor |= json_object_get(line->object, "perf_minor") != NULL;
	snapshot->totals.has_perf_major |= json_object_get(line->object, "perf_major") != NULL;
	reader->info.n_intervals++;
	reader->info.duration_ns += duration_ns;
	reader->info.lines_lost += lines_lost;
	snapshot->interval_ns = duration_ns;
}

/* Records. ------------------------------------------------------------------------------------- */

/* NULL: the line is wrong, or *ret_result says why: NO_ROOM, or no memory. */
static struct process *get_process(struct jsonl_line *line, int *ret_result)
{
	uint64_t pid = jsonl_line_uint(line, "pid"), start_ns = jsonl_line_uint(line, "start_ns");
	struct snapshot *snapshot = line->reader->snapshot;
	autofree char *comm = jsonl_line_raw(line, "comm");
	struct process *process;

	if (pid > UINT32_MAX)
		jsonl_line_reject(line, "pid", "no pid");
	if (comm && strlen(comm) >= COMM_LEN)
		jsonl_line_reject(line, "comm", "too long");
	if (line->why[0])
		return NULL;
	if (snapshot->n_processes >= MAX_PROCESSES &&
	    !snapshot_find_process(snapshot, (uint32_t)pid, start_ns)) {
		*ret_result = NO_ROOM;
		return NULL;
	}
	process = comm ? snapshot_process(snapshot, (uint32_t)pid, start_ns, NULL) : NULL;
	if (process)
		strcpy(process->comm, comm);
	else
		*ret_result = -ENOMEM;
	return process;
}

struct latency_line {
	struct latency_counts delta;
	uint64_t count_total, sum_ns_total, max_ns;
};

static void get_latency(struct jsonl_line *line, const json_t *object, struct latency_line *latency)
{
	const json_t *buckets = json_object_get(object, "buckets");

	*latency = (struct latency_line){
		.delta.count = jsonl_line_uint_of(line, object, "count"),
		.delta.sum_ns = jsonl_line_uint_of(line, object, "sum_ns"),
		.count_total = jsonl_line_total_of(line, object, "count"),
		.sum_ns_total = jsonl_line_total_of(line, object, "sum_ns"),
		.max_ns = jsonl_line_uint_of(line, object, "max_ns"),
	};
	if (json_array_size(buckets) != LATENCY_BUCKETS)
		jsonl_line_reject(line, "buckets", "no histogram of ours");
	for (size_t i = 0; i < json_array_size(buckets) && i < LATENCY_BUCKETS; i++)
		latency->delta.buckets[i] = jsonl_line_check_uint(line, json_array_get(buckets, i),
								  "buckets");
}

/* What the stalls of a line were for. */
struct stall_line {
	struct cause_counts delta, total;
	uint64_t max_ns[STALL_CAUSE_COUNT];
};

/* Causes that a later version may have are no error: their time is in none that is known. */
static void get_stall(struct jsonl_line *line, const json_t *object, struct stall_line *stall)
{
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		const json_t *cause = json_object_get(object, stall_cause_name(i));

		if (!cause)
			continue;
		stall->delta.count[i] = jsonl_line_uint_of(line, cause, "count");
		stall->delta.sum_ns[i] = jsonl_line_uint_of(line, cause, "sum_ns");
		stall->total.count[i] = jsonl_line_total_of(line, cause, "count");
		stall->total.sum_ns[i] = jsonl_line_total_of(line, cause, "sum_ns");
		stall->max_ns[i] = jsonl_line_uint_of(line, cause, "max_ns");
	}
}

static int add_stall(struct row *row, const struct stall_line *line, struct row_totals *last)
{
	struct row_causes *causes = row->latency->causes ?: calloc(1, sizeof(*causes));
	struct cause_counts none = {}, *known = &none;
	bool is_known = last && last->causes;

	row->latency->causes = causes;
	if (last && !last->causes)
		last->causes = calloc(1, sizeof(*last->causes));
	if (!causes || (last && !last->causes))
		return -ENOMEM;
	if (last)
		known = last->causes;
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		if (!line->total.count[i])
			continue;
		causes->now.count[i] += gain(line->delta.count[i], line->total.count[i], is_known,
					     &known->count[i]);
		causes->now.sum_ns[i] += gain(line->delta.sum_ns[i], line->total.sum_ns[i],
					      is_known, &known->sum_ns[i]);
		causes->max_ns[i] = max_of(causes->max_ns[i], line->max_ns[i]);
	}
	return 0;
}

static int add_latency(struct row *row, const struct latency_line *line, struct row_totals *last)
{
	struct row_latency *latency = row->latency;
	struct row_totals none = {};

	last = last ?: &none;
	if (!latency) {
		latency = row->latency = calloc(1, sizeof(*latency));
		if (!latency)
			return -ENOMEM;
	}
	latency->now.count += gain(line->delta.count, line->count_total, last->has_stalls,
				   &last->stalls);
	latency->now.sum_ns += gain(line->delta.sum_ns, line->sum_ns_total, last->has_stalls,
				    &last->stalled_ns);
	last->has_stalls = true;
	for (size_t i = 0; i < LATENCY_BUCKETS; i++)
		latency->now.buckets[i] += line->delta.buckets[i];
	latency->max_ns = max_of(latency->max_ns, line->max_ns);
	return 0;
}

/* Slices of a mapping differ in where they are, and in size where it has grown. */
static uint32_t slice_tag_of(uint64_t start, uint64_t end)
{
	uint64_t mixed = (start ^ end * UINT64_C(0x9e3779b97f4a7c15)) *
			 UINT64_C(0xff51afd7ed558ccd);

	return end ? (uint32_t)(mixed >> 32) | 1 : 0;
}

/* The object `code` of a `faults` line. */
static struct code_place get_code(struct jsonl_line *line, json_t *code)
{
	json_t *outer = line->object;
	struct code_place place;

	line->object = code;
	place.in_file = json_object_get(code, "offset") != NULL;
	place.file = jsonl_line_name(line, "file", STRINGS_LAST);
	place.offset = jsonl_line_address(line, place.in_file ? "offset" : "address");
	line->object = outer;
	return place;
}

/* Who executed what. NULL: the line does not say, is wrong, or *ret_result is -ENOMEM. */
static struct context *get_context(struct jsonl_line *line, int *ret_result)
{
	json_t *code = json_object_get(line->object, "code");
	const struct context *stack = NULL;
	struct code_place place = {};
	autofree char *thread = NULL;
	struct context *context;
	uint64_t tid = 0, stack_id;

	if (json_object_get(line->object, "tid")) {
		tid = jsonl_line_uint(line, "tid");
		thread = jsonl_line_raw(line, "thread");
	}
	if (tid > UINT32_MAX || (thread && strlen(thread) >= COMM_LEN))
		jsonl_line_reject(line, "thread", "no thread");
	if (code)
		place = get_code(line, code);
	if (json_object_get(line->object, "stack")) {
		stack_id = jsonl_line_address(line, "stack");
		stack = table_get(&line->reader->stacks, &stack_id);
	}
	if (line->why[0] || (!code && !thread))
		return NULL;
	context = context_new(stack ? stack->n_places : code ? 1 : 0);
	if (!context) {
		*ret_result = -ENOMEM;
		return NULL;
	}
	context->id = jsonl_line_address(line, "context");
	context->has_thread = thread;
	context->has_code = code;
	context->tid = (uint32_t)tid;
	strcpy(context->thread, thread ? thread : "");
	for (size_t i = 0; stack && i < stack->n_places; i++)
		context_set_place(context, i, stack->places[i]);
	if (code && !stack)
		context_set_place(context, 0, place);
	context->has_stack = stack;
	context->is_whole = stack && stack->is_whole;
	context_set_stack_id(context);
	return context;
}

static int read_stack(struct jsonl_line *line)
{
	const json_t *frames = json_object_get(line->object, "frames");
	uint64_t id = jsonl_line_address(line, "stack");
	struct table *stacks = &line->reader->stacks;
	size_t count = json_array_size(frames);
	struct context *stack;

	if (!count || count > FRAMES_MAX)
		jsonl_line_reject(line, "frames", "no list of code");
	if (line->why[0] || table_get(stacks, &id) || stacks->count >= MAX_STACKS)
		return 0;
	stack = context_new(count);
	if (!stack)
		return -ENOMEM;
	stack->id = id;
	stack->is_whole = json_is_true(json_object_get(line->object, "whole"));
	for (size_t i = 0; i < count; i++)
		context_set_place(stack, i, get_code(line, json_array_get(frames, i)));
	if (!line->why[0] && !table_add(stacks, stack))
		return 0;
	context_drop(stack);
	return line->why[0] ? 0 : -ENOMEM;
}

static void drop_stack(void *stack)
{
	context_drop(stack);
}

/* The row's identity and place; false: the line is wrong. */
static bool get_row(struct jsonl_line *line, struct row *row)
{
	const char *perms = jsonl_line_text(line, "perms");

	*row = (struct row){
		.mapping_id = jsonl_line_address(line, "mapping_id"),
		.kind = (uint8_t)jsonl_line_word(line, "kind", KIND_COUNT, kind_word),
		.access = (uint8_t)jsonl_line_word(line, "access", ACCESS_COUNT, access_word),
		.mode = (uint8_t)jsonl_line_word(line, "mode", MODE_COUNT, mode_word),
		.mapping = jsonl_line_name(line, "mapping", STRINGS_LAST),
		.map_start = jsonl_line_address(line, "map_start"),
		.map_end = jsonl_line_address(line, "map_end"),
		.map_offset = jsonl_line_uint(line, "map_offset"),
	};
	if (strlen(perms) < sizeof(row->perms))
		strcpy(row->perms, perms);
	else
		jsonl_line_reject(line, "perms", "too long");
	if (json_object_get(line->object, "slice_start")) {
		row->slice_start = jsonl_line_address(line, "slice_start");
		row->slice_end = jsonl_line_address(line, "slice_end");
		row->slice = slice_tag_of(row->slice_start, row->slice_end);
	}
	if (json_object_get(line->object, "context"))
		row->context_id = jsonl_line_address(line, "context");
	return !line->why[0];
}

/* As the collector has it for what finds no room in the kernel. */
static struct row *find_other(struct snapshot *snapshot, const struct row *want)
{
	struct process *process = snapshot_process(snapshot, 0, 0, NULL);
	struct row *row = process ? snapshot_row(snapshot, process, OTHER_MAPPING, want->kind,
						 want->access, want->mode, NULL) :
				    NULL;

	if (!row)
		return NULL;
	strcpy(process->comm, "other");
	row->mapping = snapshot_intern(snapshot, "[other]") ?: row->mapping;
	return row;
}

static bool has_room(const struct snapshot *snapshot, const struct row *want)
{
	return snapshot->n_rows < MAX_ROWS || snapshot_has_row_like(snapshot, want);
}

static struct row *find_row(struct jsonl_line *line, const struct row *want, int *ret_result)
{
	struct snapshot *snapshot = line->reader->snapshot;
	struct process *process = get_process(line, ret_result);
	struct row *row;

	if (*ret_result == NO_ROOM || (process && !has_room(snapshot, want))) {
		row = find_other(snapshot, want);
		*ret_result = row ? NO_ROOM : -ENOMEM;
		return row;
	}
	if (!process)
		return NULL;
	row = snapshot_row_like(snapshot, process, want, NULL);
	if (!row) {
		*ret_result = -ENOMEM;
		return NULL;
	}
	if (row->context_id && !row->context) {
		struct context *context = get_context(line, ret_result);

		row_set_context(row, context);
		context_drop(context);
	}
	row->mapping = want->mapping;
	row->map_start = want->map_start;
	row->map_end = want->map_end;
	row->map_offset = want->map_offset;
	row->slice_start = want->slice_start;
	row->slice_end = want->slice_end;
	memcpy(row->perms, want->perms, sizeof(row->perms));
	return row;
}

/* What one `faults` line says of a row. */
struct faults_line {
	uint64_t delta[4], total[4]; /* minor, major, denied, pages */
	bool has_latency;
	struct latency_line latency;
	bool has_stall;
	struct stall_line stall;
};

static void get_faults(struct jsonl_line *line, struct faults_line *faults)
{
	static const char *const names[] = { "minor", "major", "denied", "pages" };
	const json_t *latency = json_object_get(line->object, "latency");
	const json_t *stall = json_object_get(line->object, "stall");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		faults->delta[i] = jsonl_line_uint(line, names[i]);
		faults->total[i] = jsonl_line_total_of(line, line->object, names[i]);
	}
	faults->has_latency = latency != NULL;
	if (latency)
		get_latency(line, latency, &faults->latency);
	faults->has_stall = latency && stall;
	if (faults->has_stall)
		get_stall(line, stall, &faults->stall);
}

/* last: the totals of the line before, NULL where many series are in one row: each delta counts. */
static int add_faults(struct row *row, const struct faults_line *line, struct row_totals *last)
{
	uint64_t *now[] = { &row->now.minor, &row->now.major, &row->now.denied, &row->now.pages };
	struct row_totals none = {};
	struct row_totals *known = last ?: &none;

	for (size_t i = 0; i < ARRAY_SIZE(now); i++)
		*now[i] += gain(line->delta[i], line->total[i], known->is_known, &known->counts[i]);
	known->is_known = true;
	if (line->has_latency && add_latency(row, &line->latency, last))
		return -ENOMEM;
	return line->has_stall ? add_stall(row, &line->stall, last) : 0;
}

static int read_faults(struct jsonl_line *line)
{
	struct row_totals *last = NULL;
	struct faults_line faults = {};
	struct row want, *row = NULL;
	int result = 0;

	get_faults(line, &faults);
	if (get_row(line, &want))
		row = find_row(line, &want, &result);
	if (!row || result < 0)
		return result;
	if (result != NO_ROOM) {
		last = jsonl_totals_row(&line->reader->last, row);
		if (!last)
			return -ENOMEM;
	}
	return add_faults(row, &faults, last) < 0 ? -ENOMEM : result;
}

/* What `process` and `exit` lines have in common; an `exit` line has totals only. */
struct process_line {
	uint64_t minor, major, gup;
	uint64_t minor_total, major_total, gup_total;
	uint32_t ppid, uid;
	const char *cgroup;
};

static void get_process_line(struct jsonl_line *line, bool has_deltas,
			     struct process_line *ret_line)
{
	*ret_line = (struct process_line){
		.minor = has_deltas ? jsonl_line_uint(line, "minor") : 0,
		.major = has_deltas ? jsonl_line_uint(line, "major") : 0,
		.gup = has_deltas ? jsonl_line_uint(line, "gup") : 0,
		.minor_total = jsonl_line_total_of(line, line->object, "minor"),
		.major_total = jsonl_line_total_of(line, line->object, "major"),
		.gup_total = jsonl_line_total_of(line, line->object, "gup"),
		.ppid = (uint32_t)jsonl_line_uint(line, "ppid"),
		.uid = (uint32_t)jsonl_line_uint(line, "uid"),
		.cgroup = jsonl_line_name(line, "cgroup", STRINGS_FIRST),
	};
}

static int add_process(struct jsonl_reader *reader, struct process *process,
		       const struct process_line *line)
{
	struct process_totals *last = jsonl_totals_process(&reader->last, process);

	if (!last)
		return -ENOMEM;
	if (!last->is_known) /* nothing was counted before its first line */
		process->accounted = line->minor == line->minor_total &&
				     line->major == line->major_total;
	process->minor += gain(line->minor, line->minor_total, last->is_known, &last->minor);
	process->major += gain(line->major, line->major_total, last->is_known, &last->major);
	process->gup += gain(line->gup, line->gup_total, last->is_known, &last->gup);
	last->is_known = true;
	process->ppid = line->ppid;
	process->uid = line->uid;
	process->cgroup = line->cgroup;
	return 0;
}

static int read_process(struct jsonl_line *line)
{
	int result = 0;
	uint64_t vsz_bytes = jsonl_line_uint(line, "vsz_bytes"),
		 rss_bytes = jsonl_line_uint(line, "rss_bytes");
	struct process_line process_line;
	struct process *process;

	get_process_line(line, true, &process_line);
	process = get_process(line, &result);
	if (!process)
		return result;
	process->vsz_bytes = vsz_bytes;
	process->rss_bytes = rss_bytes;
	return add_process(line->reader, process, &process_line);
}

static int read_exit(struct jsonl_line *line)
{
	int result = 0;
	uint64_t vsz_bytes = jsonl_line_uint(line, "peak_vsz_bytes");
	uint64_t rss_bytes = jsonl_line_uint(line, "peak_rss_bytes");
	uint64_t lifetime_ns = jsonl_line_duration_ns(line, "seconds");
	struct process_line process_line;
	struct process *process;

	get_process_line(line, false, &process_line);
	process = get_process(line, &result);
	if (!process)
		return result;
	process->peak_vsz_bytes = vsz_bytes;
	process->peak_rss_bytes = rss_bytes;
	process->lifetime_ns = lifetime_ns;
	process->ended = true;
	return add_process(line->reader, process, &process_line);
}

/* The inverse of what a shell's $? shows. */
static int get_wait_status(struct jsonl_line *line)
{
	uint64_t status = jsonl_line_uint(line, "exit_status");

	if (!json_object_get(line->object, "signal"))
		return (int)(status & 0xff) << 8;
	return (int)(jsonl_line_uint(line, "signal") & 0x7f) |
	       (json_is_true(json_object_get(line->object, "core_dumped")) ? 0x80 : 0);
}

static int read_run(struct jsonl_line *line, struct error *error)
{
	const json_t *words = json_object_get(line->object, "command");
	struct jsonl_reader *reader = line->reader;
	size_t count = json_array_size(words);
	autofree char **command = calloc(count + 1, sizeof(*command));
	uint64_t wall_ns = jsonl_line_duration_ns(line, "seconds");
	int wait_status = get_wait_status(line);
	int result = 0;

	if (!command)
		return -ENOMEM;
	if (!count)
		jsonl_line_reject(line, "command", "no list of words");
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(words, i));

		command[i] = strdup(word ? word : "");
		if (!command[i] || !word || !text_unescape(command[i]))
			jsonl_line_reject(line, "command", "no list of words");
	}
	if (!line->why[0])
		result = reader->options.on_run(reader->options.context,
						(const char *const *)command, wait_status, wall_ns,
						error);
	for (size_t i = 0; i < count; i++)
		free(command[i]);
	return result;
}

/* Another faultmap counts from 0: its totals say nothing about what was read before. */
static void forget_totals(struct jsonl_reader *reader)
{
	reader->has_totals = false;
	jsonl_totals_clear(&reader->last);
}

/* Escaped once, whatever the line has. */
static void get_shown(struct jsonl_line *line, const char *name, char *text, size_t size)
{
	autofree char *bytes = jsonl_line_raw(line, name);

	text_escape_to(text, size, bytes ? bytes : "");
}

static void read_meta(struct jsonl_line *line)
{
	struct jsonl_reader *reader = line->reader;
	struct jsonl_reader_info info = reader->info;
	uint64_t version = jsonl_line_uint(line, "v");
	const char *since;

	reader->is_foreign = !line->why[0] && version != FAULTMAP_SCHEMA_VERSION;
	if (reader->is_foreign)
		snprintf(line->why, sizeof(line->why),
			 "schema version %" PRIu64
			 ", this faultmap reads %d; lines up to the next meta are left out",
			 version, FAULTMAP_SCHEMA_VERSION);
	since = jsonl_line_text(line, "since");
	get_shown(line, "host", info.host, sizeof(info.host));
	get_shown(line, "kernel", info.kernel, sizeof(info.kernel));
	get_shown(line, "detail", info.detail, sizeof(info.detail));
	info.page_size = jsonl_line_uint(line, "page_size");
	info.lines_lost += jsonl_line_uint(line, "lines_lost");
	if (line->why[0])
		return;
	if (strcmp(since, reader->since) != 0 || strcmp(info.host, reader->info.host) != 0)
		forget_totals(reader);
	snprintf(reader->since, sizeof(reader->since), "%s", since);
	reader->info = info;
}

/* Lines. --------------------------------------------------------------------------------------- */

static int read_record(struct jsonl_line *line, const char *rec, struct error *error)
{
	const struct jsonl_reader_options *options = &line->reader->options;
	int64_t ts_ms = 0;
	int result;

	if (!text_read_time(jsonl_line_text(line, "ts"), &ts_ms))
		jsonl_line_reject(line, "ts", "no time");
	if (line->why[0] || ts_ms < options->from_ms || ts_ms >= options->to_ms)
		return 0;
	if (line->reader->by_step && line->reader->has_interval && line->reader->ts_ms != ts_ms)
		return HELD;
	result = enter_interval(line->reader, ts_ms, error);
	if (result < 0)
		return result;
	if (!strcmp(rec, "faults"))
		return read_faults(line);
	if (!strcmp(rec, "stack"))
		return read_stack(line);
	if (!strcmp(rec, "process"))
		return read_process(line);
	if (!strcmp(rec, "exit"))
		return read_exit(line);
	if (!strcmp(rec, "interval"))
		read_interval(line);
	else if (strcmp(rec, "mark") && strcmp(rec, "budget") && strcmp(rec, "finding"))
		jsonl_line_reject(line, "rec", "a word that this faultmap does not know");
	return 0;
}

static int read_line(struct jsonl_reader *reader, const char *text, size_t length,
		     struct error *error)
{
	json_error_t wrong;
	struct jsonl_line line = { .reader = reader, .snapshot = reader->snapshot };
	bool is_excessive = jsonl_line_is_excessive(text, length);
	const char *rec;
	int result = 0;

	if (!is_excessive)
		line.object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &wrong);
	if (is_excessive) {
		snprintf(line.why, sizeof(line.why), "more values than any line of faultmap's has");
	} else if (!line.object) {
		snprintf(line.why, sizeof(line.why), "no JSON: %s", wrong.text);
	} else {
		rec = jsonl_line_text(&line, "rec");
		if (!strcmp(rec, "meta"))
			read_meta(&line);
		else if (!reader->is_foreign && !strcmp(rec, "run"))
			result = read_run(&line, error);
		else if (!reader->is_foreign && !line.why[0])
			result = read_record(&line, rec, error);
	}
	json_decref(line.object);
	if (line.why[0])
		complain(reader, reader->line_number, line.why);
	if (result == -ENOMEM)
		return error_set(error, ENOMEM, "reading %s: out of memory", reader->path);
	if (result == NO_ROOM)
		reader->info.n_folded++;
	return result < 0 || result == HELD ? result : 0;
}

/* HELD, or 0 at the end, or a negative errno. */
static int read_lines(struct jsonl_reader *reader, struct error *error)
{
	size_t length;
	char *text;
	int result;

	for (;;) {
		struct error why;

		text = reader->held;
		length = reader->held_length;
		reader->held = NULL;
		result = text ? 1 : jsonl_file_line(reader->file, &text, &length, &why);
		reader->line_number++;
		if (!result)
			return 0;
		if (result < 0) {
			complain(reader, reader->line_number, why.text);
			if (result != -EBADMSG)
				return 0;
			continue;
		}
		result = read_line(reader, text, length, error);
		if (result == HELD) {
			reader->held = text;
			reader->held_length = length;
			reader->line_number--;
		}
		if (result)
			return result;
	}
}

struct jsonl_reader *jsonl_reader_new(const struct jsonl_reader_options *options)
{
	struct jsonl_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->options = *options;
	reader->info.page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	reader->ts_ms = INT64_MIN;
	jsonl_totals_init(&reader->last);
	table_init(&reader->stacks, offsetof(struct context, id), sizeof(uint64_t));
	reader->snapshot = snapshot_new();
	if (!reader->snapshot) {
		free(reader);
		return NULL;
	}
	return reader;
}

void jsonl_reader_free(struct jsonl_reader *reader)
{
	if (!reader)
		return;
	jsonl_file_close(reader->file);
	jsonl_totals_clear(&reader->last);
	table_clear_values(&reader->stacks, drop_stack);
	snapshot_free(reader->snapshot);
	free(reader);
}

int jsonl_reader_open(struct jsonl_reader *reader, const char *path, struct error *error)
{
	int result = jsonl_file_open(&reader->file, path, error);

	if (result < 0)
		return result;
	reader->path = path;
	reader->line_number = 0;
	reader->went_back = false;
	return 0;
}

int jsonl_reader_step(struct jsonl_reader *reader, struct error *error)
{
	int result;

	reader->by_step = true;
	result = read_lines(reader, error);
	if (result == HELD)
		return hand_out(reader, error) ?: 1;
	jsonl_file_close(reader->file);
	reader->file = NULL;
	return result;
}

int jsonl_reader_file(struct jsonl_reader *reader, const char *path, struct error *error)
{
	int result = jsonl_reader_open(reader, path, error);

	if (result < 0)
		return result;
	reader->by_step = false;
	result = read_lines(reader, error);
	jsonl_file_close(reader->file);
	reader->file = NULL;
	return result;
}

int jsonl_reader_end(struct jsonl_reader *reader, struct error *error)
{
	return reader->has_interval ? hand_out(reader, error) : 0;
}

const struct jsonl_reader_info *jsonl_reader_info(struct jsonl_reader *reader)
{
	reader->info.names_cut = strings_cut(snapshot_strings(reader->snapshot));
	return &reader->info;
}
