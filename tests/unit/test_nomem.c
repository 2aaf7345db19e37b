// SPDX-License-Identifier: GPL-2.0-only
/* Out of memory (failing_malloc.h): pictures and what draws from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "metrics/groups.h"
#include "collect/names.h"
#include "metrics/sink_prometheus.h"
#include "sink/sink_slices.h"
#include "sink/sink_summary.h"
#include "sink/sink_table.h"
#include "model/snapshot.h"
#include "base/table.h"
#include "base/text.h"
#include "base/util.h"
#include "failing_malloc.h"

static int table_scenario(void)
{
	static uint64_t values[200];
	struct table table;
	int result = 0;

	table_init(&table, 0, sizeof(uint64_t));
	for (size_t i = 0; i < ARRAY_SIZE(values) && !result; i++) {
		values[i] = i;
		result = table_add(&table, &values[i]);
		assert_true(result || table_get(&table, &values[i]) == &values[i]);
	}
	table_clear(&table);
	return result;
}

static int text_scenario(void)
{
	char *text = text_escape("a\xff\n");
	int result = text ? 0 : -ENOMEM;

	free(text);
	return result;
}

static int names_scenario(void)
{
	static struct name_record record = { .flags = NAME_PATH, .length = 5, .text = "leaf" };
	struct strings *strings = strings_new();
	struct names *names = strings ? names_new(strings) : NULL;
	int result = names ? 0 : -ENOMEM;
	bool known;

	for (record.id = 1; record.id < 50 && !result; record.id++)
		result = names_add(names, &record, NAME_HEADER_SIZE + record.length);
	if (!result && !names_of_mapping(names, MAPPING_ANON_NAMED, 1, 1000, &known))
		result = -ENOMEM;
	names_free(names);
	strings_free(strings);
	return result;
}

static struct row *make_row(struct snapshot *snapshot, uint32_t tgid, uint64_t id)
{
	struct process *process = snapshot_process(snapshot, tgid, 1000UL * tgid, NULL);
	struct row *row;

	if (!process)
		return NULL;
	process->cgroup = snapshot_intern(snapshot, "/system.slice/a.service");
	row = snapshot_row(snapshot, process, id, KIND_DEMAND_ZERO, ACCESS_WRITE, MODE_USER, NULL);
	if (row)
		row->mapping = snapshot_intern(snapshot, "/usr/lib/libc.so.6");
	return row && row->mapping && process->cgroup ? row : NULL;
}

static void seal(struct snapshot *snapshot, uint64_t tick)
{
	snapshot->tick = tick;
	snapshot_seal(snapshot, (struct timespec){ 1795342136, 0 }, 1000000000);
}

static int snapshot_scenario(void)
{
	struct snapshot *snapshot = snapshot_new();
	int result = snapshot ? 0 : -ENOMEM;

	for (uint64_t tick = 0; tick < 2 && !result; tick++) {
		snapshot_begin(snapshot);
		for (uint32_t i = 1; i < 60 && !result; i++)
			result = make_row(snapshot, i / 4 + 1, i) ? 0 : -ENOMEM;
		seal(snapshot, tick);
	}
	snapshot_free(snapshot);
	return result;
}

/* Three processes with rows, some of them slices, in two ticks, made before anything fails; the
 * last tick is sealed. */
static struct snapshot *picture;

static struct row *make_slice(struct snapshot *snapshot, uint32_t slice)
{
	struct row *row = snapshot_slice_row(snapshot, snapshot_process(snapshot, 1, 1000, NULL),
					     100 + slice % 2, slice, KIND_SHMEM, ACCESS_READ,
					     MODE_USER, NULL);

	row->mapping = snapshot_intern(snapshot, "/memfd:x");
	row->map_end = 16 * 4096;
	row->slice_start = slice * 4096;
	row->slice_end = row->slice_start + 4096;
	return row;
}

static int make_picture(void **state)
{
	(void)state;
	picture = snapshot_new();
	for (uint64_t tick = 0; tick < 2; tick++) {
		snapshot_begin(picture);
		for (uint32_t i = 1; i < 12; i++)
			make_row(picture, i / 4 + 1, i)->now.minor += i;
		for (uint32_t i = 1; i < 12; i++)
			make_slice(picture, i)->now.minor += i;
		seal(picture, tick);
	}
	return 0;
}

static int free_picture(void **state)
{
	(void)state;
	snapshot_free(picture);
	return 0;
}

static int prometheus_scenario(void)
{
	const struct sink_prometheus_options wanted = { .top_mappings = 3, .max_series = 5000 };
	struct sink_prometheus *sink = sink_prometheus_new(&wanted);
	int result = sink ? 0 : -ENOMEM;
	char *text = NULL;
	size_t size;

	if (sink) {
		sink_prometheus_tick(sink, picture, NULL);
		result = sink_prometheus_render(sink, EXPOSITION_TEXT, 0, &text, &size);
		free(text);
	}
	sink_prometheus_free(sink);
	return result;
}

static FILE *null_stream;

static int table_sink_scenario(void)
{
	const struct sink_table_options wanted = { .rows = 10, .stream = null_stream };
	struct sink_table *sink = sink_table_new(&wanted);
	struct error error;
	int result = sink ? sink_table_tick(sink, picture, &error) : -ENOMEM;

	sink_table_free(sink);
	return result;
}

static int summary_scenario(void)
{
	struct sink_summary *summary =
		sink_summary_new(&(struct sink_summary_options){ .page_size = 4096 });
	struct error error;
	int result = summary ? sink_summary_tick(summary, picture, &error) : -ENOMEM;

	if (!result)
		result = sink_summary_print(summary, NULL, null_stream);
	sink_summary_free(summary);
	return result;
}

static int slices_scenario(void)
{
	const struct sink_slices_options wanted = { .page_size = 4096,
						    .slice_bytes = 4096,
						    .slices_max = 64 };
	struct sink_slices *slices = sink_slices_new(&wanted);
	struct error error;
	int result = slices ? sink_slices_tick(slices, picture, &error) : -ENOMEM;

	if (!result)
		result = sink_slices_print(slices, null_stream);
	sink_slices_free(slices);
	return result;
}

static size_t cost_of_group(const struct group *group)
{
	(void)group;
	return 10;
}

static uint64_t faults_of(const struct group *group)
{
	uint64_t sum = 0;

	for (size_t kind = 0; group->counts && kind < KIND_COUNT; kind++)
		sum += group->counts->faults[kind][SEVERITY_MINOR];
	return sum;
}

/* What a group finds no memory for is in `other`: nothing is lost. */
static int groups_scenario(void)
{
	struct groups groups;
	int result = groups_init(&groups, GROUP_BY_PID, "/none", 2, cost_of_group, cost_of_group,
				 picture->ts);
	uint64_t added = 0, counted = 0;

	if (result)
		return result;
	for (uint64_t tick = 0; tick < 3; tick++) {
		groups_begin(&groups, picture);
		for (size_t i = 0; i < picture->n_touched; i++) {
			struct fault_counts delta = row_delta(picture->rows[i]);

			groups_row(&groups, picture->rows[i], &delta);
			added += delta.minor;
		}
		for (size_t i = 0; i < picture->n_processes; i++)
			groups_process(&groups, picture->processes[i]);
		groups_choose(&groups, tick < 2 ? 1000 : 30, picture->ts);
	}
	for (size_t i = 0; i < groups.n_groups; i++)
		counted += faults_of(groups.groups[i]);
	counted += faults_of(groups.other);
	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		counted += groups.ended.faults[kind][SEVERITY_MINOR];
	groups_clear(&groups);
	assert_int_equal(counted, added);
	return 0;
}

TELLS(table)
TELLS(text)
TELLS(names)
TELLS(snapshot)
DOES_WITHOUT(prometheus)
/* Not libc's: without memory for /etc/passwd it loads another NSS module, and keeps that. */
static void table_sink_tells(void **state)
{
	(void)state;
	assert_true(fail_each(table_sink_scenario, OURS, true) >= 1);
}

TELLS(summary)
TELLS(slices)
DOES_WITHOUT(groups)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_tells),
		cmocka_unit_test(text_tells),
		cmocka_unit_test(names_tells),
		cmocka_unit_test(snapshot_tells),
		cmocka_unit_test_setup_teardown(prometheus_does_without, make_picture,
						free_picture),
		cmocka_unit_test_setup_teardown(table_sink_tells, make_picture, free_picture),
		cmocka_unit_test_setup_teardown(summary_tells, make_picture, free_picture),
		cmocka_unit_test_setup_teardown(slices_tells, make_picture, free_picture),
		cmocka_unit_test_setup_teardown(groups_does_without, make_picture, free_picture),
	};

	null_stream = fopen("/dev/null", "we");
	return RUN_NOMEM_TESTS("nomem", tests);
}
