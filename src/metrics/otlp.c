// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/otlp.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "metrics/sink_prometheus_data.h"

/* enum AggregationTemporality of opentelemetry/proto/metrics/v1/metrics.proto. */
#define CUMULATIVE 2
#define NS_PER_SECOND 1000000000ULL
#define TYPE "system.paging.fault.type"
#define GROUP "faultmap.group"

/* In JSON of protobuf a number of 64 bits is a string. */
static json_t *number(uint64_t value)
{
	return json_sprintf("%" PRIu64, value);
}

static json_t *nanoseconds(struct timespec time)
{
	return number((uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec);
}

static json_t *attributes(const struct label *labels)
{
	json_t *list = json_array();

	for (; labels->name; labels++)
		json_array_append_new(list, json_pack("{s:s, s:{s:s}}", "key", labels->name,
						      "value", "stringValue", labels->value));
	return list;
}

/* The points of one metric. */
struct points {
	json_t *list;
	struct timespec now;
};

static void add_point(struct points *points, const struct label *labels, struct timespec since,
		      const char *key, json_t *value)
{
	json_array_append_new(points->list,
			      json_pack("{s:o, s:o, s:o, s:o}", "attributes", attributes(labels),
					"startTimeUnixNano", nanoseconds(since), "timeUnixNano",
					nanoseconds(points->now), key, value));
}

static void add_count(struct points *points, const struct label *labels, struct timespec since,
		      uint64_t value)
{
	add_point(points, labels, since, "asInt", number(value));
}

/* A metric without points is left out. */
static void add_sum(json_t *metrics, const char *name, const char *unit, const char *description,
		    struct points *points)
{
	if (!json_array_size(points->list)) {
		json_decref(points->list);
		return;
	}
	json_array_append_new(metrics,
			      json_pack("{s:s, s:s, s:s, s:{s:o, s:i, s:b}}", "name", name, "unit",
					unit, "description", description, "sum", "dataPoints",
					points->list, "aggregationTemporality", CUMULATIVE,
					"isMonotonic", 1));
}

static void add_faults_of_system(json_t *metrics, const struct sink_prometheus *sink,
				 struct timespec now)
{
	struct points points = { json_array(), now };

	add_count(&points, LABELS({ TYPE, "minor" }), sink->options.started, sink->accounted_minor);
	add_count(&points, LABELS({ TYPE, "major" }), sink->options.started, sink->accounted_major);
	add_sum(metrics, "system.paging.faults", "{fault}",
		"Page faults of all processes as the kernel accounts them.", &points);
}

static void add_group(struct points *points, const struct group *group)
{
	add_count(points, LABELS({ GROUP, group->label }, { TYPE, "minor" }), group->created,
		  group->counts->accounted_minor);
	add_count(points, LABELS({ GROUP, group->label }, { TYPE, "major" }), group->created,
		  group->counts->accounted_major);
}

static void add_faults_of_processes(json_t *metrics, const struct sink_prometheus *sink,
				    struct timespec now)
{
	const struct groups *groups = &sink->groups;
	struct points points = { json_array(), now };

	for (size_t i = 0; i < groups->n_groups; i++)
		if (groups->groups[i]->counts)
			add_group(&points, groups->groups[i]);
	add_group(&points, groups->other);
	add_sum(metrics, "process.paging.faults", "{fault}",
		"Page faults of the group's processes as the kernel accounts them.", &points);
}

static void add_kinds(struct points *points, const struct group *group)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			if (group->counts->faults[kind][severity])
				add_count(points,
					  LABELS({ GROUP, group->label },
						 { "faultmap.kind", kind_name(kind) },
						 { "faultmap.severity", severity_names[severity] }),
					  group->created, group->counts->faults[kind][severity]);
}

static void add_faults_by_kind(json_t *metrics, const struct sink_prometheus *sink,
			       struct timespec now)
{
	const struct groups *groups = &sink->groups;
	struct points points = { json_array(), now };

	for (size_t i = 0; i < groups->n_groups; i++)
		if (groups->groups[i]->counts)
			add_kinds(&points, groups->groups[i]);
	add_kinds(&points, groups->other);
	add_sum(metrics, "faultmap.group.faults", "{fault}",
		"Page faults by group, kind and severity.", &points);
}

static void add_stall(struct points *points, const struct group *group)
{
	add_point(points, LABELS({ GROUP, group->label }), group->created, "asDouble",
		  json_real((double)group->counts->stalls.sum_ns / 1e9));
}

static void add_stalls_of_groups(json_t *metrics, const struct sink_prometheus *sink,
				 struct timespec now)
{
	const struct groups *groups = &sink->groups;
	struct points points = { json_array(), now };

	for (size_t i = 0; i < groups->n_groups; i++)
		if (groups->groups[i]->counts)
			add_stall(&points, groups->groups[i]);
	add_stall(&points, groups->other);
	add_sum(metrics, "faultmap.group.stall.time", "s",
		"How long the group's page faults stalled, of those that were timed.", &points);
}

int otlp_render(const struct sink_prometheus *sink, const char *host, struct timespec now,
		char **ret_text, size_t *ret_size)
{
	json_t *resource = attributes(LABELS({ "service.name", "faultmap" },
					     { "service.version", FAULTMAP_VERSION },
					     { "host.name", host }));
	json_t *metrics = json_array();
	json_t *root;

	add_faults_of_system(metrics, sink, now);
	add_faults_of_processes(metrics, sink, now);
	add_faults_by_kind(metrics, sink, now);
	add_stalls_of_groups(metrics, sink, now);
	root = json_pack("{s:[{s:{s:o}, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceMetrics", "resource",
			 "attributes", resource, "scopeMetrics", "scope", "name", "faultmap",
			 "version", FAULTMAP_VERSION, "metrics", metrics);

	*ret_text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (!*ret_text)
		return -ENOMEM;
	*ret_size = strlen(*ret_text);
	return 0;
}
