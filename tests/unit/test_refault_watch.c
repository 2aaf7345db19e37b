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

/* A watch that began at 100 s, when 5 pages had come back. */
static struct refault_watch watch_of(FILE *file)
{
	struct refault_watch watch = { .fd = fileno(file), .count = 5, .base = 5 };

	write_count(watch.fd, 5);
	assert_false(refault_watch_look(&watch, 100 * SECOND));
	return watch;
}

static void it_says_so_for_a_minute(void **state)
{
	FILE *file = tmpfile();
	struct refault_watch watch = watch_of(file);

	(void)state;
	write_count(watch.fd, 5 + REFAULTS_MANY - 1);
	assert_false(refault_watch_look(&watch, 101 * SECOND));
	write_count(watch.fd, 5 + REFAULTS_MANY);
	assert_true(refault_watch_look(&watch, 102 * SECOND));
	assert_true(refault_watch_look(&watch, 159 * SECOND)); /* the same minute */
	assert_true(refault_watch_look(&watch, 160 * SECOND));
	assert_true(refault_watch_look(&watch, 218 * SECOND));
	assert_false(refault_watch_look(&watch, 219 * SECOND));
	write_count(watch.fd, 5 + 2 * REFAULTS_MANY);
	assert_true(refault_watch_look(&watch, 230 * SECOND));
	fclose(file);
}

static void a_few_each_minute_are_not_many(void **state)
{
	FILE *file = tmpfile();
	struct refault_watch watch = watch_of(file);

	(void)state;
	for (unsigned int minute = 1; minute < 60; minute++) {
		write_count(watch.fd, 5 + minute * (REFAULTS_MANY - 1));
		assert_false(refault_watch_look(&watch, (100 + minute * 60) * SECOND));
	}
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
		cmocka_unit_test(a_few_each_minute_are_not_many),
		cmocka_unit_test(without_the_file_it_says_yes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
