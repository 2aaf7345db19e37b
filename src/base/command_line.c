// SPDX-License-Identifier: GPL-2.0-only
#include "base/command_line.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"

char *command_line_read(char *buffer, size_t size, uint32_t tgid)
{
	char path[32];
	autoclose int fd = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cmdline", tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? 0 : read(fd, buffer, size - 1);
	while (length > 0 && !buffer[length - 1])
		length--;
	if (length <= 0)
		return NULL;
	for (ssize_t i = 0; i < length; i++)
		if (!buffer[i])
			buffer[i] = ' ';
	buffer[length] = '\0';
	return buffer;
}
