// SPDX-License-Identifier: GPL-2.0-only
#include "base/table.h"

#include <errno.h>
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
static struct table_slot *find_slot(const struct table *table, const void *key, uint64_t hash)
{
	size_t mask = table->capacity - 1;
	struct table_slot *slot = &table->slots[hash & mask];

	while (slot->value && (slot->hash != hash ||
			       memcmp(key_of(table, slot->value), key, table->key_size) != 0))
		slot = &table->slots[(slot - table->slots + 1) & mask];
	return slot;
}

static int move_to(struct table *table, size_t capacity)
{
	struct table moved = *table;

	moved.capacity = capacity;
	moved.slots = calloc(capacity, sizeof(*moved.slots));
	if (!moved.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++) {
		const struct table_slot *slot = &table->slots[i];

		if (slot->value)
			*find_slot(&moved, key_of(table, slot->value), slot->hash) = *slot;
	}
	free(table->slots);
	*table = moved;
	return 0;
}

static int grow(struct table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;

	return capacity < table->capacity ? -ENOMEM : move_to(table, capacity);
}

void table_shrink(struct table *table)
{
	size_t capacity = table->capacity;

	/* Half as full at the most as where it grows again. */
	while (capacity > FIRST_CAPACITY && table->count * 20 < capacity / 2 * 7)
		capacity /= 2;
	if (capacity < table->capacity)
		(void)move_to(table, capacity);
}

void *table_get(const struct table *table, const void *key)
{
	if (table->count == 0)
		return NULL;
	return find_slot(table, key, hash_key(key, table->key_size))->value;
}

int table_add(struct table *table, void *value)
{
	uint64_t hash = hash_key(key_of(table, value), table->key_size);

	if (table->count * 10 >= table->capacity * 7) {
		int r = grow(table);

		if (r < 0)
			return r;
	}
	*find_slot(table, key_of(table, value), hash) = (struct table_slot){ hash, value };
	table->count++;
	return 0;
}

void *table_add_copy(struct table *table, const void *value, size_t size)
{
	void *copy = malloc(size);

	if (!copy)
		return NULL;
	memcpy(copy, value, size);
	if (!table_add(table, copy))
		return copy;
	free(copy);
	return NULL;
}

/*
 * Moves later members of the probe sequence back into the hole, so that no tombstones are needed
 * and look-ups stay short however often processes come and go.
 */
static void close_hole(struct table *table, size_t hole)
{
	size_t mask = table->capacity - 1;

	for (size_t slot = (hole + 1) & mask; table->slots[slot].value; slot = (slot + 1) & mask) {
		size_t home = table->slots[slot].hash & mask;

		/* It may move only if the hole lies between its home and where it is now. */
		if (((slot - home) & mask) < ((slot - hole) & mask))
			continue;
		table->slots[hole] = table->slots[slot];
		hole = slot;
	}
	table->slots[hole].value = NULL;
}

void *table_remove(struct table *table, const void *key)
{
	struct table_slot *slot;
	void *value;

	if (table->count == 0)
		return NULL;
	slot = find_slot(table, key, hash_key(key, table->key_size));
	value = slot->value;
	if (!value)
		return NULL;
	close_hole(table, slot - table->slots);
	table->count--;
	return value;
}

void *table_next(const struct table *table, size_t *cursor)
{
	while (*cursor < table->capacity) {
		void *value = table->slots[(*cursor)++].value;

		if (value)
			return value;
	}
	return NULL;
}

void table_clear_values(struct table *table, void (*free_value)(void *value))
{
	size_t cursor = 0;

	for (void *value; (value = table_next(table, &cursor));)
		free_value(value);
	table_clear(table);
}

void *table_values(const struct table *table)
{
	void **values = calloc(table->count + 1, sizeof(*values));
	size_t cursor = 0;

	for (size_t i = 0; values && i < table->count; i++)
		values[i] = table_next(table, &cursor);
	return values;
}
