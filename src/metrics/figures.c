// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/figures.h"

#include <errno.h>
#include <string.h>

void figures_add(struct figures *sum, const struct figures *more)
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		sum->faults[severity] += more->faults[severity];
	sum->stall_ns += more->stall_ns;
}

bool figures_are_zero(const struct figures *figures)
{
	return !figures->faults[SEVERITY_MINOR] && !figures->faults[SEVERITY_MAJOR] &&
	       !figures->faults[SEVERITY_DENIED] && !figures->stall_ns;
}

struct figures figures_of_group(const struct group *group)
{
	struct figures figures = {};

	for (int i = 0; i < RECENT_BLOCKS; i++) {
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			figures.faults[severity] += group->moved[i].faults[severity];
		figures.stall_ns += group->moved[i].stall_ns;
	}
	return figures;
}

struct figures figures_of_kind(const struct group *group, enum fault_kind kind)
{
	const uint64_t *now = group->counts[0].faults[kind];
	const uint64_t *then = group->counts[RECENT_BLOCKS].faults[kind];
	struct figures figures = {};

	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		figures.faults[severity] = now[severity] - then[severity];
	return figures;
}

struct figures figures_of_counts(const struct group *group)
{
	struct figures figures = { .stall_ns = group->counts[0].stalls.sum_ns -
					       group->counts[RECENT_BLOCKS].stalls.sum_ns };

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct figures more = figures_of_kind(group, kind);

		figures_add(&figures, &more);
	}
	return figures;
}

/* Seven decimals, a tenth of a microsecond: more digits would only make the text long. */
static json_t *rate(double amount, double seconds)
{
	return json_real(seconds > 0 ? (double)(int64_t)(amount / seconds * 1e7 + 0.5) / 1e7 : 0);
}

void figures_put_faults(json_t *object, const uint64_t faults[SEVERITY_COUNT], double seconds)
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		json_object_set_new(object, severity_names[severity],
				    rate((double)faults[severity], seconds));
}

void figures_put(json_t *object, const struct figures *figures, double seconds)
{
	figures_put_faults(object, figures->faults, seconds);
	json_object_set_new(object, "stalled", rate((double)figures->stall_ns / 1e9, seconds));
}

void figures_put_totals(json_t *object, const uint64_t faults[SEVERITY_COUNT])
{
	static const char *const names[SEVERITY_COUNT] = {
		[SEVERITY_MINOR] = "minor_total",
		[SEVERITY_MAJOR] = "major_total",
		[SEVERITY_DENIED] = "denied_total",
	};

	for (int severity = 0; severity < SEVERITY_COUNT; severity++)
		json_object_set_new(object, names[severity],
				    json_integer((json_int_t)faults[severity]));
}

double figures_time(struct timespec time)
{
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int figures_dump(json_t *root, char **ret_text, size_t *ret_size)
{
	char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(13)) : NULL;

	json_decref(root);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	*ret_size = strlen(text);
	return 0;
}
