// SPDX-License-Identifier: GPL-2.0-only
#include "collect/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/filter.h"

#define MAX_DEPTH 64

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

/* The search for units, below where cgroup2 is mounted. One path for all of it: it is as long as the
 * directory is deep. */
struct search {
	const struct option_list *units;
	cgroups_fn callback;
	void *context;
	char path[PATH_MAX];
	size_t root_length;
	struct stat status;
	int n_found;
};

static int is_directory(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* The directory at search->path, and those below it, MAX_DEPTH deep: whoever may make cgroups may nest
 * them without end. One that is gone meanwhile has no faults any more. */
static int search_below(struct search *search, size_t length, int depth)
{
	const char *path = search->path + search->root_length;
	struct dirent **entries;
	int result = 0, n_entries;

	if (filter_matches_unit(search->units, *path ? path : "/")) {
		if (stat(search->path, &search->status))
			return 0;
		search->n_found++;
		return search->callback(search->context, search->status.st_ino);
	}
	n_entries = depth < MAX_DEPTH ? scandir(search->path, &entries, is_directory, NULL) : 0;
	if (n_entries <= 0)
		return n_entries && errno == ENOMEM ? -ENOMEM : 0;
	for (int i = 0; i < n_entries; i++) {
		const char *name = entries[i]->d_name;
		size_t added = 1 + strlen(name);

		if (!result && length + added < sizeof(search->path)) {
			sprintf(search->path + length, "/%s", name);
			result = search_below(search, length + added, depth + 1);
			search->path[length] = '\0';
		}
		free(entries[i]);
	}
	free(entries);
	return result;
}

int cgroups_of_units(const struct option_list *units, cgroups_fn callback, void *context)
{
	struct search search = { .units = units, .callback = callback, .context = context };
	int result;

	if (!find_mount(search.path))
		return -ENOENT;
	search.root_length = strlen(search.path);
	result = search_below(&search, search.root_length, 0);
	return result ? result : search.n_found;
}
