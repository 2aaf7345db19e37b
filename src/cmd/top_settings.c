// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/top_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

/* More than all settings take. */
#define SETTINGS_BYTES 4096

static void find_path(struct top_settings *settings)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int length = 0;

	settings->path[0] = '\0';
	if (config && *config == '/')
		length = snprintf(settings->path, sizeof(settings->path), "%s/faultmap/top.conf",
				  config);
	else if (home && *home == '/')
		length = snprintf(settings->path, sizeof(settings->path),
				  "%s/.config/faultmap/top.conf", home);
	if (length >= (int)sizeof(settings->path))
		settings->path[0] = '\0';
}

void top_settings_open(struct top_settings *settings)
{
	ssize_t length;

	*settings = (struct top_settings){ .fd = -1 };
	find_path(settings);
	if (!*settings->path)
		return;
	/* Root may have another user's HOME (sudo -E), where a link may lead to any file of root's,
	 * which w would overwrite. */
	settings->fd = open(settings->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
						    (geteuid() == 0 ? O_NOFOLLOW : 0));
	settings->text = settings->fd < 0 ? NULL : calloc(1, SETTINGS_BYTES);
	if (!settings->text)
		return;
	length = pread(settings->fd, settings->text, SETTINGS_BYTES - 1, 0);
	settings->text[length > 0 ? length : 0] = '\0';
}

void top_settings_close(struct top_settings *settings)
{
	if (settings->fd >= 0)
		close(settings->fd);
	free(settings->text);
}

/* The directories that lead to it, as XDG wants them. */
static void make_directories(const char *path)
{
	char directory[sizeof(((struct top_settings *)0)->path)];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
		mkdir(directory, 0700); /* what is there already stays */
	}
}

int top_settings_save(struct top_settings *settings, const char *text, char *ret_where, size_t size,
		      struct error *error)
{
	size_t length = strlen(text);

	if (!*settings->path)
		return error_set(error, ENOENT,
				 "writing settings: neither XDG_CONFIG_HOME nor "
				 "HOME says where");
	if (settings->fd < 0) {
		make_directories(settings->path);
		settings->fd = open(settings->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				    0600);
	}
	if (settings->fd < 0 && errno == ENOSYS) /* the filter of system calls */
		return error_set(error, EPERM,
				 "no file can be made while a log is shown: make an empty %s first",
				 settings->path);
	if (settings->fd < 0)
		return error_set(error, errno,
				 "making %s: %s; make an empty file there before faultmap starts",
				 settings->path, strerror(errno));
	if (ftruncate(settings->fd, 0) < 0 ||
	    pwrite(settings->fd, text, length, 0) != (ssize_t)length)
		return error_set(error, errno, "writing %s: %s", settings->path, strerror(errno));
	snprintf(ret_where, size, "%s", settings->path);
	return 0;
}
