// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/group_detail.h"

#include <errno.h>
#include <string.h>

#include "metrics/figures.h"
#include "model/latency.h"

static bool is_any(const uint64_t faults[SEVERITY_COUNT])
{
	return faults[SEVERITY_MINOR] || faults[SEVERITY_MAJOR] || faults[SEVERITY_DENIED];
}

static void append(json_t *list, const char *name, const uint64_t recent[SEVERITY_COUNT],
		   const uint64_t total[SEVERITY_COUNT], double seconds)
{
	json_t *object;

	if (!is_any(total))
		return;
	object = json_pack("{s:s}", "name", name);
	figures_put_faults(object, recent, seconds);
	figures_put_totals(object, total);
	json_array_append_new(list, object);
}

static json_t *list_kinds(const struct group *group, double seconds)
{
	json_t *list = json_array();

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct figures recent = figures_of_kind(group, kind);

		append(list, kind_name(kind), recent.faults, group->counts->faults[kind], seconds);
	}
	return list;
}

/* All that the group has, of late and in all. */
static void sum_kinds(const struct group *group, uint64_t recent[SEVERITY_COUNT],
		      uint64_t total[SEVERITY_COUNT])
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct figures figures = figures_of_kind(group, kind);

		for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
			recent[severity] += figures.faults[severity];
			total[severity] += group->counts->faults[kind][severity];
		}
	}
}

/* The mappings as /metrics has them; `other` has the faults of the group in no mapping of the
 * list. */
static json_t *list_mappings(const struct group *group, double seconds)
{
	uint64_t rest[SEVERITY_COUNT] = {}, rest_total[SEVERITY_COUNT] = {};
	json_t *list = json_array();

	sum_kinds(group, rest, rest_total);
	for (size_t i = 0; i < group->mappings.n_slots; i++) {
		const struct mapping_series *series = &group->mappings.slots[i];
		uint64_t recent[SEVERITY_COUNT];

		if (!series->shown)
			continue;
		for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
			recent[severity] = series->faults[severity] -
					   series->then[RECENT_BLOCKS - 1][severity];
			rest[severity] -= recent[severity];
			rest_total[severity] -= series->faults[severity];
		}
		append(list, series->label, recent, series->faults, seconds);
	}
	append(list, "other", rest, rest_total, seconds);
	return list;
}

/* Each bucket alone, not with those below; the last one is for what was longer than all bounds. */
static json_t *list_buckets(const struct latency_counts *now, const struct latency_counts *then)
{
	uint64_t count = now->count - then->count, sum = 0;
	json_t *list = json_array();

	for (int i = 0; i < LATENCY_BUCKETS; i++) {
		uint64_t stalls = now->buckets[i] - then->buckets[i];

		json_array_append_new(list, json_integer((json_int_t)stalls));
		sum += stalls;
	}
	/* The kernel side is read while it counts: a bucket may be ahead of the count. */
	json_array_append_new(list, json_integer(count > sum ? (json_int_t)(count - sum) : 0));
	return list;
}

static json_t *list_bounds(void)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		json_array_append_new(list, json_real((double)latency_bound_ns(i) / 1e9));
	return list;
}

static json_t *describe_stalls(const struct group *group)
{
	const struct latency_counts *now = &group->counts[0].stalls;
	const struct latency_counts *then = &group->counts[RECENT_BLOCKS].stalls;

	return json_pack("{s:o, s:o, s:o, s:f}", "bounds", list_bounds(), "recent",
			 list_buckets(now, then), "total",
			 list_buckets(now, &(struct latency_counts){}), "seconds_total",
			 (double)now->sum_ns / 1e9);
}

static json_t *describe_unit(const struct unit_name *unit)
{
	return json_pack("{s:s, s:s, s:s}", "runtime", unit->runtime, "container_id",
			 unit->container_id, "pod_uid", unit->pod_uid);
}

/* The parts that only a group with series on /metrics has. */
static void put_counts(json_t *root, const struct groups *groups, const struct group *group,
		       double seconds)
{
	uint64_t recent[SEVERITY_COUNT] = {}, total[SEVERITY_COUNT] = {};

	sum_kinds(group, recent, total);
	figures_put_totals(root, total);
	json_object_set_new(root, "since", json_real(figures_time(group->created)));
	json_object_set_new(root, "pages_total", json_integer((json_int_t)group->counts->pages));
	json_object_set_new(root, "kinds", list_kinds(group, seconds));
	if (groups->top_mappings)
		json_object_set_new(root, "mappings", list_mappings(group, seconds));
	json_object_set_new(root, "stalls", describe_stalls(group));
}

int group_detail_render(const struct groups *groups, const char *label, char **ret_text,
			size_t *ret_size)
{
	const struct group *group = groups_find(groups, label);
	double seconds = (double)recent_ns(&groups->recent) / 1e9;
	struct figures figures;
	json_t *root;

	if (!group)
		return -ENOENT;
	figures = group->counts ? figures_of_counts(group) : figures_of_group(group);
	root = json_pack("{s:s, s:s, s:f, s:f, s:I, s:I, s:I}", "name", group->label, "group_by",
			 group_by_names[groups->group_by], "ts", figures_time(groups->since),
			 "seconds", seconds, "processes", (json_int_t)group->gauges.processes,
			 "resident_bytes", (json_int_t)group->gauges.rss_bytes, "virtual_bytes",
			 (json_int_t)group->gauges.vsz_bytes);
	figures_put(root, &figures, seconds);
	if (group->unit)
		json_object_set_new(root, "container", describe_unit(group->unit));
	if (group->counts)
		put_counts(root, groups, group, seconds);
	return figures_dump(root, ret_text, ret_size);
}
