// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/code_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

/* Some 3,000 mounts. The kernel takes 8 us or more to print one, and the daemon's loop waits. */
#define MOUNTINFO_BYTES_MAX (256 << 10)
#define MOUNT_LINE_LEN 4096
/* Of each second, how long code_file_open_in_time() may take. */
#define BUDGET_NS 50000000ULL

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

/* A descriptor of it, or a negative errno: -ENOENT when the process is gone. */
static int open_root(uint32_t tgid)
{
	char path[64];
	int root;

	snprintf(path, sizeof(path), "/proc/%u/root", tgid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -errno : root;
}

static int open_below(int root, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	autoclose int found = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (found < 0 && errno == ENOSYS)
		found = openat(root, path + strspn(path, "/"), O_PATH | O_CLOEXEC);
	return open_regular(found);
}

int code_file_open_in_root(const char *path, uint32_t tgid)
{
	autoclose int root = open_root(tgid);

	return root < 0 ? -1 : open_below(root, path);
}

/* fs/proc_namespace.c writes blanks and backslashes as three octal digits. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		unsigned int byte;

		if (*text == '\\' && sscanf(text + 1, "%3o", &byte) == 1) {
			*out++ = (char)byte;
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* The length of what `mount_point` covers of the path, 0 for the root; -1: it does not cover it. */
static ssize_t covers(const char *mount_point, const char *path)
{
	size_t length = strcmp(mount_point, "/") != 0 ? strlen(mount_point) : 0;

	if (strncmp(mount_point, path, length) != 0 || (path[length] && path[length] != '/'))
		return -1;
	return (ssize_t)length;
}

/*
 * Which file the path means for a process ("self" or a number): the device and the path in its file
 * system, "254:1 /usr/bin/sh". Everybody may read mountinfo (fs/proc_namespace.c), other than what
 * leads to the files themselves. NULL: not known, or there are too many mounts; else to be freed.
 */
static char *identify(const char *process, const char *path)
{
	autofree char *line = NULL;
	char name[64], device[32], *found = NULL;
	ssize_t longest = -1, got, total = 0;
	size_t size = 0;
	FILE *mounts;

	snprintf(name, sizeof(name), "/proc/%s/mountinfo", process);
	mounts = fopen(name, "re");
	while (mounts && (got = getline(&line, &size, mounts)) > 0) {
		autofree char *root = NULL, *point = NULL;
		ssize_t length;

		total += got;
		if (total > MOUNTINFO_BYTES_MAX) {
			free(TAKE_PTR(found));
			break;
		}
		if (sscanf(line, "%*u %*u %31s %ms %ms", device, &root, &point) != 3)
			continue;
		unescape(root);
		unescape(point);
		length = covers(point, path);
		if (length < longest || length < 0) /* of two at one place the later one is seen */
			continue;
		longest = length;
		free(found);
		if (asprintf(&found, "%s %s%s", device, strcmp(root, "/") != 0 ? root : "",
			     path + length) < 0)
			found = NULL;
	}
	if (mounts)
		fclose(mounts);
	return found;
}

/* False: none, or a longer one. */
static bool read_first_mount(const char *process, char line[MOUNT_LINE_LEN])
{
	autofclose FILE *mounts = NULL;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%s/mountinfo", process);
	mounts = fopen(name, "re");
	return mounts && fgets(line, MOUNT_LINE_LEN, mounts) && strchr(line, '\n');
}

/* One mount namespace and one root: a line has the mount's number, which no other mount of the system
 * has, and its path below the root. */
static bool has_our_mounts(const char *process)
{
	char theirs[MOUNT_LINE_LEN], ours[MOUNT_LINE_LEN];

	return read_first_mount(process, theirs) && read_first_mount("self", ours) &&
	       !strcmp(theirs, ours);
}

/* Whether the process finds the same file at this path as we do. */
static bool is_same_for_us(const char *path, uint32_t tgid)
{
	autofree char *theirs = NULL, *ours = NULL;
	char number[16];

	snprintf(number, sizeof(number), "%u", tgid);
	if (has_our_mounts(number))
		return true;
	theirs = identify(number, path);
	ours = theirs ? identify("self", path) : NULL;
	return ours && !strcmp(theirs, ours);
}

int code_file_open(const char *path, uint32_t tgid)
{
	autoclose int root = -1, found = -1;

	if (path[0] != '/')
		return -1;
	root = tgid ? open_root(tgid) : -ENOENT;
	if (root >= 0)
		return open_below(root, path);
	if (root != -ENOENT && !is_same_for_us(path, tgid))
		return -1;
	found = open(path, O_PATH | O_CLOEXEC);
	return open_regular(found);
}

int code_file_open_in_time(struct code_file_budget *budget, const char *path, uint32_t tgid)
{
	uint64_t begin_ns = monotonic_ns();
	int fd;

	if (begin_ns - budget->second_ns >= 1000000000)
		*budget = (struct code_file_budget){ .second_ns = begin_ns };
	if (budget->spent_ns >= BUDGET_NS)
		return -EAGAIN;
	fd = code_file_open(path, tgid);
	budget->spent_ns += monotonic_ns() - begin_ns;
	return fd;
}
