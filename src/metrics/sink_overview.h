/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the page at / shows, as JSON: the faults of the last ticks, and what groups and kinds did of
  * late (recent.h). It takes each snapshot; rendering reads only what the last one left.
 */
#ifndef FAULTMAP_SINK_OVERVIEW_H
#define FAULTMAP_SINK_OVERVIEW_H

#include <stddef.h>

#include "metrics/groups.h"
#include "verdict/recent_findings.h"
#include "model/sink.h"

struct sink_overview;

/* NULL: no memory. */
struct sink_overview *sink_overview_new(void);
/* NULL is fine. */
void sink_overview_free(struct sink_overview *overview);

/* Whether /flame.html has something to show to who reads this: "flame" is true then. */
void sink_overview_set_flame(struct sink_overview *overview, bool has_flame);
/* Always 0. */
int sink_overview_tick(struct sink_overview *overview, const struct snapshot *snapshot,
		       struct error *error);
extern const struct sink_ops sink_overview_ops;
/*
 * The JSON text, allocated with malloc; groups as they are after the same snapshot. It lists at
 * most 100 groups, the first by the column `sort` (NULL: minor) of those whose label contains
 * `search` (whatever the case; NULL: all); sums are exact, since "other" has all that has no line.
 * findings: NULL lists none. 0, -EINVAL when there is no such column, or -ENOMEM.
 */
int sink_overview_render(const struct sink_overview *overview, const struct groups *groups,
			 const struct recent_findings *findings, const char *sort,
			 const char *search, char **ret_text, size_t *ret_size);

#endif
