// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/sink_overview.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/latency.h"
#include "model/losses.h"
#include "base/util.h"
#include "base/version.h"

/* Five minutes at the daemon's default interval, and more than a page is wide in strips. */
#define MAX_POINTS 300
/* What fits a screen. */
#define MAX_GROUPS 15

struct figures {
	uint64_t faults[SEVERITY_COUNT];
	uint64_t stall_ns;
};

struct point {
	double seconds;
	struct figures figures;
};

struct sink_overview {
	struct point points[MAX_POINTS]; /* a ring */
	size_t n_points;
	size_t next;
	struct figures kinds[KIND_COUNT]; /* of the last interval */
	struct timespec ts;
	size_t n_processes;
	char host[256];
};

struct sink_overview *sink_overview_new(void)
{
	struct sink_overview *overview = calloc(1, sizeof(*overview));

	if (overview && gethostname(overview->host, sizeof(overview->host) - 1))
		overview->host[0] = '\0';
	return overview;
}

void sink_overview_free(struct sink_overview *overview)
{
	free(overview);
}

static void count_row(struct figures *figures, const struct row *row)
{
	struct fault_counts delta = row_delta(row);

	figures->faults[SEVERITY_MINOR] += delta.minor;
	figures->faults[SEVERITY_MAJOR] += delta.major;
	figures->faults[SEVERITY_DENIED] += delta.denied;
	figures->stall_ns += latency_stalls(row).sum_ns;
}

static void add_figures(struct figures *sum, const struct figures *more)
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		sum->faults[severity] += more->faults[severity];
	sum->stall_ns += more->stall_ns;
}

int sink_overview_tick(struct sink_overview *overview, const struct snapshot *snapshot,
		       struct error *error)
{
	struct point point = { .seconds = (double)snapshot->interval_ns / 1e9 };

	(void)error;
	memset(overview->kinds, 0, sizeof(overview->kinds));
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		const struct row *row = snapshot->rows[i];

		count_row(&overview->kinds[row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN], row);
	}
	for (int kind = 0; kind < KIND_COUNT; kind++)
		add_figures(&point.figures, &overview->kinds[kind]);
	overview->n_processes = 0;
	for (size_t i = 0; i < snapshot->n_processes; i++)
		overview->n_processes += !snapshot->processes[i]->ended &&
					 !losses_is_other(snapshot->processes[i]);
	overview->ts = snapshot->ts;
	if (!snapshot->tick) /* who was there before: no interval */
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

/* Per second of the interval, four decimals: more digits would only make the text long. */
static json_t *rate(double amount, double seconds)
{
	return json_real(seconds > 0 ? (double)(int64_t)(amount / seconds * 1e4 + 0.5) / 1e4 : 0);
}

/* Adds the rates to the object; sets nothing on failure: the renderer checks the whole. */
static void put_figures(json_t *object, const struct figures *figures, double seconds)
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		json_object_set_new(object, severity_names[severity],
				    rate((double)figures->faults[severity], seconds));
	json_object_set_new(object, "stalled", rate((double)figures->stall_ns / 1e9, seconds));
}

static bool is_quiet(const struct figures *figures)
{
	return !figures->faults[SEVERITY_MINOR] && !figures->faults[SEVERITY_MAJOR] &&
	       !figures->faults[SEVERITY_DENIED] && !figures->stall_ns;
}

static json_t *list_history(const struct sink_overview *overview)
{
	json_t *list = json_array();

	for (size_t i = 0; i < overview->n_points; i++) {
		const struct point *point = point_at(overview, i);
		json_t *object = json_pack("{s:f}", "seconds", point->seconds);

		put_figures(object, &point->figures, point->seconds);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *list_kinds(const struct sink_overview *overview, double seconds)
{
	json_t *list = json_array();

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		json_t *object;

		if (is_quiet(&overview->kinds[kind]))
			continue;
		object = json_pack("{s:s}", "name", kind_name(kind));
		put_figures(object, &overview->kinds[kind], seconds);
		json_array_append_new(list, object);
	}
	return list;
}

static struct figures figures_of(const struct group *group)
{
	struct figures figures = { .stall_ns = group->moved.stall_ns };

	memcpy(figures.faults, group->moved.faults, sizeof(figures.faults));
	return figures;
}

static json_t *describe_group(const char *label, const struct figures *figures,
			      const struct group_gauges *gauges, double seconds)
{
	json_t *object = json_pack("{s:s, s:I, s:I}", "name", label, "processes",
				   (json_int_t)gauges->processes, "resident_bytes",
				   (json_int_t)gauges->rss_bytes);

	put_figures(object, figures, seconds);
	return object;
}

/* By score: those with the most faults of late, so that the lines of the page stay in their
 * places. */
static int compare_scores(const void *left, const void *right)
{
	const struct group *a = *(const struct group *const *)left;
	const struct group *b = *(const struct group *const *)right;

	return (a->score < b->score) - (a->score > b->score);
}

/* Everything behind the first n: other, with what never had a group. */
static json_t *describe_rest(const struct groups *groups, struct group *const *sorted, size_t n,
			     double seconds)
{
	struct figures figures = figures_of(groups->other);
	struct group_gauges gauges = {};

	for (size_t i = n; i < groups->n_groups; i++) {
		struct figures more = figures_of(sorted[i]);

		add_figures(&figures, &more);
		gauges.processes += sorted[i]->gauges.processes;
		gauges.rss_bytes += sorted[i]->gauges.rss_bytes;
	}
	return describe_group(groups->other->label, &figures, &gauges, seconds);
}

static json_t *list_groups(const struct groups *groups, double seconds)
{
	autofree struct group **sorted = calloc(groups->n_groups + 1, sizeof(struct group *));
	size_t n = groups->n_groups < MAX_GROUPS ? groups->n_groups : MAX_GROUPS;
	json_t *list;

	if (!sorted)
		return NULL;
	if (groups->n_groups)
		memcpy(sorted, groups->groups, groups->n_groups * sizeof(struct group *));
	qsort(sorted, groups->n_groups, sizeof(struct group *), compare_scores);
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		struct figures figures = figures_of(sorted[i]);

		json_array_append_new(list, describe_group(sorted[i]->label, &figures,
							   &sorted[i]->gauges, seconds));
	}
	json_array_append_new(list, describe_rest(groups, sorted, n, seconds));
	return list;
}

int sink_overview_render(const struct sink_overview *overview, const struct groups *groups,
			 char **ret_text, size_t *ret_size)
{
	double seconds = overview->n_points ? point_at(overview, overview->n_points - 1)->seconds :
					      0;
	json_t *root = json_pack("{s:s, s:s, s:s, s:f, s:I, s:o, s:o, s:o}", "faultmap",
				 FAULTMAP_VERSION, "host", overview->host, "group_by",
				 group_by_names[groups->group_by], "ts",
				 (double)overview->ts.tv_sec + (double)overview->ts.tv_nsec / 1e9,
				 "processes", (json_int_t)overview->n_processes, "history",
				 list_history(overview), "kinds", list_kinds(overview, seconds),
				 "groups", list_groups(groups, seconds));
	char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(13)) : NULL;

	json_decref(root);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	*ret_size = strlen(text);
	return 0;
}
