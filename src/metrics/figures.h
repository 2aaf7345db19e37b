/* SPDX-License-Identifier: GPL-2.0-only */
/* What the page at / shows of a group, a kind or a tick: faults by severity, and how long they
 * stalled, as JSON. */
#ifndef FAULTMAP_FIGURES_H
#define FAULTMAP_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "metrics/groups.h"

struct figures {
	uint64_t faults[SEVERITY_COUNT];
	uint64_t stall_ns;
};

void figures_add(struct figures *sum, const struct figures *more);
bool figures_are_zero(const struct figures *figures);
/* What the processes of the group did of late (recent.h). */
struct figures figures_of_group(const struct group *group);
/* What counts for a group with series on /metrics, of late. Differs from figures_of_group by what
 * was counted before it had series, and for `other`, which counts all groups without series. */
struct figures figures_of_counts(const struct group *group);
/* The group's faults of that kind of late; it is shown. There are no stalls by kind: 0. */
struct figures figures_of_kind(const struct group *group, enum fault_kind kind);
/* Adds "minor", "major", "denied" and "stalled", which is in seconds, each per second. Sets nothing
 * on failure: figures_dump() of the whole reports it. */
void figures_put(json_t *object, const struct figures *figures, double seconds);
/* The same without "stalled". */
void figures_put_faults(json_t *object, const uint64_t faults[SEVERITY_COUNT], double seconds);
/* Adds "minor_total", "major_total" and "denied_total". */
void figures_put_totals(json_t *object, const uint64_t faults[SEVERITY_COUNT]);
/* CLOCK_REALTIME in seconds. */
double figures_time(struct timespec time);

/* The text of the JSON, which it takes, allocated with malloc. 0 or -ENOMEM. */
int figures_dump(json_t *root, char **ret_text, size_t *ret_size);

#endif
