/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the page at / shows of an opened group, as JSON: its kinds, mappings and stalls, of late and
 * in all. Totals, mappings and their names are those of /metrics, and hidden from the same readers.
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
