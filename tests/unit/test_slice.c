// SPDX-License-Identifier: GPL-2.0-only
/* The slice in a key, for every size of slices and any place in the mapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collect/slice.h"
#include "base/util.h"

/* As bpf/slice.bpf.h puts it together. */
static struct row_key key_of(uint64_t anchor, unsigned int shift, uint64_t address)
{
	return (struct row_key){ .anchor = SLICE_HASH(anchor) | (uint64_t)shift << SLICE_SHIFT_BIT |
					   (address >> shift & SLICE_NUMBER_MASK),
				 .perms = PERM_READ | PERM_SLICED };
}

static void without_slices_nothing_is_changed(void **state)
{
	const struct extent extent = { 0x1000, 0x9000, 0 };
	struct row_key key = { .anchor = 0x7f1234567003, .perms = PERM_WRITE };
	uint64_t start = 1, end = 1;

	(void)state;
	assert_int_equal(slice_tag(&key), 0);
	assert_int_equal(slice_anchor(&key), 0x7f1234567003);
	slice_bounds(&key, &extent, &start, &end);
	assert_int_equal(start, 0);
	assert_int_equal(end, 0);
}

/* SLICES_MAX slices, from low addresses to the highest that a user has, not aligned to anything. */
static void every_slice_is_found_again(void **state)
{
	static const uint64_t starts[] = { 0x1000, 0x7ffff000, 0x555555554000, 0x7f1234567000,
					   0xff000000001000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		for (unsigned int shift = 12; shift <= 40; shift += 7) {
			uint64_t size = 1ULL << shift;
			struct extent extent = { starts[i], starts[i] + (SLICES_MAX - 1) * size,
						 0 };

			for (uint64_t at = extent.start; at < extent.end; at += size / 2) {
				struct row_key key = key_of(starts[i], shift, at);
				uint64_t start, end;

				slice_bounds(&key, &extent, &start, &end);
				assert_true(start <= at && at < end);
				assert_int_equal(start % size, 0);
				assert_int_equal(end - start, size);
				assert_int_equal(slice_anchor(&key), SLICE_HASH(starts[i]));
			}
		}
	}
}

/* A stack that has not grown yet when its row is written. */
static void below_the_mapping_too(void **state)
{
	const struct extent extent = { 0x7ffff7ff0000, 0x7ffff7fff000, 0 };
	uint64_t address = extent.end - 1000 * 4096, start, end;
	struct row_key key = key_of(0, 12, address);

	(void)state;
	slice_bounds(&key, &extent, &start, &end);
	assert_int_equal(start, address);
	assert_int_equal(end, address + 4096);
}

static void tags_differ(void **state)
{
	struct row_key one = key_of(0x7000, 12, 0x8000), two = key_of(0x7000, 12, 0x9000);
	struct row_key larger = key_of(0x7000, 13, 0x10000); /* the same number */

	(void)state;
	assert_int_not_equal(slice_tag(&one), 0);
	assert_int_not_equal(slice_tag(&one), slice_tag(&two));
	assert_int_not_equal(slice_tag(&one), slice_tag(&larger));
	assert_int_equal(slice_anchor(&one), slice_anchor(&larger));
}

/* Anchors differ by a page, by one (mapping.bpf.h), by anything: so do their hashes. */
static void mappings_differ(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 44; bit++) {
		for (uint64_t i = 1; i < 4096; i++) {
			struct row_key one = key_of(0x7f1234567000, 12, 0);
			struct row_key two = key_of(0x7f1234567000 + (i << bit), 12, 0);

			assert_int_not_equal(slice_anchor(&one), slice_anchor(&two));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_slices_nothing_is_changed),
		cmocka_unit_test(every_slice_is_found_again),
		cmocka_unit_test(below_the_mapping_too),
		cmocka_unit_test(tags_differ),
		cmocka_unit_test(mappings_differ),
	};

	return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
