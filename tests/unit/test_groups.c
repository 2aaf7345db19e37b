// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must hold of any two scrapes, however groups and mappings come and go: below the limit, no
 * counter goes down, each family's sum is what was really counted, and what a Prometheus server
 * sums up as increase is that, too. Processes are drawn at random, from fixed seeds, and counted
 * here as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/figures.h"
#include "metrics/sink_prometheus.h"
#include "scrape.h"
#include "stall.h"
#include "range.h"

#define MAX_LIVE 400
#define MAX_TICKS 200

/* What everything adds up to. */
struct truth {
	uint64_t faults, pages, stalls, accounted, processes, rss_bytes, vsz_bytes;
};

struct world {
	struct sink_prometheus *sink;
	struct snapshot *snapshot;
	struct process *live[MAX_LIVE];
	size_t n_live;
	uint64_t births, ticks;
	unsigned int seed;
	size_t max_series;
	struct truth truth;
	struct scrape before[2]; /* by enum exposition */
	void *seen;              /* tsearch(3) tree of struct seen, of the text format */
	size_t n_compared, n_returned;
	uint64_t faults[MAX_TICKS]; /* truth.faults at each tick */
	/* What two servers have seen increase since their first scrape, the one at each tick, the
	 * other at each third, and what it had to be. */
	bool has_servers;
	struct server {
		struct scrape before;
		struct truth first, now;
		double faults, mappings, accounted, stalls, pages;
	} servers[2];
};

/* When a series was last there, and what it was then. */
struct seen {
	char *series;
	double value;
	uint64_t tick;
};
#define STAY_OUT_TICKS 30 /* of ten seconds */

static int compare_seen(const void *left, const void *right)
{
	return strcmp(((const struct seen *)left)->series, ((const struct seen *)right)->series);
}

static void free_seen(void *seen)
{
	free(((struct seen *)seen)->series);
	free(seen);
}

static unsigned int draw(struct world *world, unsigned int below)
{
	return (unsigned int)rand_r(&world->seed) % below;
}

static void world_init(struct world *world, unsigned int seed, enum group_by group_by,
		       uint64_t top_mappings, size_t max_series)
{
	*world = (struct world){ .seed = seed, .max_series = max_series };
	world->sink = sink_prometheus_new(
		&(struct sink_prometheus_options){ .group_by = group_by,
						   .top_mappings = top_mappings,
						   .max_series = max_series,
						   .started = { 1795342000, 0 } });
	world->snapshot = snapshot_new();
	assert_true(world->sink && world->snapshot);
	snapshot_begin(world->snapshot);
}

static void world_clear(struct world *world)
{
	sink_prometheus_free(world->sink);
	snapshot_free(world->snapshot);
	scrape_free(&world->before[EXPOSITION_TEXT]);
	scrape_free(&world->before[EXPOSITION_OPENMETRICS]);
	scrape_free(&world->servers[0].before);
	scrape_free(&world->servers[1].before);
	tdestroy(world->seen, free_seen);
}

/* A process of one of some programs: a few that are common, and many that are rare. */
static struct process *give_birth(struct world *world)
{
	uint64_t born = ++world->births;
	struct process *process = snapshot_process(world->snapshot, (uint32_t)born, born, NULL);
	unsigned int program = draw(world, 2) ? draw(world, 10) : draw(world, 500);

	assert_non_null(process);
	snprintf(process->comm, sizeof(process->comm), "program%u", program);
	process->uid = program % 7;
	process->cgroup = snapshot_intern(world->snapshot, "/");
	process->rss_bytes = draw(world, 1000);
	process->vsz_bytes = draw(world, 1000000);
	return process;
}

/* A row of the process, with new faults. */
static void fault(struct world *world, struct process *process)
{
	uint64_t which = draw(world, 4) ? draw(world, 4) : draw(world, 300);
	unsigned int kind = draw(world, KIND_COUNT), many = draw(world, 20) ? 10 : 10000;
	struct fault_counts add = { .pages = draw(world, 100) };
	char mapping[32];
	struct row *row = snapshot_row(world->snapshot, process, process->start_ns << 16 | which,
				       kind, 1 + draw(world, 3), draw(world, 2), NULL);

	assert_non_null(row);
	snprintf(mapping, sizeof(mapping), "/lib/%d", (int)which);
	row->mapping = snapshot_intern(world->snapshot, mapping);
	if (kind >= KIND_FIRST_DENIED)
		add.denied = draw(world, many);
	else if (draw(world, 4))
		add.minor = draw(world, many);
	else
		add.major = draw(world, 10);
	row->now.minor += add.minor;
	row->now.major += add.major;
	row->now.denied += add.denied;
	row->now.pages += add.pages;
	process->minor += add.minor;
	process->major += add.major;
	world->truth.faults += add.minor + add.major + add.denied;
	world->truth.accounted += add.minor + add.major;
	world->truth.pages += add.pages;
	if (add.minor && !draw(world, 3)) {
		stall(row, draw(world, 1000000000));
		world->truth.stalls++;
	}
}

/* An interval of births, faults and deaths. In some, nothing at all happens. */
static void live_on(struct world *world)
{
	size_t kept = 0;

	snapshot_begin(world->snapshot);
	world->truth.processes = world->truth.rss_bytes = world->truth.vsz_bytes = 0;
	if (draw(world, 10))
		for (unsigned int i = draw(world, 60); i > 0 && world->n_live < MAX_LIVE; i--)
			world->live[world->n_live++] = give_birth(world);
	for (size_t i = 0; i < world->n_live; i++) {
		struct process *process = world->live[i];

		if (!draw(world, 2))
			fault(world, process);
		if (!draw(world, 50))
			strcpy(process->comm, "sh"); /* exec */
		process->ended = !draw(world, 10);
		if (process->ended)
			continue;
		world->live[kept++] = process;
		world->truth.processes++;
		world->truth.rss_bytes += process->rss_bytes;
		world->truth.vsz_bytes += process->vsz_bytes;
	}
	world->n_live = kept;
}

/* Nothing is less than when it was last seen, but for what was gone for so long that all know. */
static void nothing_went_down(struct world *world, const struct scrape *now)
{
	for (size_t i = 0; i < now->count; i++) {
		const struct sample *sample = &now->samples[i];
		struct seen key = { .series = sample->series }, *seen, **found;

		if (sample->type != 'c' && sample->type != 'h')
			continue;
		found = tfind(&key, &world->seen, compare_seen);
		if (!found) {
			seen = calloc(1, sizeof(*seen));
			seen->series = strdup(sample->series);
			found = tsearch(seen, &world->seen, compare_seen);
		}
		seen = *found;
		world->n_compared++;
		if (sample->value < seen->value) {
			if (world->ticks - seen->tick <= STAY_OUT_TICKS)
				fail_msg("%s went down from %f to %s", sample->series, seen->value,
					 sample->value_text);
			world->n_returned++;
		}
		seen->value = sample->value;
		seen->tick = world->ticks;
	}
}

/* A family's sum, with what its series had counted that have ended. */
static double sum_with_ended(const struct scrape *now, const char *name, const char *of)
{
	char label[64];

	snprintf(label, sizeof(label), "family=\"%s\"", of);
	return scrape_sum(now, name, "") + scrape_sum(now, "faultmap_series_ended_total", label);
}

static void sums_are_true(const struct world *world, const struct scrape *now, bool has_mappings)
{
	const struct truth *truth = &world->truth;

	assert_true(scrape_sum(now, "faultmap_faults_total", "") == (double)truth->faults);
	assert_true(sum_with_ended(now, "faultmap_group_faults_total", "group_faults") ==
		    (double)truth->faults);
	if (has_mappings)
		assert_true(sum_with_ended(now, "faultmap_mapping_faults_total",
					   "mapping_faults") == (double)truth->faults);
	assert_true(sum_with_ended(now, "faultmap_group_pages_total", "group_pages") ==
		    (double)truth->pages);
	assert_true(sum_with_ended(now, "faultmap_group_stall_seconds_count",
				   "group_stall_seconds") == (double)truth->stalls);
	assert_true(scrape_sum(now, "faultmap_group_stall_seconds_bucket", "le=\"+Inf\"") ==
		    scrape_sum(now, "faultmap_group_stall_seconds_count", ""));
	assert_true(sum_with_ended(now, "faultmap_group_faults_accounted_total",
				   "group_faults_accounted") == (double)truth->accounted);
	assert_true(scrape_sum(now, "faultmap_group_processes", "") == (double)truth->processes);
	assert_true(scrape_sum(now, "faultmap_group_resident_bytes", "") ==
		    (double)truth->rss_bytes);
	assert_true(scrape_sum(now, "faultmap_group_virtual_bytes", "") ==
		    (double)truth->vsz_bytes);
}

static void check_format(struct world *world, enum exposition format, bool has_mappings)
{
	struct scrape now;
	char *text;
	size_t size;

	assert_int_equal(sink_prometheus_render(world->sink, format, 0, &text, &size), 0);
	now = scrape_read(text, size, format == EXPOSITION_OPENMETRICS);
	assert_in_range(now.count, 30, world->max_series);
	if (format == EXPOSITION_OPENMETRICS)
		assert_true(scrape_value(&now, "faultmap_series") == (double)now.count);
	if (format == EXPOSITION_TEXT)
		nothing_went_down(world, &now);
	sums_are_true(world, &now, has_mappings);
	scrape_free(&world->before[format]);
	world->before[format] = now;
}

/* As increase() does: over series that are in both scrapes, and nothing of one that is new. */
static double increase(const struct scrape *before, const struct scrape *now, const char *name)
{
	double sum = 0;

	for (size_t i = 0; i < now->count; i++) {
		const struct sample *sample = &now->samples[i];
		const struct sample *then;

		if (strncmp(sample->series, name, strlen(name)) != 0)
			continue;
		then = bsearch(sample, before->samples, before->count, sizeof(*sample),
			       compare_samples);
		if (then)
			sum += sample->value - then->value;
		else
			assert_true(sample->value == 0);
	}
	return sum;
}

static void scrape_as_server(struct world *world, struct server *server, uint64_t reader)
{
	struct scrape now;
	char *text;
	size_t size;

	assert_int_equal(sink_prometheus_render(world->sink, EXPOSITION_TEXT, reader, &text, &size),
			 0);
	now = scrape_read(text, size, false);
	if (!server->before.count)
		server->first = world->truth;
	if (server->before.count) {
		server->faults += increase(&server->before, &now, "faultmap_group_faults_total");
		server->mappings += increase(&server->before, &now,
					     "faultmap_mapping_faults_total");
		server->accounted += increase(&server->before, &now,
					      "faultmap_group_faults_accounted_total");
		server->stalls += increase(&server->before, &now,
					   "faultmap_group_stall_seconds_count");
		server->pages += increase(&server->before, &now, "faultmap_group_pages_total");
	}
	server->now = world->truth;
	scrape_free(&server->before);
	server->before = now;
}

/* All but what a series counted last that had to end before it was seen, because others grew. */
static void nearly_equal(double value, uint64_t truth)
{
	assert_true(truth > 0 && value <= (double)truth);
	if (value < 0.995 * (double)truth)
		fail_msg("%.0f where %.0f is true", value, (double)truth);
}

/* Behind is only what a series counted before the server's first look at it: at its next one the
 * server has that as well. */
static void increases_are_true(struct world *world, bool has_mappings)
{
	for (int i = 0; i < 2; i++) {
		struct server *server = &world->servers[i];
		struct truth then = server->now;

		for (int times = 0; times < 2; times++) /* nothing happens in between */
			scrape_as_server(world, server, (uint64_t)i + 1);
		then = server->first;
		nearly_equal(server->faults, server->now.faults - then.faults);
		if (has_mappings)
			nearly_equal(server->mappings, server->now.faults - then.faults);
		nearly_equal(server->accounted, server->now.accounted - then.accounted);
		nearly_equal(server->stalls, server->now.stalls - then.stalls);
		nearly_equal(server->pages, server->now.pages - then.pages);
	}
}

static uint64_t sum_of(struct figures figures)
{
	return figures.faults[SEVERITY_MINOR] + figures.faults[SEVERITY_MAJOR] +
	       figures.faults[SEVERITY_DENIED];
}

/* Of late, no mapping has more than its group. */
static void mappings_are_parts(const struct group *group)
{
	uint64_t left[SEVERITY_COUNT];

	memcpy(left, figures_of_counts(group).faults, sizeof(left));
	for (size_t i = 0; i < group->mappings.n_slots; i++) {
		const struct mapping_series *series = &group->mappings.slots[i];

		for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
			uint64_t recent = series->faults[severity] -
					  series->then[RECENT_BLOCKS - 1][severity];

			assert_true(recent <= left[severity]);
			left[severity] -= recent;
		}
	}
}

/* What groups did of late adds up to what was done then, of those with series and of all, whoever
 * was put out, came back or is gone. */
static void recent_sums_are_true(struct world *world)
{
	const struct groups *groups = sink_prometheus_groups(world->sink);
	uint64_t ticks = recent_ns(&groups->recent) / 10000000000;
	uint64_t shown = sum_of(figures_of_counts(groups->other));
	uint64_t all = sum_of(figures_of_group(groups->other));

	world->faults[world->ticks - 1] = world->truth.faults;
	if (!ticks) /* tick 0 is no interval: per second it is 0 */
		return;
	assert_in_range(ticks, world->ticks > 3 ? 3 : world->ticks - 1, 6);
	for (size_t i = 0; i < groups->n_groups; i++) {
		const struct group *group = groups->groups[i];

		all += sum_of(figures_of_group(group));
		if (!group->counts)
			continue;
		shown += sum_of(figures_of_counts(group));
		mappings_are_parts(group);
	}
	assert_int_equal(shown, world->truth.faults - world->faults[world->ticks - 1 - ticks]);
	assert_int_equal(all, shown);
}

static void count_and_check(struct world *world, bool has_mappings)
{
	const struct timespec now = { 1795342001 + (time_t)world->ticks * 10, 0 };

	snapshot_seal(world->snapshot, now, 10000000000);
	world->snapshot->tick = world->ticks++;
	sink_prometheus_tick(world->sink, world->snapshot, NULL);
	recent_sums_are_true(world);
	check_format(world, EXPOSITION_TEXT, has_mappings);
	check_format(world, EXPOSITION_OPENMETRICS, has_mappings);
	if (!world->has_servers)
		return;
	scrape_as_server(world, &world->servers[0], 1);
	if (world->ticks % 3 == 0)
		scrape_as_server(world, &world->servers[1], 2);
}

static double last(const struct world *world, const char *series)
{
	return scrape_value(&world->before[EXPOSITION_TEXT], series);
}

static void sums_stay_while_groups_come_and_go(void **state)
{
	struct world world;

	(void)state;
	for (unsigned int seed = 3; seed <= 4; seed++) {
		world_init(&world, seed, GROUP_BY_COMM, seed % 2 ? 4 : 0, 1400);
		world.has_servers = true;
		for (int i = 0; i < 110; i++) {
			live_on(&world);
			count_and_check(&world, seed % 2);
		}
		increases_are_true(&world, seed % 2);
		/* It did happen, and not all the time. */
		assert_true(last(&world, "faultmap_groups") > 1);
		assert_in_range(last(&world, "faultmap_groups_evicted_total"), 10, 1500);
		assert_true(world.n_compared > 10000 && world.n_returned > 0);
		world_clear(&world);
	}
}

static void sums_stay_while_mappings_come_and_go(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 4, GROUP_BY_UID, 10, 1400);
	world.has_servers = true;
	for (int i = 0; i < 50; i++) {
		live_on(&world);
		count_and_check(&world, true);
	}
	increases_are_true(&world, true);
	assert_true(last(&world, "faultmap_groups") > 1);
	assert_true(last(&world, "faultmap_mappings_evicted_total") > 10);
	world_clear(&world);
}

/* Bytes as a hostile user may choose them: anything but the NUL. */
static void hostile(struct world *world, char *buffer, size_t size)
{
	static const char favourites[] = "\"\\\n\r\t{}=,# \xff\xc3\xed\xa0\x80\xf4";

	for (size_t i = 0; i + 1 < size; i++)
		buffer[i] = draw(world, 2) ? favourites[draw(world, sizeof(favourites) - 1)] :
					     (char)(1 + draw(world, 255));
	buffer[size - 1] = '\0';
}

static void hostile_storm(enum group_by group_by)
{
	struct world world;
	static char path[4096];

	world_init(&world, 5, group_by, 5, 2000);
	for (int i = 0; i < 10000; i++) {
		uint64_t born = ++world.births;
		struct process *process = snapshot_process(world.snapshot, (uint32_t)born, born,
							   NULL);
		struct row *row = snapshot_row(world.snapshot, process, born, KIND_FILE_MAP,
					       ACCESS_READ, MODE_USER, NULL);

		hostile(&world, process->comm, sizeof(process->comm));
		hostile(&world, path, 2 + draw(&world, sizeof(path) - 2));
		path[0] = '/';
		row->mapping = snapshot_intern(world.snapshot, path);
		process->cgroup = row->mapping;
		row->now.minor = process->minor = 1;
		world.truth.faults++;
		world.truth.accounted++;
		process->ended = true;
		if (i % 1000 == 999) {
			count_and_check(&world, true);
			snapshot_begin(world.snapshot);
		}
	}
	assert_true(last(&world, "faultmap_groups") > 20);
	world_clear(&world);
}

static void hostile_names_stay_within_the_limit(void **state)
{
	(void)state;
	hostile_storm(GROUP_BY_COMM);
	hostile_storm(GROUP_BY_CGROUP);
	hostile_storm(GROUP_BY_UNIT);
}

/* The place of the weakest goes to who has twice as much; that one comes back with a new life. */
static void a_group_that_comes_back_begins_at_0(void **state)
{
	struct world world;
	struct process *strong;
	struct row *row;
	const char *series = "faultmap_group_faults_total{group=\"late\",kind=\"demand_zero\","
			     "severity=\"minor\"}";

	(void)state;
	world_init(&world, 6, GROUP_BY_COMM, 0, 1300);
	for (int i = 0; i < 200; i++) {
		struct process *process = give_birth(&world);

		snprintf(process->comm, sizeof(process->comm), "early%d", i);
		process->rss_bytes = process->vsz_bytes = 0;
		world.truth.processes++;
	}
	for (int i = 0; i < 30; i++) { /* each lets some in, until it is full */
		count_and_check(&world, false);
		snapshot_begin(world.snapshot);
	}
	assert_in_range(last(&world, "faultmap_groups"), 100, 199);
	assert_true(last(&world, "faultmap_groups_evicted_total") == 0);
	strong = snapshot_process(world.snapshot, 1000000, 1, NULL);
	strcpy(strong->comm, "late");
	row = snapshot_row(world.snapshot, strong, 1, KIND_DEMAND_ZERO, ACCESS_WRITE, MODE_USER,
			   NULL);
	world.truth.processes++;
	for (int i = 0; i < 2; i++) {
		snapshot_row(world.snapshot, strong, 1, KIND_DEMAND_ZERO, ACCESS_WRITE, MODE_USER,
			     NULL);
		row->now.minor += 100;
		world.truth.faults += 100;
		count_and_check(&world, false);
		snapshot_begin(world.snapshot);
	}
	/* The first 100 are history of other; the second are its own. */
	assert_true(last(&world, series) == 100);
	assert_true(last(&world, "faultmap_groups_evicted_total") >= 1);
	world_clear(&world);
}

/* 80 groups with ten mappings each, all of which fault a little. */
static void fault_a_little(struct world *world)
{
	char name[16];

	for (uint64_t i = 0; i < 80; i++) {
		struct process *process = snapshot_process(world->snapshot, (uint32_t)i + 1, 1,
							   NULL);

		snprintf(process->comm, sizeof(process->comm), "early%d", (int)i);
		for (uint64_t j = 0; j < 10; j++) {
			struct row *row = snapshot_row(world->snapshot, process, i * 100 + j,
						       KIND_FILE_MAP, ACCESS_READ, MODE_USER, NULL);

			snprintf(name, sizeof(name), "/file%d", (int)j);
			row->mapping = snapshot_intern(world->snapshot, name);
			row->now.minor++;
			world->truth.faults++;
		}
	}
}

/* Though all room for mappings is taken by groups that were there before. */
static void a_strong_mapping_finds_its_place(void **state)
{
	struct process *late;
	struct world world;
	struct row *row;

	(void)state;
	world_init(&world, 7, GROUP_BY_COMM, 10, 1300);
	late = snapshot_process(world.snapshot, 1000, 1, NULL);
	strcpy(late->comm, "late");
	row = snapshot_row(world.snapshot, late, 100000, KIND_FILE_MAP, ACCESS_READ, MODE_USER,
			   NULL);
	row->mapping = snapshot_intern(world.snapshot, "/hot");
	world.truth.processes = 81;
	for (int i = 0; i < 10; i++) {
		fault_a_little(&world);
		count_and_check(&world, true);
		snapshot_begin(world.snapshot);
	}
	assert_in_range(last(&world, "faultmap_series"), 1210, 1300);
	for (int i = 0; i < 5; i++) {
		snapshot_row(world.snapshot, late, 100000, KIND_FILE_MAP, ACCESS_READ, MODE_USER,
			     NULL);
		row->now.minor += 1000;
		world.truth.faults += 1000;
		count_and_check(&world, true);
		snapshot_begin(world.snapshot);
	}
	assert_in_range(last(&world, "faultmap_mapping_faults_total{group=\"late\","
				     "mapping=\"/hot\",severity=\"minor\"}"),
			3000, 5000);
	assert_true(last(&world, "faultmap_mappings_evicted_total") > 0);
	world_clear(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_stay_while_groups_come_and_go),
		cmocka_unit_test(sums_stay_while_mappings_come_and_go),
		cmocka_unit_test(hostile_names_stay_within_the_limit),
		cmocka_unit_test(a_group_that_comes_back_begins_at_0),
		cmocka_unit_test(a_strong_mapping_finds_its_place),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
