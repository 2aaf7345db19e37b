// SPDX-License-Identifier: GPL-2.0-only
/* Lines of a stream, in pieces of any size, make the same snapshots as those of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "replay/jsonl_reader.h"

#define LOG "tests/golden/screen.jsonl"

struct seen {
	unsigned int intervals, complaints;
	uint64_t minor, major, rows, row_faults, processes;
};

static int take(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct seen *seen = context;

	(void)error;
	seen->intervals++;
	seen->minor += snapshot->totals.minor - snapshot->totals_before.minor;
	seen->major += snapshot->totals.major - snapshot->totals_before.major;
	seen->rows += snapshot->n_rows;
	seen->processes += snapshot->n_processes;
	for (size_t i = 0; i < snapshot->n_touched; i++)
		seen->row_faults += snapshot->rows[i]->now.minor - snapshot->rows[i]->before.minor;
	return 0;
}

static void complain(void *context, const char *path, uint64_t line, const char *why)
{
	(void)path;
	(void)line;
	(void)why;
	((struct seen *)context)->complaints++;
}

static struct jsonl_reader *new_reader(struct seen *seen)
{
	const struct jsonl_reader_options options = { .from_ms = INT64_MIN,
						      .to_ms = INT64_MAX,
						      .on_interval = take,
						      .on_complaint = complain,
						      .context = seen };

	*seen = (struct seen){};
	return jsonl_reader_new(&options);
}

/* The log as a stream has it: the `interval` line, the first of each interval there, comes last. */
static char *make_stream(size_t *ret_size)
{
	autofclose FILE *file = fopen(LOG, "r");
	char line[65536], interval[65536] = "", *text;
	FILE *stream = open_memstream(&text, ret_size);

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strstr(line, "\"rec\":\"interval\"")) {
			fputs(line, stream);
			continue;
		}
		fputs(interval, stream);
		strcpy(interval, line);
	}
	fputs(interval, stream);
	fclose(stream);
	return text;
}

static void pieces_of_any_size_are_the_same(void **state)
{
	static const size_t sizes[] = { 1, 7, 1000, 1 << 20 };
	struct seen whole, pieces;
	struct jsonl_reader *reader = new_reader(&whole);
	struct error error;
	size_t size;
	autofree char *text = make_stream(&size);

	(void)state;
	assert_int_equal(jsonl_reader_file(reader, LOG, &error), 0);
	assert_int_equal(jsonl_reader_end(reader, &error), 0);
	jsonl_reader_free(reader);
	assert_int_equal(whole.intervals, 6);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		reader = new_reader(&pieces);
		jsonl_reader_begin_stream(reader, "a stream");
		for (size_t at = 0; at < size; at += sizes[i])
			assert_int_equal(jsonl_reader_push(reader, text + at,
							   min_of(sizes[i], size - at), &error),
					 0);
		/* Nothing waits for what comes next. */
		assert_memory_equal(&pieces, &whole, sizeof(whole));
		assert_int_equal(jsonl_reader_end(reader, &error), 0);
		assert_int_equal(pieces.intervals, whole.intervals);
		jsonl_reader_free(reader);
	}
}

static void a_bad_line_is_reported_and_skipped(void **state)
{
	struct seen seen;
	struct jsonl_reader *reader = new_reader(&seen);
	struct error error;
	size_t size;
	autofree char *text = make_stream(&size);

	(void)state;
	jsonl_reader_begin_stream(reader, "a stream");
	assert_int_equal(jsonl_reader_push(reader, "{\"rec\":\"fau\n", 12, &error), 0);
	assert_int_equal(jsonl_reader_push(reader, text, size, &error), 0);
	assert_int_equal(seen.complaints, 1);
	assert_int_equal(seen.intervals, 6);
	jsonl_reader_free(reader);
}

/* Nor does memory grow for one. */
static void a_line_without_an_end_is_an_error(void **state)
{
	struct seen seen;
	struct jsonl_reader *reader = new_reader(&seen);
	struct error error;
	autofree char *text = malloc(1 << 20);
	int result = 0;
	unsigned int pieces = 0;

	(void)state;
	memset(text, 'x', 1 << 20);
	jsonl_reader_begin_stream(reader, "a stream");
	while (!result && pieces++ < 100)
		result = jsonl_reader_push(reader, text, 1 << 20, &error);
	assert_int_equal(pieces, 33);
	assert_non_null(strstr(error.text, "a line of more than 32 MiB"));
	jsonl_reader_free(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size_are_the_same),
		cmocka_unit_test(a_bad_line_is_reported_and_skipped),
		cmocka_unit_test(a_line_without_an_end_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
