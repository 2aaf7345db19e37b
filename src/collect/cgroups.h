/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paths of cgroups (v2) by their id, which is the inode number of their directory. Unknown ids make it
 * read the tree again, at most once between two calls of cgroups_refresh.
 */
#ifndef FAULTMAP_CGROUPS_H
#define FAULTMAP_CGROUPS_H

#include <stdint.h>

struct cgroups;

/* NULL when out of memory. A system without cgroup v2 has no paths: every look-up gives "". */
struct cgroups *cgroups_new(void);
void cgroups_free(struct cgroups *cgroups);
/* Allows the tree to be read once more when an unknown id is asked for. */
void cgroups_refresh(struct cgroups *cgroups);
/* "/" for the root, "/system.slice/cron.service", "" when unknown. Valid until the next call. */
const char *cgroups_path(struct cgroups *cgroups, uint64_t id);

#endif
