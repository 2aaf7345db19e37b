// SPDX-License-Identifier: GPL-2.0-only
#include "model/slept_path.h"

#include <string.h>

static bool is_of(const struct slept_path *path, const char *const *names, size_t n_names)
{
	if (path->n_names != n_names)
		return false;
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(path->names[i], names[i]) != 0)
			return false;
	return true;
}

struct slept_path *slept_paths_find(struct slept_paths *paths, const char *const *names,
				    size_t n_names)
{
	struct slept_path *path;

	for (size_t i = 0; i < paths->count; i++)
		if (is_of(&paths->list[i], names, n_names))
			return &paths->list[i];
	if (paths->count == STALL_PATHS_MAX || n_names > KERNEL_FRAMES_MAX)
		return NULL;
	path = &paths->list[paths->count++];
	*path = (struct slept_path){ .n_names = n_names };
	if (n_names)
		memcpy(path->names, names, n_names * sizeof(*names));
	return path;
}

void slept_paths_clear(struct slept_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		paths->list[i].now = (struct slept_counts){};
}

void slept_paths_age(struct slept_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		paths->list[i].before = paths->list[i].now;
}
