/* SPDX-License-Identifier: GPL-2.0-only */
/* Who knows the build ids of files of code: what collect/, which shows code, asks of symbol/. */
#ifndef FAULTMAP_BUILD_ID_SOURCE_H
#define FAULTMAP_BUILD_ID_SOURCE_H

#include <stdint.h>

/* In hex digits, with the NUL: that of most linkers has 20 bytes. */
#define BUILD_ID_LEN 65

struct build_id_source {
	/* The build id of the file as this process sees it, in hex; NULL: it has none, or none is
	 * known. The text lives as long as the source. One thread at a time may call it. */
	const char *(*find)(void *context, const char *file, uint32_t tgid);
	void *context;
};

#endif
