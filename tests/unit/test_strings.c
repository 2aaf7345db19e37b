// SPDX-License-Identifier: GPL-2.0-only
/* Texts within budgets: sharing, cutting, counting, sweeping, and each user's share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/strings.h"
#include "range.h"

#define USER 1000

static int set_up(void **state)
{
	*state = strings_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	strings_free(*state);
	return 0;
}

/* "/dddd.../fileNUMBER", of so many bytes. */
static const char *path_of(size_t length, unsigned int number)
{
	static char path[8192];
	char leaf[32];
	int leaf_length = snprintf(leaf, sizeof(leaf), "/file%07u", number);

	memset(path, 'd', length);
	path[0] = '/';
	strcpy(path + length - leaf_length, leaf);
	return path;
}

/* Adds paths of this user until one is not kept whole; returns how many were. */
static unsigned int fill(struct strings *strings, uint32_t uid, size_t length)
{
	unsigned int count = 0;

	while (!strcmp(strings_get_for(strings, path_of(length, count), uid, STRINGS_LAST),
		       path_of(length, count)))
		count++;
	return count;
}

static void equal_texts_share_one(void **state)
{
	char text[] = "/usr/lib/libc.so.6";
	const char *shared = strings_get(*state, text);

	assert_ptr_not_equal(shared, text);
	text[0] = 'X'; /* it is a copy */
	assert_string_equal(shared, "/usr/lib/libc.so.6");
	assert_ptr_equal(strings_get(*state, "/usr/lib/libc.so.6"), shared);
	assert_ptr_equal(strings_get_for(*state, "/usr/lib/libc.so.6", USER, STRINGS_LAST), shared);
	assert_ptr_not_equal(strings_get(*state, text), shared);
	assert_string_equal(strings_get_for(*state, "", USER, STRINGS_LAST), "");
	assert_int_equal(strings_cut(*state), 0);
}

/* Most of a share is for whole texts, the rest for what is left of them, as long as there is a bit
 * of it. */
static void long_texts_are_cut_beyond_most_of_the_share(void **state)
{
	unsigned int whole = fill(*state, USER, 4000);

	assert_in_range(whole, STRINGS_WHOLE(STRINGS_BYTES_USER) / 4200,
			STRINGS_WHOLE(STRINGS_BYTES_USER) / 4000);
	assert_int_equal(strings_cut(*state), 1);
	assert_string_equal(strings_get_for(*state, path_of(4000, 77777), USER, STRINGS_LAST),
			    ".../file0077777");
	assert_int_equal(strings_cut(*state), 2);
	assert_string_equal(strings_get_for(*state, "/short", USER, STRINGS_LAST), "/short");
	assert_int_equal(strings_cut(*state), 2);
	for (unsigned int i = 0; i < 100000; i++)
		strings_get_for(*state, path_of(4000, i + 100000), USER, STRINGS_LAST);
	assert_int_equal(strings_cut(*state), 100002);
	assert_in_range(strings_bytes(*state), STRINGS_BYTES_USER - 200, STRINGS_BYTES_USER + 100);
	assert_string_equal(strings_get_for(*state, path_of(4000, 88888), USER, STRINGS_LAST),
			    "...");
	assert_string_equal(strings_get_for(*state, "/shorter", USER, STRINGS_LAST), "...");
	/* What is there already needs no room. */
	assert_string_equal(strings_get_for(*state, "/short", USER, STRINGS_LAST), "/short");
	assert_int_equal(strings_cut(*state), 100004);
}

static void a_user_with_a_full_share_does_not_affect_others(void **state)
{
	unsigned int mine = fill(*state, USER, 50);

	assert_string_equal(strings_get_for(*state, path_of(51, mine), USER, STRINGS_LAST), "...");
	assert_string_equal(strings_get_for(*state, path_of(51, mine), USER + 1, STRINGS_LAST),
			    path_of(51, mine));
	assert_string_equal(strings_get_for(*state, path_of(3000, 1), 0, STRINGS_LAST),
			    path_of(3000, 1));
}

static void all_users_together_have_a_budget(void **state)
{
	for (uint32_t uid = 1; uid < 2000; uid++)
		for (unsigned int i = 0; i < 300; i++)
			strings_get_for(*state, path_of(60, uid * 300 + i), uid, STRINGS_LAST);
	assert_in_range(strings_bytes(*state), STRINGS_BYTES - 200, STRINGS_BYTES + 100);
	strings_sweep(*state);
	assert_in_range(strings_bytes(*state), 0, 200);
	assert_string_equal(strings_get_for(*state, "/new", 1999, STRINGS_LAST), "/new");
}

static void cut_texts_keep_what_tells_most(void **state)
{
	static const struct {
		enum strings_end end;
		const char *text, *want;
	} cases[] = {
		{ STRINGS_LAST,
		  "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/b/c (deleted)",
		  ".../b/c (deleted)" },
		{ STRINGS_LAST,
		  "/x/0123456789aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		/* Not within a character: the first byte that would be kept is the second one of an
		 * é. */
		{ STRINGS_LAST,
		  "/x/0123456789\u00e9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		/* The last component of a path that ends with a slash is empty: that would say
		 * nothing. */
		{ STRINGS_LAST,
		  "/ends/with/a/slash/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/",
		  "...bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/" },
		{ STRINGS_FIRST,
		  "/user.slice/user-1000.slice/user@1000.service/app.slice/aaaaaaaaaaaaaaaaaaaaaa.scope",
		  "/user.slice/user-1000.slice/user@1000.service/app.slice/..." },
		{ STRINGS_FIRST,
		  "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..." },
		{ STRINGS_FIRST,
		  "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00e9aaaaaaaaaaa",
		  "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..." },
	};

	fill(*state, USER, 65);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(strings_get_for(*state, cases[i].text, USER, cases[i].end),
				    cases[i].want);
}

static void a_sweep_keeps_what_is_marked_or_held(void **state)
{
	const char *marked = strings_get_for(*state, "/marked", USER, STRINGS_LAST);
	const char *held = strings_get_for(*state, "/held", USER, STRINGS_LAST);
	size_t bytes = strings_bytes(*state);

	strings_get_for(*state, "/neither", USER, STRINGS_LAST);
	strings_hold(held);
	strings_hold(held);
	strings_mark(marked);
	strings_sweep(*state);
	assert_int_equal(strings_bytes(*state), bytes);
	assert_ptr_equal(strings_get(*state, "/marked"), marked);
	assert_ptr_equal(strings_get(*state, "/held"), held);
	strings_drop(held);
	strings_sweep(*state); /* the mark was for one sweep */
	assert_ptr_equal(strings_get(*state, "/held"), held);
	strings_drop(held);
	strings_sweep(*state);
	assert_int_equal(strings_bytes(*state), 0);
}

/* After a text was cut there has to be a sweep, or nothing would ever make room. */
static void sweeps_are_wanted_when_they_are_worth_it(void **state)
{
	assert_false(strings_want_sweep(*state));
	for (unsigned int i = 0; i < 4096; i++)
		strings_get(*state, path_of(30, i));
	assert_false(strings_want_sweep(*state));
	strings_get(*state, "one more");
	assert_true(strings_want_sweep(*state));
	strings_sweep(*state);
	assert_false(strings_want_sweep(*state));
	for (unsigned int i = 0; i < 300; i++)
		strings_get(*state, path_of(4000, i));
	assert_true(strings_want_sweep(*state));
	strings_sweep(*state);
	fill(*state, USER, 4000);
	strings_sweep(*state);
	assert_false(strings_want_sweep(*state));
	strings_count_cut(*state);
	assert_true(strings_want_sweep(*state));
	strings_sweep(*state);
	assert_false(strings_want_sweep(*state));
	strings_ask_sweep(*state);
	assert_true(strings_want_sweep(*state));
	strings_sweep(*state);
	assert_false(strings_want_sweep(*state));
}

static void free_takes_null(void **state)
{
	(void)state;
	strings_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equal_texts_share_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_texts_are_cut_beyond_most_of_the_share, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_user_with_a_full_share_does_not_affect_others,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_users_together_have_a_budget, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(cut_texts_keep_what_tells_most, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_keeps_what_is_marked_or_held, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(sweeps_are_wanted_when_they_are_worth_it, set_up,
						tear_down),
		cmocka_unit_test(free_takes_null),
	};

	return cmocka_run_group_tests_name("strings", tests, NULL, NULL);
}
