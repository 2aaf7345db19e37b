/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests of sink_prometheus: a snapshot made by hand, counted in and rendered in both formats
 * at each tick. */
#ifndef FAULTMAP_TEST_EXPOSITION_FIXTURE_H
#define FAULTMAP_TEST_EXPOSITION_FIXTURE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/exposition.h"
#include "metrics/sink_prometheus.h"
#include "scrape.h"

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

	assert_int_equal(sink_prometheus_render(fixture->sink, format, 0, &text, &size), 0);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
