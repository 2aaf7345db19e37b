// SPDX-License-Identifier: GPL-2.0-only
/* How groups and their mappings are printed, and how many series that comes to. */
#include <string.h>
#include <unistd.h>

#include "metrics/sink_prometheus_data.h"
#include "model/stall_causes.h"

/* 2^12, 2^16, ... 2^32 ns: 4 us, 66 us, 1 ms, 17 ms, 268 ms, 4 s. Each series counts, and there are
 * many groups; the histogram by kind has all bounds. */
static const struct bucket_choice group_buckets = { .first = 12 - LATENCY_FIRST_LOG2, .step = 4 };
/* Of a group whose buckets found no room: +Inf, the sum and the count. */
static const struct bucket_choice no_buckets = { .first = LATENCY_BUCKETS, .step = 1 };

/* There is no _created: it would be one more series for each, and what was not there is 0 first. */
static struct birth born(uint64_t tick)
{
	return (struct birth){ .tick = tick };
}

static void print_group_faults(struct writer *writer, const struct group *group)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			if (group->counts->faults[kind][severity])
				exposition_counter(writer, METRIC_GROUP_FAULTS,
						   LABELS({ "group", group->label },
							  { "kind", kind_name(kind) },
							  { "severity", severity_names[severity] }),
						   group->counts->faults[kind][severity],
						   born(group->births->faults[kind][severity]));
}

static void print_causes(struct writer *writer, const struct group *group)
{
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		if (group->counts->causes.sum_ns[cause])
			exposition_counter_ns(writer, METRIC_GROUP_STALL_CAUSE,
					      LABELS({ "group", group->label },
						     { "cause", stall_cause_name(cause) }),
					      group->counts->causes.sum_ns[cause],
					      born(group->births->causes[cause]));
}

static void print_accounted(struct writer *writer, const struct group *group)
{
	exposition_counter(writer, METRIC_GROUP_ACCOUNTED,
			   LABELS({ "group", group->label }, { "severity", "minor" }),
			   group->counts->accounted_minor, born(group->births->group));
	exposition_counter(writer, METRIC_GROUP_ACCOUNTED,
			   LABELS({ "group", group->label }, { "severity", "major" }),
			   group->counts->accounted_major, born(group->births->group));
}

/* Labels that have nothing to say are left out. */
static void print_info(struct writer *writer, const struct group *group)
{
	static const struct pod no_pod;
	const struct pod *pod = group->pod ?: &no_pod;
	struct label labels[8] = {}, *next = labels;

	if (!group->unit)
		return;
	*next++ = (struct label){ "group", group->label };
	*next++ = (struct label){ "runtime", group->unit->runtime };
	*next++ = (struct label){ "container_id", group->unit->container_id };
	*next++ = (struct label){ "pod_uid", group->unit->pod_uid };
	if (*pod->space)
		*next++ = (struct label){ "namespace", pod->space };
	if (*pod->name)
		*next++ = (struct label){ "pod", pod->name };
	if (*pod->container)
		*next++ = (struct label){ "container", pod->container };
	exposition_info(writer, METRIC_GROUP_INFO, labels);
}

/* The group's part in one family. */
static void print_group(struct writer *writer, enum metric metric, const struct group *group)
{
	const struct label *labels = LABELS({ "group", group->label });

	switch (metric) {
	case METRIC_GROUP_FAULTS:
		print_group_faults(writer, group);
		break;
	case METRIC_GROUP_PAGES:
		exposition_counter(writer, metric, labels, group->counts->pages,
				   born(group->births->group));
		break;
	case METRIC_GROUP_COW:
		if (group->counts->cow_pages)
			exposition_counter(writer, metric, labels,
					   group->counts->cow_pages *
						   (uint64_t)sysconf(_SC_PAGESIZE),
					   born(group->births->cow));
		break;
	case METRIC_GROUP_STALL:
		if (group->counts->stalls.count)
			exposition_histogram(writer, metric, labels, &group->counts->stalls,
					     group->has_buckets ? group_buckets : no_buckets,
					     born(group->births->stalls));
		break;
	case METRIC_GROUP_STALL_CAUSE:
		print_causes(writer, group);
		break;
	case METRIC_GROUP_REFAULTS:
		if (group->counts->causes.refaults)
			exposition_counter(writer, metric, labels, group->counts->causes.refaults,
					   born(group->births->refaults));
		break;
	case METRIC_GROUP_ACCOUNTED:
		print_accounted(writer, group);
		break;
	case METRIC_GROUP_RESIDENT:
		if (!group->left_tick)
			exposition_gauge(writer, metric, labels, group->gauges.rss_bytes);
		break;
	case METRIC_GROUP_VIRTUAL:
		if (!group->left_tick)
			exposition_gauge(writer, metric, labels, group->gauges.vsz_bytes);
		break;
	case METRIC_GROUP_PROCESSES:
		if (!group->left_tick)
			exposition_gauge(writer, metric, labels, group->gauges.processes);
		break;
	case METRIC_GROUP_INFO:
		print_info(writer, group);
		break;
	default:
		break;
	}
}

static void print_mapping(struct writer *writer, const struct group *group,
			  const struct mapping_series *series)
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		if (series->faults[severity])
			exposition_counter(writer, METRIC_MAPPING_FAULTS,
					   LABELS({ "group", group->label },
						  { "mapping", series->label },
						  { "severity", severity_names[severity] }),
					   series->faults[severity], born(series->born[severity]));
}

/* The mapping other: what no series counted. */
static void print_rest(struct writer *writer, const struct group *group)
{
	const struct top_mappings *top = &group->mappings;

	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		if (top->rest[severity])
			exposition_counter(writer, METRIC_MAPPING_FAULTS,
					   LABELS({ "group", group->label }, { "mapping", "other" },
						  { "severity", severity_names[severity] }),
					   top->rest[severity], born(top->rest_born[severity]));
}

static void print_mappings(struct writer *writer, const struct group *group)
{
	for (size_t i = 0; i < group->mappings.n_slots; i++)
		if (mapping_is_exposed(&group->mappings.slots[i]))
			print_mapping(writer, group, &group->mappings.slots[i]);
	print_rest(writer, group);
}

/* A counter of what ended in one family. */
static void print_ended_of(struct writer *writer, enum metric of, int severity, uint64_t value,
			   struct birth birth)
{
	const char *family = metrics[of].name + strlen("faultmap_");

	exposition_counter(writer, METRIC_SERIES_ENDED,
			   severity < 0 ? LABELS({ "family", family }) :
					  LABELS({ "family", family },
						 { "severity", severity_names[severity] }),
			   value, birth);
}

void sink_prometheus_print_ended(struct writer *writer, const struct groups *groups,
				 struct birth birth)
{
	const struct group_counts *ended = &groups->ended;

	exposition_family(writer, METRIC_SERIES_ENDED);
	for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
		uint64_t sum = 0;

		for (int kind = 0; kind < KIND_COUNT; kind++)
			sum += ended->faults[kind][severity];
		print_ended_of(writer, METRIC_GROUP_FAULTS, severity, sum, birth);
		if (groups->top_mappings)
			print_ended_of(writer, METRIC_MAPPING_FAULTS, severity,
				       groups->mapping_faults_ended[severity], birth);
	}
	print_ended_of(writer, METRIC_GROUP_ACCOUNTED, SEVERITY_MINOR, ended->accounted_minor,
		       birth);
	print_ended_of(writer, METRIC_GROUP_ACCOUNTED, SEVERITY_MAJOR, ended->accounted_major,
		       birth);
	print_ended_of(writer, METRIC_GROUP_PAGES, -1, ended->pages, birth);
	print_ended_of(writer, METRIC_GROUP_STALL, -1, ended->stalls.count, birth);
}

void sink_prometheus_print_groups(struct writer *writer, const struct groups *groups)
{
	for (enum metric metric = METRIC_GROUP_FAULTS; metric <= METRIC_GROUP_INFO; metric++) {
		exposition_family(writer, metric);
		for (size_t i = 0; i < groups->n_groups; i++)
			if (groups->groups[i]->counts)
				print_group(writer, metric, groups->groups[i]);
		print_group(writer, metric, groups->other);
	}
	if (!groups->top_mappings)
		return;
	exposition_family(writer, METRIC_MAPPING_FAULTS);
	for (size_t i = 0; i < groups->n_groups; i++)
		if (groups->groups[i]->counts)
			print_mappings(writer, groups->groups[i]);
	print_mappings(writer, groups->other);
}

size_t sink_prometheus_group_cost(const struct group *group)
{
	struct writer writer = {};

	for (enum metric metric = METRIC_GROUP_FAULTS; metric <= METRIC_GROUP_INFO; metric++)
		print_group(&writer, metric, group);
	return writer.n_series;
}

/* With the mapping other. */
size_t sink_prometheus_group_cost_with_mappings(const struct group *group)
{
	struct writer writer = {};

	print_rest(&writer, group);
	return writer.n_series + sink_prometheus_group_cost(group);
}

size_t sink_prometheus_mapping_cost(const struct group *group)
{
	struct writer writer = {};

	for (size_t i = 0; i < group->mappings.n_slots; i++)
		if (mapping_is_exposed(&group->mappings.slots[i]))
			print_mapping(&writer, group, &group->mappings.slots[i]);
	return writer.n_series;
}
