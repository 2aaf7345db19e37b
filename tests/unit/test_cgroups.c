// SPDX-License-Identifier: GPL-2.0-only
/* Paths of cgroups by their id, against the inode numbers of the directories. */
#include <mntent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/cgroups.h"

#define NO_SUCH_ID UINT64_MAX

struct fixture {
	char mount[256]; /* of cgroup v2; "" where there is none */
	struct cgroups *cgroups;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	FILE *mounts = setmntent("/proc/self/mounts", "re");

	fixture = (struct fixture){ .cgroups = cgroups_new() };
	for (struct mntent *entry; mounts && !fixture.mount[0] && (entry = getmntent(mounts));)
		if (!strcmp(entry->mnt_type, "cgroup2"))
			snprintf(fixture.mount, sizeof(fixture.mount), "%s", entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	*state = &fixture;
	return fixture.cgroups ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	cgroups_free(fixture->cgroups);
	return 0;
}

static uint64_t inode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_ino;
}

static void root_is_a_slash(void **state)
{
	struct fixture *fixture = *state;

	if (!fixture->mount[0])
		skip(); /* no cgroup v2 here */
	assert_string_equal(cgroups_path(fixture->cgroups, inode_of(fixture->mount)), "/");
}

static void unknown_id_has_no_path(void **state)
{
	struct fixture *fixture = *state;

	assert_string_equal(cgroups_path(fixture->cgroups, NO_SUCH_ID), "");
	cgroups_refresh(fixture->cgroups);
	assert_string_equal(cgroups_path(fixture->cgroups, NO_SUCH_ID), "");
	assert_string_equal(cgroups_path(fixture->cgroups, 0), "");
}

/* A cgroup of our own, born after the tree was read, is found after the next refresh, not before. */
static void new_cgroup_is_found_after_a_refresh(void **state)
{
	struct fixture *fixture = *state;
	char path[512], unseen[16], seen[64], gone[64];
	const char *name;
	uint64_t id;

	cgroups_path(fixture->cgroups, NO_SUCH_ID); /* reads the tree */
	snprintf(path, sizeof(path), "%s/faultmap_test_%d", fixture->mount, getpid());
	if (!fixture->mount[0] || mkdir(path, 0755))
		skip(); /* no cgroup v2 here, or no privilege to make one */
	id = inode_of(path);
	name = strrchr(path, '/');
	snprintf(unseen, sizeof(unseen), "%s", cgroups_path(fixture->cgroups, id));
	cgroups_refresh(fixture->cgroups);
	snprintf(seen, sizeof(seen), "%s", cgroups_path(fixture->cgroups, id));
	assert_int_equal(rmdir(path), 0);
	/* Its last processes may be reported after it is gone. */
	cgroups_refresh(fixture->cgroups);
	cgroups_path(fixture->cgroups, NO_SUCH_ID);
	snprintf(gone, sizeof(gone), "%s", cgroups_path(fixture->cgroups, id));
	assert_string_equal(unseen, "");
	assert_string_equal(seen, name);
	assert_string_equal(gone, name);
}

static void free_takes_null(void **state)
{
	(void)state;
	cgroups_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(root_is_a_slash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unknown_id_has_no_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(new_cgroup_is_found_after_a_refresh, set_up,
						tear_down),
		cmocka_unit_test(free_takes_null),
	};

	return cmocka_run_group_tests_name("cgroups", tests, NULL, NULL);
}
