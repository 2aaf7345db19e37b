// SPDX-License-Identifier: GPL-2.0-only
/* Sums of rows without a line of their own: the same snapshots are written with all lines and with
 * sums, and both logs read back to exactly the same faults, waits and memory. */
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
#include <jansson.h>
#include <malloc.h>

#include "base/util.h"
#include "replay/jsonl_reader.h"
#include "sink/sink_jsonl.h"
#include "sink/sink_summary.h"
#include "picture.h"

#define N_TICKS 20
#define N_LIVING 5
#define N_BRIEF 7 /* in each tick */

/* One log of the snapshots. */
struct log {
	char path[64];
	struct sink_jsonl *sink;
	struct sink_summary *summaries[BY_ROW + 1];
	uint64_t n_complaints;
	uint64_t bytes;
};

struct fixture {
	struct snapshot *snapshot;
	struct log full, folded;
};

static const char *const hooks[] = { "tp_btf/page_fault_user" };
static const struct sink_jsonl_meta meta = {
	.detail = "full", .hooks = hooks, .n_hooks = 1, .interval_ms = 2000
};
/* What `other` lines do not say stays unknown. */
static const enum grouping_by exact[] = { BY_KIND, BY_UNIT, BY_CGROUP, BY_UID };

static void open_log(struct log *log)
{
	struct error error;

	strcpy(log->path, "/tmp/faultmap-folds-XXXXXX");
	close(mkstemp(log->path));
	assert_int_equal(sink_jsonl_new(&log->sink, log->path, OUTLET_REPLACE, &error), 0);
	for (size_t by = 0; by <= BY_ROW; by++)
		log->summaries[by] = sink_summary_new(&(struct sink_summary_options){
			.page_size = 4096, .by = (enum grouping_by)by, .show_all = true });
}

static void close_log(struct log *log)
{
	sink_jsonl_free(log->sink);
	for (size_t by = 0; by <= BY_ROW; by++)
		sink_summary_free(log->summaries[by]);
	unlink(log->path);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->snapshot = snapshot_new();
	open_log(&fixture->full);
	open_log(&fixture->folded);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close_log(&fixture->full);
	close_log(&fixture->folded);
	snapshot_free(fixture->snapshot);
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
	row->latency->max_ns = max_of(row->latency->max_ns, ns);
	if (!row->latency->causes)
		row->latency->causes = calloc(1, sizeof(*row->latency->causes));
	row->latency->causes->now.count[ns % STALL_CAUSE_COUNT] += count;
	row->latency->causes->now.sum_ns[ns % STALL_CAUSE_COUNT] += count * ns;
	row->latency->causes->now.refaults += ns % 2;
}

/* Rows of every kind with 0 to 19 faults, among them denied ones. */
static void fault(struct snapshot *snapshot, struct process *process, uint64_t seed)
{
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++) {
		uint64_t count = (seed * 31 + kind * 17 + seed * seed * kind) % 20;
		struct row *row = snapshot_row(snapshot, process, process->tgid * 100 + kind,
					       (enum fault_kind)kind, ACCESS_READ, MODE_USER, NULL);

		row->mapping = snapshot_intern(snapshot, kind % 2 ? "[heap]" : "/lib/libc.so");
		strcpy(row->perms, "r-xp");
		row->map_end = 64 * MIB; /* larger than what is faulted in */
		if (kind >= KIND_FIRST_DENIED) {
			row->now.denied += count == 7;
			continue;
		}
		row->now.minor += count;
		row->now.major += count / 10;
		row->now.pages += count * 2;
		process->minor += count;
		process->major += count / 10;
		if (count)
			add_stalls(row, count + count / 10, 100 * kind + seed);
	}
	process->minor += seed % 3;
	process->gup += seed % 3;
}

static struct process *get_process(struct snapshot *snapshot, uint32_t tgid, const char *comm,
				   const char *cgroup)
{
	struct process *process = add_process(snapshot, tgid, comm, 50 * MIB, MIB);

	process->accounted = true;
	process->uid = tgid % 3;
	process->cgroup = snapshot_intern(snapshot, cgroup);
	return process;
}

static void end(struct process *process, uint64_t tick)
{
	process->ended = true;
	process->exit_status = tick % 4 ? (int)(tick % 4) << 8 : 9;
	process->lifetime_ns = 1000000 * tick;
	process->peak_vsz_bytes = 50 * MIB;
	process->peak_rss_bytes = MIB;
}

static const char *const cgroups[] = { "/system.slice/a.service", "/system.slice/b.service", "" };

static void make_tick(struct fixture *fixture, uint64_t tick)
{
	struct snapshot *snapshot = fixture->snapshot;
	struct error error;

	snapshot_begin(snapshot);
	snapshot->totals.minor += tick;
	for (uint32_t i = 0; i < N_LIVING && tick <= N_TICKS - i; i++) {
		struct process *process = get_process(snapshot, 100 + i, "server", cgroups[i % 3]);

		if ((tick + i) % 4)
			fault(snapshot, process, tick + i);
		if (tick == N_TICKS - i)
			end(process, tick);
	}
	for (uint32_t i = 0; i < N_BRIEF; i++) {
		struct process *process = get_process(snapshot, (uint32_t)(1000 * tick + i),
						      i % 2 ? "cc1" : "sh", cgroups[i % 3]);

		fault(snapshot, process, tick * 3 + i);
		end(process, tick);
	}
	seal(snapshot, tick);
	snapshot->ts.tv_sec += (time_t)tick * 2;
	assert_int_equal(sink_jsonl_tick(fixture->full.sink, snapshot, &error), 0);
	assert_int_equal(sink_jsonl_tick(fixture->folded.sink, snapshot, &error), 0);
}

static int take_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct log *log = context;

	for (size_t by = 0; by <= BY_ROW; by++)
		assert_int_equal(sink_summary_tick(log->summaries[by], snapshot, error), 0);
	return 0;
}

static void take_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	struct log *log = context;

	print_message("%s:%lu: %s\n", path, (unsigned long)line, why);
	log->n_complaints++;
}

static void read_log(struct log *log)
{
	struct jsonl_reader_options reading = { .from_ms = INT64_MIN,
						.to_ms = INT64_MAX,
						.on_interval = take_interval,
						.on_complaint = take_complaint,
						.context = log };
	struct jsonl_reader *reader = jsonl_reader_new(&reading);
	struct error error = { "" };

	assert_int_equal(jsonl_reader_file(reader, log->path, &error), 0);
	assert_int_equal(jsonl_reader_end(reader, &error), 0);
	assert_int_equal(log->n_complaints, 0);
	jsonl_reader_free(reader);
}

static void write_logs(struct fixture *fixture, const struct fold_options *options)
{
	struct error error;

	sink_jsonl_set_folding(fixture->folded.sink, options);
	assert_int_equal(sink_jsonl_meta(fixture->full.sink, &meta, &error), 0);
	assert_int_equal(sink_jsonl_meta(fixture->folded.sink, &meta, &error), 0);
	for (uint64_t tick = 1; tick <= N_TICKS; tick++)
		make_tick(fixture, tick);
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

/* By row the process list says what the kernel counted; its last line is the total. */
static void assert_same_report(struct fixture *fixture)
{
	read_log(&fixture->full);
	read_log(&fixture->folded);
	for (size_t i = 0; i < ARRAY_SIZE(exact); i++) {
		autofree char *full = print(fixture->full.summaries[exact[i]]);
		autofree char *folded = print(fixture->folded.summaries[exact[i]]);

		assert_string_equal(folded, full);
	}
}

/* Sums of the records: of every number of a `faults` or `other` line, and of processes. */
struct sums {
	int64_t by_kind[KIND_COUNT][9];
	int64_t processes[6];
	size_t n_faults, n_other, n_exit, n_exits, n_process;
};

static int64_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void add_line(struct sums *sums, const json_t *line)
{
	static const char *const names[] = { "minor", "major", "denied", "pages", "refaults" };
	const char *kind = json_string_value(json_object_get(line, "kind"));
	const json_t *latency = json_object_get(line, "latency"), *cause;
	unsigned int at = 0;
	const char *name;

	while (at < KIND_COUNT && strcmp(kind_name((enum fault_kind)at), kind) != 0)
		at++;
	assert_true(at < KIND_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		sums->by_kind[at][i] += number(line, names[i]);
	sums->by_kind[at][5] += number(latency, "count");
	sums->by_kind[at][6] += number(latency, "sum_ns");
	for (size_t i = 0; i < LATENCY_BUCKETS; i++)
		sums->by_kind[at][7] +=
			(int64_t)(i + 1) *
			json_integer_value(json_array_get(json_object_get(latency, "buckets"), i));
	json_object_foreach(json_object_get(line, "stall"), name, cause)
		sums->by_kind[at][8] += number(cause, "sum_ns") + number(cause, "count");
}

static void add_record(struct sums *sums, const json_t *line)
{
	const char *rec = json_string_value(json_object_get(line, "rec"));
	bool is_faults = !strcmp(rec, "faults"), is_other = !strcmp(rec, "other");
	bool is_exit = !strcmp(rec, "exit"), is_exits = !strcmp(rec, "exits");

	if (is_faults || is_other)
		add_line(sums, line);
	sums->n_faults += is_faults;
	sums->n_other += is_other;
	sums->n_process += !strcmp(rec, "process");
	sums->n_exit += is_exit;
	sums->n_exits += is_exits;
	sums->processes[0] += is_exit ? 1 : number(line, "processes");
	sums->processes[1] += is_exit ? number(line, "exit_status") != 0 : number(line, "failed");
	sums->processes[2] += is_exit ? json_object_get(line, "signal") != NULL :
					number(line, "killed");
	if (is_exits || !strcmp(rec, "process")) {
		sums->processes[3] += number(line, "minor");
		sums->processes[4] += number(line, "major");
		sums->processes[5] += number(line, "gup");
	}
}

static struct sums sum_up(struct log *log)
{
	struct sums sums = {};
	FILE *file = fopen(log->path, "r");
	char *line = NULL;
	size_t size = 0;

	log->bytes = 0;
	for (ssize_t length; (length = getline(&line, &size, file)) > 0;) {
		json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(object);
		log->bytes += (uint64_t)length;
		add_record(&sums, object);
		json_decref(object);
	}
	free(line);
	fclose(file);
	return sums;
}

static struct sums assert_same_sums(struct fixture *fixture)
{
	struct sums full = sum_up(&fixture->full), folded = sum_up(&fixture->folded);

	assert_memory_equal(folded.by_kind, full.by_kind, sizeof(full.by_kind));
	assert_memory_equal(folded.processes, full.processes, sizeof(full.processes));
	assert_int_equal(full.n_other + full.n_exits, 0);
	assert_true(full.by_kind[KIND_COW][0] && full.by_kind[KIND_COW][8]);
	return folded;
}

static void few_faults_are_summed_up(void **state)
{
	struct fixture *fixture = *state;
	struct sums sums;

	write_logs(fixture, &(struct fold_options){ .min_faults = 12 });
	sums = assert_same_sums(fixture);
	assert_true(sums.n_faults && sums.n_other);
	assert_int_equal(sums.n_exits, 0);
	assert_true(fixture->folded.bytes < fixture->full.bytes);
	assert_same_report(fixture);
}

static void the_top_of_each_tick_has_lines(void **state)
{
	struct fixture *fixture = *state;
	struct sums sums;

	write_logs(fixture, &(struct fold_options){ .top = 5 });
	sums = assert_same_sums(fixture);
	assert_int_equal(sums.n_faults, 5 * N_TICKS);
	assert_same_report(fixture);
}

static void brief_processes_are_summed_up(void **state)
{
	struct fixture *fixture = *state;
	struct sums sums;

	write_logs(fixture, &(struct fold_options){ .exits = true });
	sums = assert_same_sums(fixture);
	assert_int_equal(sums.n_exit, N_LIVING);
	/* A pair of a name and a cgroup; users go with the cgroup or not. */
	assert_true(sums.n_exits >= 6 * N_TICKS && sums.n_exits <= N_BRIEF * N_TICKS);
	assert_same_report(fixture);
}

static void all_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct sums sums;

	write_logs(fixture, &(struct fold_options){ .min_faults = 15, .top = 6, .exits = true });
	sums = assert_same_sums(fixture);
	assert_true(sums.n_faults && sums.n_faults <= 6 * N_TICKS);
	assert_true(sums.n_exit > N_LIVING && sums.n_exits);
	assert_same_report(fixture);
}

/* What is lost of `faults` lines is in later totals, which leave out what is in sums. */
static void totals_leave_sums_out(void **state)
{
	struct fixture *fixture = *state;
	struct sink_jsonl *sink = fixture->folded.sink;
	struct snapshot *snapshot = fixture->snapshot;
	struct process *process;
	struct error error;
	FILE *file;
	char line[4096];
	uint64_t last = 0;

	sink_jsonl_set_folding(sink, &(struct fold_options){ .min_faults = 10 });
	for (uint64_t tick = 1; tick <= 4; tick++) {
		snapshot_begin(snapshot);
		process = get_process(snapshot, 7, "server", "/a");
		add_row(snapshot, process, 1, "[heap]", "rw-p", KIND_COW, ACCESS_WRITE, MIB,
			(uint64_t[]){ 0, 10, 13, 13 + 100, 13 + 100 + 11 }[tick], 0);
		seal(snapshot, tick);
		assert_int_equal(sink_jsonl_tick(sink, snapshot, &error), 0);
	}
	file = fopen(fixture->folded.path, "r");
	while (fgets(line, sizeof(line), file)) {
		const char *total = strstr(line, "\"minor_total\":");

		if (strstr(line, "\"rec\":\"faults\""))
			last = strtoull(total + strlen("\"minor_total\":"), NULL, 10);
	}
	fclose(file);
	assert_int_equal(last, 10 + 100 + 11);
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* A reader that takes some of the sums of each tick, and never all of them, does not make them grow:
 * what was taken leaves no room behind. */
static void sums_that_are_never_all_taken_do_not_grow(void **state)
{
	struct folds *folds = folds_new();
	struct process process = { .comm = "server", .cgroup = "/a" };
	struct row row = { .process = &process, .kind = KIND_COW, .now.minor = 1 };
	size_t before, after;
	uint64_t faults = 0;

	(void)state;
	process.ended = true; /* nothing of it is remembered */
	before = heap_bytes();
	for (uint32_t i = 0; i < 100000; i++) {
		process.uid = i;
		assert_int_equal(folds_add_faults(folds, &row), 0);
		if (!i)
			continue;
		assert_int_equal(folds_first(folds)->uid, i - 1);
		faults += folds_first(folds)->counts.minor;
		folds_take_first(folds);
	}
	after = heap_bytes();
	assert_int_equal(faults, 99999);
	assert_true(after < before + 65536);
	assert_int_equal(folds_first(folds)->uid, 99999);
	folds_take_first(folds);
	assert_null(folds_first(folds));
	folds_free(folds);
}

/* A filter by name may show a process, and not that it has ended as another program: what comes to
 * the same address is not taken for it. */
static void a_later_process_at_the_same_address_is_another(void **state)
{
	struct folds *folds = folds_new();
	struct row_causes causes = { .now.count[0] = 1 };
	struct row_latency latency = { .now.count = 5, .causes = &causes };
	struct process process = { .start_ns = 1, .cgroup = "/a", .minor = 100 };
	struct row row = { .process = &process, .now.minor = 100, .latency = &latency };

	(void)state;
	process.major = 20;
	process.gup = 7;
	assert_int_equal(folds_add_faults(folds, &row), 0);
	assert_int_equal(folds_add_process(folds, &process), 0);
	assert_int_equal(folds_of_row(folds, &row)->counts.minor, 100);
	assert_int_equal(folds_of_process(folds, &process)->minor, 100);
	assert_int_equal(folds_of_process(folds, &process)->major, 20);
	assert_int_equal(folds_of_process(folds, &process)->gup, 7);
	process.start_ns = 2;
	assert_null(folds_of_row(folds, &row));
	assert_null(folds_of_process(folds, &process));
	row.now.minor = process.minor = 3;
	assert_int_equal(folds_add_faults(folds, &row), 0);
	assert_int_equal(folds_add_process(folds, &process), 0);
	assert_int_equal(folds_of_row(folds, &row)->counts.minor, 3);
	assert_int_equal(folds_of_process(folds, &process)->minor, 3);
	folds_free(folds);
}

/* Major faults count as minor ones do; a denied one is told, however few there are. */
static void what_weighs_enough_has_a_line(void **state)
{
	static const struct fold_options options[] = { { .min_faults = 10 }, { .top = 2 } };
	struct snapshot *snapshot = snapshot_new();
	struct folds *folds = folds_new();
	struct process *process;

	(void)state;
	snapshot_begin(snapshot);
	process = get_process(snapshot, 7, "server", "/a");
	add_row(snapshot, process, 1, "[heap]", "rw-p", KIND_COW, ACCESS_WRITE, MIB, 2, 8);
	add_row(snapshot, process, 2, "[heap]", "rw-p", KIND_COW, ACCESS_WRITE, MIB, 9, 0);
	add_row(snapshot, process, 3, "[heap]", "rw-p", KIND_DENIED_ACCESS, ACCESS_WRITE, MIB, 0, 0)
		->now.denied = 1;
	seal(snapshot, 1);
	assert_int_equal(snapshot->n_touched, 3);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		folds_set_options(folds, &options[i]);
		assert_int_equal(folds_plan(folds, snapshot), 0);
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(folds_row_has_line(folds, j),
					 snapshot->rows[j]->mapping_id != 2);
	}
	folds_free(folds);
	snapshot_free(snapshot);
}

/* Of one that had a line before, or may have, it says that it has ended. */
static void a_process_that_had_a_line_has_a_last_one(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	struct folds *folds = folds_new();
	struct process *process;
	uint64_t *before[4];

	(void)state;
	folds_set_options(folds, &(struct fold_options){ .exits = true });
	snapshot_begin(snapshot);
	process = get_process(snapshot, 7, "sh", "/a");
	end(process, 1);
	seal(snapshot, 1);
	before[0] = &process->minor_before;
	before[1] = &process->major_before;
	before[2] = &process->gup_before;
	before[3] = &process->rss_before_bytes;
	assert_int_equal(folds_plan(folds, snapshot), 0);
	assert_false(folds_process_has_line(folds, process));
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		*before[i] = 1;
		assert_int_equal(folds_plan(folds, snapshot), 0);
		assert_true(folds_process_has_line(folds, process));
		*before[i] = 0;
	}
	process->accounted = false; /* what it had before is not known */
	assert_int_equal(folds_plan(folds, snapshot), 0);
	assert_true(folds_process_has_line(folds, process));
	folds_free(folds);
	snapshot_free(snapshot);
}

/* The longest stall of all, wherever it comes; the time that all lived. */
static void sums_have_the_longest_and_all_of_the_time(void **state)
{
	struct folds *folds = folds_new();
	struct process process = { .cgroup = "/a", .comm = "sh", .ended = true };

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t ns = (uint64_t[]){ 5, 9, 7 }[i];
		struct row_causes causes = { .now.count[1] = 1, .max_ns[1] = ns };
		struct row_latency latency = { .now.count = 1, .max_ns = ns, .causes = &causes };
		struct row row = { .process = &process, .now.minor = 1, .latency = &latency };

		assert_int_equal(folds_add_faults(folds, &row), 0);
		process.lifetime_ns = 100 * ns;
		assert_int_equal(folds_add_exit(folds, &process), 0);
	}
	assert_int_equal(folds_first(folds)->max_ns, 9);
	assert_int_equal(folds_first(folds)->cause_max_ns[1], 9);
	folds_take_first(folds);
	assert_int_equal(folds_first(folds)->ended, 3);
	assert_int_equal(folds_first(folds)->lifetime_ns, 2100);
	folds_free(folds);
}

/* 2048 of them; what comes beyond is of nobody in particular, and none is missing. */
static void sums_are_bounded(void **state)
{
	struct folds *folds = folds_new();
	struct process process = { .cgroup = "/a", .comm = "sh", .ended = true };
	struct row row = { .process = &process, .now.minor = 1 };

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		process.uid = i;
		assert_int_equal(folds_add_faults(folds, &row), 0);
	}
	for (uint32_t i = 0; i < 2048; i++) {
		assert_int_equal(folds_first(folds)->uid, i);
		folds_take_first(folds);
	}
	assert_int_equal(folds_first(folds)->uid, FOLD_NO_UID);
	assert_string_equal(folds_first(folds)->cgroup, "");
	assert_int_equal(folds_first(folds)->counts.minor, 3000 - 2048);
	folds_take_first(folds);
	assert_null(folds_first(folds));
	folds_free(folds);
}

/* More rows and processes that live than are remembered: those beyond keep their lines, and leave no
 * sum of nothing behind. */
static void what_finds_no_room_makes_no_sum(void **state)
{
	enum { COUNT = 65536 };
	struct folds *folds = folds_new();
	struct process *processes = calloc(COUNT + 1, sizeof(*processes));
	struct row *rows = calloc(COUNT + 1, sizeof(*rows));

	(void)state;
	for (size_t i = 0; i <= COUNT; i++) {
		processes[i] = (struct process){ .start_ns = i, .uid = i == COUNT, .cgroup = "/a" };
		rows[i] = (struct row){ .process = &processes[i], .now.minor = 1 };
		assert_int_equal(folds_add_faults(folds, &rows[i]), i == COUNT ? -ENOMEM : 0);
		assert_int_equal(folds_add_process(folds, &processes[i]), i == COUNT ? -ENOMEM : 0);
	}
	assert_int_equal(folds_add_faults(folds, &rows[0]), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_non_null(folds_first(folds));
		assert_int_equal(folds_first(folds)->uid, 0);
		assert_int_equal(folds_first(folds)->n_lines, COUNT + !i);
		folds_take_first(folds);
	}
	assert_null(folds_first(folds));
	folds_free(folds);
	free(rows);
	free(processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(few_faults_are_summed_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_top_of_each_tick_has_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(brief_processes_are_summed_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(totals_leave_sums_out, set_up, tear_down),
		cmocka_unit_test(sums_that_are_never_all_taken_do_not_grow),
		cmocka_unit_test(what_weighs_enough_has_a_line),
		cmocka_unit_test(a_process_that_had_a_line_has_a_last_one),
		cmocka_unit_test(sums_have_the_longest_and_all_of_the_time),
		cmocka_unit_test(sums_are_bounded),
		cmocka_unit_test(what_finds_no_room_makes_no_sum),
		cmocka_unit_test(a_later_process_at_the_same_address_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
