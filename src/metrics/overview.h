/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the page at / shows, as JSON: the faults of the last ticks, and groups and kinds in the last of
 * them. Fed with each snapshot; rendering reads only what the last one left.
 */
#ifndef FAULTMAP_OVERVIEW_H
#define FAULTMAP_OVERVIEW_H

#include <stddef.h>

#include "metrics/groups.h"
#include "model/snapshot.h"

struct overview;

/* NULL: no memory. */
struct overview *overview_new(void);
/* NULL is fine. */
void overview_free(struct overview *overview);

/* Each snapshot exactly once. */
void overview_tick(struct overview *overview, const struct snapshot *snapshot);
/* The JSON text, allocated with malloc; groups as they are after the same snapshot. 0 or -ENOMEM. */
int overview_render(const struct overview *overview, const struct groups *groups, char **ret_text,
		    size_t *ret_size);

#endif
