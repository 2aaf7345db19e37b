/* SPDX-License-Identifier: GPL-2.0-only */
#include "table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16 /* a power of two, as every capacity */

void table_init(struct table *table, size_t key_offset, size_t key_size)
{
	*table = (struct table){ .key_offset = key_offset, .key_size = key_size };
}

void table_clear(struct table *table)
{
	free(table->slots);
	table_init(table, table->key_offset, table->key_size);
}

static const void *key_of(const struct table *table, const void *value)
{
	return (const char *)value + table->key_offset;
}

/*
 * Multiply and fold, eight bytes a step. Keys are ids and times, mostly close to one another: the
 * multiplication spreads them, the fold brings the high bits to where the slot number is taken.
 */
static uint64_t hash_key(const void *key, size_t size)
{
	const char *bytes = key;
	uint64_t hash = size;

	while (size > 0) {
		size_t step = size < sizeof(uint64_t) ? size : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, bytes, step);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
		bytes += step;
		size -= step;
	}
	return hash;
}

/* The slot that holds the key, or the empty one where it belongs. Needs an empty slot somewhere. */
static size_t find_slot(const struct table *table, const void *key)
{
	size_t mask = table->capacity - 1;
	size_t slot = hash_key(key, table->key_size) & mask;

	while (table->slots[slot] &&
	       memcmp(key_of(table, table->slots[slot]), key, table->key_size) != 0)
		slot = (slot + 1) & mask;
	return slot;
}

static int grow(struct table *table)
{
	struct table bigger = *table;

	bigger.capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
	if (bigger.capacity < table->capacity)
		return -ENOMEM;
	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++) {
		void *value = table->slots[i];

		if (value)
			bigger.slots[find_slot(&bigger, key_of(table, value))] = value;
	}
	free(table->slots);
	*table = bigger;
	return 0;
}

void *table_get(const struct table *table, const void *key)
{
	if (table->count == 0)
		return NULL;
	return table->slots[find_slot(table, key)];
}

int table_add(struct table *table, void *value)
{
	if (table->count * 10 >= table->capacity * 7) {
		int r = grow(table);

		if (r < 0)
			return r;
	}
	table->slots[find_slot(table, key_of(table, value))] = value;
	table->count++;
	return 0;
}

/*
 * Moves later members of the probe sequence back into the hole, so that no tombstones are needed
 * and look-ups stay short however often processes come and go.
 */
static void close_hole(struct table *table, size_t hole)
{
	size_t mask = table->capacity - 1;

	for (size_t slot = (hole + 1) & mask; table->slots[slot]; slot = (slot + 1) & mask) {
		const void *key = key_of(table, table->slots[slot]);
		size_t home = hash_key(key, table->key_size) & mask;

		/* It may move only if the hole lies between its home and where it is now. */
		if (((slot - home) & mask) < ((slot - hole) & mask))
			continue;
		table->slots[hole] = table->slots[slot];
		hole = slot;
	}
	table->slots[hole] = NULL;
}

void *table_remove(struct table *table, const void *key)
{
	size_t slot;
	void *value;

	if (table->count == 0)
		return NULL;
	slot = find_slot(table, key);
	value = table->slots[slot];
	if (!value)
		return NULL;
	close_hole(table, slot);
	table->count--;
	return value;
}

void *table_next(const struct table *table, size_t *cursor)
{
	while (*cursor < table->capacity) {
		void *value = table->slots[(*cursor)++];

		if (value)
			return value;
	}
	return NULL;
}
