// SPDX-License-Identifier: GPL-2.0-only
#include "collect/host_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

/* The file has some 1,500 bytes; what is wanted stands in its first half. */
#define MEMINFO_BYTES 4096

/* "Name:   123 kB" at the beginning of a line, in bytes; 0: it is not there. */
static uint64_t value_of(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (; *text; text += *text == '\n') {
		if (!strncmp(text, name, length) && text[length] == ':')
			return strtoull(text + length + 1, NULL, 10) * 1024;
		text += strcspn(text, "\n");
	}
	return 0;
}

void host_memory_parse(struct host_memory *memory, const char *text)
{
	*memory = (struct host_memory){
		.total = value_of(text, "MemTotal"),
		.available = value_of(text, "MemAvailable"),
		.swap_total = value_of(text, "SwapTotal"),
		.swap_free = value_of(text, "SwapFree"),
	};
}

int host_memory_read(struct host_memory *memory)
{
	autoclose int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	char text[MEMINFO_BYTES];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	*memory = (struct host_memory){};
	if (length < 0)
		return -errno;
	text[length] = '\0';
	host_memory_parse(memory, text);
	return 0;
}
