// SPDX-License-Identifier: GPL-2.0-only
#include "replay/jsonl_reader_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/jsonl_file.h"
#include "base/util.h"
#include "base/version.h"

/* The line belongs to the next interval, and the one before has not been handed out. */
#define HELD 2

static void complain(struct jsonl_reader *reader, uint64_t line, const char *why)
{
	reader->options.on_complaint(reader->options.context, reader->path, line, why);
}

uint64_t jsonl_gain(uint64_t delta, uint64_t total, bool is_known, uint64_t *last)
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

/* Of several marks after one interval the last begins what comes next. */
static int hand_out_mark(struct jsonl_reader *reader, struct error *error)
{
	int result;

	if (!reader->mark)
		return 0;
	result = reader->options.on_mark(reader->options.context, reader->mark, error);
	free(reader->mark);
	reader->mark = NULL;
	return result;
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
	if (result >= 0)
		result = hand_out_mark(reader, error);
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

		*counter += jsonl_gain(delta[i], total[i], reader->has_totals,
				       &reader->last_totals[i]);
	}
	reader->has_totals = true;
}

static int read_interval(struct jsonl_line *line, struct error *error)
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
		return 0;
	add_totals(reader, delta, total);
	snapshot->totals.has_perf_minor |= json_object_get(line->object, "perf_minor") != NULL;
	snapshot->totals.has_perf_major |= json_object_get(line->object, "perf_major") != NULL;
	snapshot->totals.has_populate |= json_object_get(line->object, "populated") != NULL;
	reader->info.n_intervals++;
	reader->info.duration_ns += duration_ns;
	reader->info.lines_lost += lines_lost;
	snapshot->interval_ns = duration_ns;
	return reader->is_stream ? hand_out(reader, error) : 0;
}

/* Records. ------------------------------------------------------------------------------------- */

struct process *jsonl_get_process(struct jsonl_line *line, int *ret_result)
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

/* What `process` and `exit` lines have in common; an `exit` line has totals only. */
struct process_line {
	uint64_t minor, major, gup;
	uint64_t minor_total, major_total, gup_total;
	uint64_t rss_before_bytes;
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
	if (!last->is_known) { /* nothing was counted before its first line */
		process->accounted = line->minor == line->minor_total &&
				     line->major == line->major_total;
		process->rss_before_bytes = line->rss_before_bytes;
	}
	process->minor += jsonl_gain(line->minor, line->minor_total, last->is_known, &last->minor);
	process->major += jsonl_gain(line->major, line->major_total, last->is_known, &last->major);
	process->gup += jsonl_gain(line->gup, line->gup_total, last->is_known, &last->gup);
	last->is_known = true;
	process->ppid = line->ppid;
	process->uid = line->uid;
	process->cgroup = line->cgroup;
	return 0;
}

/* What the process of the line had a tick before: an older version does not say. */
static uint64_t get_rss_before(struct jsonl_line *line, uint64_t rss_bytes)
{
	const json_t *growth = json_object_get(line->object, "rss_growth_bytes");
	int64_t bytes = json_integer_value(growth);

	if (!growth)
		return rss_bytes;
	if (!json_is_integer(growth) || bytes > (int64_t)rss_bytes || bytes < INT64_MIN / 2)
		jsonl_line_reject(line, "rss_growth_bytes", "no growth of that");
	return rss_bytes - (uint64_t)bytes;
}

static int read_process(struct jsonl_line *line)
{
	int result = 0;
	uint64_t vsz_bytes = jsonl_line_uint(line, "vsz_bytes"),
		 rss_bytes = jsonl_line_uint(line, "rss_bytes"), peak_rss_bytes = 0;
	struct process_line process_line;
	struct process *process;

	if (json_object_get(line->object, "peak_rss_bytes")) /* an older version has none */
		peak_rss_bytes = jsonl_line_uint(line, "peak_rss_bytes");
	get_process_line(line, true, &process_line);
	process_line.rss_before_bytes = get_rss_before(line, rss_bytes);
	process = jsonl_get_process(line, &result);
	if (!process)
		return result;
	process->vsz_bytes = vsz_bytes;
	process->rss_bytes = rss_bytes;
	process->peak_rss_bytes = max_of(process->peak_rss_bytes, peak_rss_bytes);
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
	process = jsonl_get_process(line, &result);
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
	if (!line->why[0] && reader->options.on_run)
		result = reader->options.on_run(reader->options.context,
						(const char *const *)command, wait_status, wall_ns,
						error);
	for (size_t i = 0; i < count; i++)
		free(command[i]);
	return result;
}

/* A faultmap that was started again counts from 0: its totals are not compared with earlier
 * ones. */
static void forget_totals(struct jsonl_reader *reader)
{
	reader->has_totals = false;
	jsonl_totals_clear(&reader->last);
	reader->last_slept.count = 0;
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

/* Lines that ended before it are left out. */
static int64_t from_of(const struct jsonl_reader *reader)
{
	const struct jsonl_reader_options *options = &reader->options;
	bool may_skip = reader->file && jsonl_file_has_frames(reader->file);

	return may_skip && options->skip_before_ms > options->from_ms ? options->skip_before_ms :
									options->from_ms;
}

/* It is written right after the lines of its interval. */
static int read_mark(struct jsonl_line *line)
{
	struct jsonl_reader *reader = line->reader;
	const char *phase = jsonl_line_text(line, "mark");

	if (line->why[0] || !reader->options.on_mark)
		return 0;
	free(reader->mark);
	reader->mark = strdup(phase);
	return reader->mark ? 0 : -ENOMEM;
}

static int read_record(struct jsonl_line *line, const char *rec, struct error *error)
{
	const struct jsonl_reader_options *options = &line->reader->options;
	int64_t ts_ms = 0;
	int result;

	if (!text_read_time(jsonl_line_text(line, "ts"), &ts_ms))
		jsonl_line_reject(line, "ts", "no time");
	if (line->why[0] || ts_ms >= options->to_ms)
		return 0;
	if (ts_ms < from_of(line->reader)) /* lines of later times refer to stacks */
		return strcmp(rec, "stack") ? 0 : jsonl_read_stack(line);
	if (line->reader->by_step && line->reader->has_interval && line->reader->ts_ms != ts_ms)
		return HELD;
	result = enter_interval(line->reader, ts_ms, error);
	if (result < 0)
		return result;
	if (!strcmp(rec, "faults"))
		return jsonl_read_faults(line);
	if (!strcmp(rec, "stack"))
		return jsonl_read_stack(line);
	if (!strcmp(rec, "stack_sample"))
		return jsonl_read_stack_sample(line);
	if (!strcmp(rec, "stall_stack"))
		return jsonl_read_stall_stack(line);
	if (!strcmp(rec, "process"))
		return read_process(line);
	if (!strcmp(rec, "exit"))
		return read_exit(line);
	if (!strcmp(rec, "other"))
		return jsonl_read_other(line);
	if (!strcmp(rec, "exits"))
		return jsonl_read_exits(line);
	if (!strcmp(rec, "interval"))
		return read_interval(line, error);
	if (!strcmp(rec, "mark"))
		return read_mark(line);
	if (strcmp(rec, "budget") && strcmp(rec, "finding"))
		jsonl_line_reject(line, "rec", "a word that this faultmap does not know");
	return 0;
}

int jsonl_read_line(struct jsonl_reader *reader, const char *text, size_t length,
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
		reader->line_number += 1 + jsonl_file_left_out(reader->file);
		if (!result)
			return 0;
		if (result < 0) {
			complain(reader, reader->line_number, why.text);
			if (result != -EBADMSG)
				return 0;
			continue;
		}
		result = jsonl_read_line(reader, text, length, error);
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
	free(reader->pending);
	free(reader->mark);
	jsonl_totals_clear(&reader->last);
	table_clear_values(&reader->stacks, jsonl_drop_stack);
	snapshot_free(reader->snapshot);
	interned_clear(&reader->build_ids);
	interned_clear(&reader->kernel_names);
	free(reader);
}

int jsonl_reader_open(struct jsonl_reader *reader, const char *path, struct error *error)
{
	const struct jsonl_reader_options *options = &reader->options;
	int64_t skip_ms = options->skip_before_ms ?: INT64_MIN;
	int64_t from_ms = options->from_ms > skip_ms ? options->from_ms : skip_ms;
	int result = jsonl_file_open(&reader->file, path, from_ms, options->to_ms, error);

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
