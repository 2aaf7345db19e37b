// SPDX-License-Identifier: GPL-2.0-only
/* The id of the root of all cgroups, against what the kernel says of its directory. */
#include <fcntl.h>
#include <mntent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collect/cgroups.h"

/* Where cgroup v2 is mounted; false: nowhere. */
static bool find_mount(char mount[256])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	bool found = false;

	assert_non_null(mounts);
	for (struct mntent *entry; !found && (entry = getmntent(mounts));)
		if (!strcmp(entry->mnt_type, "cgroup2")) {
			snprintf(mount, 256, "%s", entry->mnt_dir);
			found = true;
		}
	endmntent(mounts);
	return found;
}

/* kernfs gives a node's id as its file handle (fs/kernfs/mount.c: kernfs_encode_fh()). */
static void root_is_the_mounted_directory(void **state)
{
	_Alignas(
		struct file_handle) char buffer[sizeof(struct file_handle) + sizeof(uint64_t)] = {};
	struct file_handle *handle = (void *)buffer;
	char mount[256];
	int mount_id;
	uint64_t id;

	(void)state;
	if (!find_mount(mount)) {
		assert_int_equal(cgroups_root_id(), 0);
		return;
	}
	handle->handle_bytes = sizeof(id);
	assert_int_equal(name_to_handle_at(AT_FDCWD, mount, handle, &mount_id, 0), 0);
	assert_int_equal(handle->handle_bytes, sizeof(id));
	memcpy(&id, handle->f_handle, sizeof(id));
	assert_int_equal(cgroups_root_id(), id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_the_mounted_directory),
	};

	return cmocka_run_group_tests_name("cgroups", tests, NULL, NULL);
}
