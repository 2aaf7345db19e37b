// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots that are written to a log and read back have the same summary and the same tables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay/jsonl_reader.h"
#include "sink/sink_jsonl.h"
#include "sink/sink_summary.h"
#include "base/text.h"
#include "golden.h"
#include "base/util.h"
#include "picture.h"

#define N_PROCESSES 6
#define N_TICKS 12

struct fixture {
	char path[64];
	struct sink_jsonl *sink;
	struct snapshot *snapshot;
	struct sink_summary *written, *read;
	uint64_t n_complaints;
	char complaint[256];
	uint64_t complaint_line;
	uint64_t n_runs;
};

static const char *const hooks[] = { "tp_btf/page_fault_user" };
static const struct sink_jsonl_meta meta = {
	.detail = "full", .hooks = hooks, .n_hooks = 1, .interval_ms = 2000
};
static const struct sink_summary_options options = { .page_size = 4096,
						     .by = BY_ROW,
						     .show_all = true };

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error error;

	strcpy(fixture->path, "/tmp/faultmap-reader-XXXXXX");
	close(mkstemp(fixture->path));
	fixture->snapshot = snapshot_new();
	fixture->written = sink_summary_new(&options);
	fixture->read = sink_summary_new(&options);
	*state = fixture;
	return sink_jsonl_new(&fixture->sink, fixture->path, OUTLET_REPLACE, &error);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	sink_jsonl_free(fixture->sink);
	snapshot_free(fixture->snapshot);
	sink_summary_free(fixture->written);
	sink_summary_free(fixture->read);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

static void add_stalls(struct row *row, uint64_t count, uint64_t ns)
{
	if (!row->latency)
		row->latency = calloc(1, sizeof(*row->latency));
	row->latency->now.count += count;
	row->latency->now.sum_ns += count * ns;
	row->latency->now.buckets[ns % LATENCY_BUCKETS] += count;
	if (ns > row->latency->max_ns)
		row->latency->max_ns = ns;
	if (!row->latency->causes)
		row->latency->causes = calloc(1, sizeof(*row->latency->causes));
	row->latency->causes->now.count[ns % STALL_CAUSE_COUNT] += count;
	row->latency->causes->now.sum_ns[ns % STALL_CAUSE_COUNT] += count * ns;
}

/* Each process has rows of every kind, a sliced one and one without a mapping; they come one after
 * another and end likewise. The first has a hostile name. */
static void move_process(struct snapshot *snapshot, uint32_t number, uint64_t tick)
{
	const char *names[] = { "/lib/\xff\n\\x41\"", "[heap]", "[anon]", "/usr/bin/cat" };
	const char *comm = number ? "cat" : "a\\b\xfe\x01";
	struct process *process = add_process(snapshot, 100 + number, comm, 50 * MIB, MIB * number);
	struct row *row;

	for (unsigned int kind = 0; kind < KIND_DENIED_UNMAPPED; kind++) {
		row = snapshot_row(snapshot, process, number * 100 + kind, (enum fault_kind)kind,
				   ACCESS_READ, MODE_USER, NULL);
		add_row(snapshot, process, number * 100 + kind, names[kind % 4], "r-xp",
			(enum fault_kind)kind, ACCESS_READ, 4 * MIB,
			row->now.minor + (tick * kind + number) % 7,
			row->now.major + (tick + kind) % 3);
		add_stalls(row, (tick + kind) % 4, 1000 * kind + number);
	}
	for (uint64_t slice = 1; slice < 4; slice++) {
		row = snapshot_slice_row(snapshot, process, number * 100 + 90, (uint32_t)slice,
					 KIND_SHMEM, ACCESS_WRITE, MODE_KERNEL, NULL);
		row->mapping = snapshot_intern(snapshot, "/memfd:x");
		strcpy(row->perms, "rw-s");
		row->map_start = 0x7f0000000000;
		row->map_end = row->map_start + 8 * MIB;
		row->slice_start = row->map_start + slice * MIB;
		row->slice_end = row->slice_start + MIB;
		row->now.minor += slice * tick;
		row->now.pages += slice * tick;
		process->minor += slice * tick;
	}
	process->gup += tick % 3;
	process->minor += tick % 3;
	process->ended = tick == N_TICKS - number;
	process->peak_vsz_bytes = 60 * MIB;
	process->peak_rss_bytes = 2 * MIB;
}

static void make_tick(struct fixture *fixture, uint64_t tick)
{
	struct snapshot *snapshot = fixture->snapshot;
	uint64_t *totals = &snapshot->totals.entries;
	struct error error;

	snapshot_begin(snapshot);
	for (size_t i = 0; i < offsetof(struct totals, has_perf_minor) / sizeof(*totals); i++)
		totals[i] += tick * (i + 1);
	snapshot->totals.has_perf_minor = snapshot->totals.has_perf_major = true;
	snapshot->totals.has_populate = true;
	for (uint32_t number = 0; number < N_PROCESSES; number++)
		if (tick <= N_TICKS - number)
			move_process(snapshot, number, tick);
	seal(snapshot, tick);
	snapshot->ts.tv_sec += (time_t)tick * 2;
	assert_int_equal(sink_summary_tick(fixture->written, snapshot, NULL), 0);
	assert_int_equal(sink_jsonl_tick(fixture->sink, snapshot, &error), 0);
}

static void write_log(struct fixture *fixture)
{
	const char *command[] = { "sh", "-c", "a\xff\n\\", NULL };
	struct sink_jsonl_run run = { .command = command,
				      .wait_status = 0x8b,
				      .wall_ns = 2500000000 };
	struct error error;

	assert_int_equal(sink_jsonl_meta(fixture->sink, &meta, &error), 0);
	for (uint64_t tick = 1; tick <= N_TICKS; tick++)
		make_tick(fixture, tick);
	assert_int_equal(sink_jsonl_run(fixture->sink, &run, &error), 0);
}

static int take_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct fixture *fixture = context;

	return sink_summary_tick(fixture->read, snapshot, error);
}

static int take_run(void *context, const char *const *command, int wait_status, uint64_t wall_ns,
		    struct error *error)
{
	struct fixture *fixture = context;

	(void)error;
	assert_string_equal(command[2], "a\xff\n\\");
	assert_null(command[3]);
	assert_int_equal(wait_status, 0x8b);
	assert_int_equal(wall_ns, 2500000000);
	fixture->n_runs++;
	return 0;
}

static void take_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	struct fixture *fixture = context;

	assert_non_null(path);
	fixture->n_complaints++;
	fixture->complaint_line = line;
	snprintf(fixture->complaint, sizeof(fixture->complaint), "%s", why);
}

static const struct jsonl_reader_info *read_log(struct fixture *fixture, const char *path,
						int64_t from_ms, int64_t to_ms)
{
	static struct jsonl_reader_info info;
	struct jsonl_reader_options reading = { .from_ms = from_ms,
						.to_ms = to_ms,
						.on_interval = take_interval,
						.on_run = take_run,
						.on_complaint = take_complaint,
						.context = fixture };
	struct jsonl_reader *reader = jsonl_reader_new(&reading);
	struct error error = { "" };

	if (jsonl_reader_file(reader, path, &error) < 0 || jsonl_reader_end(reader, &error) < 0)
		fail_msg("%s", error.text);
	info = *jsonl_reader_info(reader);
	jsonl_reader_free(reader);
	return &info;
}

static char *print(struct sink_summary *summary)
{
	char *text;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	assert_int_equal(sink_summary_print(summary, NULL, memory), 0);
	fclose(memory);
	return text;
}

static void assert_same_summary(struct fixture *fixture)
{
	char *written = print(fixture->written), *read = print(fixture->read);

	assert_string_equal(read, written);
	free(written);
	free(read);
}

static void summary_is_the_same(void **state)
{
	struct fixture *fixture = *state;
	const struct jsonl_reader_info *info;

	write_log(fixture);
	info = read_log(fixture, fixture->path, INT64_MIN, INT64_MAX);
	assert_int_equal(fixture->n_complaints, 0);
	assert_int_equal(fixture->n_runs, 1);
	assert_int_equal(info->n_intervals, N_TICKS);
	assert_int_equal(info->duration_ns, N_TICKS * 2000000000UL);
	assert_int_equal(info->page_size, sysconf(_SC_PAGESIZE));
	assert_string_equal(info->detail, "full");
	assert_same_summary(fixture);
}

/* Two halves, read one after the other, are the whole. */
static void halves_add_up(void **state)
{
	struct fixture *fixture = *state;
	uint64_t minor;
	int64_t middle;

	write_log(fixture);
	assert_true(text_read_time("2026-11-22T10:09:08.123Z", &middle));
	assert_int_equal(read_log(fixture, fixture->path, INT64_MIN, middle)->n_intervals, 5);
	minor = sink_summary_totals(fixture->read).minor;
	assert_true(minor > 0);
	sink_summary_free(fixture->read);
	fixture->read = sink_summary_new(&options);
	assert_int_equal(read_log(fixture, fixture->path, middle, INT64_MAX)->n_intervals, 7);
	minor += sink_summary_totals(fixture->read).minor;
	assert_int_equal(minor, sink_summary_totals(fixture->written).minor);
}

/* Copies the log without the lines from first to last. */
static void cut_lines(const struct fixture *fixture, const char *to, size_t first, size_t last)
{
	FILE *in = fopen(fixture->path, "r"), *out = fopen(to, "w");
	char *line = NULL;
	size_t size = 0;

	for (size_t i = 1; getline(&line, &size, in) > 0; i++)
		if (i < first || i > last)
			fputs(line, out);
	free(line);
	fclose(in);
	fclose(out);
}

/* Lines of the third and fourth interval: the totals of later ones have their counts. */
static void lost_lines_are_no_lost_counts(void **state)
{
	struct fixture *fixture = *state;
	char cut[80];
	const size_t per_tick = 1 + N_PROCESSES * (KIND_DENIED_UNMAPPED + 3 + 1);

	write_log(fixture);
	snprintf(cut, sizeof(cut), "%s.cut", fixture->path);
	cut_lines(fixture, cut, 2 + per_tick * 2, 2 + per_tick * 3);
	read_log(fixture, cut, INT64_MIN, INT64_MAX);
	unlink(cut);
	assert_int_equal(fixture->n_complaints, 0);
	assert_same_summary(fixture);
}

/* A restart in the same file: its totals begin again. */
static void restart_counts_again(void **state)
{
	struct fixture *fixture = *state;
	uint64_t minor;

	write_log(fixture);
	snapshot_free(fixture->snapshot);
	fixture->snapshot = snapshot_new();
	sink_jsonl_free(fixture->sink);
	minor = sink_summary_totals(fixture->written).minor;
	assert_int_equal(sink_jsonl_new(&fixture->sink, fixture->path, OUTLET_APPEND,
					&(struct error){ "" }),
			 0);
	usleep(2000); /* meta.since tells the two apart, in milliseconds */
	write_log(fixture);
	read_log(fixture, fixture->path, INT64_MIN, INT64_MAX);
	assert_int_equal(sink_summary_totals(fixture->read).minor, 2 * minor);
	assert_int_equal(fixture->n_complaints, 1);
	assert_non_null(strstr(fixture->complaint, "older than"));
}

static void a_summary_by_kind(void **state)
{
	const struct sink_summary_options by_kind = { .page_size = 4096, .by = BY_KIND };
	struct fixture *fixture = *state;
	autofree char *text = NULL;

	sink_summary_free(fixture->read);
	fixture->read = sink_summary_new(&by_kind);
	write_log(fixture);
	read_log(fixture, fixture->path, INT64_MIN, INT64_MAX);
	text = print(fixture->read);
	assert_golden("report_by_kind.txt", text);
}

#define TS(second) "\"ts\":\"2026-11-22T10:00:" second ".000Z\""
#define META_TEXTS                                                                  \
	"\"since\":\"x\",\"host\":\"a\\u001b[2J\",\"kernel\":\"b\\\\xff\\\\\\\\\"," \
	"\"detail\":\"fast\""
#define PROCESS(second, minor, minor_total)                                                           \
	"{\"rec\":\"process\"," TS(                                                                   \
		second) ",\"pid\":1,\"start_ns\":1,\"comm\":\"c\",\"ppid\":0,"                        \
			"\"uid\":0,\"cgroup\":\"/\",\"vsz_bytes\":0,\"rss_bytes\":0,\"minor\":" minor \
			"," minor_total                                                               \
			",\"major\":0,\"major_total\":0,\"gup\":0,\"gup_total\":0}\n"
#define NINE_ZEROS "0,0,0,0,0,0,0,0,0"
#define BUCKETS(first) #first ",0,0,0,0,0,0,0,0," NINE_ZEROS "," NINE_ZEROS
#define FAULTS(buckets)                                                                                          \
	"{\"rec\":\"faults\"," TS(                                                                               \
		"00") ",\"pid\":1,\"start_ns\":1,\"comm\":\"c\","                                                \
		      "\"mapping\":\"m\",\"mapping_id\":\"0x1\",\"map_start\":\"0x1\",\"map_end\":\"0x2\","      \
		      "\"map_offset\":0,\"perms\":\"r--p\",\"kind\":\"cow\",\"access\":\"write\","               \
		      "\"mode\":\"user\",\"minor\":0,\"minor_total\":0,\"major\":0,\"major_total\":0,"           \
		      "\"denied\":0,\"denied_total\":0,\"pages\":0,\"pages_total\":0,"                           \
		      "\"latency\":{\"count\":0,\"count_total\":0,\"sum_ns\":0,\"sum_ns_total\":0,\"max_ns\":0," \
		      "\"buckets\":[" buckets "]}}"

static void damaged_lines_are_reported(void **state)
{
	static const struct {
		const char *line;
		const char *why;
	} cases[] = {
		{ "", "no JSON" },
		{ "{\"rec\":\"faults\"", "no JSON" },
		{ "{\"rec\":\"exit\",\"rec\":\"exit\"}", "no JSON: duplicate" },
		{ "[1,2]", "\"rec\" is missing" },
		{ "{\"rec\":\"moo\",\"ts\":\"2026-11-22T10:00:00.000Z\"}", "\"rec\" is a word" },
		{ "{\"rec\":\"faults\",\"ts\":\"now\"}", "\"ts\" is no time" },
		{ "{\"rec\":\"process\",\"ts\":\"2026-11-22T10:00:00.000Z\"}", "is missing" },
		{ "{\"rec\":\"meta\",\"v\":7}", "schema version 7, this faultmap reads 1" },
		{ "{\"rec\":\"meta\",\"v\":1," META_TEXTS ",\"lines_lost\":0}",
		  "\"page_size\" is missing" },
		{ "{\"rec\":\"run\"}", "missing" },
		{ FAULTS(BUCKETS(0)), NULL },
		{ FAULTS(BUCKETS(-1)), "\"buckets\" is no count" },
		{ FAULTS(BUCKETS(true)), "\"buckets\" is no count" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		FILE *file = fopen(fixture->path, "w");

		fprintf(file, "%s\n", cases[i].line);
		fclose(file);
		fixture->n_complaints = 0;
		read_log(fixture, fixture->path, INT64_MIN, INT64_MAX);
		if (!fixture->n_complaints != !cases[i].why ||
		    (cases[i].why && !strstr(fixture->complaint, cases[i].why)))
			fail_msg("%s: %s", cases[i].line, fixture->complaint);
		if (cases[i].why)
			assert_int_equal(fixture->complaint_line, 1);
	}
}

/* It would be the base that the next total is compared with. */
static void nothing_of_a_damaged_line_counts(void **state)
{
	struct fixture *fixture = *state;
	FILE *file = fopen(fixture->path, "w");

	fputs(PROCESS("00", "10", "\"minor_total\":10"), file);
	fputs(PROCESS("01", "1", "\"no_total\":1"), file);
	fputs(PROCESS("02", "2", "\"minor_total\":13"), file);
	fclose(file);
	read_log(fixture, fixture->path, INT64_MIN, INT64_MAX);
	assert_int_equal(fixture->n_complaints, 1);
	assert_int_equal(fixture->complaint_line, 2);
	assert_int_equal(sink_summary_totals(fixture->read).minor, 13);
}

/* No terminal's escape sequence comes out of a log, and what faultmap wrote looks as it did. */
static void the_source_is_escaped(void **state)
{
	struct fixture *fixture = *state;
	const struct jsonl_reader_info *info;
	FILE *file = fopen(fixture->path, "w");

	fputs("{\"rec\":\"meta\",\"v\":1," META_TEXTS ",\"page_size\":4096,\"lines_lost\":0}\n",
	      file);
	fclose(file);
	info = read_log(fixture, fixture->path, INT64_MIN, INT64_MAX);
	assert_int_equal(fixture->n_complaints, 0);
	assert_string_equal(info->host, "a\\x1b[2J");
	assert_string_equal(info->kernel, "b\\xff\\\\");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(summary_is_the_same),
		TEST(halves_add_up),
		TEST(lost_lines_are_no_lost_counts),
		TEST(restart_counts_again),
		TEST(a_summary_by_kind),
		TEST(damaged_lines_are_reported),
		TEST(nothing_of_a_damaged_line_counts),
		TEST(the_source_is_escaped),
	};

	return cmocka_run_group_tests_name("jsonl_reader", tests, NULL, NULL);
}
