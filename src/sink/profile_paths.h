/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call paths that were sampled (model/sampled_path.h), and the counts that they share out. Of an
 * instruction whose callers frame pointers do not tell, the faults are known exactly, and how often
 * each call path was seen: the faults are shared out in proportion, and no one is lost or made up.
 */
#ifndef FAULTMAP_PROFILE_PATHS_H
#define FAULTMAP_PROFILE_PATHS_H

#include "sink/sink_profile.h"

struct profile_paths;

/* NULL when out of memory. */
struct profile_paths *profile_paths_new(void);
void profile_paths_free(struct profile_paths *paths);
/* One more of the path, in a mapping (one of the profile's texts) of this process. What there is no
 * room for counts nowhere. 0 or -ENOMEM. */
int profile_paths_add(struct profile_paths *paths, const struct profile_stack *stack,
		      const char *mapping, const struct sampled_path *path);
/* Passes each on, as often as it was added, until a call gives something else than 0: that. */
int profile_paths_each(const struct profile_paths *paths,
		       int (*each)(void *context, const struct profile_stack *stack,
				   const char *mapping, const struct sampled_path *path),
		       void *context);
/*
 * Puts other samples in the place of those that have no whole stack, where paths of their instruction
 * are known: where frame pointers found the same, else in the same mapping, or else in any of the
 * process. *samples is reallocated; the new
 * ones are the paths', until the next call. 0 or -ENOMEM.
 */
int profile_paths_share(struct profile_paths *paths, struct profile_sample ***samples,
			size_t *count);

#endif
