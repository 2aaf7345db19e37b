/* SPDX-License-Identifier: GPL-2.0-only */
/* Where faults slept for no cause that is known: the kernel's path to there, and how long that took. */
#ifndef FAULTMAP_SLEPT_PATH_H
#define FAULTMAP_SLEPT_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct slept_counts {
	uint64_t count; /* faults that it was the last such sleep of */
	uint64_t sum_ns;
	uint64_t max_ns; /* since attach */
};

struct slept_path {
	/* Functions, the one that goes to sleep first. They live as long as who set them. None: those
	 * whose path is not known, or that were too many. */
	const char *names[KERNEL_FRAMES_MAX];
	size_t n_names;
	struct slept_counts now, before;
};

struct slept_paths {
	struct slept_path list[STALL_PATHS_MAX];
	size_t count;
};

/* Finds the path of these names, or adds it. NULL: there is no room. */
struct slept_path *slept_paths_find(struct slept_paths *paths, const char *const *names,
				    size_t n_names);
/* Sets what was counted by now to 0, to be added up again. */
void slept_paths_clear(struct slept_paths *paths);
/* A tick begins: what was counted by now was before. */
void slept_paths_age(struct slept_paths *paths);

#endif
