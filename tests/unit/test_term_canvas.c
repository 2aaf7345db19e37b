// SPDX-License-Identifier: GPL-2.0-only
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "term/canvas.h"

/* The first line of a canvas of 12 columns, as it is printed. */
static void assert_line(const struct canvas *canvas, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	canvas_print(canvas, stream);
	fclose(stream);
	*strchr(text, '\n') = '\0';
	assert_string_equal(text, want);
	free(text);
}

static void assert_fit(const char *text, enum fit fit, bool ascii, const char *want)
{
	struct canvas canvas;

	assert_int_equal(canvas_init(&canvas, 1, 12, ascii), 0);
	canvas_put(&canvas, 0, 0, 12, STYLE_PLAIN, "............");
	canvas_fit(&canvas, 0, 2, 8, STYLE_PLAIN, text, fit);
	assert_line(&canvas, want);
	canvas_clear(&canvas);
}

static void texts_are_fitted(void **state)
{
	(void)state;
	assert_fit("ab", FIT_LEFT, false, "..ab      ..");
	assert_fit("ab", FIT_RIGHT, false, "..      ab..");
	assert_fit("ab", FIT_END, false, "..ab      ..");
	assert_fit("12345678", FIT_LEFT, false, "..12345678..");
	assert_fit("123456789", FIT_LEFT, false, "..1234567+..");
	assert_fit("123456789", FIT_RIGHT, false, "..1234567+..");
	assert_fit("/usr/lib/libc", FIT_END, false, "..+ib/libc..");
	assert_fit("", FIT_LEFT, false, "..        ..");
}

/* Wide characters take two columns and are never halved. */
static void wide_characters_keep_columns(void **state)
{
	(void)state;
	assert_fit("日本語", FIT_LEFT, false, "..日本語  ..");
	assert_fit("日本語", FIT_RIGHT, false, "..  日本語..");
	assert_fit("日本語日本", FIT_LEFT, false, "..日本語+ ..");
	assert_fit("日本語日本", FIT_END, false, "..+語日本 ..");
}

/* A combining character belongs to the one before it, and goes with it. */
static void combining_characters_take_no_column(void **state)
{
	(void)state;
	assert_fit("cafe\u0301", FIT_LEFT, false, "..cafe\u0301    ..");
	assert_fit("cafe\u0301s123456", FIT_LEFT, false, "..cafe\u0301s12+..");
	assert_fit("abe\u0301"
		   "2345678",
		   FIT_END, false, "..+2345678..");
	assert_fit("e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", FIT_RIGHT, false,
		   "..       e\u0301\u0301\u0301\u0301\u0301\u0301..");
}

static void control_characters_are_shown(void **state)
{
	(void)state;
	assert_fit("\033[1m", FIT_LEFT, false, "..\\x1b[1m ..");
	assert_fit("a\nb", FIT_LEFT, false, "..a\\x0ab  ..");
	assert_fit("\xc2\x9b", FIT_LEFT, false, "..\\xc2\\x9b..");
	assert_fit("\xff", FIT_LEFT, false, "..\\xff    ..");
}

static void ascii_is_ascii(void **state)
{
	(void)state;
	assert_fit("é", FIT_LEFT, true, "..\\xc3\\xa9..");
	assert_fit("ab", FIT_LEFT, true, "..ab      ..");
}

/* What overwrites half of a wide character leaves a blank in its other half. */
static void overwriting_leaves_no_halves(void **state)
{
	struct canvas canvas;

	(void)state;
	assert_int_equal(canvas_init(&canvas, 1, 12, false), 0);
	canvas_put(&canvas, 0, 0, 12, STYLE_PLAIN, "日本語");
	canvas_put(&canvas, 0, 1, 1, STYLE_PLAIN, "x");
	canvas_put(&canvas, 0, 4, 1, STYLE_PLAIN, "y");
	assert_line(&canvas, " x本y");
	canvas_put(&canvas, 0, 11, 12, STYLE_PLAIN, "日");
	assert_line(&canvas, " x本y");
	canvas_clear(&canvas);
}

/* Nothing is put outside, and any size can be made. */
static void edges_hold(void **state)
{
	struct canvas canvas;

	(void)state;
	assert_int_equal(canvas_init(&canvas, 0, 100000, false), 0);
	assert_int_equal(canvas.height, 1);
	assert_int_equal(canvas.width, 500);
	assert_int_equal(canvas_put(&canvas, 1, 0, 10, STYLE_PLAIN, "a"), 0);
	assert_int_equal(canvas_put(&canvas, 0, 500, 10, STYLE_PLAIN, "a"), 0);
	assert_int_equal(canvas_put(&canvas, 0, 498, 10, STYLE_PLAIN, "abc"), 2);
	canvas_fit(&canvas, 0, 499, 10, STYLE_PLAIN, "abc", FIT_RIGHT);
	canvas_blank(&canvas, 5, 5, 5, STYLE_PLAIN);
	canvas_clear(&canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_fitted),
		cmocka_unit_test(wide_characters_keep_columns),
		cmocka_unit_test(combining_characters_take_no_column),
		cmocka_unit_test(control_characters_are_shown),
		cmocka_unit_test(ascii_is_ascii),
		cmocka_unit_test(overwriting_leaves_no_halves),
		cmocka_unit_test(edges_hold),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("term_canvas", tests, NULL, NULL);
}
