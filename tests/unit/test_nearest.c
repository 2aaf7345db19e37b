// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/nearest.h"
#include "base/util.h"

static const char *nearest_of(const char *word)
{
	static const char *const words[] = { "run", "top", "log", "report", "daemon", "check" };
	struct nearest nearest = {};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		nearest_try(&nearest, word, words[i]);
	return nearest.word;
}

static void one_letter_or_a_third(void **state)
{
	(void)state;
	assert_string_equal(nearest_of("rnu"), "run");
	assert_null(nearest_of("rxu"));
	assert_string_equal(nearest_of("chekc"), "check");
	assert_string_equal(nearest_of("ru"), "run");
	assert_string_equal(nearest_of("runn"), "run");
	assert_string_equal(nearest_of("tip"), "top");
	assert_string_equal(nearest_of("reprot"), "report");
	assert_string_equal(nearest_of("dae"), "daemon");
	assert_string_equal(nearest_of("deamon"), "daemon");
	assert_null(nearest_of("frobnicate"));
	assert_null(nearest_of(""));
	assert_null(nearest_of("x"));
	assert_null(nearest_of("a word that is longer than any flag or command"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_letter_or_a_third),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
