// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/public_names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef STATX_TYPE /* musl before 1.2.5 */
#include <linux/stat.h>
#endif

#include "base/util.h"
#include "metrics/exposition.h"

/* Answers that are remembered: a machine has some hundred libraries. An answer whose place another
 * took is asked for again. */
#define N_SLOTS 4096
/* Who may list a directory can change. */
#define PUBLIC_NS (600 * 1000000000ULL)
#define PRIVATE_NS (60 * 1000000000ULL)

struct slot {
	uint64_t hash; /* of the name; 0: empty */
	uint64_t until_ns;
	bool is_public;
};

struct public_names {
	struct slot slots[N_SLOTS];
};

struct public_names *public_names_new(void)
{
	return calloc(1, sizeof(struct public_names));
}

void public_names_free(struct public_names *names)
{
	free(names);
}

/* A name without a path is public, as a program's own name is. */
static bool is_file(const char *name)
{
	return name[0] == '/' && strncmp(name, "/memfd:", 7) != 0 && strncmp(name, "/SYSV", 5) != 0;
}

/* Directories that every system has, and none has on a network. Before Linux 5.12 only these are
 * asked for: the kernel does not tell what it has cached. */
static bool is_of_system(const char *path)
{
	static const char *const trees[] = { "/usr/", "/lib", "/bin/", "/sbin/", "/dev/" };

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		if (!strncmp(path, trees[i], strlen(trees[i])))
			return true;
	}
	return false;
}

/* Everybody may list it, and go through it. */
static bool is_open(int dir_fd)
{
	struct statx status;

	return !syscall(SYS_statx, dir_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
			STATX_TYPE | STATX_MODE, &status) &&
	       S_ISDIR(status.stx_mode) && (status.stx_mode & 05) == 05;
}

static int open_cached(int dir_fd, const char *name, bool is_of_system)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_CACHED };
	int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

	if (fd < 0 && (errno == EINVAL || errno == ENOSYS) && is_of_system)
		fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/* Each directory on the way, which the kernel tells without links. */
static bool is_in_open_directories(const char *path)
{
	autofree char *copy = strdup(path);
	autoclose int dir_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *name = copy ? copy + 1 : NULL;
	char *end;

	while (name && dir_fd >= 0 && is_open(dir_fd) && (end = strchr(name, '/'))) {
		int fd;

		*end = '\0';
		fd = open_cached(dir_fd, name, is_of_system(path));
		close(dir_fd);
		dir_fd = fd;
		name = end + 1;
	}
	return name && dir_fd >= 0 && !strchr(name, '/') && is_open(dir_fd);
}

bool public_names_has(struct public_names *names, const char *name, uint64_t now_ns)
{
	uint64_t hash;
	struct slot *slot;

	if (!is_file(name))
		return strncmp(name, "...", 3) != 0; /* the end of a path that was cut */
	hash = label_hash(name) ?: 1;
	slot = &names->slots[hash % N_SLOTS];
	if (slot->hash != hash || slot->until_ns <= now_ns) {
		slot->hash = hash;
		slot->is_public = is_in_open_directories(name);
		slot->until_ns = now_ns + (slot->is_public ? PUBLIC_NS : PRIVATE_NS);
	}
	return slot->is_public;
}
