// SPDX-License-Identifier: GPL-2.0-only
#include "sink_jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "latency.h"
#include "losses.h"
#include "text.h"
#include "util.h"
#include "version.h"

/* Lines gather until here, then go out in one write: few system calls, little memory. */
#define FLUSH_AT (64 * 1024)
/* The longest line is `run` with a command of ARG_MAX (2 MiB) where each byte needs 5 ("\\xNN"). */
#define BUFFER_MAX (16 * 1024 * 1024)
/* Enough for nanoseconds in an interval of a day, without binary noise such as 1.0000000000000001. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(14))
/* Others may not see what other users' processes map, so neither may they read our file. */
#define FILE_MODE 0640

struct sink_jsonl {
	int fd;
	bool is_stdout;
	bool is_torn; /* the last line written has no end: a newline must come first */
	int failure;  /* of this call: what comes after it is lost without another try */
	char *name;   /* of the file, for messages */
	char *meta;   /* the line while it still has to be written */
	char *buffer;
	size_t length;
	size_t capacity;
	uint64_t lines_lost;
	uint64_t lines_lost_reported;
};

struct line {
	json_t *object;
	bool failed; /* out of memory on the way */
};

static void put(struct line *line, const char *name, json_t *value)
{
	if (json_object_set_new(line->object, name, value))
		line->failed = true;
}

static void put_uint(struct line *line, const char *name, uint64_t value)
{
	put(line, name, json_integer((json_int_t)value));
}

static void put_address(struct line *line, const char *name, uint64_t address)
{
	char hex[32];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, address);
	put(line, name, json_string(hex));
}

static void put_seconds(struct line *line, const char *name, uint64_t duration_ns)
{
	put(line, name, json_real((double)duration_ns / 1e9));
}

static json_t *text_of(const char *bytes)
{
	autofree char *text = text_escape(bytes);

	return text ? json_string(text) : NULL;
}

static void put_text(struct line *line, const char *name, const char *bytes)
{
	put(line, name, text_of(bytes));
}

/* The list ends at n, or at a NULL. */
static void put_list(struct line *line, const char *name, const char *const *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n && texts[i]; i++)
		if (json_array_append_new(array, text_of(texts[i])))
			line->failed = true;
	put(line, name, array);
}

static void put_total(struct line *line, const char *name, uint64_t now)
{
	char total[64];

	snprintf(total, sizeof(total), "%s_total", name);
	put_uint(line, total, now);
}

/* The delta under the plain name, the running total under NAME_total. */
static void put_counter(struct line *line, const char *name, uint64_t now, uint64_t before)
{
	put_uint(line, name, now - before);
	put_total(line, name, now);
}

static struct line line_begin(const char *rec)
{
	struct line line = { .object = json_object() };

	put(&line, "rec", json_string(rec));
	return line;
}

static struct line line_begin_at(const char *rec, struct timespec ts)
{
	struct line line = line_begin(rec);
	char text[TEXT_TIME_LEN];

	put(&line, "ts", json_string(text_time(text, ts)));
	return line;
}

static int write_all(int fd, const char *bytes, size_t size, size_t *ret_written)
{
	*ret_written = 0;
	while (*ret_written < size) {
		ssize_t n = write(fd, bytes + *ret_written, size - *ret_written);

		if (n >= 0) {
			*ret_written += (size_t)n;
		} else if (errno == EAGAIN) {
			/* Standard output may be shared with a program that made it non-blocking. */
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			(void)poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* After a write that stopped within the buffer: cuts the torn line off, counts what is lost. */
static void sink_drop_unwritten(struct sink_jsonl *sink, size_t written)
{
	const char *newline = written ? memrchr(sink->buffer, '\n', written) : NULL;
	size_t whole = newline ? (size_t)(newline + 1 - sink->buffer) : 0;

	for (size_t i = whole; i < sink->length; i++)
		sink->lines_lost += sink->buffer[i] == '\n';
	if (written > whole) {
		off_t end = lseek(sink->fd, -(off_t)(written - whole), SEEK_CUR);

		sink->is_torn = end < 0 || ftruncate(sink->fd, end);
	}
}

static void sink_flush(struct sink_jsonl *sink)
{
	size_t written = 0;

	if (!sink->length)
		return;
	if (!sink->failure && sink->is_torn) {
		sink->failure = write_all(sink->fd, "\n", 1, &written);
		sink->is_torn = sink->failure;
		written = 0;
	}
	if (!sink->failure)
		sink->failure = write_all(sink->fd, sink->buffer, sink->length, &written);
	if (sink->failure)
		sink_drop_unwritten(sink, written);
	sink->length = 0;
}

static int append_bytes(const char *bytes, size_t size, void *context)
{
	struct sink_jsonl *sink = context;

	if (sink->length + size > sink->capacity) {
		size_t wanted = (sink->length + size) * 2;
		char *grown = wanted <= BUFFER_MAX ? realloc(sink->buffer, wanted) : NULL;

		if (!grown)
			return -1;
		sink->buffer = grown;
		sink->capacity = wanted;
	}
	memcpy(sink->buffer + sink->length, bytes, size);
	sink->length += size;
	return 0;
}

/* Takes the line. After a failure of this call it is only counted. */
static void sink_emit(struct sink_jsonl *sink, struct line *line)
{
	size_t before = sink->length;

	if (sink->failure) {
		sink->lines_lost++;
	} else if (line->failed ||
		   json_dump_callback(line->object, append_bytes, sink, DUMP_FLAGS) ||
		   append_bytes("\n", 1, sink)) {
		sink->length = before;
		sink_flush(sink);
		sink->lines_lost++;
		if (!sink->failure)
			sink->failure = -ENOMEM;
	} else if (sink->length >= FLUSH_AT) {
		sink_flush(sink);
	}
	json_decref(line->object);
}

static void sink_emit_meta(struct sink_jsonl *sink)
{
	uint64_t lines_lost = sink->lines_lost;

	if (!sink->meta)
		return;
	if (append_bytes(sink->meta, strlen(sink->meta), sink) || append_bytes("\n", 1, sink)) {
		sink->length = 0;
		sink->failure = -ENOMEM;
		return;
	}
	sink_flush(sink);
	if (sink->failure) {
		sink->lines_lost = lines_lost; /* it is late, not lost */
		return;
	}
	free(sink->meta);
	sink->meta = NULL;
}

static void sink_begin(struct sink_jsonl *sink)
{
	sink->failure = 0;
	sink_emit_meta(sink);
}

static int sink_end(struct sink_jsonl *sink, struct error *error)
{
	const char *advice = "free space there or write elsewhere";

	sink_flush(sink);
	if (!sink->failure)
		return 0;
	if (sink->failure == -EPIPE)
		advice = "its reader has gone away";
	return error_set(error, -sink->failure, "writing JSON lines to %s: %s; %s", sink->name,
			 strerror(-sink->failure), advice);
}

/* True when the file ends within a line: a writer before us was killed in the middle. */
static bool file_is_torn(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	char last;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || !status.st_size)
		return false;
	return pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

int sink_jsonl_open(struct sink_jsonl **ret_sink, const char *path, enum jsonl_open how,
		    struct error *error)
{
	bool is_stdout = !path || !strcmp(path, "-");
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
	struct sink_jsonl *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return error_set(error, ENOMEM, "opening the JSON lines: out of memory");
	sink->is_stdout = is_stdout;
	sink->name = is_stdout ? strdup("standard output") : text_escape(path);
	sink->fd = is_stdout ? STDOUT_FILENO :
			       open(path, flags | (how == JSONL_REPLACE ? O_TRUNC : 0), FILE_MODE);
	if (sink->fd < 0 || !sink->name) {
		int errnum = sink->fd < 0 ? errno : ENOMEM;

		sink_jsonl_free(sink);
		return error_set(error, errnum,
				 "opening %s for JSON lines: %s; name a file that can be written",
				 path, strerror(errnum));
	}
	if (!is_stdout && how == JSONL_APPEND)
		sink->is_torn = file_is_torn(path);
	*ret_sink = sink;
	return 0;
}

void sink_jsonl_free(struct sink_jsonl *sink)
{
	if (!sink)
		return;
	if (!sink->is_stdout && sink->fd >= 0)
		close(sink->fd);
	free(sink->name);
	free(sink->meta);
	free(sink->buffer);
	free(sink);
}

bool sink_jsonl_is_stdout(const struct sink_jsonl *sink)
{
	return sink->is_stdout;
}

int sink_jsonl_meta(struct sink_jsonl *sink, const struct jsonl_meta *meta, struct error *error)
{
	struct line line = line_begin("meta");
	struct utsname uts;

	uname(&uts);
	put_uint(&line, "v", FAULTMAP_SCHEMA_VERSION);
	put(&line, "faultmap", json_string(FAULTMAP_VERSION));
	put_text(&line, "host", uts.nodename);
	put_text(&line, "kernel", uts.release);
	put_uint(&line, "page_size", (uint64_t)sysconf(_SC_PAGESIZE));
	put(&line, "detail", json_string(meta->detail));
	put_list(&line, "hooks", meta->hooks, meta->n_hooks);
	put_seconds(&line, "interval_seconds", meta->interval_ms * 1000000);
	if (meta->slice_bytes) {
		put_uint(&line, "slice_bytes", meta->slice_bytes);
		put_uint(&line, "slices_max", meta->slices_max);
	}
	free(sink->meta);
	sink->meta = line.failed ? NULL : json_dumps(line.object, DUMP_FLAGS);
	json_decref(line.object);
	if (!sink->meta)
		return error_set(error, ENOMEM, "writing the meta line: out of memory");
	sink_begin(sink);
	return sink_end(sink, error);
}

/* Goes out alone: what it says about lost lines is reported only if it really got through. */
static void emit_interval(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	struct line line = line_begin_at("interval", snapshot->ts);
	const struct totals *now = &snapshot->totals;
	const struct totals *before = &snapshot->totals_before;
	uint64_t lines_lost = sink->lines_lost;

	put_seconds(&line, "seconds", snapshot->interval_ns);
	put_counter(&line, "entries", now->entries, before->entries);
	put_counter(&line, "minor", now->minor, before->minor);
	put_counter(&line, "major", now->major, before->major);
	put_counter(&line, "denied", now->denied, before->denied);
	put_counter(&line, "aborted", now->aborted, before->aborted);
	put_uint(&line, "in_flight", losses_in_flight(now)); /* a gauge */
	put_counter(&line, "gup", now->gup, before->gup);
	put_counter(&line, "lost_completions", now->lost_completions, before->lost_completions);
	put_counter(&line, "map_full", now->map_full, before->map_full);
	put_counter(&line, "unresolved", now->unresolved, before->unresolved);
	put_counter(&line, "names_lost", now->names_lost, before->names_lost);
	put_counter(&line, "exits_lost", now->exits_lost, before->exits_lost);
	put_counter(&line, "stamps_lost", now->stamps_lost, before->stamps_lost);
	if (now->has_perf_minor) {
		put_counter(&line, "perf_minor", now->perf_minor, before->perf_minor);
		put_counter(&line, "missed", now->missed, before->missed);
	}
	if (now->has_perf_major)
		put_counter(&line, "perf_major", now->perf_major, before->perf_major);
	put_counter(&line, "lines_lost", lines_lost, sink->lines_lost_reported);
	sink_emit(sink, &line);
	sink_flush(sink);
	if (!sink->failure)
		sink->lines_lost_reported = lines_lost;
}

static void put_identity(struct line *line, const struct process *process)
{
	put_uint(line, "pid", process->tgid);
	put_uint(line, "start_ns", process->start_ns);
	put_text(line, "comm", process->comm);
}

static void put_owner(struct line *line, const struct process *process)
{
	put_uint(line, "ppid", process->ppid);
	put_uint(line, "uid", process->uid);
	put_text(line, "cgroup", process->cgroup);
}

/* max_ns is since attach; what was longer than the last bucket's bound is in count only. */
static void put_latency(struct line *line, const struct row *row)
{
	struct latency_counts delta = latency_delta(row);
	struct line latency = { .object = json_object() };
	json_t *buckets = json_array();

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		if (json_array_append_new(buckets, json_integer((json_int_t)delta.buckets[i])))
			latency.failed = true;
	put_uint(&latency, "count", delta.count);
	put_total(&latency, "count", row->latency->now.count);
	put_uint(&latency, "sum_ns", delta.sum_ns);
	put_total(&latency, "sum_ns", row->latency->now.sum_ns);
	put_uint(&latency, "max_ns", row->latency->max_ns);
	put(&latency, "buckets", buckets);
	line->failed |= latency.failed;
	put(line, "latency", latency.object);
}

static void emit_faults(struct sink_jsonl *sink, const struct row *row, struct timespec ts)
{
	struct line line = line_begin_at("faults", ts);
	const struct fault_counts *now = &row->now;
	const struct fault_counts *before = &row->before;

	put_identity(&line, row->process);
	put_text(&line, "mapping", row->mapping);
	/* With kind, access and mode it names the series: addresses change as a mapping grows. */
	put_address(&line, "mapping_id", row->mapping_id);
	put_address(&line, "map_start", row->map_start);
	put_address(&line, "map_end", row->map_end);
	put_uint(&line, "map_offset", row->map_offset);
	if (row->slice) {
		put_address(&line, "slice_start", row->slice_start);
		put_address(&line, "slice_end", row->slice_end);
	}
	put_text(&line, "perms", row->perms);
	put(&line, "kind", json_string(kind_name(row->kind)));
	put(&line, "access", json_string(access_name(row->access)));
	put(&line, "mode", json_string(mode_name(row->mode)));
	put_counter(&line, "minor", now->minor, before->minor);
	put_counter(&line, "major", now->major, before->major);
	put_counter(&line, "denied", now->denied, before->denied);
	put_counter(&line, "pages", now->pages, before->pages);
	if (row->latency)
		put_latency(&line, row);
	sink_emit(sink, &line);
}

static void emit_process(struct sink_jsonl *sink, const struct process *process, struct timespec ts)
{
	struct line line = line_begin_at("process", ts);

	put_identity(&line, process);
	put_owner(&line, process);
	put_uint(&line, "vsz_bytes", process->vsz_bytes);
	put_uint(&line, "rss_bytes", process->rss_bytes);
	put_counter(&line, "minor", process->minor, process->minor_before);
	put_counter(&line, "major", process->major, process->major_before);
	put_counter(&line, "gup", process->gup, process->gup_before);
	sink_emit(sink, &line);
}

/* exit_status as a shell's $? shows it; `signal` only where one killed the process. */
static void put_exit_status(struct line *line, int wait_status)
{
	if (!WIFSIGNALED(wait_status)) {
		put_uint(line, "exit_status", (uint64_t)WEXITSTATUS(wait_status));
		return;
	}
	put_uint(line, "exit_status", 128 + (uint64_t)WTERMSIG(wait_status));
	put_uint(line, "signal", (uint64_t)WTERMSIG(wait_status));
}

static void emit_exit(struct sink_jsonl *sink, const struct process *process, struct timespec ts)
{
	struct line line = line_begin_at("exit", ts);

	put_identity(&line, process);
	put_owner(&line, process);
	put_exit_status(&line, process->exit_status);
	put_seconds(&line, "seconds", process->lifetime_ns);
	put_uint(&line, "peak_vsz_bytes", process->peak_vsz_bytes);
	put_uint(&line, "peak_rss_bytes", process->peak_rss_bytes);
	put_total(&line, "minor", process->minor);
	put_total(&line, "major", process->major);
	put_total(&line, "gup", process->gup);
	sink_emit(sink, &line);
}

/* gup is what no exception explains, so it can move a tick after the counter it is part of. */
static bool has_process_line(const struct process *process)
{
	return process_moved(process) || process->gup != process->gup_before;
}

static void emit_deltas(struct sink_jsonl *sink, const struct snapshot *snapshot)
{
	emit_interval(sink, snapshot);
	for (size_t i = 0; i < snapshot->n_touched; i++)
		if (row_moved(snapshot->rows[i]) || latency_moved(snapshot->rows[i]))
			emit_faults(sink, snapshot->rows[i], snapshot->ts);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (has_process_line(snapshot->processes[i]))
			emit_process(sink, snapshot->processes[i], snapshot->ts);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->ended)
			emit_exit(sink, snapshot->processes[i], snapshot->ts);
}

int sink_jsonl_tick(struct sink_jsonl *sink, const struct snapshot *snapshot, struct error *error)
{
	sink_begin(sink);
	if (snapshot->tick)
		emit_deltas(sink, snapshot);
	return sink_end(sink, error);
}

int sink_jsonl_run(struct sink_jsonl *sink, const struct jsonl_run *run, struct error *error)
{
	struct line line = line_begin("run");

	put_list(&line, "command", run->command, SIZE_MAX);
	put_exit_status(&line, run->wait_status);
	put_seconds(&line, "seconds", run->wall_ns);
	put_uint(&line, "processes", run->processes);
	put_uint(&line, "minor_total", run->minor_total);
	put_uint(&line, "major_total", run->major_total);
	sink_begin(sink);
	sink_emit(sink, &line);
	return sink_end(sink, error);
}
