/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the page at / shows of one group that was opened, as JSON: its kinds, mappings and stalls,
 * of late and in all. The totals are those of /metrics, and there are as many mappings as there:
 * so are the names, and whom they are hidden from.
 */
#ifndef FAULTMAP_GROUP_DETAIL_H
#define FAULTMAP_GROUP_DETAIL_H

#include <stddef.h>

#include "metrics/groups.h"

/* The JSON text of the group with this label, allocated with malloc. 0, -ENOENT when there is none,
 * or -ENOMEM. */
int group_detail_render(const struct groups *groups, const char *label, char **ret_text,
			size_t *ret_size);

#endif
