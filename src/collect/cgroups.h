/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the paths of cgroups (v2) begin: they come from the kernel side (bpf/cgroup.bpf.h). */
#ifndef FAULTMAP_CGROUPS_H
#define FAULTMAP_CGROUPS_H

#include <stdint.h>

/* The id of the cgroup that is mounted here, which is the inode number of that directory: the root,
 * or that of a cgroup namespace. 0: none is mounted, or it cannot be told. */
uint64_t cgroups_root_id(void);

#endif
