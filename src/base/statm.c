// SPDX-License-Identifier: GPL-2.0-only
#include "base/statm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/util.h"

int statm_parse(const char *text, uint64_t page_size, uint64_t *vsz_bytes, uint64_t *rss_bytes)
{
	uint64_t vsz, rss;

	if (sscanf(text, "%" SCNu64 " %" SCNu64, &vsz, &rss) != 2)
		return -EBADMSG;
	if (!vsz) /* no mm any more */
		return -ESRCH;
	*vsz_bytes = vsz * page_size;
	*rss_bytes = rss * page_size;
	return 0;
}

int statm_read(uint32_t tgid, uint64_t page_size, uint64_t *vsz_bytes, uint64_t *rss_bytes)
{
	char path[32], text[128];
	autoclose int fd = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%u/statm", tgid);
	fd = open(tgid ? path : "/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	return statm_parse(text, page_size, vsz_bytes, rss_bytes);
}
