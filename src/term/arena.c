// SPDX-License-Identifier: GPL-2.0-only
#include "term/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define CHUNK_BYTES (64 * 1024)
#define ALIGNMENT 16

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size; /* of what follows */
	_Alignas(ALIGNMENT) char bytes[];
};

void *arena_take(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	size_t wanted = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	void *taken;

	if (!chunk || chunk->size - chunk->used < wanted) {
		size_t room = max_of(wanted, CHUNK_BYTES);

		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->size = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	taken = chunk->bytes + chunk->used;
	chunk->used += wanted;
	return taken;
}

char *arena_text(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_take(arena, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void arena_clear(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}
