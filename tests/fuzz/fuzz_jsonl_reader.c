// SPDX-License-Identifier: GPL-2.0-only
/* A recorded log (JSON lines, plain or compressed), as `report` reads it, and prints it with two of its sinks. */
#include "fuzz.h"

#include "replay/jsonl_reader.h"
#include "sink/sink_summary.h"
#include "sink/sink_table.h"

static FILE *nowhere;
static struct sink_summary *summary;
static struct sink_table *table;

static int take_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	(void)context;
	for (size_t i = 0; i < snapshot->n_rows; i++) {
		const struct row *row = snapshot->rows[i];

		FUZZ_ASSERT(row->process && row->mapping && row->perms[4] == '\0');
		FUZZ_ASSERT(strlen(row->process->comm) < COMM_LEN && row->process->cgroup);
		FUZZ_ASSERT(kind_name(row->kind) && access_name(row->access) &&
			    mode_name(row->mode));
	}
	FUZZ_ASSERT(!sink_summary_tick(summary, snapshot, error));
	FUZZ_ASSERT(!sink_table_tick(table, snapshot, error));
	return 0;
}

static int take_run(void *context, const char *const *command, int wait_status, uint64_t wall_ns,
		    struct error *error)
{
	const struct sink_summary_run run = { .command = command,
					      .wait_status = wait_status,
					      .wall_ns = wall_ns };

	(void)context;
	(void)error;
	FUZZ_ASSERT(command[0]);
	FUZZ_ASSERT(!sink_summary_print_run(&run, nowhere));
	return 0;
}

static void complain(void *context, const char *path, uint64_t line, const char *why)
{
	(void)context;
	(void)line;
	FUZZ_ASSERT(path && strlen(why) > 0 && !strchr(why, '\n'));
}

static void read_log(const char *path, enum grouping_by by, int64_t from_ms)
{
	const struct jsonl_reader_options options = {
		.from_ms = from_ms,
		.to_ms = INT64_MAX,
		.on_interval = take_interval,
		.on_run = take_run,
		.on_complaint = complain,
	};
	struct jsonl_reader *reader = jsonl_reader_new(&options);
	struct error error = { "" };

	summary = sink_summary_new(
		&(struct sink_summary_options){ .page_size = 4096, .by = by, .show_all = true });
	table = sink_table_new(
		&(struct sink_table_options){ .by = by, .rows = 10, .stream = nowhere });
	FUZZ_ASSERT(reader && summary && table);
	if (jsonl_reader_file(reader, path, &error))
		FUZZ_ASSERT(strlen(error.text) > 0 && !strchr(error.text, '\n'));
	else
		FUZZ_ASSERT(!jsonl_reader_end(reader, &error));
	FUZZ_ASSERT(!sink_summary_print(summary, NULL, nowhere));
	sink_table_free(table);
	sink_summary_free(summary);
	jsonl_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);

	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	FUZZ_ASSERT(nowhere);
	read_log(path, BY_ROW, INT64_MIN);
	read_log(path, BY_UNIT, 1763806200000); /* of 2025-11-22T10:10:00Z on */
	return 0;
}
