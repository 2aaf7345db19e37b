// SPDX-License-Identifier: GPL-2.0-only
/* Lines that are too wide, and those that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/util.h"
#include "sink/wrapped.h"

static void lines_go_on_where_they_are_too_wide(void **state)
{
	static const struct {
		const char *text, *want;
		unsigned int width;
	} cases[] = {
		{ "", "", 20 },
		{ "as wide as it may be\n", "as wide as it may be\n", 20 },
		{ "\nwhat is empty stays\n\n", "\nwhat is empty stays\n\n", 20 },
		{ "one more than it may.\n", "one more than it\n  may.\n", 20 },
		{ "rather at a comma, than here\n", "rather at a comma,\n  than here\n", 20 },
		{ "not, if that were early on\n", "not, if that were\n  early on\n", 20 },
		{ "now a comma, and herein\n", "now a comma,\n  and herein\n", 20 },
		{ "now a colon: and herein\n", "now a colon:\n  and herein\n", 20 },
		{ "a semicolon; and herein\n", "a semicolon;\n  and herein\n", 20 },
		{ "anything and everything and more of that\n",
		  "anything and\n  everything and\n  more of that\n", 20 },
		{ "  do: what is further in stays so\n",
		  "  do: what is\n    further in\n    stays so\n", 18 },
		{ "         nearly as wide as all of it\n",
		  "         nearly as\n           wide as\n           all of it\n", 20 },
		{ "         aaa bbb ccc dddd eeeee\n",
		  "         aaa bbb ccc\n           dddd eeeee\n", 20 },
		{ "a /path/that/is/wider/than/all b\n", "a\n  /path/that/is/wider/than/all\n  b\n",
		  12 },
		{ "äöü äöü äöü äöü äöü\n", "äöü äöü äöü äöü äöü\n", 19 },
		{ "no width cuts nothing, however wide it is\n",
		  "no width cuts nothing, however wide it is\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = NULL;
		size_t size;
		FILE *stream = open_memstream(&text, &size);
		struct wrapped wrapped;

		assert_int_equal(wrapped_begin(&wrapped), 0);
		fputs(cases[i].text, wrapped.lines);
		assert_int_equal(wrapped_end(&wrapped, cases[i].width, stream), 0);
		fclose(stream);
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_go_on_where_they_are_too_wide),
	};

	return cmocka_run_group_tests_name("wrapped", tests, NULL, NULL);
}
