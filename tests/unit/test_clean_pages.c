// SPDX-License-Identifier: GPL-2.0-only
/* Which of our pages go: clean ones of files, and no others. live/kinds_alone runs it with swap. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clean_pages.h"

#define PAGES 16

/* Whether the kernel has a page there: bit 63 of its entry in /proc/self/pagemap. */
static bool is_present(const volatile char *at)
{
	FILE *pagemap = fopen("/proc/self/pagemap", "r");
	uint64_t entry = 0;

	assert_non_null(pagemap);
	assert_int_equal(fseeko(pagemap, (off_t)((uintptr_t)at / sysconf(_SC_PAGESIZE) * 8),
				SEEK_SET),
			 0);
	assert_int_equal(fread(&entry, sizeof(entry), 1, pagemap), 1);
	fclose(pagemap);
	return entry >> 63;
}

/* A mapping of a new file of 'f's, each page of which was read. */
static volatile char *map_file(int protection, int flags)
{
	size_t size = PAGES * sysconf(_SC_PAGESIZE);
	FILE *file = tmpfile();
	volatile char *mapping;

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		fputc('f', file);
	assert_int_equal(fflush(file), 0);
	mapping = mmap(NULL, size, protection, flags, fileno(file), 0);
	assert_true(mapping != MAP_FAILED);
	fclose(file);
	for (size_t i = 0; i < size; i += sysconf(_SC_PAGESIZE))
		assert_int_equal(mapping[i], 'f');
	return mapping;
}

static void protect(volatile char *mapping, int protection)
{
	assert_int_equal(mprotect((void *)mapping, PAGES * sysconf(_SC_PAGESIZE), protection), 0);
}

static void test_clean(void **state)
{
	volatile char *text = map_file(PROT_READ | PROT_EXEC, MAP_PRIVATE);
	volatile char *constants = map_file(PROT_READ, MAP_PRIVATE);

	(void)state;
	assert_true(is_present(text) && is_present(constants));
	assert_true(clean_pages_release() >= 2 * PAGES * (size_t)sysconf(_SC_PAGESIZE));
	assert_false(is_present(text) || is_present(constants));
	assert_true(text[0] == 'f' && constants[0] == 'f'); /* they come back */
}

/* As relocations are made, and breakpoints set. */
static void test_changed(void **state)
{
	volatile char *relocated = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	(void)state;
	relocated[0] = 'r';
	protect(relocated, PROT_READ);
	clean_pages_release();
	assert_true(is_present(relocated));
	assert_int_equal(relocated[0], 'r');
	assert_int_equal(relocated[sysconf(_SC_PAGESIZE)], 'f');
}

/* A copy that is on swap counts as nothing that is resident. */
static void test_swapped(void **state)
{
	volatile char *relocated = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	(void)state;
	relocated[0] = 'r';
	/* Reclaim passes over pages that something else holds for a moment: ask more than once. */
	for (int tries = 0; tries < 20 && is_present(relocated); tries++)
		madvise((void *)relocated, (size_t)sysconf(_SC_PAGESIZE), MADV_PAGEOUT);
	if (is_present(relocated)) /* no swap */
		skip();
	protect(relocated, PROT_READ);
	clean_pages_release();
	assert_int_equal(relocated[0], 'r');
}

static void test_others(void **state)
{
	volatile char *writable = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	volatile char *shared = map_file(PROT_READ, MAP_SHARED);
	size_t size = PAGES * sysconf(_SC_PAGESIZE);
	volatile char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(memory != MAP_FAILED);
	memory[0] = 'm';
	protect(memory, PROT_READ);
	clean_pages_release();
	assert_true(is_present(writable) && is_present(shared) && is_present(memory));
	assert_int_equal(memory[0], 'm');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
