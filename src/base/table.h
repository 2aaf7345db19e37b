/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash from fixed-size keys to pointers. Each key lies inside the value that it finds, so the
 * table owns nothing but its slots. Open addressing; grows when 70 % full, shrinks by
 * table_shrink() only.
 */
#ifndef FAULTMAP_TABLE_H
#define FAULTMAP_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Has the hash, so that a search hardly ever reads a value with another key. */
struct table_slot {
	uint64_t hash;
	void *value;
};

struct table {
	size_t key_offset; /* of the key in a value */
	size_t key_size;
	size_t count;
	size_t capacity;
	struct table_slot *slots;
};

void table_init(struct table *table, size_t key_offset, size_t key_size);
/* Frees the slots; what they point to stays the caller's. */
void table_clear(struct table *table);
/* The same, and frees what they point to. */
void table_clear_values(struct table *table, void (*free_value)(void *value));
/* NULL when absent. */
void *table_get(const struct table *table, const void *key);
/* Adds a value whose key is not in the table yet. 0 or -ENOMEM. */
int table_add(struct table *table, void *value);
/* The same with a copy of the value, in memory to be freed with free(). Returns the copy; NULL when
 * out of memory. */
void *table_add_copy(struct table *table, const void *value, size_t size);
/* Takes the value with this key out and returns it; NULL when absent. */
void *table_remove(struct table *table, const void *key);
/* Frees slots that are not needed. Without memory for the smaller array the table stays as it
 * is. */
void table_shrink(struct table *table);
/* All values in an array, to be freed; NULL when out of memory. */
void *table_values(const struct table *table);
/* Walks all values: start with *cursor = 0, ends with NULL. No change to the table meanwhile. */
void *table_next(const struct table *table, size_t *cursor);

#endif
