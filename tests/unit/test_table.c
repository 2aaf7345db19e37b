// SPDX-License-Identifier: GPL-2.0-only
/* The hash table against an array that is indexed by the key. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/table.h"

#define N_ITEMS 1000
#define N_OPERATIONS 10000

struct item {
	char before; /* so that the key is not at offset 0, nor of a size of whole words */
	struct item_key {
		uint32_t number;
		uint32_t pad[2];
	} key;
	bool present;
};

static void init(struct table *table)
{
	table_init(table, offsetof(struct item, key), sizeof(struct item_key));
}

static void empty_table_finds_nothing(void **state)
{
	struct item_key key = { .number = 1 };
	struct table table;
	size_t cursor = 0;

	(void)state;
	init(&table);
	assert_null(table_get(&table, &key));
	assert_null(table_remove(&table, &key));
	assert_null(table_next(&table, &cursor));
	assert_int_equal(table.count, 0);
	table_clear(&table);
}

static void assert_same_as_model(const struct table *table, struct item *items, size_t present)
{
	size_t cursor = 0, walked = 0;
	bool seen[N_ITEMS] = { false };
	struct item *item;

	assert_int_equal(table->count, present);
	for (size_t i = 0; i < N_ITEMS; i++)
		assert_ptr_equal(table_get(table, &items[i].key),
				 items[i].present ? &items[i] : NULL);
	while ((item = table_next(table, &cursor))) {
		assert_true(item->present);
		assert_false(seen[item - items]);
		seen[item - items] = true;
		walked++;
	}
	assert_int_equal(walked, present);
}

static void random_operations_match_a_model(void **state)
{
	static struct item items[N_ITEMS];
	unsigned int seed = 1;
	struct table table;
	size_t present = 0;

	(void)state;
	init(&table);
	for (uint32_t i = 0; i < N_ITEMS; i++)
		items[i].key.number = i * 64; /* alike in their low bits */
	for (int i = 0; i < N_OPERATIONS; i++) {
		struct item *item = &items[(unsigned int)rand_r(&seed) % N_ITEMS];

		if (item->present) {
			assert_ptr_equal(table_remove(&table, &item->key), item);
			present--;
		} else {
			assert_null(table_remove(&table, &item->key));
			assert_int_equal(table_add(&table, item), 0);
			present++;
		}
		item->present = !item->present;
		if (i % 100 == 0)
			assert_same_as_model(&table, items, present);
	}
	assert_same_as_model(&table, items, present);
	assert_true(present > N_ITEMS / 4);
	table_clear(&table);
	assert_int_equal(table.count, 0);
	assert_null(table_get(&table, &items[0].key));
}

static void table_is_usable_after_clear(void **state)
{
	struct item item = { .key.number = 5 };
	struct table table;

	(void)state;
	init(&table);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(table_add(&table, &item), 0);
		assert_ptr_equal(table_get(&table, &item.key), &item);
		table_clear(&table);
		assert_null(table_get(&table, &item.key));
	}
}

static void grows_only_as_needed(void **state)
{
	static struct item items[N_ITEMS];
	struct table table;

	(void)state;
	init(&table);
	for (uint32_t i = 0; i < N_ITEMS; i++) {
		items[i].key.number = i;
		assert_int_equal(table_add(&table, &items[i]), 0);
		assert_true(table.count * 10 <= table.capacity * 7 + 10);
	}
	assert_true(table.capacity <= 4 * N_ITEMS);
	for (uint32_t i = 0; i < N_ITEMS; i++)
		assert_ptr_equal(table_remove(&table, &items[i].key), &items[i]);
	assert_int_equal(table.count, 0);
	table_clear(&table);
}

static void shrinks_to_what_is_left(void **state)
{
	static struct item items[N_ITEMS];
	struct table table;
	size_t left = N_ITEMS;

	(void)state;
	init(&table);
	table_shrink(&table); /* nothing to shrink */
	for (uint32_t i = 0; i < N_ITEMS; i++) {
		items[i] = (struct item){ .key.number = i * 64, .present = true };
		assert_int_equal(table_add(&table, &items[i]), 0);
	}
	table_shrink(&table);
	assert_same_as_model(&table, items, left);
	for (uint32_t i = 0; i < N_ITEMS; i++) {
		if (i % 16 == 0)
			continue;
		table_remove(&table, &items[i].key);
		items[i].present = false;
		left--;
	}
	table_shrink(&table);
	assert_true(table.capacity <= 8 * left);
	assert_true(table.count * 20 <= table.capacity * 7);
	assert_same_as_model(&table, items, left);
	table_clear(&table);
	table_shrink(&table);
	assert_null(table_get(&table, &items[0].key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_table_finds_nothing),
		cmocka_unit_test(random_operations_match_a_model),
		cmocka_unit_test(table_is_usable_after_clear),
		cmocka_unit_test(grows_only_as_needed),
		cmocka_unit_test(shrinks_to_what_is_left),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
