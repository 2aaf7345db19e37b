/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory and swap the machine has and could give, from /proc/meminfo. */
#ifndef FAULTMAP_HOST_MEMORY_H
#define FAULTMAP_HOST_MEMORY_H

#include <stdint.h>

/* In bytes. */
struct host_memory {
	uint64_t total, available; /* MemTotal, MemAvailable: as the kernel estimates it */
	uint64_t swap_total, swap_free;
};

/* 0 or a negative errno, with all 0. */
int host_memory_read(struct host_memory *memory);
/* The same from the file's text; what is not in it is 0. */
void host_memory_parse(struct host_memory *memory, const char *text);

#endif
