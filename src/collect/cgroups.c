// SPDX-License-Identifier: GPL-2.0-only
#include "collect/cgroups.h"

#include <errno.h>
#include <fts.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/table.h"
#include "base/util.h"

/* More cgroups than any host here was seen to have, times ten; the rest have no path. */
#define CGROUPS_MAX 32768

struct cgroup {
	uint64_t id;
	char path[];
};

struct cgroups {
	char *root; /* where cgroup v2 is mounted; NULL: nowhere */
	struct table by_id;
	bool may_read;
};

static char *find_mount(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char *root = NULL;

	if (!mounts)
		return NULL;
	for (struct mntent *entry; !root && (entry = getmntent(mounts));)
		if (!strcmp(entry->mnt_type, "cgroup2"))
			root = strdup(entry->mnt_dir);
	endmntent(mounts);
	return root;
}

struct cgroups *cgroups_new(void)
{
	struct cgroups *cgroups = calloc(1, sizeof(*cgroups));

	if (!cgroups)
		return NULL;
	table_init(&cgroups->by_id, offsetof(struct cgroup, id), sizeof(uint64_t));
	cgroups->root = find_mount();
	cgroups->may_read = true;
	return cgroups;
}

static void forget(struct cgroups *cgroups)
{
	size_t cursor = 0;

	for (void *value; (value = table_next(&cgroups->by_id, &cursor));)
		free(value);
	table_clear(&cgroups->by_id);
}

void cgroups_free(struct cgroups *cgroups)
{
	if (!cgroups)
		return;
	forget(cgroups);
	free(cgroups->root);
	free(cgroups);
}

void cgroups_refresh(struct cgroups *cgroups)
{
	cgroups->may_read = true;
}

static void add(struct cgroups *cgroups, uint64_t id, const char *path)
{
	struct cgroup *cgroup;

	if (cgroups->by_id.count >= CGROUPS_MAX || table_get(&cgroups->by_id, &id))
		return;
	cgroup = malloc(sizeof(*cgroup) + strlen(path) + 1);
	if (!cgroup)
		return;
	cgroup->id = id;
	strcpy(cgroup->path, path);
	if (table_add(&cgroups->by_id, cgroup))
		free(cgroup);
}

static void read_tree(struct cgroups *cgroups)
{
	char *const roots[] = { cgroups->root, NULL };
	size_t skip = strlen(cgroups->root);
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV, NULL);

	if (!tree)
		return;
	for (FTSENT *entry; (entry = fts_read(tree));) {
		const char *path = entry->fts_path + skip;

		if (entry->fts_info == FTS_D)
			add(cgroups, entry->fts_statp->st_ino, *path ? path : "/");
	}
	fts_close(tree);
}

const char *cgroups_path(struct cgroups *cgroups, uint64_t id)
{
	struct cgroup *cgroup = table_get(&cgroups->by_id, &id);

	if (!cgroup && cgroups->root && cgroups->may_read) {
		cgroups->may_read = false;
		if (cgroups->by_id.count >= CGROUPS_MAX / 2)
			forget(cgroups); /* of many that are gone by now */
		read_tree(cgroups);
		cgroup = table_get(&cgroups->by_id, &id);
		if (!cgroup) /* it is gone: do not look for it again at each tick */
			add(cgroups, id, "");
	}
	return cgroup ? cgroup->path : "";
}
