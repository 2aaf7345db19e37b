// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output_file.h"
#include "base/text.h"
#include "base/util.h"
#include "metrics/guard_exposition.h"

/* node_exporter is another user. */
#define MODE 0644
#define SUFFIX ".prom"
/* Behind the name, so that no collector reads it. */
#define UNFINISHED ".new"

int textfile_check(const char *path, struct error *error)
{
	size_t length = strlen(path);
	char shown[256];

	text_escape_to(shown, sizeof(shown), path);
	if (length >= strlen(SUFFIX) && !strcmp(path + length - strlen(SUFFIX), SUFFIX) &&
	    length + sizeof(UNFINISHED) <= PATH_MAX)
		return 0;
	return error_set(error, EINVAL,
			 "--prometheus-textfile: \"%s\" has to end in " SUFFIX
			 ", or node_exporter does not read it",
			 shown);
}

static int write_to(const char *path, const char *name, const struct guard_totals *totals,
		    struct timespec since)
{
	int fd = output_file_open(path, O_TRUNC, MODE), result = 0;
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");

	if (!stream)
		return fd < 0 ? fd : -errno;
	if (fchmod(fd, MODE) < 0)
		result = -errno;
	guard_exposition_write(stream, name, totals, since);
	errno = 0;
	if ((fflush(stream) || ferror(stream)) && !result)
		result = -(errno ?: EIO);
	fclose(stream);
	return result;
}

int textfile_write(const char *path, const char *name, const struct guard_totals *totals,
		   struct timespec since, struct error *error)
{
	char unfinished[PATH_MAX], shown[256];
	int result;

	snprintf(unfinished, sizeof(unfinished), "%s" UNFINISHED, path);
	result = write_to(unfinished, name, totals, since);
	if (!result && rename(unfinished, path) < 0)
		result = -errno;
	if (!result)
		return 0;
	text_escape_to(shown, sizeof(shown), path);
	return error_set(error, -result,
			 "writing %s: %s; its directory has to be writable for the user that "
			 "faultmap becomes (--user)",
			 shown, output_file_strerror(-result));
}
