// SPDX-License-Identifier: GPL-2.0-only
/* Histograms of latency on /metrics and what the time was for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exposition_fixture.h"
#include "stall.h"

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
	assert_string_equal(scrape_find(&fixture->text, "faultmap_fault_latency_seconds_sum"
							"{kind=\"file_map\"}")
				    ->value_text,
			    "17.179877379");
}

/* The bounds are 2^8 to 2^34 ns, each written as the shortest decimal that is the same number. */
static void bounds_are_exact(void **state)
{
	struct fixture *fixture = *state;
	size_t found = 0;

	stall(add_row(fixture, 1, "/bin/cat"), 1);
	tick(fixture);
	for (size_t i = 0; i < fixture->text.count; i++) {
		const char *bound = strstr(fixture->text.samples[i].series,
					   "faultmap_fault_latency_seconds_bucket");
		char shorter[32];

		bound = bound ? strstr(bound, ",le=\"") : NULL;
		if (!bound || !strcmp(bound, ",le=\"+Inf\"}"))
			continue;
		for (int log2 = 8; log2 <= 34; log2++)
			if (strtod(bound + 5, NULL) == (double)(1UL << log2) / 1e9)
				found |= 1UL << log2;
		for (int digits = 1; digits < 17; digits++) {
			snprintf(shorter, sizeof(shorter), ",le=\"%.*g\"}", digits,
				 strtod(bound + 5, NULL));
			if (strtod(shorter + 5, NULL) == strtod(bound + 5, NULL))
				break;
		}
		assert_string_equal(bound, shorter);
	}
	assert_int_equal(found, (1UL << 35) - (1UL << 8));
	assert_true(bucket(fixture, "+Inf") == 1);
}

/* Fewer bounds, for there are many groups; each is exact all the same. */
static void groups_have_stalls_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	struct row *row = add_row(fixture, 1, "/bin/cat");

	stall(row, 4096);
	stall(row, 4097);
	stall(row, 65536);
	stall(row, 20000000000);
	tick(fixture);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_bucket", "le=\"4.096e-06\"") == 1);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_bucket", "le=\"6.5536e-05\"") == 3);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_bucket", "le=\"0.001048576\"") == 3);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_bucket", "le=\"4.294967296\"") == 3);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_bucket", "le=\"+Inf\"") == 4);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_count", "group=\"cat\"") == 4);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_sum", "group=\"cat\"") ==
		    20.000073729);
}

/* Of the kind cow alone, in bytes. */
static void copies_are_bytes_of_their_group(void **state)
{
	struct fixture *fixture = *state;
	double page = (double)sysconf(_SC_PAGESIZE);
	struct row *row;

	row = snapshot_row(fixture->snapshot, fixture->process, 7, KIND_COW, ACCESS_WRITE,
			   MODE_USER, NULL);
	row->mapping = snapshot_intern(fixture->snapshot, "[heap]");
	row->now = (struct fault_counts){ .minor = 3, .pages = 514 };
	add_row(fixture, 8, "/bin/cat")->now = (struct fault_counts){ .minor = 9, .pages = 9 };
	tick(fixture);
	assert_true(sum(fixture, "faultmap_group_cow_bytes_total", "group=\"cat\"") == 514 * page);
	assert_true(sum(fixture, "faultmap_group_cow_bytes_total", "") == 514 * page);
}

/* Over all causes as much as the histograms have, for the machine and for each group; also of a row
 * whose causes come a tick after its count. */
static void causes_are_the_parts_of_the_stalls(void **state)
{
	struct fixture *fixture = *state;
	struct row *row = add_row(fixture, 1, "/bin/cat");

	stall_for(row, STALL_DISK, 1000000000);
	stall_for(row, STALL_LOCK, 500000000);
	row->latency->causes->now.refaults = 12;
	fixture->snapshot->totals.throttled_ns = 1500000000;
	tick(fixture);
	assert_true(sample(fixture, "faultmap_refaults_total") == 12);
	assert_true(sample(fixture, "faultmap_throttled_seconds_total") == 1.5);
	assert_true(sum(fixture, "faultmap_group_refaults_total", "group=\"cat\"") == 12);
	assert_true(sum(fixture, "faultmap_stall_seconds_total", "cause=\"disk\"") == 1);
	assert_true(sum(fixture, "faultmap_stall_seconds_total", "") == 1.5);
	row = snapshot_row(fixture->snapshot, fixture->process, 1, row->kind, row->access,
			   row->mode, NULL);
	row->latency->now.sum_ns += 250000000;
	row->latency->causes->now.sum_ns[STALL_DISK] += 250000000;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_stall_seconds_total", "cause=\"disk\"") == 1.25);
	assert_true(sum(fixture, "faultmap_fault_latency_seconds_sum", "") == 1.75);
	assert_true(sum(fixture, "faultmap_group_stall_seconds_sum", "group=\"cat\"") == 1.75);
	assert_true(sum(fixture, "faultmap_group_stall_cause_seconds_total", "group=\"cat\"") ==
		    1.75);
	assert_true(sum(fixture, "faultmap_group_stall_cause_seconds_total", "cause=\"lock\"") ==
		    0.5);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stalls_are_in_the_bucket_of_their_bound),
		TEST(bounds_are_exact),
		TEST(groups_have_stalls_of_their_own),
		TEST(copies_are_bytes_of_their_group),
		TEST(causes_are_the_parts_of_the_stalls),
		TEST(latency_of_processes_that_ended_stays),
		TEST(count_is_never_below_a_bucket),
	};

	return cmocka_run_group_tests_name("sink_prometheus_stalls", tests, NULL, NULL);
}
