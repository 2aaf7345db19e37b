/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is taken piece by piece and given back all at once. */
#ifndef FAULTMAP_ARENA_H
#define FAULTMAP_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* All zero: empty. */
struct arena {
	struct arena_chunk *chunks;
};

/* Zeroed, for anything; NULL when out of memory. */
void *arena_take(struct arena *arena, size_t size);
/* A copy; NULL when out of memory. */
char *arena_text(struct arena *arena, const char *text);
void arena_clear(struct arena *arena);

#endif
