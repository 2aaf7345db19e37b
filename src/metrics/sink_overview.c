// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/sink_overview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metrics/figures.h"
#include "model/latency.h"
#include "model/losses.h"
#include "base/text.h"
#include "base/util.h"
#include "base/version.h"

/* Five minutes at the daemon's default interval, and more than a page is wide in strips. */
#define MAX_POINTS 300
/* More than anybody reads; the others can be found by a search. */
#define MAX_GROUPS 100

struct point {
	double seconds;
	struct figures figures;
};

struct sink_overview {
	struct point points[MAX_POINTS]; /* a ring */
	size_t n_points;
	size_t next;
	struct recent recent;
	struct figures kinds[RECENT_BLOCKS][KIND_COUNT]; /* [0] in the block that runs */
	struct timespec ts;
	size_t n_processes;
	bool has_flame;
	char host[256];
};

struct sink_overview *sink_overview_new(void)
{
	struct sink_overview *overview = calloc(1, sizeof(*overview));

	if (overview && gethostname(overview->host, sizeof(overview->host) - 1))
		overview->host[0] = '\0';
	return overview;
}

void sink_overview_set_flame(struct sink_overview *overview, bool has_flame)
{
	overview->has_flame = has_flame;
}

void sink_overview_free(struct sink_overview *overview)
{
	free(overview);
}

static void begin_block(struct sink_overview *overview)
{
	memcpy(overview->kinds[1], overview->kinds[0], sizeof(overview->kinds[1]));
	memset(overview->kinds[0], 0, sizeof(overview->kinds[0]));
}

static void count_row(struct sink_overview *overview, struct figures *sum, const struct row *row)
{
	struct fault_counts delta = row_delta(row);
	const struct figures figures = { .faults = { [SEVERITY_MINOR] = delta.minor,
						     [SEVERITY_MAJOR] = delta.major,
						     [SEVERITY_DENIED] = delta.denied },
					 .stall_ns = latency_stalls(row).sum_ns };

	figures_add(&overview->kinds[0][row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN],
		    &figures);
	figures_add(sum, &figures);
}

int sink_overview_tick(struct sink_overview *overview, const struct snapshot *snapshot,
		       struct error *error)
{
	struct point point = { .seconds = (double)snapshot->interval_ns / 1e9 };

	(void)error;
	for (int i = recent_begin(&overview->recent, snapshot); i > 0; i--)
		begin_block(overview);
	for (size_t i = 0; i < snapshot->n_touched; i++)
		count_row(overview, &point.figures, snapshot->rows[i]);
	overview->n_processes = 0;
	for (size_t i = 0; i < snapshot->n_processes; i++)
		overview->n_processes += !snapshot->processes[i]->ended &&
					 !losses_is_other(snapshot->processes[i]);
	overview->ts = snapshot->ts;
	if (!snapshot->tick) /* tick 0 has no interval */
		return 0;
	overview->points[overview->next] = point;
	overview->next = (overview->next + 1) % MAX_POINTS;
	if (overview->n_points < MAX_POINTS)
		overview->n_points++;
	return 0;
}

SINK_OPS(overview);

/* The i-th oldest. */
static const struct point *point_at(const struct sink_overview *overview, size_t i)
{
	return &overview->points[(overview->next + MAX_POINTS - overview->n_points + i) %
				 MAX_POINTS];
}

static json_t *list_history(const struct sink_overview *overview)
{
	json_t *list = json_array();

	for (size_t i = 0; i < overview->n_points; i++) {
		const struct point *point = point_at(overview, i);
		json_t *object = json_pack("{s:f}", "seconds", point->seconds);

		figures_put(object, &point->figures, point->seconds);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *list_kinds(const struct sink_overview *overview, double seconds)
{
	json_t *list = json_array();

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct figures figures = overview->kinds[0][kind];
		json_t *object;

		figures_add(&figures, &overview->kinds[1][kind]);
		if (figures_are_zero(&figures))
			continue;
		object = json_pack("{s:s}", "name", kind_name(kind));
		figures_put(object, &figures, seconds);
		json_array_append_new(list, object);
	}
	return list;
}

/* A group as it is ranked. */
struct ranked {
	const struct group *group;
	struct figures figures;
	uint64_t key; /* the largest first, those alike by their names */
};

enum column {
	COLUMN_MINOR,
	COLUMN_MAJOR,
	COLUMN_DENIED,
	COLUMN_STALLED,
	COLUMN_RESIDENT,
	COLUMN_PROCESSES,
	COLUMN_NAME,
	COLUMN_COUNT,
};

static const char *const column_names[COLUMN_COUNT] = {
	[COLUMN_MINOR] = "minor",
	[COLUMN_MAJOR] = "major",
	[COLUMN_DENIED] = "denied",
	[COLUMN_STALLED] = "stalled",
	[COLUMN_RESIDENT] = "resident_bytes",
	[COLUMN_PROCESSES] = "processes",
	[COLUMN_NAME] = "name",
};

/* COLUMN_COUNT: there is none of this name. */
static enum column column_of(const char *name)
{
	enum column column = COLUMN_MINOR;

	while (name && column < COLUMN_COUNT && strcmp(column_names[column], name) != 0)
		column++;
	return column;
}

static uint64_t key_of(const struct ranked *ranked, enum column column)
{
	switch (column) {
	case COLUMN_STALLED:
		return ranked->figures.stall_ns;
	case COLUMN_RESIDENT:
		return ranked->group->gauges.rss_bytes;
	case COLUMN_PROCESSES:
		return ranked->group->gauges.processes;
	case COLUMN_NAME:
	case COLUMN_COUNT:
		return 0;
	default:
		return ranked->figures.faults[SEVERITY_MINOR + (int)column - COLUMN_MINOR];
	}
}

static int compare_ranks(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? 1 : -1;
	return strcmp(a->group->label, b->group->label);
}

static json_t *describe_group(const struct ranked *ranked, double seconds)
{
	json_t *object = json_pack("{s:s, s:I, s:I}", "name", ranked->group->label, "processes",
				   (json_int_t)ranked->group->gauges.processes, "resident_bytes",
				   (json_int_t)ranked->group->gauges.rss_bytes);

	figures_put(object, &ranked->figures, seconds);
	return object;
}

/* The sum of what has no line: of the other groups, and of faults without a group. */
struct rest {
	size_t n_groups;
	struct figures figures;
	struct group_gauges gauges;
};

static void add_to_rest(struct rest *rest, const struct ranked *ranked)
{
	rest->n_groups++;
	figures_add(&rest->figures, &ranked->figures);
	rest->gauges.processes += ranked->group->gauges.processes;
	rest->gauges.rss_bytes += ranked->group->gauges.rss_bytes;
}

static json_t *describe_rest(const struct rest *rest, double seconds)
{
	json_t *object = json_pack("{s:I, s:I, s:I}", "groups", (json_int_t)rest->n_groups,
				   "processes", (json_int_t)rest->gauges.processes,
				   "resident_bytes", (json_int_t)rest->gauges.rss_bytes);

	figures_put(object, &rest->figures, seconds);
	return object;
}

/* Those that match into ranks, sorted, all else into the rest. Returns how many match. */
static size_t rank(struct ranked *ranks, struct rest *rest, const struct groups *groups,
		   enum column column, const char *search)
{
	size_t n = 0;

	for (size_t i = 0; i < groups->n_groups; i++) {
		struct ranked *ranked = &ranks[n];

		*ranked = (struct ranked){ groups->groups[i], figures_of_group(groups->groups[i]),
					   0 };
		ranked->key = key_of(ranked, column);
		if (!search || strcasestr(ranked->group->label, search))
			n++;
		else
			add_to_rest(rest, ranked);
	}
	qsort(ranks, n, sizeof(*ranks), compare_ranks);
	return n;
}

/* Sets "found", "groups" and "other". False: no memory. */
static bool put_groups(json_t *root, const struct groups *groups, enum column column,
		       const char *search, double seconds)
{
	struct rest rest = { .figures = figures_of_group(groups->other) };
	autofree struct ranked *ranks = calloc(groups->n_groups + 1, sizeof(*ranks));
	json_t *list = json_array();
	size_t n_found;

	if (!ranks) {
		json_decref(list);
		return false;
	}
	n_found = rank(ranks, &rest, groups, column, search);
	for (size_t i = 0; i < n_found; i++) {
		if (i < MAX_GROUPS)
			json_array_append_new(list, describe_group(&ranks[i], seconds));
		else
			add_to_rest(&rest, &ranks[i]);
	}
	return !json_object_set_new(root, "found", json_integer((json_int_t)n_found)) &&
	       !json_object_set_new(root, "groups", list) &&
	       !json_object_set_new(root, "other", describe_rest(&rest, seconds));
}

static void put_text(json_t *object, const char *name, const char *bytes)
{
	autofree char *text = text_escape(bytes);

	json_object_set_new(object, name, json_string(text ?: ""));
}

/* What a process maps is not for everybody to see, as in /metrics. */
static json_t *describe_finding(const struct finding *finding, const struct groups *groups)
{
	json_t *object = json_pack("{s:s, s:s, s:I, s:f, s:I, s:s, s:f}", "name", finding->name,
				   "sure", finding->sure, "pid", (json_int_t)finding->pid,
				   "cost_seconds", (double)finding->cost_ns / 1e9, "cost_bytes",
				   (json_int_t)finding->cost_bytes, "do", finding->advice,
				   "seconds_ago", (double)finding->age_ns / 1e9);

	put_text(object, "comm", finding->comm);
	if (finding->mapping)
		put_text(object, "mapping", groups_shown_name(groups, finding->mapping));
	json_object_set_new(object, "seen", json_string(finding->seen));
	return object;
}

static json_t *list_findings(const struct recent_findings *findings, const struct groups *groups)
{
	size_t count = 0;
	const struct finding *list = findings ? recent_findings_list(findings, &count, NULL) : NULL;
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, describe_finding(&list[i], groups));
	return array;
}

int sink_overview_render(const struct sink_overview *overview, const struct groups *groups,
			 const struct recent_findings *findings, const char *sort,
			 const char *search, char **ret_text, size_t *ret_size)
{
	double seconds = (double)recent_ns(&overview->recent) / 1e9;
	enum column column = column_of(sort);
	json_t *root;

	if (column == COLUMN_COUNT)
		return -EINVAL;
	root = json_pack("{s:s, s:s, s:b, s:s, s:f, s:f, s:I, s:s, s:o, s:o, s:o}", "faultmap",
			 FAULTMAP_VERSION, "host", overview->host, "flame",
			 (int)overview->has_flame, "group_by", group_by_names[groups->group_by],
			 "ts", figures_time(overview->ts), "seconds", seconds, "processes",
			 (json_int_t)overview->n_processes, "sort", column_names[column], "history",
			 list_history(overview), "kinds", list_kinds(overview, seconds), "findings",
			 list_findings(findings, groups));
	if (!put_groups(root, groups, column, search, seconds)) {
		json_decref(root);
		return -ENOMEM;
	}
	return figures_dump(root, ret_text, ret_size);
}
