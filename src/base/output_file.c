// SPDX-License-Identifier: GPL-2.0-only
#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

/* Where a path leads to, before its last name. */
struct place {
	int dir_fd;
	const char *name; /* the last one, with the slashes behind it */
	bool is_shared;
};

bool output_file_trusts(uid_t owner)
{
	return !owner || owner == geteuid();
}

/* Everybody may write there, or below such a directory somebody else may. */
static bool is_shared(int dir_fd, bool is_below)
{
	struct stat status;

	if (fstat(dir_fd, &status))
		return true;
	return status.st_mode & S_IWOTH || (is_below && !output_file_trusts(status.st_uid));
}

/* One directory further. A link that anybody may have put there is not followed. */
static int descend(int dir_fd, const char *name, bool is_shared)
{
	autoclose int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (S_ISLNK(status.st_mode)) {
		if (is_shared && !output_file_trusts(status.st_uid))
			return -ELOOP;
		close(fd);
		fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	} else if (!S_ISDIR(status.st_mode)) {
		return -ENOTDIR;
	}
	return fd < 0 ? -errno : TAKE_FD(fd);
}

/* Walks along the path, whose slashes it overwrites. The descriptor is the caller's. */
static int find_place(char *path, struct place *ret_place)
{
	autoclose int dir_fd = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *name = path + strspn(path, "/");
	bool shared;

	if (dir_fd < 0)
		return -errno;
	shared = is_shared(dir_fd, false);
	for (;;) {
		char *end = name + strcspn(name, "/");
		char *next = end + strspn(end, "/");
		int fd;

		if (!*next)
			break;
		*end = '\0';
		fd = descend(dir_fd, name, shared);
		if (fd < 0)
			return fd;
		close(dir_fd);
		dir_fd = fd;
		shared = is_shared(dir_fd, shared);
		name = next;
	}
	/* "/" has no name, and is a directory as "." is. */
	*ret_place = (struct place){ TAKE_FD(dir_fd), !*name && *path ? "." : name, shared };
	return 0;
}

/* Of a file in a shared place. */
static bool is_trusted(const struct stat *status)
{
	if (!output_file_trusts(status->st_uid) || status->st_mode & S_IWOTH)
		return false;
	return !S_ISREG(status->st_mode) || status->st_nlink == 1;
}

/* Of what has the name, a link itself and not what it leads to. False too if there is nothing. */
static bool is_trusted_name(const struct place *place)
{
	struct stat status;

	return !fstatat(place->dir_fd, place->name, &status, AT_SYMLINK_NOFOLLOW) &&
	       is_trusted(&status);
}

/* With fs.protected_* the kernel itself refuses others' files, with EACCES: finds the reason. */
static int reason_of(const struct place *place, int errnum)
{
	struct stat status;

	if (errnum != EACCES || !place->is_shared ||
	    fstatat(place->dir_fd, place->name, &status, AT_SYMLINK_NOFOLLOW))
		return -errnum;
	if (S_ISLNK(status.st_mode))
		return -ELOOP;
	return is_trusted(&status) ? -errnum : -EPERM;
}

/* Does not wait for the reader of another user's FIFO, who may never come; waits for that of
 * ours. */
static int open_shared(const struct place *place, int flags, mode_t mode)
{
	int fd = openat(place->dir_fd, place->name, flags | O_NOFOLLOW | O_NONBLOCK, mode);

	if (fd < 0 && errno == ENXIO && !(flags & O_NONBLOCK)) {
		if (!is_trusted_name(place))
			return -EPERM;
		fd = openat(place->dir_fd, place->name, flags | O_NOFOLLOW, mode);
	}
	if (fd < 0)
		return reason_of(place, errno);
	if (!(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static int open_at(const struct place *place, int flags, mode_t mode)
{
	int all = (flags & ~O_TRUNC) | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	autoclose int fd = place->is_shared ? open_shared(place, all, mode) :
					      openat(place->dir_fd, place->name, all, mode);
	struct stat status;

	if (place->is_shared && fd < 0)
		return fd;
	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (place->is_shared && !is_trusted(&status))
		return -EPERM;
	if (flags & O_TRUNC && S_ISREG(status.st_mode) && ftruncate(fd, 0))
		return -errno;
	return TAKE_FD(fd);
}

int output_file_open(const char *path, int flags, mode_t mode)
{
	autofree char *copy = strdup(path);
	struct place place;
	int result = copy ? find_place(copy, &place) : -ENOMEM;

	if (result < 0)
		return result;
	result = open_at(&place, flags, mode);
	close(place.dir_fd);
	return result;
}

bool output_file_is_shared(const char *path)
{
	autofree char *copy = strdup(path);
	struct place place = { .dir_fd = -1 };

	if (!copy || find_place(copy, &place) < 0)
		return true;
	close(place.dir_fd);
	return place.is_shared;
}

void output_file_give(int fd, const char *path, uid_t owner)
{
	autofree char *copy = strdup(path);
	struct stat directory, file;

	if (copy && !stat(dirname(copy), &directory) && directory.st_uid == owner &&
	    !fstat(fd, &file) && S_ISREG(file.st_mode) && !file.st_uid && file.st_nlink == 1)
		(void)!fchown(fd, owner, (gid_t)-1);
}

int output_file_read(int written_fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", written_fd);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* FILE.number becomes FILE.(number + 1); number 0: FILE. */
static int put_one_aside(const char *path, const char *suffix, uint64_t number)
{
	int stem = (int)(strlen(path) - strlen(suffix));
	char from[PATH_MAX], to[PATH_MAX];
	int length = number ? snprintf(from, sizeof(from), "%.*s.%" PRIu64 "%s", stem, path, number,
				       suffix) :
			      snprintf(from, sizeof(from), "%s", path);

	if (length >= PATH_MAX || snprintf(to, sizeof(to), "%.*s.%" PRIu64 "%s", stem, path,
					   number + 1, suffix) >= PATH_MAX)
		return -ENAMETOOLONG;
	return rename(from, to) && (errno != ENOENT || !number) ? -errno : 0;
}

int output_file_put_aside(const char *path, const char *suffix, uint64_t keep)
{
	int result = 0;

	for (uint64_t number = keep; number-- && !result;)
		result = put_one_aside(path, suffix, number);
	return result;
}

bool output_file_may_make(const char *path)
{
	autofree char *copy = strdup(path);

	return copy && !faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS);
}

bool output_file_may_reopen(const char *path)
{
	struct stat status;
	bool is_there = !stat(path, &status);

	if (is_there && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return false;
	return (is_there && !S_ISREG(status.st_mode)) || output_file_may_make(path);
}

const char *output_file_strerror(int errnum)
{
	switch (errnum) {
	case ELOOP:
		return "a symbolic link, in a directory where everybody may write";
	case EPERM:
		return "another user's, or everybody's, in a directory where everybody may write";
	default:
		return strerror(errnum);
	}
}
