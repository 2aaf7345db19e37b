// SPDX-License-Identifier: GPL-2.0-only
/* Compressed logs: what an outlet writes is what gunzip and zstd read, and what is read back, whole, in
 * part, and after what can happen to a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log_frame.h"
#include "base/util.h"
#include "range.h"
#include "replay/jsonl_file.h"
#include "sink/outlet.h"

#define HOUR 3600000
#define N_FRAMES 24
#define N_LINES 500 /* of a frame */

struct fixture {
	char directory[64];
	char path[96];
};

static const char *const suffixes[] = { ".gz", ".zst" };

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->directory, "/tmp/faultmap-packer-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", fixture->directory);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

static struct outlet *open_log(struct fixture *fixture, size_t packing)
{
	struct outlet *outlet = NULL;
	struct error error;

	snprintf(fixture->path, sizeof(fixture->path), "%s/log%s", fixture->directory,
		 suffixes[packing]);
	assert_int_equal(outlet_open(&outlet, fixture->path, OUTLET_APPEND, &error), 0);
	return outlet;
}

static void put_line(struct outlet *outlet, int number, int64_t ms)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "line %d of %lld", number, (long long)ms);

	outlet_set_time(outlet, ms);
	assert_int_equal(outlet_add(outlet, line, (size_t)length), 0);
	assert_int_equal(outlet_end_line(outlet, false), 0);
}

/* A line of no time, and a frame for each hour. */
static void write_day(struct outlet *outlet)
{
	put_line(outlet, 0, OUTLET_NO_TIME);
	for (int frame = 0; frame < N_FRAMES; frame++) {
		for (int i = 0; i < N_LINES; i++)
			put_line(outlet, 1 + frame * N_LINES + i, HOUR * (frame + 1) + i);
		assert_int_equal(outlet_drain(outlet, -1), 0);
	}
	outlet_free(outlet);
}

/* What is read back: which lines, and what was said. */
struct reading {
	int first, last, count;
	uint64_t left_out;
	bool has_timeless;
	int error;
	struct error why;
};

static struct reading read_log(const char *path, int64_t from_ms, int64_t to_ms)
{
	struct reading reading = { .first = -1 };
	struct jsonl_file *file;
	struct error error;
	size_t length;
	char *line;
	int result;

	assert_int_equal(jsonl_file_open(&file, path, from_ms, to_ms, &error), 0);
	while ((result = jsonl_file_line(file, &line, &length, &error))) {
		int number;

		reading.left_out += jsonl_file_left_out(file);
		if (result < 0) {
			reading.error = result;
			reading.why = error;
			if (result != -EBADMSG)
				break;
			continue;
		}
		assert_int_equal(sscanf(line, "line %d of ", &number), 1);
		assert_int_equal(strlen(line), length);
		reading.count++;
		if (!number) {
			reading.has_timeless = true;
			continue;
		}
		assert_true(number > reading.last);
		if (reading.first < 0)
			reading.first = number;
		reading.last = number;
	}
	reading.left_out += jsonl_file_left_out(file);
	jsonl_file_close(file);
	return reading;
}

static void assert_all(const char *path)
{
	struct reading reading = read_log(path, INT64_MIN, INT64_MAX);

	assert_int_equal(reading.error, 0);
	assert_int_equal(reading.count, 1 + N_FRAMES * N_LINES);
	assert_int_equal(reading.last, N_FRAMES * N_LINES);
}

/* Fails unless the command ends with 0. */
static void run(const char *format, const char *path)
{
	char command[256];

	snprintf(command, sizeof(command), format, path);
	assert_int_equal(system(command), 0);
}

static void others_read_it(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		write_day(open_log(fixture, i));
		assert_all(fixture->path);
		if (i && system("command -v zstd >/dev/null"))
			continue;
		run(i ? "test $(zstd -dcq '%s' | wc -l) = 12001" :
			"test $(gunzip -c '%s' | wc -l) = 12001",
		    fixture->path);
	}
}

/* A frame that has lines of the time is given as a whole; the first, which has one of no time, always
 * is. */
static void only_what_is_asked_for_is_read(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		struct reading reading;

		write_day(open_log(fixture, i));
		reading = read_log(fixture->path, 10 * HOUR + 5, 12 * HOUR);
		assert_int_equal(reading.error, 0);
		assert_true(reading.has_timeless);
		assert_int_equal(reading.count, 1 + 3 * N_LINES);
		assert_int_equal(reading.first, 1);
		assert_int_equal(reading.last, 11 * N_LINES);
		assert_int_equal(reading.left_out, (N_FRAMES - 3) * N_LINES);
		/* The bounds: a frame's last line, and its first. */
		assert_int_equal(read_log(fixture->path, 10 * HOUR + N_LINES - 1, 11 * HOUR).count,
				 1 + 2 * N_LINES);
		assert_int_equal(read_log(fixture->path, 10 * HOUR + N_LINES, 11 * HOUR).count,
				 1 + N_LINES);
		assert_int_equal(unlink(fixture->path), 0);
	}
}

static off_t size_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* Cut off anywhere, what is before the cut is there, and it is said; the next writer goes on behind the
 * last whole frame. */
static void what_was_cut_off_is_told_and_mended(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		struct reading reading;
		struct outlet *outlet;
		off_t whole;

		write_day(open_log(fixture, i));
		whole = size_of(fixture->path);
		for (off_t cut = 1; cut < whole - 20; cut += cut < 200 ? 1 : 97) {
			assert_int_equal(truncate(fixture->path, whole - cut), 0);
			reading = read_log(fixture->path, INT64_MIN, INT64_MAX);
			if (!reading.error) { /* between two frames */
				assert_int_equal(reading.count % N_LINES, 1);
				continue;
			}
			assert_int_equal(reading.error, -EIO);
			assert_non_null(strstr(reading.why.text, "ends in the middle"));
			assert_true(reading.count <= 1 + N_FRAMES * N_LINES);
			/* Where it would be passed over, too. */
			reading = read_log(fixture->path, 100 * HOUR, INT64_MAX);
			assert_int_equal(reading.error, -EIO);
		}
		assert_int_equal(truncate(fixture->path, 20), 0); /* of the first head */
		write_day(open_log(fixture, i));
		assert_all(fixture->path);
		assert_int_equal(truncate(fixture->path, whole - 1), 0);
		outlet = open_log(fixture, i);
		put_line(outlet, 20000, 30 * HOUR);
		assert_int_equal(outlet_drain(outlet, -1), 0);
		outlet_free(outlet);
		reading = read_log(fixture->path, 30 * HOUR, INT64_MAX);
		assert_int_equal(reading.error, 0);
		assert_int_equal(reading.count, 1 + N_LINES + 1);
		assert_int_equal(reading.last, 20000);
		run(i ? "! command -v zstd >/dev/null || zstd -qt '%s'" : "gunzip -t '%s'",
		    fixture->path);
		assert_int_equal(unlink(fixture->path), 0);
	}
}

/* Of a damaged frame lines are missing, of the others none. */
static void damage_stays_in_its_frame(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		struct reading reading;
		uint8_t bytes[64];
		int fd;

		write_day(open_log(fixture, i));
		fd = open(fixture->path, O_RDWR);
		assert_int_equal(pread(fd, bytes, 64, size_of(fixture->path) / 2), 64);
		for (size_t at = 0; at < sizeof(bytes); at++)
			bytes[at] ^= 0x55;
		assert_int_equal(pwrite(fd, bytes, 64, size_of(fixture->path) / 2), 64);
		close(fd);
		reading = read_log(fixture->path, INT64_MIN, INT64_MAX);
		assert_int_equal(reading.error, -EBADMSG);
		assert_non_null(strstr(reading.why.text, "lines of this frame are left out"));
		assert_int_equal(reading.last, N_FRAMES * N_LINES);
		assert_in_range(reading.count, 1 + (N_FRAMES - 2) * N_LINES, N_FRAMES * N_LINES);
		assert_int_equal(unlink(fixture->path), 0);
	}
}

static void what_is_no_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct outlet *outlet = NULL;
	struct error error;

	snprintf(fixture->path, sizeof(fixture->path), "%s/fifo.zst", fixture->directory);
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	assert_int_equal(outlet_open(&outlet, fixture->path, OUTLET_PERSIST, &error), -EINVAL);
	assert_non_null(strstr(error.text, "fifo.zst for JSON lines: it is no regular file"));
}

/* A file of somebody else's compressor is appended to as it is, and read. */
static void others_frames_are_read(void **state)
{
	struct fixture *fixture = *state;
	struct outlet *outlet;
	struct reading reading;

	snprintf(fixture->path, sizeof(fixture->path), "%s/log.gz", fixture->directory);
	run("echo 'line 1 of old' | gzip >'%s'", fixture->path);
	outlet = open_log(fixture, 0);
	put_line(outlet, 2, HOUR);
	assert_int_equal(outlet_drain(outlet, -1), 0);
	outlet_free(outlet);
	reading = read_log(fixture->path, INT64_MIN, INT64_MAX);
	assert_int_equal(reading.error, 0);
	assert_int_equal(reading.count, 2);
	assert_int_equal(read_log(fixture->path, 2 * HOUR, INT64_MAX).count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(others_read_it),
		TEST(only_what_is_asked_for_is_read),
		TEST(what_was_cut_off_is_told_and_mended),
		TEST(damage_stays_in_its_frame),
		TEST(what_is_no_file_is_refused),
		TEST(others_frames_are_read),
	};

	return cmocka_run_group_tests_name("packer", tests, NULL, NULL);
}
