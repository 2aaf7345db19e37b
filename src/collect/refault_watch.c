// SPDX-License-Identifier: GPL-2.0-only
#include "collect/refault_watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define VMSTAT_PATH "/proc/vmstat"
/* Some 190 lines, 5 KB. */
#define VMSTAT_BYTES 16384
#define NAME "workingset_refault_"

#define MINUTE_NS (60 * UINT64_C(1000000000))

void refault_watch_open(struct refault_watch *watch)
{
	*watch = (struct refault_watch){ .fd = open(VMSTAT_PATH, O_RDONLY | O_CLOEXEC) };
	refault_watch_look(watch, 0);
	watch->base = watch->count;
}

void refault_watch_close(struct refault_watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

uint64_t refault_watch_parse(const char *text)
{
	uint64_t sum = 0;

	while ((text = strstr(text, NAME))) {
		text += strlen(NAME);
		sum += strtoull(text + strcspn(text, " \n"), NULL, 10);
	}
	return sum;
}

bool refault_watch_look(struct refault_watch *watch, uint64_t now_ns)
{
	char text[VMSTAT_BYTES];
	ssize_t size = watch->fd < 0 ? -1 : pread(watch->fd, text, sizeof(text) - 1, 0);

	if (size <= 0)
		return true;
	text[size] = '\0';
	if (now_ns - watch->began_ns >= MINUTE_NS) {
		watch->base = watch->count;
		watch->began_ns = now_ns;
	}
	watch->count = refault_watch_parse(text);
	if (watch->count - watch->base >= REFAULTS_MANY)
		watch->last_ns = now_ns;
	return watch->last_ns && now_ns - watch->last_ns < MINUTE_NS;
}
