// SPDX-License-Identifier: GPL-2.0-only
/* The exposition of hand-built snapshots, sample by sample: totals, figures of faultmap itself, the
 * limit of series, both formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/version.h"
#include "exposition_fixture.h"
#include "golden.h"
#include "stall.h"
#include "range.h"

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
	assert_true(sample(fixture, "faultmap_group_faults_total{group=\"cat\",kind=\"file_map\","
				    "severity=\"major\"}") == 2);
	assert_true(sample(fixture, "faultmap_group_pages_total{group=\"cat\"}") == 80);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{group=\"cat\",mapping="
				    "\"/bin/cat\",severity=\"minor\"}") == 5);
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
						     .names_cut = 12,
						     .contexts_lost = 14,
						     .stacks_incomplete = 15,
						     .stacks_sampled = 16,
						     .stacks_lost = 17,
						     .cgroups_lost = 13,
						     .exits_lost = 18446744073709551615u,
						     .stamps_lost = 8,
						     .perf_minor = 9,
						     .perf_major = 10,
						     .missed = 11 };
	tick(fixture);
	assert_true(sample(fixture, "faultmap_entries_total") == 1);
	assert_true(sample(fixture, "faultmap_aborted_total") == 2);
	assert_true(sample(fixture, "faultmap_gup_total") == 3);
	assert_true(sample(fixture, "faultmap_lost_completions_total") == 4);
	assert_true(sample(fixture, "faultmap_map_full_total") == 5);
	assert_true(sample(fixture, "faultmap_unresolved_total") == 6);
	assert_true(sample(fixture, "faultmap_names_lost_total") == 7);
	assert_true(sample(fixture, "faultmap_names_cut_total") == 12);
	assert_true(sample(fixture, "faultmap_contexts_lost_total") == 14);
	assert_true(sample(fixture, "faultmap_stacks_incomplete_total") == 15);
	assert_true(sample(fixture, "faultmap_stacks_sampled_total") == 16);
	assert_true(sample(fixture, "faultmap_stacks_lost_total") == 17);
	assert_true(sample(fixture, "faultmap_cgroups_lost_total") == 13);
	assert_string_equal(scrape_find(&fixture->text, "faultmap_exits_lost_total")->value_text,
			    "18446744073709551615");
	assert_true(sample(fixture, "faultmap_stamps_lost_total") == 8);
	assert_true(sample(fixture, "faultmap_in_flight") == 0);
	assert_true(sample(fixture, "faultmap_tick_duration_seconds") == 0.0015);
	assert_true(sample(fixture, "faultmap_resident_memory_bytes") > 100000);
	assert_true(sample(fixture, "faultmap_build_info{version=\"" FAULTMAP_VERSION "\"}") == 1);
	assert_true(sample(fixture, "faultmap_rows_capacity") == 65536);
	assert_true(sample(fixture, "faultmap_bpf_programs_attached") == 7);
	assert_true(sample(fixture, "faultmap_bpf_runs_total{program=\"page_fault_user\"}") == 10);
	assert_true(sample(fixture,
			   "faultmap_bpf_run_seconds_total{program=\"page_fault_user\"}") == 2.5);
	assert_true(sample(fixture, "faultmap_bpf_runs_total{program=\"list_rows\"}") == -1);
	assert_true(sample(fixture, "faultmap_bpf_missed_runs_total") == 3);
	/* Not counted here is not zero. */
	assert_true(sum(fixture, "faultmap_perf_faults_total", "") == 0);
	assert_true(sample(fixture, "faultmap_missed_total") == -1);
	fixture->snapshot->totals.has_perf_major = true;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_perf_faults_total", "severity=\"major\"") == 10);
	assert_true(sum(fixture, "faultmap_perf_faults_total", "") == 10);
	assert_true(sample(fixture, "faultmap_perf_cpus_missing") == 0);
	assert_true(sample(fixture, "faultmap_missed_total") == -1);
	fixture->snapshot->totals.has_perf_minor = true;
	fixture->snapshot->totals.perf_cpus_missing = 2;
	tick(fixture);
	assert_true(sample(fixture, "faultmap_perf_cpus_missing") == 2);
	assert_true(sum(fixture, "faultmap_perf_faults_total", "severity=\"minor\"") == 9);
	assert_true(sample(fixture, "faultmap_missed_total") == 11);
	assert_true(sample(fixture, "faultmap_ticks_total") == 3);
	assert_true(sample(fixture, "faultmap_tick_seconds_total") == 0.0045);
	assert_true(sample(fixture, "faultmap_scrapes_total") == 5); /* two formats each time */
	assert_true(sample(fixture, "faultmap_scrape_seconds_total") > 0);
}

static void other_is_no_process(void **state)
{
	struct fixture *fixture = *state;

	fixture->process = snapshot_process(fixture->snapshot, 0, 0, NULL);
	strcpy(fixture->process->comm, "other");
	add_row(fixture, 0, "[other]")->now.minor = 5;
	tick(fixture);
	assert_true(sample(fixture, "faultmap_processes") == 1);
	assert_true(sample(fixture, "faultmap_group_faults_total{group=\"other\",kind=\"file_map\","
				    "severity=\"minor\"}") == 5);
	assert_true(sample(fixture, "faultmap_group_processes{group=\"other\"}") == 0);
}

/*
 * Every kind in every access and mode, each with stalls and programs that run: what is not groups.
 */
static void all_that_can_be_is_below_the_least_limit(void **state)
{
	struct fixture *fixture = *state;
	struct self_figures all = two_programs;
	struct scrape scrape;
	size_t size;
	char *text;

	for (size_t i = 0; i < 20; i++)
		all.programs[i] = (struct program_stats){ &"abcdefghijklmnopqrst"[i], 1, 1, 1 };
	all.n_programs = 20;
	sink_prometheus_free(fixture->sink);
	fixture->sink = sink_prometheus_new(
		&(struct sink_prometheus_options){ .group_by = GROUP_BY_COMM,
						   .top_mappings = 3,
						   .max_series = PROMETHEUS_LEAST_MAX_SERIES,
						   .started = started,
						   .get_self = get_self,
						   .context = &all });
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		for (int i = 0; i < (ACCESS_COUNT - 1) * MODE_COUNT; i++) {
			struct row *row = snapshot_row(fixture->snapshot, fixture->process, 1, kind,
						       1 + i / MODE_COUNT, i % MODE_COUNT, NULL);

			row->mapping = snapshot_intern(fixture->snapshot, "[heap]");
			if (kind >= KIND_FIRST_DENIED) {
				row->now.denied = 1;
				continue;
			}
			row->now.minor = row->now.major = 1;
			stall(row, 1);
		}
	}
	strcpy(fixture->process->comm, "other");
	fixture->snapshot->totals.has_perf_major = fixture->snapshot->totals.has_perf_minor = true;
	snapshot_seal(fixture->snapshot, started, 1000000000);
	sink_prometheus_tick(fixture->sink, fixture->snapshot, NULL);
	assert_int_equal(sink_prometheus_render(fixture->sink, EXPOSITION_OPENMETRICS, 0, &text,
						&size),
			 0);
	scrape = scrape_read(text, size, true);
	assert_in_range(scrape.count, 800, PROMETHEUS_LEAST_MAX_SERIES);
	assert_true(scrape_value(&scrape, "faultmap_series") == (double)scrape.count);
	scrape_free(&scrape);
}

/* Drops what differs from run to run. */
static void drop_line(char *text, const char *start)
{
	char *line = strstr(text, start);

	assert_non_null(line);
	line++; /* behind the line break that start begins with */
	memmove(line, strchr(line, '\n') + 1, strlen(strchr(line, '\n') + 1) + 1);
}

static void check_golden(struct fixture *fixture, enum exposition format, const char *name)
{
	char *text;
	size_t size;

	assert_int_equal(sink_prometheus_render(fixture->sink, format, 0, &text, &size), 0);
	drop_line(text, "\nfaultmap_scrape_seconds_total ");
	drop_line(text, "\nfaultmap_resident_memory_bytes ");
	assert_golden(name, text);
	free(text);
}

static void both_formats_are_golden(void **state)
{
	struct fixture *fixture = *state;
	struct process *web;
	struct row *row;

	sink_prometheus_free(fixture->sink);
	fixture->sink = new_sink(GROUP_BY_UNIT, 2, 2000);
	web = snapshot_process(fixture->snapshot, 43, 1, NULL);
	web->cgroup = snapshot_intern(
		fixture->snapshot,
		"/docker/fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210");
	fixture->process->cgroup = snapshot_intern(fixture->snapshot, "/system.slice/cat.service");
	fixture->process->rss_bytes = 4096;
	fixture->process->vsz_bytes = 8192;
	fixture->process->minor = 12;
	row = add_row(fixture, 1, "/srv/say \"hi\"\\");
	row->now = (struct fault_counts){ 10, 1, 0, 42 };
	stall_for(row, STALL_CPU, 5000);
	stall_for(row, STALL_DISK, 2000000);
	fixture->process = web;
	add_row(fixture, 2, "[anon]")->now = (struct fault_counts){ 3, 0, 0, 3 };
	add_row(fixture, 3, "[heap]")->now = (struct fault_counts){ 2, 0, 0, 2 };
	fixture->snapshot->totals = (struct totals){ .entries = 16, .minor = 15, .major = 1 };
	tick(fixture);
	add_row(fixture, 4, "[stack]")->now = (struct fault_counts){ 1, 0, 0, 1 };
	tick(fixture);
	check_golden(fixture, EXPOSITION_TEXT, "metrics.txt");
	check_golden(fixture, EXPOSITION_OPENMETRICS, "metrics_openmetrics.txt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults_are_split_by_severity), TEST(totals_and_self_figures_are_there),
		TEST(other_is_no_process),          TEST(all_that_can_be_is_below_the_least_limit),
		TEST(both_formats_are_golden),
	};

	return cmocka_run_group_tests_name("sink_prometheus", tests, NULL, NULL);
}
