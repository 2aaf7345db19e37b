/* SPDX-License-Identifier: GPL-2.0-only */
/* The exposition of hand-built snapshots, sample by sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/sink_prometheus.h"
#include "stall.h"

struct fixture {
	struct sink_prometheus *sink;
	struct snapshot *snapshot;
	struct process *process;
	char *text;
	uint64_t ticks;
};

#define LIMIT 3

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->sink = sink_prometheus_new(LIMIT);
	fixture->snapshot = snapshot_new();
	snapshot_begin(fixture->snapshot);
	fixture->process = snapshot_process(fixture->snapshot, 42, 1, NULL);
	strcpy(fixture->process->comm, "cat");
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	sink_prometheus_free(fixture->sink);
	snapshot_free(fixture->snapshot);
	free(fixture->text);
	free(fixture);
	return 0;
}

static struct row *add_row(struct fixture *fixture, uint64_t id, const char *mapping)
{
	struct row *row = snapshot_row(fixture->snapshot, fixture->process, id, KIND_FILE_MAP,
				       ACCESS_READ, MODE_USER, NULL);

	row->mapping = snapshot_intern(fixture->snapshot, mapping);
	return row;
}

/* Counts the snapshot in, renders, and begins the next one. */
static void tick(struct fixture *fixture)
{
	size_t size;

	snapshot_seal(fixture->snapshot, (struct timespec){ 0 }, 1000000000);
	fixture->snapshot->tick = fixture->ticks++;
	sink_prometheus_tick(fixture->sink, fixture->snapshot, 1500000);
	free(fixture->text);
	assert_int_equal(sink_prometheus_render(fixture->sink, &fixture->text, &size), 0);
	assert_int_equal(strlen(fixture->text), size);
	snapshot_begin(fixture->snapshot);
}

/* The value of the one line that starts with this name and labels; -1 when there is none. */
static double sample(const struct fixture *fixture, const char *series)
{
	size_t length = strlen(series);
	double value = -1;

	for (const char *line = fixture->text; *line; line = strchr(line, '\n') + 1) {
		if (strncmp(line, series, length) || line[length] != ' ')
			continue;
		assert_true(value == -1);
		value = strtod(line + length, NULL);
	}
	return value;
}

/* The sum over all series of a metric whose labels contain `label`. */
static double sum(const struct fixture *fixture, const char *metric, const char *label)
{
	size_t length = strlen(metric);
	double total = 0;

	for (const char *line = fixture->text; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');
		const char *space = memrchr(line, ' ', (size_t)(end - line));

		if (strncmp(line, metric, length) || line[length] != '{')
			continue;
		if (memmem(line, (size_t)(space - line), label, strlen(label)))
			total += strtod(space, NULL);
	}
	return total;
}

static void faults_are_split_by_severity(void **state)
{
	struct fixture *fixture = *state;

	add_row(fixture, 1, "/bin/cat")->now = (struct fault_counts){ 5, 2, 1, 80 };
	tick(fixture);
	assert_true(sample(fixture, "faultmap_faults_total{kind=\"file_map\",severity=\"minor\","
				    "access=\"read\",mode=\"user\"}") == 5);
	assert_true(sample(fixture, "faultmap_faults_total{kind=\"file_map\",severity=\"major\","
				    "access=\"read\",mode=\"user\"}") == 2);
	assert_true(sample(fixture, "faultmap_faults_total{kind=\"file_map\",severity=\"denied\","
				    "access=\"read\",mode=\"user\"}") == 1);
	assert_true(sample(fixture,
			   "faultmap_mapping_faults_total{comm=\"cat\",mapping=\"/bin/cat\","
			   "kind=\"file_map\",severity=\"minor\"}") == 5);
}

static void beyond_the_limit_other_takes_the_rest(void **state)
{
	struct fixture *fixture = *state;
	char mapping[16];

	for (uint64_t id = 1; id <= 10; id++) {
		snprintf(mapping, sizeof(mapping), "/file%d", (int)id);
		add_row(fixture, id, mapping)->now.minor = id;
	}
	tick(fixture);
	assert_true(sample(fixture, "faultmap_series") == LIMIT);
	assert_true(sample(fixture, "faultmap_series_limit") == LIMIT);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "mapping=\"/file") <
		    sum(fixture, "faultmap_mapping_faults_total", ""));
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "") == 55);
	assert_true(sum(fixture, "faultmap_faults_total", "") == 55);
}

/* Processes that come and go, three at a time, for longer than the limit holds. */
static void nothing_goes_down_and_sums_are_exact(void **state)
{
	struct fixture *fixture = *state;
	double want = 0, last_other = 0;

	for (uint64_t i = 1; i <= 20; i++) {
		struct process *process = snapshot_process(fixture->snapshot, (uint32_t)(100 + i),
							   i, NULL);
		double now;

		snprintf(process->comm, sizeof(process->comm), "worker%d", (int)i);
		fixture->process = process;
		add_row(fixture, 100 + i, "[heap]")->now.minor = i;
		process->minor = i + 1;
		process->ended = i % 2;
		want += (double)i;
		tick(fixture);
		assert_true(sum(fixture, "faultmap_mapping_faults_total", "") == want);
		assert_true(sum(fixture, "faultmap_faults_total", "") == want);
		assert_true(sample(fixture, "faultmap_process_faults_accounted_total"
					    "{severity=\"minor\"}") == want + (double)i);
		now = sum(fixture, "faultmap_mapping_faults_total", "comm=\"other\"");
		assert_true(now >= last_other);
		last_other = now;
		assert_true(sum(fixture, "faultmap_mapping_faults_total", "comm=\"worker1\"") == 1);
	}
	assert_true(last_other == want - 1 - 2 - 3);
}

static void same_program_and_mapping_share_a_series(void **state)
{
	struct fixture *fixture = *state;
	struct process *twin = snapshot_process(fixture->snapshot, 43, 1, NULL);

	add_row(fixture, 1, "[heap]")->now.minor = 1;
	strcpy(twin->comm, "cat");
	fixture->process = twin;
	add_row(fixture, 2, "[heap]")->now.minor = 2;
	tick(fixture);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{comm=\"cat\",mapping=\"[heap]\","
				    "kind=\"file_map\",severity=\"minor\"}") == 3);
	assert_true(sample(fixture, "faultmap_series") == 1);
	assert_true(sample(fixture, "faultmap_processes") == 2);
	assert_true(sample(fixture, "faultmap_rows") == 2);
}

static void program_named_other_does_not_double_the_series(void **state)
{
	struct fixture *fixture = *state;
	char mapping[16];

	strcpy(fixture->process->comm, "other");
	add_row(fixture, 99, "other")->now.minor = 7;
	tick(fixture);
	for (uint64_t id = 1; id <= LIMIT + 1; id++) {
		snprintf(mapping, sizeof(mapping), "/file%d", (int)id);
		add_row(fixture, id, mapping)->now.minor = 1;
	}
	tick(fixture);
	assert_true(sample(fixture,
			   "faultmap_mapping_faults_total{comm=\"other\","
			   "mapping=\"other\",kind=\"file_map\",severity=\"minor\"}") == 8);
}

static void hostile_names_are_escaped(void **state)
{
	struct fixture *fixture = *state;

	strcpy(fixture->process->comm, "a\"b\nc\\d");
	add_row(fixture, 1, "/\xff} 1\nx{")->now.minor = 4;
	tick(fixture);
	assert_true(sample(fixture,
			   "faultmap_mapping_faults_total{comm=\"a\\\"b\\\\x0ac\\\\\\\\d\","
			   "mapping=\"/\\\\xff} 1\\\\x0ax{\",kind=\"file_map\","
			   "severity=\"minor\"}") == 4);
}

static void limit_of_zero_counts_all_in_other(void **state)
{
	struct fixture *fixture = *state;

	sink_prometheus_free(fixture->sink);
	fixture->sink = sink_prometheus_new(0);
	add_row(fixture, 1, "[heap]")->now.minor = 4;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "comm=\"other\"") == 4);
	assert_true(sample(fixture, "faultmap_series") == 0);
}

static void totals_and_self_figures_are_there(void **state)
{
	struct fixture *fixture = *state;

	fixture->snapshot->totals = (struct totals){ .entries = 1,
						     .aborted = 2,
						     .gup = 3,
						     .lost_completions = 4,
						     .map_full = 5,
						     .unresolved = 6,
						     .names_lost = 7,
						     .exits_lost = 18446744073709551615u,
						     .stamps_lost = 8,
						     .perf_minor = 9,
						     .perf_major = 10,
						     .missed = 11 };
	tick(fixture);
	/* Not counted here is not zero. */
	assert_null(strstr(fixture->text, "faultmap_perf_faults_total"));
	assert_null(strstr(fixture->text, "faultmap_missed_total"));
	fixture->snapshot->totals.has_perf_major = true;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_perf_faults_total", "severity=\"major\"") == 10);
	assert_true(sum(fixture, "faultmap_perf_faults_total", "") == 10);
	assert_null(strstr(fixture->text, "faultmap_missed_total"));
	fixture->snapshot->totals.has_perf_minor = true;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_perf_faults_total", "severity=\"minor\"") == 9);
	assert_true(sample(fixture, "faultmap_missed_total") == 11);
	assert_true(sample(fixture, "faultmap_entries_total") == 1);
	assert_true(sample(fixture, "faultmap_aborted_total") == 2);
	assert_true(sample(fixture, "faultmap_gup_total") == 3);
	assert_true(sample(fixture, "faultmap_lost_completions_total") == 4);
	assert_true(sample(fixture, "faultmap_map_full_total") == 5);
	assert_true(sample(fixture, "faultmap_unresolved_total") == 6);
	assert_true(sample(fixture, "faultmap_names_lost_total") == 7);
	assert_non_null(strstr(fixture->text, "faultmap_exits_lost_total 18446744073709551615\n"));
	assert_true(sample(fixture, "faultmap_stamps_lost_total") == 8);
	assert_true(sample(fixture, "faultmap_in_flight") == 0);
	assert_true(sample(fixture, "faultmap_tick_duration_seconds") == 0.0015);
	assert_true(sample(fixture, "faultmap_resident_memory_bytes") > 100000);
	assert_non_null(strstr(fixture->text, "faultmap_build_info{version=\"0."));
	tick(fixture);
	assert_true(sample(fixture, "faultmap_ticks_total") == 4);
	assert_true(sample(fixture, "faultmap_scrapes_total") == 4);
}

/* The bucket of file_map with this bound. */
static double bucket(const struct fixture *fixture, const char *bound)
{
	char series[128];

	snprintf(series, sizeof(series),
		 "faultmap_fault_latency_seconds_bucket{kind=\"file_map\",le=\"%s\"}", bound);
	return sample(fixture, series);
}

static void stalls_are_in_the_bucket_of_their_bound(void **state)
{
	struct fixture *fixture = *state;
	struct row *row = add_row(fixture, 1, "/bin/cat");

	stall(row, 4096);
	tick(fixture);
	assert_true(bucket(fixture, "2.56e-07") == 0);
	assert_true(bucket(fixture, "2.048e-06") == 0);
	assert_true(bucket(fixture, "4.096e-06") == 1);
	add_row(fixture, 1, "/bin/cat");
	stall(row, 4097);
	stall(row, 1);
	stall(row, 17179869185); /* longer than the last bound */
	tick(fixture);
	assert_true(bucket(fixture, "2.56e-07") == 1);
	assert_true(bucket(fixture, "4.096e-06") == 2);
	assert_true(bucket(fixture, "8.192e-06") == 3);
	assert_true(bucket(fixture, "0.000131072") == 3);
	assert_true(bucket(fixture, "17.179869184") == 3);
	assert_true(bucket(fixture, "+Inf") == 4);
	assert_true(sample(fixture, "faultmap_fault_latency_seconds_count{kind=\"file_map\"}") ==
		    4);
	assert_non_null(strstr(fixture->text, "faultmap_fault_latency_seconds_sum"
					      "{kind=\"file_map\"} 17.179877379\n"));
}

/* The bounds are read back as decimals and must be 2^8 to 2^34 ns, digit by digit. */
static void bounds_are_exact(void **state)
{
	struct fixture *fixture = *state;
	const char *next;
	char want[64];

	stall(add_row(fixture, 1, "/bin/cat"), 1);
	tick(fixture);
	next = fixture->text;
	for (int log2 = 8; log2 <= 34; log2++) {
		double bound;

		next = strstr(next, ",le=\"");
		assert_non_null(next);
		assert_int_equal(sscanf(next, ",le=\"%lf\"", &bound), 1);
		snprintf(want, sizeof(want), "%d.%09d", (int)((1UL << log2) / 1000000000),
			 (int)((1UL << log2) % 1000000000));
		assert_true(bound == strtod(want, NULL));
		next++;
	}
	assert_non_null(strstr(next, ",le=\"+Inf\"} 1\n"));
}

/* Rows of several processes, some of which end: per kind, sums of all, and nothing goes down. */
static void latency_of_processes_that_ended_stays(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t i = 1; i <= 10; i++) {
		fixture->process = snapshot_process(fixture->snapshot, (uint32_t)(100 + i), i,
						    NULL);
		stall(add_row(fixture, 100 + i, "[heap]"), 1000);
		fixture->process->ended = i % 2;
		tick(fixture);
		assert_true(bucket(fixture, "1.024e-06") == (double)i);
		assert_true(bucket(fixture, "5.12e-07") == 0);
		assert_true(bucket(fixture, "+Inf") == (double)i);
	}
	assert_true(sum(fixture, "faultmap_fault_latency_seconds_count", "") == 10);
	assert_true(sum(fixture, "faultmap_fault_latency_seconds_sum", "") == 0.00001);
}

/* The kernel counts while we read: a histogram whose count is below its buckets is none. */
static void count_is_never_below_a_bucket(void **state)
{
	struct fixture *fixture = *state;
	struct row *row = add_row(fixture, 1, "/bin/cat");

	stall(row, 100);
	row->latency->now.buckets[3]++;
	tick(fixture);
	assert_true(bucket(fixture, "17.179869184") == 2);
	assert_true(bucket(fixture, "+Inf") == 2);
	assert_true(sample(fixture, "faultmap_fault_latency_seconds_count{kind=\"file_map\"}") ==
		    2);
}

static void other_is_no_process(void **state)
{
	struct fixture *fixture = *state;

	fixture->process = snapshot_process(fixture->snapshot, 0, 0, NULL);
	strcpy(fixture->process->comm, "other");
	add_row(fixture, 0, "[other]")->now.minor = 5;
	tick(fixture);
	assert_true(sample(fixture, "faultmap_processes") == 1);
	assert_true(sample(fixture,
			   "faultmap_mapping_faults_total{comm=\"other\",mapping=\"[other]\","
			   "kind=\"file_map\",severity=\"minor\"}") == 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults_are_split_by_severity),
		TEST(beyond_the_limit_other_takes_the_rest),
		TEST(nothing_goes_down_and_sums_are_exact),
		TEST(same_program_and_mapping_share_a_series),
		TEST(program_named_other_does_not_double_the_series),
		TEST(hostile_names_are_escaped),
		TEST(limit_of_zero_counts_all_in_other),
		TEST(totals_and_self_figures_are_there),
		TEST(stalls_are_in_the_bucket_of_their_bound),
		TEST(bounds_are_exact),
		TEST(latency_of_processes_that_ended_stays),
		TEST(count_is_never_below_a_bucket),
		TEST(other_is_no_process),
	};

	return cmocka_run_group_tests_name("sink_prometheus", tests, NULL, NULL);
}
