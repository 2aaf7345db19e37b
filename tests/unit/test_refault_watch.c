// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/refault_watch.h"

#define SECOND UINT64_C(1000000000)

static void files_and_swap_add_up(void **state)
{
	(void)state;
	assert_int_equal(refault_watch_parse("workingset_nodes 7\n"
					     "workingset_refault_anon 20\n"
					     "workingset_refault_file 22\n"
					     "workingset_activate_anon 5\n"),
			 42);
	/* Before Linux 5.9 there was one for both. */
	assert_int_equal(refault_watch_parse("workingset_refault 3\nnr_dirty 1\n"), 0);
	assert_int_equal(refault_watch_parse(""), 0);
}

/* A file of ours in place of /proc/vmstat. */
static void write_count(int fd, unsigned int count)
{
	assert_true(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
		    dprintf(fd, "workingset_refault_file %u\n", count) > 0);
}

static void it_says_so_for_a_minute(void **state)
{
	FILE *file = tmpfile();
	struct refault_watch watch = { .fd = fileno(file) };

	(void)state;
	write_count(watch.fd, 5);
	watch.count = 5;
	assert_false(refault_watch_look(&watch, 1 * SECOND));
	write_count(watch.fd, 6);
	assert_true(refault_watch_look(&watch, 2 * SECOND));
	assert_true(refault_watch_look(&watch, 61 * SECOND));
	assert_false(refault_watch_look(&watch, 62 * SECOND));
	write_count(watch.fd, 7);
	assert_true(refault_watch_look(&watch, 90 * SECOND));
	fclose(file);
}

static void without_the_file_it_says_yes(void **state)
{
	struct refault_watch watch = { .fd = -1 };

	(void)state;
	assert_true(refault_watch_look(&watch, SECOND));
	refault_watch_open(&watch);
	assert_false(refault_watch_look(&watch, 0));
	refault_watch_close(&watch);
	assert_int_equal(watch.fd, -1);
	refault_watch_close(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_swap_add_up),
		cmocka_unit_test(it_says_so_for_a_minute),
		cmocka_unit_test(without_the_file_it_says_yes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
