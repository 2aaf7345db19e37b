// SPDX-License-Identifier: GPL-2.0-only
#include "collect/cgroups.h"

#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

uint64_t cgroups_root_id(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct stat status;
	uint64_t id = 0;

	if (!mounts)
		return 0;
	for (struct mntent *entry; !id && (entry = getmntent(mounts));)
		if (!strcmp(entry->mnt_type, "cgroup2") && !stat(entry->mnt_dir, &status))
			id = status.st_ino;
	endmntent(mounts);
	return id;
}
