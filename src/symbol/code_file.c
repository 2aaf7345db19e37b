// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/code_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

/*
 * Opens the file of an O_PATH descriptor, only if it is a regular file: others choose these paths,
 * and opening a pipe would wait for its writer, a watchdog's device would reboot the machine. -1:
 * none.
 */
static int open_regular(int found)
{
	char path[64];
	struct stat stat;

	if (found < 0 || fstat(found, &stat) < 0 || !S_ISREG(stat.st_mode))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int code_file_open_in_root(const char *path, uint32_t tgid)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	char root_path[64];
	autoclose int root = -1, found = -1;

	snprintf(root_path, sizeof(root_path), "/proc/%u/root", tgid);
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	found = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (found < 0 && errno == ENOSYS)
		found = openat(root, path + strspn(path, "/"), O_PATH | O_CLOEXEC);
	return open_regular(found);
}

int code_file_open(const char *path, uint32_t tgid)
{
	autoclose int found = -1;
	int fd;

	if (path[0] != '/')
		return -1;
	fd = tgid ? code_file_open_in_root(path, tgid) : -1;
	if (fd >= 0)
		return fd;
	found = open(path, O_PATH | O_CLOEXEC);
	return open_regular(found);
}
