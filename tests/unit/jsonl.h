/* SPDX-License-Identifier: GPL-2.0-only */
/* A sink that writes hand-built snapshots to a file, and its lines read back with a JSON parser. */
#ifndef FAULTMAP_TEST_JSONL_H
#define FAULTMAP_TEST_JSONL_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "sink/sink_jsonl.h"

#define MAX_LINES 4096

struct fixture {
	char path[64];
	struct sink_jsonl *sink;
	struct snapshot *snapshot;
	struct process *process;
	struct row *row;
	json_t *lines[MAX_LINES];
	size_t n_lines;
};

static const char *const hooks[] = { "tp_btf/page_fault_user", "perf/page-faults-major" };
static const struct sink_jsonl_meta meta = {
	.detail = "fast", .hooks = hooks, .n_hooks = 2, .interval_ms = 1500
};

/* Begins a tick in which the row moves. */
static void begin(struct fixture *fixture)
{
	snapshot_begin(fixture->snapshot);
	fixture->process = snapshot_process(fixture->snapshot, 42, 123456789012345678, NULL);
	fixture->row = snapshot_row(fixture->snapshot, fixture->process, 7, KIND_FILE_MAP,
				    ACCESS_READ, MODE_USER, NULL);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error error;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	strcpy(fixture->path, "/tmp/faultmap-jsonl-XXXXXX");
	close(mkstemp(fixture->path));
	fixture->snapshot = snapshot_new();
	begin(fixture);
	strcpy(fixture->process->comm, "cat");
	strcpy(fixture->row->perms, "r-xp");
	*state = fixture;
	return sink_jsonl_new(&fixture->sink, fixture->path, OUTLET_REPLACE, &error);
}

static void drop_lines(struct fixture *fixture)
{
	while (fixture->n_lines)
		json_decref(fixture->lines[--fixture->n_lines]);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	drop_lines(fixture);
	sink_jsonl_free(fixture->sink);
	snapshot_free(fixture->snapshot);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

/* The sink writes without jansson what jansson would. */
static void assert_as_jansson_has_it(const json_t *object, const char *line)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(14));

	assert_int_equal(strlen(text) + 1, strlen(line));
	assert_memory_equal(text, line, strlen(text));
	free(text);
}

/* Parses the whole file: each line must be one JSON object and end with a newline. */
static void read_lines(struct fixture *fixture)
{
	FILE *file = fopen(fixture->path, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	drop_lines(fixture);
	while ((length = getline(&line, &size, file)) > 0) {
		json_error_t why;

		assert_int_equal(line[length - 1], '\n');
		assert_true(fixture->n_lines < MAX_LINES);
		fixture->lines[fixture->n_lines] = json_loads(line, JSON_REJECT_DUPLICATES, &why);
		if (!fixture->lines[fixture->n_lines])
			fail_msg("%s: %s", why.text, line);
		assert_as_jansson_has_it(fixture->lines[fixture->n_lines], line);
		fixture->n_lines++;
	}
	free(line);
	fclose(file);
}

/* Seals the fixture's snapshot as the given tick and writes it. */
static int tick(struct fixture *fixture, uint64_t number)
{
	struct error error = { "" };
	int result;

	fixture->snapshot->tick = number;
	snapshot_seal(fixture->snapshot,
		      (struct timespec){ 1795000000 + (time_t)number, 250000000 }, 1500000000);
	result = sink_jsonl_tick(fixture->sink, fixture->snapshot, &error);
	if (result < 0)
		assert_non_null(strstr(error.text, fixture->path));
	return result;
}

static json_t *find(const struct fixture *fixture, const char *rec, size_t nth)
{
	for (size_t i = 0; i < fixture->n_lines; i++) {
		const char *found = json_string_value(json_object_get(fixture->lines[i], "rec"));

		assert_non_null(found);
		if (!strcmp(found, rec) && !nth--)
			return fixture->lines[i];
	}
	return NULL;
}

static json_int_t integer(const json_t *line, const char *name)
{
	json_t *value = json_object_get(line, name);

	if (!json_is_integer(value))
		fail_msg("%s is no integer", name);
	return json_integer_value(value);
}

static const char *text(const json_t *line, const char *name)
{
	json_t *value = json_object_get(line, name);

	if (!json_is_string(value))
		fail_msg("%s is no string", name);
	return json_string_value(value);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
