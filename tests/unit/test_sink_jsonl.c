// SPDX-License-Identifier: GPL-2.0-only
/* JSON lines of hand-built snapshots: every line is read back with a JSON parser. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "sink/sink_jsonl.h"
#include "jsonl.h"
#include "stall.h"

static double real(const json_t *line, const char *name)
{
	json_t *value = json_object_get(line, name);

	if (!json_is_real(value))
		fail_msg("%s is no real", name);
	return json_real_value(value);
}

static void meta_says_what_is_measured_and_how(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	json_t *line;

	assert_int_equal(sink_jsonl_meta(fixture->sink, &meta, &error), 0);
	assert_int_equal(tick(fixture, 0), 0);
	read_lines(fixture);
	assert_int_equal(fixture->n_lines, 1);
	line = fixture->lines[0];
	assert_string_equal(text(line, "rec"), "meta");
	assert_int_equal(integer(line, "v"), 1);
	assert_int_equal(integer(line, "page_size"), sysconf(_SC_PAGESIZE));
	assert_string_equal(text(line, "detail"), "fast");
	assert_true(text(line, "faultmap")[0] && text(line, "host")[0] && text(line, "kernel")[0]);
	assert_int_equal(json_array_size(json_object_get(line, "hooks")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(line, "hooks"), 1)),
			    "perf/page-faults-major");
	assert_true(real(line, "interval_seconds") == 1.5);
}

static void faults_line_has_every_field(void **state)
{
	struct fixture *fixture = *state;
	json_t *line;

	fixture->row->mapping = snapshot_intern(fixture->snapshot, "/usr/bin/cat");
	fixture->row->map_start = 0x7ffffffff000;
	fixture->row->map_end = 0xffffffffff600000;
	fixture->row->map_offset = 8192;
	fixture->row->before = (struct fault_counts){ 1, 2, 3, 4 };
	fixture->row->now = (struct fault_counts){ 11, 22, 33, 44 };
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	line = find(fixture, "faults", 0);
	assert_non_null(line);
	assert_string_equal(text(line, "ts"), "2026-11-18T11:06:41.250Z");
	assert_int_equal(integer(line, "pid"), 42);
	assert_true(integer(line, "start_ns") == 123456789012345678);
	assert_string_equal(text(line, "comm"), "cat");
	assert_string_equal(text(line, "mapping"), "/usr/bin/cat");
	assert_string_equal(text(line, "mapping_id"), "0x7");
	assert_string_equal(text(line, "map_start"), "0x7ffffffff000");
	assert_string_equal(text(line, "map_end"), "0xffffffffff600000");
	assert_int_equal(integer(line, "map_offset"), 8192);
	assert_string_equal(text(line, "perms"), "r-xp");
	assert_string_equal(text(line, "kind"), "file_map");
	assert_string_equal(text(line, "access"), "read");
	assert_string_equal(text(line, "mode"), "user");
	assert_int_equal(integer(line, "minor"), 10);
	assert_int_equal(integer(line, "major"), 20);
	assert_int_equal(integer(line, "denied"), 30);
	assert_int_equal(integer(line, "pages"), 40);
	assert_int_equal(integer(line, "minor_total"), 11);
	assert_int_equal(integer(line, "major_total"), 22);
	assert_int_equal(integer(line, "denied_total"), 33);
	assert_int_equal(integer(line, "pages_total"), 44);
}

/* Of a window: with the interval that ends it, and not again. */
static void findings_have_lines(void **state)
{
	struct fixture *fixture = *state;
	struct recent_findings *findings = recent_findings_new(4096, 0, 0, NULL);
	struct error error;
	json_t *line;

	sink_jsonl_set_findings(fixture->sink, findings);
	fixture->row->kind = KIND_COW;
	fixture->row->mapping = snapshot_intern(fixture->snapshot, "[anon]");
	fixture->row->now.minor = 20000;
	fixture->snapshot->tick = 1;
	fixture->snapshot->interval_ns = 2500000000;
	assert_int_equal(recent_findings_tick(findings, fixture->snapshot, &error), 0);
	assert_int_equal(tick(fixture, 1), 0);
	begin(fixture);
	fixture->snapshot->tick = 2;
	assert_int_equal(recent_findings_tick(findings, fixture->snapshot, &error), 0);
	assert_int_equal(tick(fixture, 2), 0);
	read_lines(fixture);
	line = find(fixture, "finding", 0);
	assert_non_null(line);
	assert_string_equal(text(line, "finding"), "cow-storm");
	assert_string_equal(text(line, "ts"), "2026-11-18T11:06:41.250Z");
	assert_string_equal(text(line, "mapping"), "[anon]");
	assert_true(real(line, "seconds") == 2.5);
	assert_int_equal(integer(line, "cost_bytes"), 20000 * 4096);
	assert_null(find(fixture, "finding", 1));
	sink_jsonl_set_findings(fixture->sink, NULL);
	recent_findings_free(findings);
}

static void latency_is_of_the_interval_and_in_total(void **state)
{
	struct fixture *fixture = *state;
	json_t *line, *latency, *buckets;

	stall(fixture->row, 70000);
	fixture->row->now.minor = 1;
	assert_int_equal(tick(fixture, 1), 0);
	begin(fixture);
	stall(fixture->row, 4096);
	stall(fixture->row, 4097);
	fixture->row->now.minor = 3;
	assert_int_equal(tick(fixture, 2), 0);
	read_lines(fixture);
	line = find(fixture, "faults", 1);
	assert_non_null(line);
	latency = json_object_get(line, "latency");
	assert_true(json_is_object(latency));
	assert_int_equal(integer(latency, "count"), 2);
	assert_int_equal(integer(latency, "count_total"), 3);
	assert_int_equal(integer(latency, "sum_ns"), 8193);
	assert_int_equal(integer(latency, "sum_ns_total"), 78193);
	assert_int_equal(integer(latency, "max_ns"), 70000);
	buckets = json_object_get(latency, "buckets");
	assert_int_equal(json_array_size(buckets), 27);
	for (size_t i = 0; i < 27; i++)
		assert_int_equal(json_integer_value(json_array_get(buckets, i)), i == 4 || i == 5);
}

static void each_cause_of_stalls_is_an_object(void **state)
{
	struct fixture *fixture = *state;
	json_t *stalls, *disk;

	stall_for(fixture->row, STALL_DISK, 70000);
	assert_int_equal(tick(fixture, 1), 0);
	begin(fixture);
	stall_for(fixture->row, STALL_DISK, 4096);
	stall_for(fixture->row, STALL_RUNQUEUE, 17);
	assert_int_equal(tick(fixture, 2), 0);
	read_lines(fixture);
	stalls = json_object_get(find(fixture, "faults", 1), "stall");
	assert_int_equal(json_object_size(stalls), 2);
	assert_int_equal(integer(json_object_get(stalls, "runqueue"), "sum_ns"), 17);
	disk = json_object_get(stalls, "disk");
	assert_int_equal(json_object_size(disk), 5);
	assert_int_equal(integer(disk, "count"), 1);
	assert_int_equal(integer(disk, "count_total"), 2);
	assert_int_equal(integer(disk, "sum_ns"), 4096);
	assert_int_equal(integer(disk, "sum_ns_total"), 74096);
	assert_int_equal(integer(disk, "max_ns"), 70000);
}

static void a_lock_has_its_holder(void **state)
{
	struct fixture *fixture = *state;
	json_t *stalls;

	stall_for(fixture->row, STALL_DISK, 70000);
	stall_for(fixture->row, STALL_LOCK, 70000);
	fixture->row->latency->causes->holder_tid = 77;
	fixture->row->latency->causes->now.refaults = 9;
	fixture->row->latency->causes->before.refaults = 4;
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	stalls = json_object_get(find(fixture, "faults", 0), "stall");
	assert_int_equal(integer(json_object_get(stalls, "lock"), "holder_tid"), 77);
	assert_int_equal(integer(find(fixture, "faults", 0), "refaults"), 5);
	assert_int_equal(integer(find(fixture, "faults", 0), "refaults_total"), 9);
	assert_null(json_object_get(json_object_get(stalls, "disk"), "holder_tid"));
}

static void without_stalls_there_is_no_latency(void **state)
{
	struct fixture *fixture = *state;

	fixture->row->now.minor = 1;
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	assert_null(json_object_get(find(fixture, "faults", 0), "latency"));
}

/* A stall that is known a tick after its fault still has its line: sums stay exact. */
static void a_late_stall_has_a_line(void **state)
{
	struct fixture *fixture = *state;
	json_t *line;

	fixture->row->before = fixture->row->now = (struct fault_counts){ 5, 0, 0, 5 };
	stall(fixture->row, 1);
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	line = find(fixture, "faults", 0);
	assert_non_null(line);
	assert_int_equal(integer(line, "minor"), 0);
	assert_int_equal(integer(json_object_get(line, "latency"), "count"), 1);
}

static void slices_have_their_bounds(void **state)
{
	struct fixture *fixture = *state;
	struct row *row = snapshot_slice_row(fixture->snapshot, fixture->process, 7, 9, KIND_COW,
					     ACCESS_WRITE, MODE_USER, NULL);
	struct sink_jsonl_meta sliced = meta;
	struct error error;
	json_t *line;

	sliced.slice_bytes = 2 << 20;
	sliced.slices_max = 1024;
	row->map_start = 0x7f0000123000;
	row->map_end = 0x7f0000400000;
	row->slice_start = 0x7f0000000000;
	row->slice_end = 0x7f0000200000;
	row->now.minor = row->now.pages = 3;
	fixture->row->now.minor = 5;
	assert_int_equal(sink_jsonl_meta(fixture->sink, &sliced, &error), 0);
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	line = find(fixture, "meta", 0);
	assert_int_equal(json_integer_value(json_object_get(line, "slice_bytes")), 2 << 20);
	assert_int_equal(json_integer_value(json_object_get(line, "slices_max")), 1024);
	for (size_t i = 0; i < 2; i++) {
		bool is_sliced;

		line = find(fixture, "faults", i);
		is_sliced = json_integer_value(json_object_get(line, "minor")) == 3;
		assert_int_equal(json_object_get(line, "slice_start") != NULL, is_sliced);
		assert_int_equal(json_object_get(line, "slice_end") != NULL, is_sliced);
		if (!is_sliced)
			continue;
		assert_string_equal(json_string_value(json_object_get(line, "slice_start")),
				    "0x7f0000000000");
		assert_string_equal(json_string_value(json_object_get(line, "slice_end")),
				    "0x7f0000200000");
	}
}

static void interval_says_what_is_in_flight(void **state)
{
	struct fixture *fixture = *state;

	fixture->snapshot->totals = (struct totals){
		.entries = 20, .minor = 8, .major = 4, .denied = 2, .aborted = 1, .gup = 100
	};
	assert_int_equal(tick(fixture, 1), 0);
	begin(fixture);
	fixture->snapshot->totals.minor = 100;
	assert_int_equal(tick(fixture, 2), 0);
	read_lines(fixture);
	assert_int_equal(integer(find(fixture, "interval", 0), "in_flight"), 5);
	assert_int_equal(integer(find(fixture, "interval", 1), "in_flight"), 0);
	assert_null(json_object_get(find(fixture, "interval", 0), "in_flight_total"));
}

static void what_did_not_move_has_no_line(void **state)
{
	struct fixture *fixture = *state;

	fixture->row->before = fixture->row->now = (struct fault_counts){ 5, 0, 0, 5 };
	fixture->process->minor = fixture->process->minor_before = 5;
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	assert_int_equal(fixture->n_lines, 1);
	assert_non_null(find(fixture, "interval", 0));
}

static void process_and_exit_lines_have_every_field(void **state)
{
	struct fixture *fixture = *state;
	struct process *process = fixture->process;
	json_t *line;

	process->ppid = 41;
	process->uid = 4294967295;
	process->cgroup = snapshot_intern(fixture->snapshot, "/system.slice/x.service");
	process->vsz_bytes = 1 << 20;
	process->rss_bytes = 1 << 19;
	process->peak_rss_bytes = 3 << 19;
	process->minor_before = 100;
	process->minor = 107;
	process->major = 2;
	process->gup = 3;
	process->ended = true;
	process->exit_status = 3 << 8;
	process->lifetime_ns = 2500000000;
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	line = find(fixture, "process", 0);
	assert_non_null(line);
	assert_int_equal(integer(line, "ppid"), 41);
	assert_true(integer(line, "uid") == 4294967295);
	assert_string_equal(text(line, "cgroup"), "/system.slice/x.service");
	assert_int_equal(integer(line, "vsz_bytes"), 1 << 20);
	assert_int_equal(integer(line, "rss_bytes"), 1 << 19);
	assert_int_equal(integer(line, "minor"), 7);
	assert_int_equal(integer(line, "minor_total"), 107);
	assert_int_equal(integer(line, "major"), 2);
	assert_int_equal(integer(line, "gup"), 3);
	assert_int_equal(integer(line, "gup_total"), 3);
	line = find(fixture, "exit", 0);
	assert_non_null(line);
	assert_int_equal(integer(line, "exit_status"), 3);
	assert_null(json_object_get(line, "signal"));
	assert_true(real(line, "seconds") == 2.5);
	assert_int_equal(integer(line, "peak_rss_bytes"), 3 << 19);
	assert_int_equal(integer(line, "minor_total"), 107);
	assert_int_equal(integer(line, "major_total"), 2);
}

static void killed_process_names_its_signal(void **state)
{
	struct fixture *fixture = *state;
	json_t *line;

	fixture->process->ended = true;
	fixture->process->exit_status = SIGSEGV | 0x80; /* with a core dump */
	assert_int_equal(tick(fixture, 1), 0);
	read_lines(fixture);
	line = find(fixture, "exit", 0);
	assert_non_null(line);
	assert_int_equal(integer(line, "exit_status"), 128 + SIGSEGV);
	assert_int_equal(integer(line, "signal"), SIGSEGV);
	assert_true(json_is_true(json_object_get(line, "core_dumped")));
}

static const char *const counters[] = {
	"entries",
	"minor",
	"major",
	"denied",
	"aborted",
	"gup",
	"lost_completions",
	"map_full",
	"folded",
	"late",
	"latencies_lost",
	"throttled",
	"throttled_ns",
	"not_followed",
	"unresolved",
	"names_lost",
	"names_cut",
	"contexts_lost",
	"stacks_incomplete",
	"stacks_sampled",
	"stacks_lost",
	"cgroups_lost",
	"exits_lost",
	"stamps_lost",
	"perf_minor",
	"perf_major",
	"missed",
	"populated",
	"gup_several",
	"gup_elsewhere",
	"gup_untold",
};

/* Moves everything by amounts that differ for each counter and tick. */
static void advance(struct fixture *fixture, uint64_t number)
{
	uint64_t *totals = &fixture->snapshot->totals.entries;

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		totals[i] += number * 13 + i * i;
	fixture->row->now.minor += number * 3;
	fixture->row->now.major += number & 1;
	fixture->row->now.pages += number * 16;
	fixture->process->minor += number * 5;
	fixture->process->major += number & 3;
	fixture->process->gup += number / 2;
}

static void check_sums(const struct fixture *fixture, const char *rec, const char *name)
{
	json_int_t sum = 0, last = -1;
	char total[64];
	json_t *line;

	snprintf(total, sizeof(total), "%s_total", name);
	for (size_t i = 0; (line = find(fixture, rec, i)); i++) {
		sum += integer(line, name);
		last = integer(line, total);
		assert_true(last == sum);
	}
	assert_true(last > 0);
}

static void totals_are_the_sums_of_deltas(void **state)
{
	struct fixture *fixture = *state;

	fixture->snapshot->totals.has_perf_minor = true;
	fixture->snapshot->totals.has_perf_major = true;
	fixture->snapshot->totals.has_populate = true;
	for (uint64_t number = 1; number <= 20; number++) {
		advance(fixture, number);
		assert_int_equal(tick(fixture, number), 0);
		begin(fixture);
	}
	read_lines(fixture);
	assert_int_equal(fixture->n_lines, 60);
	assert_true(real(fixture->lines[0], "seconds") == 1.5);
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		check_sums(fixture, "interval", counters[i]);
	for (size_t i = 0; i < 3; i++)
		check_sums(fixture, "faults", (const char *[]){ "minor", "major", "pages" }[i]);
	for (size_t i = 0; i < 3; i++)
		check_sums(fixture, "process", (const char *[]){ "minor", "major", "gup" }[i]);
}

/* Zero would say that no fault was. */
static void what_perf_events_do_not_count_is_absent(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(tick(fixture, 1), 0);
	fixture->snapshot->totals.has_perf_major = true; /* fast detail */
	snapshot_begin(fixture->snapshot);
	assert_int_equal(tick(fixture, 2), 0);
	read_lines(fixture);
	assert_null(json_object_get(find(fixture, "interval", 0), "perf_major"));
	assert_non_null(json_object_get(find(fixture, "interval", 1), "perf_major_total"));
	for (size_t i = 0; i < 2; i++) {
		assert_null(json_object_get(find(fixture, "interval", i), "perf_minor"));
		assert_null(json_object_get(find(fixture, "interval", i), "missed"));
	}
}

/* Undoes text_escape. */
static void unescape(const char *escaped, char *bytes)
{
	while (*escaped) {
		unsigned int byte;

		if (*escaped != '\\') {
			*bytes++ = *escaped++;
		} else if (escaped[1] == '\\') {
			*bytes++ = '\\';
			escaped += 2;
		} else {
			assert_int_equal(sscanf(escaped, "\\x%2x", &byte), 1);
			*bytes++ = (char)byte;
			escaped += 4;
		}
	}
	*bytes = '\0';
}

static void hostile_names_come_back_byte_by_byte(void **state)
{
	struct fixture *fixture = *state;
	static char name[4097], back[4097];
	const char *names[] = { "/a\"b\\c\nd\te",
				"/\xff\xfe\xc0\xaf\xed\xa0\x80",
				"/\xc3\xa4\xf0\x9f\x98\x80",
				"\\x41",
				"{\"rec\":\"exit\"}",
				"\x01\x1f\x7f",
				name };

	for (size_t i = 0; i < 4096; i++)
		name[i] = (char)(i % 255 + 1);
	memcpy(fixture->process->comm, "a\"\n\\\xff\x01", 7);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		fixture->row->mapping = snapshot_intern(fixture->snapshot, names[i]);
		fixture->process->cgroup = fixture->row->mapping;
		fixture->row->now.minor++;
		fixture->process->minor++;
		assert_int_equal(tick(fixture, i + 1), 0);
		begin(fixture);
	}
	read_lines(fixture);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		unescape(text(find(fixture, "faults", i), "mapping"), back);
		assert_string_equal(back, names[i]);
		unescape(text(find(fixture, "process", i), "cgroup"), back);
		assert_string_equal(back, names[i]);
		unescape(text(find(fixture, "process", i), "comm"), back);
		assert_string_equal(back, fixture->process->comm);
	}
}

static void run_line_has_every_field(void **state)
{
	struct fixture *fixture = *state;
	const char *command[] = { "printf", "%s\n", "\xff", NULL };
	struct sink_jsonl_run run = { .command = command,
				      .wait_status = SIGTERM,
				      .wall_ns = 1250000000,
				      .processes = 3,
				      .minor_total = 9007199254740993, /* no double holds it */
				      .major_total = 1 };
	struct error error;
	json_t *line;

	assert_int_equal(sink_jsonl_run(fixture->sink, &run, &error), 0);
	read_lines(fixture);
	line = find(fixture, "run", 0);
	assert_non_null(line);
	assert_int_equal(json_array_size(json_object_get(line, "command")), 3);
	assert_string_equal(json_string_value(json_array_get(json_object_get(line, "command"), 2)),
			    "\\xff");
	assert_int_equal(integer(line, "exit_status"), 128 + SIGTERM);
	assert_int_equal(integer(line, "signal"), SIGTERM);
	assert_true(real(line, "seconds") == 1.25);
	assert_int_equal(integer(line, "processes"), 3);
	assert_true(integer(line, "minor_total") == 9007199254740993);
	assert_int_equal(integer(line, "major_total"), 1);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(meta_says_what_is_measured_and_how),
		TEST(faults_line_has_every_field),
		TEST(findings_have_lines),
		TEST(latency_is_of_the_interval_and_in_total),
		TEST(each_cause_of_stalls_is_an_object),
		TEST(a_lock_has_its_holder),
		TEST(without_stalls_there_is_no_latency),
		TEST(a_late_stall_has_a_line),
		TEST(slices_have_their_bounds),
		TEST(interval_says_what_is_in_flight),
		TEST(what_did_not_move_has_no_line),
		TEST(process_and_exit_lines_have_every_field),
		TEST(killed_process_names_its_signal),
		TEST(totals_are_the_sums_of_deltas),
		TEST(what_perf_events_do_not_count_is_absent),
		TEST(hostile_names_come_back_byte_by_byte),
		TEST(run_line_has_every_field),
	};

	return cmocka_run_group_tests_name("sink_jsonl", tests, NULL, NULL);
}
