// SPDX-License-Identifier: GPL-2.0-only
/* Groups and their mappings on /metrics: which processes belong to them, their names, and what is in `other`. */
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

/* Ten mappings, three of which have series. */
static void the_mapping_other_has_the_rest(void **state)
{
	struct fixture *fixture = *state;
	char mapping[16];

	for (uint64_t id = 1; id <= 10; id++) {
		snprintf(mapping, sizeof(mapping), "/file%d", (int)id);
		add_row(fixture, id, mapping)->now.minor = id;
	}
	tick(fixture);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "mapping=\"/file") > 0);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "mapping=\"other\"") > 0);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "") == 55);
	assert_true(sum(fixture, "faultmap_group_faults_total", "") == 55);
	assert_true(sum(fixture, "faultmap_faults_total", "") == 55);
}

static void the_mappings_with_the_most_have_the_series(void **state)
{
	struct fixture *fixture = *state;
	struct row *rows[10];
	char mapping[16];

	for (uint64_t id = 0; id < 10; id++) {
		snprintf(mapping, sizeof(mapping), "/file%d", (int)id);
		rows[id] = add_row(fixture, id, mapping);
		rows[id]->now.minor = 1;
		if (id == 2)
			tick(fixture); /* these three have the series now */
	}
	for (int i = 0; i < 3; i++) {
		tick(fixture);
		for (uint64_t id = 6; id <= 9; id++)
			add_row(fixture, id, rows[id]->mapping); /* it is to be changed */
		rows[9]->now.minor += 1000;
		rows[8]->now.major += 10; /* as many as 1,000 minor ones */
		rows[7]->now.minor += 900;
		rows[6]->now.minor += 10;
	}
	tick(fixture);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{group=\"cat\","
				    "mapping=\"/file9\",severity=\"minor\"}") >= 1000);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{group=\"cat\","
				    "mapping=\"/file8\",severity=\"major\"}") >= 10);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{group=\"cat\","
				    "mapping=\"/file7\",severity=\"minor\"}") >= 900);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "mapping=\"/file6") == 0);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "minor") +
			    sample(fixture, "faultmap_series_ended_total{family=\"mapping_faults\","
					    "severity=\"minor\"}") ==
		    10 + 3 * 1910);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "major") == 30);
	assert_true(sample(fixture, "faultmap_mappings_evicted_total") == 3);
}

static void without_mappings_there_is_no_family(void **state)
{
	struct fixture *fixture = *state;

	sink_prometheus_free(fixture->sink);
	fixture->sink = new_sink(GROUP_BY_COMM, 0, PROMETHEUS_LEAST_MAX_SERIES);
	add_row(fixture, 1, "[heap]")->now.minor = 4;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_group_faults_total", "group=\"cat\"") == 4);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "") == 0);
}

static void a_group_keeps_what_its_processes_had(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t i = 1; i <= 20; i++) {
		struct process *process = snapshot_process(fixture->snapshot, (uint32_t)(100 + i),
							   i, NULL);

		strcpy(process->comm, "worker");
		process->rss_bytes = 4096 * i;
		process->vsz_bytes = 8192 * i;
		fixture->process = process;
		add_row(fixture, 100 + i, "[heap]")->now.minor = i;
		process->minor = i + 1;
		process->major = 2;
		process->ended = i % 2;
		tick(fixture);
	}
	assert_true(sum(fixture, "faultmap_group_faults_total", "group=\"worker\"") == 210);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{group=\"worker\","
				    "mapping=\"[heap]\",severity=\"minor\"}") == 210);
	assert_true(sample(fixture, "faultmap_group_faults_accounted_total{group=\"worker\","
				    "severity=\"minor\"}") == 230);
	assert_true(sample(fixture, "faultmap_group_faults_accounted_total{group=\"worker\","
				    "severity=\"major\"}") == 40);
	assert_true(sample(fixture,
			   "faultmap_process_faults_accounted_total{severity=\"minor\"}") == 230);
	assert_true(sample(fixture, "faultmap_group_processes{group=\"worker\"}") == 10);
	assert_true(sample(fixture, "faultmap_group_resident_bytes{group=\"worker\"}") ==
		    4096 * 110);
	assert_true(sample(fixture, "faultmap_group_virtual_bytes{group=\"worker\"}") ==
		    8192 * 110);
	assert_true(sample(fixture, "faultmap_groups") == 2);
	assert_true(sample(fixture, "faultmap_processes") == 11);
}

/* exec, setuid and a move to another cgroup change the group; what was counted stays. */
static void a_process_may_change_its_group(void **state)
{
	struct fixture *fixture = *state;
	struct row *row = add_row(fixture, 1, "[heap]");

	row->now.minor = 5;
	tick(fixture);
	strcpy(fixture->process->comm, "dog");
	add_row(fixture, 1, "[heap]");
	row->now.minor += 7;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_group_faults_total", "group=\"cat\"") == 5);
	assert_true(sum(fixture, "faultmap_group_faults_total", "group=\"dog\"") == 7);
	assert_true(sample(fixture, "faultmap_group_processes{group=\"cat\"}") == 0);
	assert_true(sample(fixture, "faultmap_group_processes{group=\"dog\"}") == 1);
}

static void groups_are_what_they_are_asked_to_be(void **state)
{
	static const struct {
		enum group_by group_by;
		const char *group;
		const char *comm;
	} cases[] = {
		{ GROUP_BY_UNIT, "group=\"machine-qemu\\\\x2d1.scope\"", "cat" },
		{ GROUP_BY_CGROUP, "group=\"/machine.slice/machine-qemu\\\\x2d1.scope/libvirt\"",
		  "cat" },
		{ GROUP_BY_COMM, "group=\"cat\"", "cat" },
		{ GROUP_BY_COMM, "group=\"[unnamed]\"", "" },
		{ GROUP_BY_EXE, "group=\"[cat]\"", "cat" }, /* no such process here */
		{ GROUP_BY_EXE, "group=\"[unnamed]\"", "" },
		{ GROUP_BY_UID, "group=\"1000\"", "cat" },
		{ GROUP_BY_PID, "group=\"4294967294\"", "cat" },
	};
	struct fixture *fixture = *state;
	struct row *row;

	fixture->process = snapshot_process(fixture->snapshot, 4294967294, 1, NULL);
	strcpy(fixture->process->comm, "cat");
	fixture->process->uid = 1000;
	fixture->process->cgroup =
		snapshot_intern(fixture->snapshot,
				"/machine.slice/machine-qemu\\x2d1.scope/libvirt");
	row = add_row(fixture, 1, "[heap]");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sink_prometheus_free(fixture->sink);
		fixture->sink = new_sink(cases[i].group_by, 0, PROMETHEUS_LEAST_MAX_SERIES);
		strcpy(fixture->process->comm, cases[i].comm);
		add_row(fixture, 1, "[heap]");
		row->now.minor += 9;
		tick(fixture);
		assert_true(sum(fixture, "faultmap_group_faults_total", cases[i].group) == 9);
	}
}

static void exe_is_read_from_proc(void **state)
{
	struct fixture *fixture = *state;
	char exe[4096] = "", want[4200];

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	snprintf(want, sizeof(want), "group=\"%s\"", exe);
	sink_prometheus_free(fixture->sink);
	fixture->sink = new_sink(GROUP_BY_EXE, 0, PROMETHEUS_LEAST_MAX_SERIES);
	fixture->process = snapshot_process(fixture->snapshot, (uint32_t)getpid(), 1, NULL);
	add_row(fixture, 1, "[heap]")->now.minor = 3;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_group_faults_total", want) == 3);
}

static void containers_and_pods_have_an_info(void **state)
{
	struct fixture *fixture = *state;

	sink_prometheus_free(fixture->sink);
	fixture->sink = new_sink(GROUP_BY_UNIT, 0, PROMETHEUS_LEAST_MAX_SERIES);
	fixture->process->cgroup = snapshot_intern(
		fixture->snapshot,
		"/kubepods.slice/kubepods-pod3d1f0c9e_8a7b_4c6d_9e5f_0a1b2c3d4e5f.slice/cri-"
		"containerd-fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210."
		"scope");
	tick(fixture);
	assert_true(sample(fixture,
			   "faultmap_group_info{group=\"containerd:fedcba987654\","
			   "runtime=\"containerd\",container_id=\"fedcba9876543210fedcba9876543210"
			   "fedcba9876543210fedcba9876543210\","
			   "pod_uid=\"3d1f0c9e-8a7b-4c6d-9e5f-0a1b2c3d4e5f\"}") == 1);
	assert_true(sample(fixture,
			   "faultmap_group_processes{group=\"containerd:fedcba987654\"}") == 1);
}

/* The same labels twice would make the whole scrape invalid (scrape_read() sees to that). */
static void what_is_named_other_is_counted_in_other(void **state)
{
	struct fixture *fixture = *state;

	add_row(fixture, 98, "other")->now.minor = 2;
	strcpy(fixture->process->comm, "other");
	add_row(fixture, 99, "other")->now.minor = 7;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_group_faults_total", "group=\"other\"") == 9);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "") == 9);
}

static void hostile_names_are_escaped(void **state)
{
	struct fixture *fixture = *state;

	strcpy(fixture->process->comm, "a\"b\nc\\d");
	add_row(fixture, 1, "/\xff} 1\nx{")->now.minor = 4;
	tick(fixture);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{group=\"a\\\"b\\\\x0ac"
				    "\\\\\\\\d\",mapping=\"/\\\\xff} 1\\\\x0ax{\","
				    "severity=\"minor\"}") == 4);
}

/* Paths that differ in their last byte only stay two, whatever their length; and a file may have
 * the very name that the label of another one is. */
static void long_names_are_cut_and_stay_apart(void **state)
{
	struct fixture *fixture = *state;
	char path[4096], label[LABEL_LEN];

	memset(path, '\xff', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	add_row(fixture, 1, path)->now.minor = 1;
	label_text(label, path);
	assert_int_equal(strlen(label), LABEL_LEN - 1);
	add_row(fixture, 2, label)->now.minor = 2;
	path[sizeof(path) - 2] = '\xfe';
	add_row(fixture, 3, path)->now.minor = 4;
	tick(fixture);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "mapping=\"/") == 7);
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "mapping=\"other") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_mapping_other_has_the_rest),
		TEST(the_mappings_with_the_most_have_the_series),
		TEST(without_mappings_there_is_no_family),
		TEST(a_group_keeps_what_its_processes_had),
		TEST(a_process_may_change_its_group),
		TEST(groups_are_what_they_are_asked_to_be),
		TEST(exe_is_read_from_proc),
		TEST(containers_and_pods_have_an_info),
		TEST(what_is_named_other_is_counted_in_other),
		TEST(hostile_names_are_escaped),
		TEST(long_names_are_cut_and_stay_apart),
	};

	return cmocka_run_group_tests_name("sink_prometheus_groups", tests, NULL, NULL);
}
