// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where lines go, and what happens to those that cannot be written: full disks, slow readers, rotation.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "sink/sink_jsonl.h"
#include "jsonl.h"
#include "range.h"

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* 300 rows: more than goes out in one write. */
static void add_rows(struct fixture *fixture)
{
	for (uint64_t id = 1000; id < 1300; id++) {
		struct row *row = snapshot_row(fixture->snapshot, fixture->process, id, KIND_COW,
					       ACCESS_WRITE, MODE_USER, NULL);

		row->now.minor = 1;
	}
}

static void torn_line_is_cut_off_and_counted(void **state)
{
	struct fixture *fixture = *state;
	size_t whole_lines;
	json_t *line;

	assert_int_equal(tick(fixture, 1), 0);
	begin(fixture);
	add_rows(fixture);
	limit_file_size(20000);
	assert_int_equal(tick(fixture, 2), -EFBIG);
	read_lines(fixture);
	whole_lines = fixture->n_lines;
	assert_in_range(whole_lines, 3, 299);

	limit_file_size(RLIM_INFINITY);
	begin(fixture);
	assert_int_equal(tick(fixture, 3), 0);
	begin(fixture);
	assert_int_equal(tick(fixture, 4), 0);
	read_lines(fixture);
	assert_int_equal(fixture->n_lines, whole_lines + 2);
	line = find(fixture, "interval", 2);
	/* The two ticks had 2 interval lines and 300 rows. */
	assert_int_equal(integer(line, "lines_lost"), 302 - whole_lines);
	assert_int_equal(integer(line, "lines_lost_total"), 302 - whole_lines);
	line = find(fixture, "interval", 3);
	assert_int_equal(integer(line, "lines_lost"), 0);
	assert_int_equal(integer(line, "lines_lost_total"), 302 - whole_lines);
}

static void meta_line_is_late_but_not_lost(void **state)
{
	struct fixture *fixture = *state;
	struct error error;

	limit_file_size(0);
	assert_int_equal(sink_jsonl_meta(fixture->sink, &meta, &error), -EFBIG);
	assert_int_equal(tick(fixture, 1), -EFBIG);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(tick(fixture, 2), 0);
	read_lines(fixture);
	assert_int_equal(fixture->n_lines, 2);
	assert_string_equal(text(fixture->lines[0], "rec"), "meta");
	assert_int_equal(integer(fixture->lines[0], "lines_lost"), 1);
	assert_int_equal(integer(fixture->lines[1], "lines_lost"), 0);
	assert_int_equal(integer(fixture->lines[1], "lines_lost_total"), 1);
}

/* The line that told of a loss is lost itself: the next one tells of both. */
static void losses_are_in_the_next_line_that_is_written(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(tick(fixture, 1), 0);
	limit_file_size(0);
	for (uint64_t number = 2; number <= 3; number++) {
		begin(fixture);
		assert_int_equal(tick(fixture, number), -EFBIG);
	}
	limit_file_size(RLIM_INFINITY);
	begin(fixture);
	assert_int_equal(tick(fixture, 4), 0);
	read_lines(fixture);
	assert_int_equal(fixture->n_lines, 2);
	assert_int_equal(integer(fixture->lines[1], "lines_lost"), 2);
	assert_int_equal(integer(fixture->lines[1], "lines_lost_total"), 2);
}

/* Rotation: what was lost before it is told by the meta line of the new file. */
static void reopened_file_begins_with_meta(void **state)
{
	struct fixture *fixture = *state;
	char rotated[80];
	struct error error;

	snprintf(rotated, sizeof(rotated), "%s.1", fixture->path);
	assert_int_equal(sink_jsonl_meta(fixture->sink, &meta, &error), 0);
	limit_file_size(0);
	assert_int_equal(tick(fixture, 1), -EFBIG);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(rename(fixture->path, rotated), 0);
	assert_int_equal(sink_jsonl_reopen(fixture->sink, &error), 0);
	begin(fixture);
	assert_int_equal(tick(fixture, 2), 0);
	read_lines(fixture);
	assert_int_equal(fixture->n_lines, 2);
	assert_string_equal(text(fixture->lines[0], "rec"), "meta");
	assert_int_equal(integer(fixture->lines[0], "lines_lost"), 1);
	assert_int_equal(integer(fixture->lines[1], "lines_lost"), 0);
	unlink(rotated);
}

/* At 3 KiB the file is put aside between two intervals; two of them are kept, each with its meta. */
static void a_full_file_is_put_aside(void **state)
{
	struct fixture *fixture = *state;
	char aside[3][80];
	struct error error;
	struct stat status;

	for (int i = 0; i < 3; i++) {
		snprintf(aside[i], sizeof(aside[i]), "%s.%d", fixture->path, i + 1);
		unlink(aside[i]);
	}
	sink_jsonl_set_limit(fixture->sink, 3072, 2);
	assert_int_equal(sink_jsonl_meta(fixture->sink, &meta, &error), 0);
	for (uint64_t number = 1; number < 100; number++) {
		assert_int_equal(tick(fixture, number), 0);
		begin(fixture);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stat(aside[i], &status), 0);
		assert_in_range(status.st_size, 3072, 3072 + 1024);
	}
	assert_int_equal(stat(aside[2], &status), -1);
	assert_int_equal(rename(aside[0], fixture->path), 0);
	read_lines(fixture);
	assert_string_equal(text(fixture->lines[0], "rec"), "meta");
	for (size_t i = 1; i < fixture->n_lines; i++)
		assert_string_equal(text(fixture->lines[i], "rec"), "interval");
	unlink(aside[1]);
}

/* Who has renamed it, and not said so, has another file there: that one stays. */
static void a_full_file_that_lost_its_name_stays(void **state)
{
	struct fixture *fixture = *state;
	char renamed[80], aside[80];
	struct stat status;
	int fd;

	snprintf(renamed, sizeof(renamed), "%s.renamed", fixture->path);
	snprintf(aside, sizeof(aside), "%s.1", fixture->path);
	unlink(aside);
	sink_jsonl_set_limit(fixture->sink, 1, 2);
	assert_int_equal(rename(fixture->path, renamed), 0);
	fd = open(fixture->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	for (uint64_t number = 1; number < 4; number++) {
		assert_int_equal(tick(fixture, number), 0);
		begin(fixture);
	}
	assert_int_equal(stat(aside, &status), -1);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_size, 0);
	assert_int_equal(stat(renamed, &status), 0);
	assert_true(status.st_size > 300);
	unlink(renamed);
	close(fd);
}

/* Each file can be read by itself: it has the stacks that its lines name. */
static void each_file_has_its_stacks(void **state)
{
	struct fixture *fixture = *state;
	struct context *context = context_new(1);
	struct error error;
	char aside[80];

	snprintf(aside, sizeof(aside), "%s.1", fixture->path);
	context_set_place(context, 0,
			  (struct code_place){ .file = snapshot_intern(fixture->snapshot, "/bin/p"),
					       .offset = 16,
					       .in_file = true });
	context->has_code = context->has_stack = true;
	context_set_stack_id(context);
	row_set_context(fixture->row, context);
	context_drop(context);
	for (uint64_t number = 1; number <= 6; number++) {
		fixture->row->now.minor++;
		assert_int_equal(tick(fixture, number), 0);
		read_lines(fixture);
		assert_non_null(find(fixture, "faults", 0));
		assert_non_null(find(fixture, "stack", 0));
		assert_null(find(fixture, "stack", 1));
		if (number == 2) { /* put aside before the next */
			sink_jsonl_set_limit(fixture->sink, 1, 1);
		} else if (number == 3) {
			sink_jsonl_set_limit(fixture->sink, 0, 1);
		} else if (number == 4) {
			assert_int_equal(rename(fixture->path, aside), 0);
			assert_int_equal(sink_jsonl_reopen(fixture->sink, &error), 0);
		}
		begin(fixture);
	}
	unlink(aside);
}

/* What the lines that were read so far say. */
struct read_sums {
	json_int_t minor, entries, lost, n_faults, n_other, n_intervals;
	double seconds;
};

static void read_pipe(FILE *stream, struct read_sums *sums)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stream) > 0) {
		json_t *parsed = json_loads(line, 0, NULL);
		const char *rec;

		assert_non_null(parsed);
		rec = text(parsed, "rec");
		sums->n_faults += !strcmp(rec, "faults");
		sums->n_other += !strcmp(rec, "other");
		sums->n_intervals += !strcmp(rec, "interval");
		if (!strcmp(rec, "faults") || !strcmp(rec, "other"))
			sums->minor += integer(parsed, "minor");
		if (!strcmp(rec, "interval")) {
			sums->entries += integer(parsed, "entries");
			sums->lost += integer(parsed, "lines_lost");
			sums->seconds += json_number_value(json_object_get(parsed, "seconds"));
		}
		json_decref(parsed);
	}
	clearerr(stream);
	free(line);
}

static FILE *open_pipe(struct fixture *fixture)
{
	struct error error;
	int reader;

	unlink(fixture->path);
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	sink_jsonl_free(fixture->sink);
	assert_int_equal(sink_jsonl_new(&fixture->sink, fixture->path, OUTLET_PERSIST, &error), 0);
	return fdopen(reader, "r");
}

static void add_cow_rows(struct fixture *fixture, uint64_t first, uint64_t count)
{
	for (uint64_t id = first; id < first + count; id++)
		snapshot_row(fixture->snapshot, fixture->process, 1000 + id, KIND_COW, ACCESS_WRITE,
			     MODE_USER, NULL)
			->now.minor++;
}

/* The first lines fill the queue, the others of that tick are summed up: no fault is missing. */
static void slow_reader_gets_sums(void **state)
{
	struct fixture *fixture = *state;
	struct read_sums sums = {};
	FILE *stream = open_pipe(fixture);

	add_cow_rows(fixture, 0, 9000);
	assert_int_equal(tick(fixture, 1), -EAGAIN);
	for (uint64_t number = 2; number < 100; number++) {
		read_pipe(stream, &sums);
		begin(fixture);
		if (number == 2) /* once it has read something there is room again */
			add_cow_rows(fixture, 0, 10);
		assert_int_equal(tick(fixture, number), 0);
	}
	read_pipe(stream, &sums);
	assert_int_equal(sums.n_other, 1);
	assert_in_range(sums.n_faults, 1000, 8999);
	assert_int_equal(sums.minor, 9010);
	assert_int_equal(sums.lost, 0);
	assert_int_equal(sink_jsonl_folded(fixture->sink), 9010 - sums.n_faults);
	fclose(stream);
}

/* It reads nothing at all, until the end: even intervals are summed up then. */
static void stuck_reader_gets_sums(void **state)
{
	struct fixture *fixture = *state;
	struct read_sums sums = {};
	FILE *stream = open_pipe(fixture);
	struct error error;

	for (uint64_t number = 1; number <= 200; number++) {
		add_cow_rows(fixture, number, 100);
		fixture->snapshot->totals.entries += 100;
		tick(fixture, number);
		begin(fixture);
	}
	while (sink_jsonl_drain(fixture->sink, 0, &error) == -EAGAIN && !sums.n_intervals)
		read_pipe(stream, &sums);
	/* What it did not take within no time at all is lost, and counted. */
	assert_true(sink_jsonl_lost(fixture->sink) > 0);
	fclose(stream);
}

/* The same, but it goes on in time. */
static void reader_that_goes_on_misses_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct read_sums sums = {};
	FILE *stream = open_pipe(fixture);

	for (uint64_t number = 1; number <= 300; number++) {
		if (number <= 200) {
			add_cow_rows(fixture, number, 100);
			fixture->snapshot->totals.entries += 100;
		}
		tick(fixture, number);
		begin(fixture);
		if (number > 200)
			read_pipe(stream, &sums);
	}
	assert_int_equal(sums.minor, 200 * 100);
	assert_int_equal(sums.entries, 200 * 100);
	assert_int_equal(sums.lost, 0);
	assert_true(sums.n_intervals < 300);
	assert_in_range((uintmax_t)(sums.seconds * 10), 300 * 15, 300 * 15);
	assert_true(sums.n_other > 0);
	fclose(stream);
}

static void full_disk_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct sink_jsonl *full;
	struct error error;

	snapshot_seal(fixture->snapshot, (struct timespec){ 0 }, 1);
	fixture->snapshot->tick = 1;
	assert_int_equal(sink_jsonl_new(&full, "/dev/full", OUTLET_APPEND, &error), 0);
	assert_int_equal(sink_jsonl_tick(full, fixture->snapshot, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "/dev/full: No space left on device"));
	assert_int_equal(sink_jsonl_tick(full, fixture->snapshot, &error), -ENOSPC);
	sink_jsonl_free(full);
}

static void a_closed_pipe_is_its_own_error(void **state)
{
	struct fixture *fixture = *state;
	struct sink_jsonl *sink;
	struct error error;
	int ends[2];
	char path[32];

	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
	assert_int_equal(sink_jsonl_new(&sink, path, OUTLET_APPEND, &error), 0);
	assert_false(sink_jsonl_is_stdout(sink));
	close(ends[0]);
	snapshot_seal(fixture->snapshot, (struct timespec){ 0 }, 1);
	fixture->snapshot->tick = 1;
	assert_int_equal(sink_jsonl_tick(sink, fixture->snapshot, &error), -EPIPE);
	sink_jsonl_free(sink);
	close(ends[1]);
}

static void append_starts_after_a_torn_line(void **state)
{
	struct fixture *fixture = *state;
	struct sink_jsonl *again;
	char content[32] = "";
	struct error error;
	int fd = open(fixture->path, O_RDWR);

	assert_int_equal(write(fd, "{\"rec\":", 7), 7);
	assert_int_equal(sink_jsonl_new(&again, fixture->path, OUTLET_APPEND, &error), 0);
	assert_int_equal(sink_jsonl_meta(again, &meta, &error), 0);
	assert_int_equal(pread(fd, content, 22, 0), 22);
	assert_string_equal(content, "{\"rec\":\n{\"rec\":\"meta\",");
	sink_jsonl_free(again);
	close(fd);
}

static void replace_and_append_do_as_they_say(void **state)
{
	struct fixture *fixture = *state;
	enum outlet_open how[] = { OUTLET_APPEND, OUTLET_APPEND, OUTLET_REPLACE };
	size_t want[] = { 1, 2, 1 };
	struct error error;
	struct stat status;
	mode_t mask;

	for (size_t i = 0; i < 3; i++) {
		struct sink_jsonl *sink;

		assert_int_equal(sink_jsonl_new(&sink, fixture->path, how[i], &error), 0);
		assert_int_equal(sink_jsonl_meta(sink, &meta, &error), 0);
		sink_jsonl_free(sink);
		read_lines(fixture);
		assert_int_equal(fixture->n_lines, want[i]);
	}
	mask = umask(0);
	for (size_t i = 1; i < 3; i++) { /* for its group, or for its owner alone */
		unlink(fixture->path);
		sink_jsonl_free(fixture->sink);
		assert_int_equal(sink_jsonl_new(&fixture->sink, fixture->path, how[i], &error), 0);
		assert_int_equal(stat(fixture->path, &status), 0);
		assert_int_equal(status.st_mode & 0777, i == 1 ? 0640 : 0600);
	}
	umask(mask);
}

static void unwritable_file_is_named(void **state)
{
	struct sink_jsonl *sink = NULL;
	struct error error;

	(void)state;
	assert_int_equal(sink_jsonl_new(&sink, "/nowhere/x.jsonl", OUTLET_APPEND, &error), -ENOENT);
	assert_null(sink);
	assert_non_null(strstr(error.text, "/nowhere/x.jsonl"));
	assert_int_equal(sink_jsonl_new(&sink, "/", OUTLET_APPEND, &error), -EISDIR);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(torn_line_is_cut_off_and_counted),
		TEST(meta_line_is_late_but_not_lost),
		TEST(losses_are_in_the_next_line_that_is_written),
		TEST(reopened_file_begins_with_meta),
		TEST(a_full_file_is_put_aside),
		TEST(a_full_file_that_lost_its_name_stays),
		TEST(each_file_has_its_stacks),
		TEST(slow_reader_gets_sums),
		TEST(stuck_reader_gets_sums),
		TEST(reader_that_goes_on_misses_nothing),
		TEST(full_disk_is_an_error),
		TEST(a_closed_pipe_is_its_own_error),
		TEST(append_starts_after_a_torn_line),
		TEST(replace_and_append_do_as_they_say),
		TEST(unwritable_file_is_named),
	};

	return cmocka_run_group_tests_name("sink_jsonl_file", tests, NULL, NULL);
}
