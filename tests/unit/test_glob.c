// SPDX-License-Identifier: GPL-2.0-only
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/glob.h"
#include "base/util.h"
#include "range.h"

static void brackets_and_backslashes_are_themselves(void **state)
{
	(void)state;
	assert_true(glob_matches("[heap]", "[heap]"));
	assert_false(glob_matches("[heap]", "h"));
	assert_false(glob_matches("[!x]", "y"));
	assert_true(glob_matches("dev-sda\\x2d1.device", "dev-sda\\x2d1.device"));
	assert_false(glob_matches("\\*", "*"));
	assert_true(glob_matches("\\*", "\\x2d"));
}

static void the_whole_text_has_to_match(void **state)
{
	(void)state;
	assert_true(glob_matches("/usr/*/lib?.so*", "/usr/x/y/libc.so.6"));
	assert_false(glob_matches("/usr/*.so", "/usr/x.so.6"));
	assert_false(glob_matches("x", "/x"));
	assert_true(glob_matches("*", ""));
	assert_true(glob_matches("*", ".hidden/dir"));
	assert_false(glob_matches("?", ""));
	assert_true(glob_matches("", ""));
	assert_false(glob_matches("", "x"));
}

/* Fills `text` with up to `most` of the letters. */
static void draw(char *text, size_t most, const char *letters)
{
	size_t length = (size_t)random() % (most + 1);

	for (size_t i = 0; i < length; i++)
		text[i] = letters[(size_t)random() % strlen(letters)];
	text[length] = '\0';
}

/* The library's, where neither brackets nor backslashes are about. */
static void fnmatch_says_the_same(void **state)
{
	size_t matched = 0;

	(void)state;
	srandom(1);
	for (size_t i = 0; i < 200000; i++) {
		char pattern[9], text[13];
		bool same;

		draw(pattern, sizeof(pattern) - 1, "ab/.*?");
		draw(text, sizeof(text) - 1, "ab/.");
		same = glob_matches(pattern, text) == !fnmatch(pattern, text, 0);
		if (!same)
			fail_msg("'%s' and '%s'", pattern, text);
		matched += glob_matches(pattern, text);
	}
	assert_in_range(matched, 10000, 190000);
}

/* A name is up to 4 KiB long, and a pattern may have many stars: no more than the product of both. */
static void many_stars_take_no_time(void **state)
{
	char text[4097];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
	text[sizeof(text) - 2] = 'b';
	assert_true(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brackets_and_backslashes_are_themselves),
		cmocka_unit_test(the_whole_text_has_to_match),
		cmocka_unit_test(fnmatch_says_the_same),
		cmocka_unit_test(many_stars_take_no_time),
	};

	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
