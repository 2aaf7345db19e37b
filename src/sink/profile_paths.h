/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Distributes counts over call paths that were sampled (model/sampled_path.h). For an instruction
 * whose callers frame pointers do not find, the number of faults is exact, and it is known how
 * often each call path was seen: the faults are distributed in proportion, and their sum stays the
 * same.
 */
#ifndef FAULTMAP_PROFILE_PATHS_H
#define FAULTMAP_PROFILE_PATHS_H

#include "sink/sink_profile.h"

struct profile_paths;

/* NULL when out of memory. */
struct profile_paths *profile_paths_new(void);
void profile_paths_free(struct profile_paths *paths);
/* Counts the path once more, in a mapping (one of the profile's texts) of this process; ignores it
 * if there is no room. 0 or -ENOMEM. */
int profile_paths_add(struct profile_paths *paths, const struct profile_stack *stack,
		      const char *mapping, const struct sampled_path *path);
/* Calls back for each path, as often as it was counted, until a call returns something else than 0;
 * returns that. */
int profile_paths_each(const struct profile_paths *paths,
		       int (*each)(void *context, const struct profile_stack *stack,
				   const char *mapping, const struct sampled_path *path),
		       void *context);
/*
 * Replaces samples without a whole stack by samples with the known call paths of their instruction:
  * those for which frame pointers found the same, else those in the same mapping, else any of the
  * process. *samples is reallocated; the new samples are valid until the next call. 0 or -ENOMEM.
 */
int profile_paths_share(struct profile_paths *paths, struct profile_sample ***samples,
			size_t *count);

#endif
