/* SPDX-License-Identifier: GPL-2.0-only */
/* Where tasks slept in faults for no cause that is known: read from the kernel, and named. */
#ifndef FAULTMAP_STALL_PATHS_H
#define FAULTMAP_STALL_PATHS_H

#include "bpf/abi.h"
#include "collect/kernel_names.h"
#include "model/snapshot.h"

/* Sets the snapshot's paths to what `paths` have counted, STALL_PATHS_MAX of them. Those of the same
 * functions are one. The names have to live longer than the snapshot. 0 or -ENOMEM. */
int stall_paths_read(const struct stall_path *paths, struct kernel_names *names,
		     struct snapshot *snapshot);

#endif
