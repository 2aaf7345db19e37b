// SPDX-License-Identifier: GPL-2.0-only
#include "collect/stall_paths.h"

#include <errno.h>

#include "base/util.h"

/* 0 or -ENOMEM. */
static int add_path(const struct stall_path *path, struct kernel_names *kernel_names,
		    struct snapshot *snapshot)
{
	size_t count = path->hash ? min_of(path->n_addresses, KERNEL_FRAMES_MAX) : 0;
	const char *names[KERNEL_FRAMES_MAX];
	struct slept_path *slept;

	count = kernel_names_of_path(kernel_names, path->addresses, count, false, names);
	slept = snapshot_slept_path(snapshot, names, count);
	if (!slept)
		return -ENOMEM;
	slept->now.count += path->count;
	slept->now.sum_ns += path->sum_ns;
	slept->now.max_ns = max_of(slept->now.max_ns, path->max_ns);
	return 0;
}

int stall_paths_read(const struct stall_path *paths, struct kernel_names *names,
		     struct snapshot *snapshot)
{
	int result = 0;

	if (snapshot->slept)
		slept_paths_clear(snapshot->slept);
	for (size_t i = 0; i < STALL_PATHS_MAX && !result; i++)
		if (paths[i].count)
			result = add_path(&paths[i], names, snapshot);
	return result;
}
