// SPDX-License-Identifier: GPL-2.0-only
/* The exposition of hand-built snapshots, sample by sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "metrics/exposition.h"
#include "metrics/sink_prometheus.h"
#include "base/version.h"
#include "golden.h"
#include "scrape.h"
#include "stall.h"

struct fixture {
	struct sink_prometheus *sink;
	struct snapshot *snapshot;
	struct process *process;
	struct scrape text;
	struct scrape openmetrics;
	uint64_t ticks;
};

static const struct timespec started = { 1795342000, 500000000 };

static const struct self_figures two_programs = {
	.tick_ns = 1500000,
	.rows_capacity = 65536,
	.map_bytes = 15 << 20,
	.n_hooks = 7,
	.programs = { { "page_fault_user", 10, 2500000000, 1 }, { "list_rows", 0, 0, 2 } },
	.n_programs = 2,
};

static void get_self(void *context, struct self_figures *ret_self)
{
	*ret_self = *(const struct self_figures *)context;
}

static struct sink_prometheus *new_sink(enum group_by group_by, uint64_t top_mappings,
					uint64_t max_series)
{
	return sink_prometheus_new(
		&(struct sink_prometheus_options){ .group_by = group_by,
						   .top_mappings = top_mappings,
						   .max_series = max_series,
						   .started = started,
						   .get_self = get_self,
						   .context = (void *)&two_programs });
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->sink = new_sink(GROUP_BY_COMM, 3, PROMETHEUS_LEAST_MAX_SERIES);
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
	scrape_free(&fixture->text);
	scrape_free(&fixture->openmetrics);
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

static struct scrape render(struct fixture *fixture, enum exposition format)
{
	char *text;
	size_t size;

	assert_int_equal(sink_prometheus_render(fixture->sink, format, &text, &size), 0);
	return scrape_read(text, size, format == EXPOSITION_OPENMETRICS);
}

/* Counts the snapshot in, renders, and begins the next one. */
static void tick(struct fixture *fixture)
{
	const struct timespec now = { 1795342001 + (time_t)fixture->ticks, 0 };

	snapshot_seal(fixture->snapshot, now, 1000000000);
	fixture->snapshot->tick = fixture->ticks++;
	assert_int_equal(sink_prometheus_tick(fixture->sink, fixture->snapshot, NULL), 0);
	scrape_free(&fixture->text);
	scrape_free(&fixture->openmetrics);
	fixture->text = render(fixture, EXPOSITION_TEXT);
	fixture->openmetrics = render(fixture, EXPOSITION_OPENMETRICS);
	snapshot_begin(fixture->snapshot);
}

static double sample(const struct fixture *fixture, const char *series)
{
	return scrape_value(&fixture->text, series);
}

static double sum(const struct fixture *fixture, const char *metric, const char *label)
{
	return scrape_sum(&fixture->text, metric, label);
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
	assert_true(sample(fixture, "faultmap_group_faults_total{group=\"cat\",kind=\"file_map\","
				    "severity=\"major\"}") == 2);
	assert_true(sample(fixture, "faultmap_group_pages_total{group=\"cat\"}") == 80);
	assert_true(sample(fixture, "faultmap_mapping_faults_total{group=\"cat\",mapping="
				    "\"/bin/cat\",severity=\"minor\"}") == 5);
}

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
	assert_true(sum(fixture, "faultmap_mapping_faults_total", "minor") == 10 + 3 * 1910);
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
	tick(fixture);
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
	assert_int_equal(sink_prometheus_render(fixture->sink, EXPOSITION_OPENMETRICS, &text,
						&size),
			 0);
	scrape = scrape_read(text, size, true);
	assert_in_range(scrape.count, 1000, PROMETHEUS_LEAST_MAX_SERIES);
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

	assert_int_equal(sink_prometheus_render(fixture->sink, format, &text, &size), 0);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults_are_split_by_severity),
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
		TEST(totals_and_self_figures_are_there),
		TEST(stalls_are_in_the_bucket_of_their_bound),
		TEST(bounds_are_exact),
		TEST(groups_have_stalls_of_their_own),
		TEST(copies_are_bytes_of_their_group),
		TEST(causes_are_the_parts_of_the_stalls),
		TEST(latency_of_processes_that_ended_stays),
		TEST(count_is_never_below_a_bucket),
		TEST(other_is_no_process),
		TEST(all_that_can_be_is_below_the_least_limit),
		TEST(both_formats_are_golden),
	};

	return cmocka_run_group_tests_name("sink_prometheus", tests, NULL, NULL);
}
