/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the paths of cgroups (v2) begin: they come from the kernel side (bpf/cgroup.bpf.h). */
#ifndef FAULTMAP_CGROUPS_H
#define FAULTMAP_CGROUPS_H

#include <stdint.h>

#include "base/options.h"

/* The id of the cgroup that is mounted here: the root, or that of a cgroup namespace. It is the
 * inode number of the directory. 0: none is mounted, or it is not known. */
uint64_t cgroups_root_id(void);

/* Called with a cgroup's id: 0, or a negative errno that ends the walk with it. */
typedef int (*cgroups_fn)(void *context, uint64_t id);
/* Calls back for each cgroup of these units, but not for the cgroups below it. Returns how many
 * there are, or a negative errno. Reads the directories of cgroup2. */
int cgroups_of_units(const struct option_list *units, cgroups_fn callback, void *context);

#endif
