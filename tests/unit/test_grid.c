// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sink/grid.h"
#include "base/util.h"

static const struct grid_column columns[] = {
	{ .title = "COUNT" },
	{ .title = "LOST", .optional = true },
	{ .title = "NAME", .left = true, .flexible = true },
};

static char *print(const struct grid *grid, unsigned int indent, unsigned int width)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	assert_int_equal(grid_print(grid, memory, indent, width), 0);
	fclose(memory);
	return text;
}

static struct grid *grid_of(const char *const *names, size_t count, uint64_t lost)
{
	struct grid *grid = grid_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < count; i++) {
		grid_count(grid, 1000 * i + 7);
		grid_count(grid, lost);
		grid_name(grid, names[i]);
	}
	return grid;
}

static void assert_print(const char *const *names, size_t count, uint64_t lost, unsigned int indent,
			 unsigned int width, const char *want)
{
	struct grid *grid = grid_of(names, count, lost);
	autofree char *text = print(grid, indent, width);

	assert_string_equal(text, want);
	grid_free(grid);
}

static void numbers_stand_right_names_left(void **state)
{
	const char *names[] = { "one", "a longer one" };

	(void)state;
	assert_print(names, 2, 0, 2, 0, "  COUNT  NAME\n      7  one\n  1,007  a longer one\n");
}

static void optional_column_shows_when_it_has_a_number(void **state)
{
	const char *names[] = { "x" };

	(void)state;
	assert_print(names, 1, 3, 0, 0, "COUNT  LOST  NAME\n    7     3  x\n");
}

static void control_bytes_are_escaped(void **state)
{
	const char *names[] = { "\033[2Jx\n" };

	(void)state;
	assert_print(names, 1, 0, 0, 0, "COUNT  NAME\n    7  \\x1b[2Jx\\x0a\n");
}

static void wide_characters_take_two_columns(void **state)
{
	/* Ten ideographs are 20 columns: of the 10 left, 9 hold four of them, then the mark. */
	const char *names[] = { "日本日本日本日本日本" };

	(void)state;
	assert_print(names, 1, 0, 0, 17, "COUNT  NAME\n    7  日本日本+\n");
}

static void combining_characters_take_none(void **state)
{
	const char *names[] = { "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301" };

	(void)state;
	assert_print(
		names, 1, 0, 0, 15,
		"COUNT  NAME\n    7  e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301\n");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	const char *names[] = { "abcdefghijkl" };

	(void)state;
	assert_print(names, 1, 0, 0, 9, "COUNT  N+\n    7  a+\n");
	assert_print(names, 1, 0, 0, 7, "COUNT\n    7\n");
	assert_print(names, 1, 0, 0, 3, "CO+\n\n");
}

/* Two numbers stand before a name that is cut last; the second goes first, and only where it must. */
static void expendable_columns_leave_before_the_name_is_cut_too_far(void **state)
{
	static const struct grid_column three[] = {
		{ .title = "FAULTS", .expendable = 2 },
		{ .title = "LOST", .expendable = 1 },
		{ .title = "NAME", .left = true, .flexible = true, .least = 10, .keeps_end = true },
	};
	static const struct {
		unsigned int width;
		const char *want;
	} cases[] = {
		{ 0, "FAULTS  LOST  NAME\n     7     3  /usr/lib/libc.so.6\n" },
		{ 24, "FAULTS  LOST  NAME\n     7     3  +libc.so.6\n" },
		{ 23, "FAULTS  NAME\n     7  +/lib/libc.so.6\n" },
		{ 17, "NAME\n+sr/lib/libc.so.6\n" },
	};
	struct grid *grid = grid_new(three, ARRAY_SIZE(three));

	(void)state;
	grid_count(grid, 7);
	grid_count(grid, 3);
	grid_name(grid, "/usr/lib/libc.so.6");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *text = print(grid, 0, cases[i].width);

		assert_string_equal(text, cases[i].want);
	}
	grid_free(grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_stand_right_names_left),
		cmocka_unit_test(optional_column_shows_when_it_has_a_number),
		cmocka_unit_test(control_bytes_are_escaped),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(combining_characters_take_none),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(expendable_columns_leave_before_the_name_is_cut_too_far),
	};

	return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
