// SPDX-License-Identifier: GPL-2.0-only
#include "collect/cgroups.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model/filter.h"

/* Where cgroup2 is mounted. False: nowhere. */
static bool find_mount(char path[PATH_MAX])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	bool found = false;

	if (!mounts)
		return false;
	for (struct mntent *entry; !found && (entry = getmntent(mounts));) {
		found = !strcmp(entry->mnt_type, "cgroup2") && strlen(entry->mnt_dir) < PATH_MAX;
		if (found)
			strcpy(path, entry->mnt_dir);
	}
	endmntent(mounts);
	return found;
}

uint64_t cgroups_root_id(void)
{
	char path[PATH_MAX];
	struct stat status;

	return find_mount(path) && !stat(path, &status) ? status.st_ino : 0;
}

int cgroups_of_units(const struct option_list *units, cgroups_fn callback, void *context)
{
	char root[PATH_MAX], *const roots[] = { root, NULL };
	int result = 0, count = 0;
	FTS *walk;

	if (!find_mount(root))
		return -ENOENT;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!walk)
		return -errno;
	for (FTSENT *entry; !result && (entry = fts_read(walk));) {
		const char *path = entry->fts_path + strlen(root);

		if (entry->fts_info != FTS_D || !filter_matches_unit(units, *path ? path : "/"))
			continue;
		fts_set(walk, entry, FTS_SKIP);
		result = callback(context, entry->fts_statp->st_ino);
		count++;
	}
	fts_close(walk);
	return result ? result : count;
}
