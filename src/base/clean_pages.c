// SPDX-License-Identifier: GPL-2.0-only
#include "base/clean_pages.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"

struct mapping {
	uint64_t start, end;
	uint64_t rss_kib;
	uint64_t copied_kib; /* resident */
	bool of_file;        /* private, and not to be written */
};

/* False: the line does not begin a mapping. */
static bool begins(const char *line, struct mapping *ret_mapping)
{
	uint64_t start, end, inode;
	char perms[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %" SCNu64, &start, &end, perms,
		   &inode) != 4)
		return false;
	*ret_mapping = (struct mapping){ .start = start,
					 .end = end,
					 .of_file = inode && perms[1] == '-' && perms[3] == 'p' };
	return true;
}

static size_t release(const struct mapping *mapping)
{
	void *start = (void *)(uintptr_t)mapping->start;

	if (!mapping->of_file || !mapping->rss_kib ||
	    madvise(start, mapping->end - mapping->start, MADV_DONTNEED))
		return 0;
	return mapping->rss_kib << 10;
}

size_t clean_pages_release(void)
{
	autofclose FILE *smaps = fopen("/proc/self/smaps", "re");
	struct mapping mapping = {};
	char line[4096 + 128];
	size_t released = 0;

	while (smaps && fgets(line, sizeof(line), smaps)) {
		uint64_t kib;

		if (begins(line, &mapping))
			continue;
		if (sscanf(line, "Rss: %" SCNu64, &kib) == 1)
			mapping.rss_kib = kib;
		else if (sscanf(line, "Anonymous: %" SCNu64, &kib) == 1)
			mapping.copied_kib = kib;
		else if (sscanf(line, "Swap: %" SCNu64, &kib) == 1 && !kib && !mapping.copied_kib)
			released += release(&mapping);
	}
	return released;
}
