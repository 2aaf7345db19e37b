// SPDX-License-Identifier: GPL-2.0-only
/* Escaping is valid UTF-8 and reversible; sizes are those of ls, times those of RFC 3339. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include <locale.h>

#include "base/text.h"
#include "base/util.h"

struct pair {
	const char *bytes;
	const char *text;
};

static void escape_examples(void **state)
{
	static const struct pair pairs[] = {
		{ "", "" },
		{ "plain ~", "plain ~" },
		{ "back\\slash", "back\\\\slash" },
		{ "\\x41", "\\\\x41" },
		{ "a\nb\tc\x1b\x7f", "a\\x0ab\\x09c\\x1b\\x7f" },
		{ "\x01\x1f\"", "\\x01\\x1f\"" },
		/* The first and last character of each length. */
		{ "\xc2\xa0\xdf\xbf", "\xc2\xa0\xdf\xbf" },
		{ "\xe0\xa0\x80\xef\xbf\xbf", "\xe0\xa0\x80\xef\xbf\xbf" },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		/* C1 controls, U+0080 and U+009F. */
		{ "\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f" },
		/* Overlong: '/' in two bytes, in three, in four; U+007F, U+07FF, U+FFFF. */
		{ "\xc0\xaf", "\\xc0\\xaf" },
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
		{ "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf" },
		{ "\xc1\xbf", "\\xc1\\xbf" },
		{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf" },
		{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf" },
		/* Surrogates, and their neighbours. */
		{ "\xed\xa0\x80\xed\xbf\xbf", "\\xed\\xa0\\x80\\xed\\xbf\\xbf" },
		{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },
		/* Above U+10FFFF, and bytes that are in no character. */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xf5\x80\x80\x80\xfe\xff", "\\xf5\\x80\\x80\\x80\\xfe\\xff" },
		/* Truncated at the end, and by another character. */
		{ "\xc3", "\\xc3" },
		{ "\xe2\x82", "\\xe2\\x82" },
		{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },
		{ "\xe2\x82z", "\\xe2\\x82z" },
		{ "\xf0\x9f\xc3\xa9", "\\xf0\\x9f\xc3\xa9" },
		{ "\x80\xbf", "\\x80\\xbf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		autofree char *text = text_escape(pairs[i].bytes);

		assert_non_null(text);
		assert_string_equal(text, pairs[i].text);
	}
}

static void unescape(char *bytes, const char *text)
{
	while (*text) {
		unsigned int byte;

		if (text[0] != '\\') {
			*bytes++ = *text++;
		} else if (text[1] == '\\') {
			*bytes++ = '\\';
			text += 2;
		} else {
			assert_int_equal(sscanf(text, "\\x%2x", &byte), 1);
			*bytes++ = (char)byte;
			text += 4;
		}
	}
	*bytes = '\0';
}

/* The C library's decoder as the judge; it also takes nothing above U+10FFFF and no surrogates. */
static void assert_valid_utf8(const char *text)
{
	assert_int_not_equal(mbstowcs(NULL, text, 0), (size_t)-1);
}

static void random_bytes_come_back(void **state)
{
	unsigned int seed = 42;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (int i = 0; i < 20000; i++) {
		/* Lead and continuation bytes more often than chance gives them. */
		static const unsigned char base[] = { 0x00, 0x80, 0xc0, 0xe0, 0xf0 };
		char bytes[33], back[33];
		size_t length = (size_t)rand_r(&seed) % sizeof(bytes);
		autofree char *text = NULL;

		for (size_t j = 0; j < length; j++) {
			unsigned int low = (unsigned int)rand_r(&seed);
			unsigned int high = base[(unsigned int)rand_r(&seed) % sizeof(base)];
			unsigned int byte = high | (low & (high == 0    ? 0x7f :
							   high == 0x80 ? 0x3f :
									  0x1f));

			bytes[j] = (char)(byte ? byte : 1);
		}
		bytes[length] = '\0';
		text = text_escape(bytes);
		assert_non_null(text);
		assert_valid_utf8(text);
		for (const char *c = text; *c; c++)
			assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
		unescape(back, text);
		assert_string_equal(back, bytes);
	}
}

static void every_character_stays_itself(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (wchar_t c = 0xa0; c <= 0x10ffff; c++) {
		char bytes[8] = "", text[8];
		int length;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		length = wctomb(bytes, c);
		assert_true(length > 0);
		assert_int_equal(text_escape_to(text, sizeof(text), bytes), length);
		assert_string_equal(text, bytes);
	}
}

static void escape_to_cuts_before_a_character(void **state)
{
	/* The full result: a, U+20AC (3 bytes), \\xff, b, \\\\ = 1 + 3 + 4 + 1 + 2. */
	static const char bytes[] = "a\xe2\x82\xac\xff"
				    "b\\";
	static const struct {
		size_t size;
		const char *text;
	} cuts[] = {
		{ 1, "" },
		{ 2, "a" },
		{ 4, "a" },
		{ 5, "a\xe2\x82\xac" },
		{ 8, "a\xe2\x82\xac" },
		{ 9, "a\xe2\x82\xac\\xff" },
		{ 10, "a\xe2\x82\xac\\xff"
		      "b" },
		{ 11, "a\xe2\x82\xac\\xff"
		      "b" },
		{ 12, "a\xe2\x82\xac\\xff"
		      "b\\\\" },
	};

	(void)state;
	assert_int_equal(text_escape_to(NULL, 0, bytes), 11);
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		char buffer[16];

		memset(buffer, '#', sizeof(buffer));
		assert_int_equal(text_escape_to(buffer, cuts[i].size, bytes), 11);
		assert_string_equal(buffer, cuts[i].text);
		for (size_t j = cuts[i].size; j < sizeof(buffer); j++)
			assert_int_equal(buffer[j], '#');
	}
}

/* The texts are those of numfmt --to=iec --round=up, which rounds as ls -h does. */
static void bytes_as_ls_writes_them(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 1023, "1023" },
		{ 1024, "1.0K" },
		{ 1025, "1.1K" },
		{ 10 * 1024 - 1, "10K" },
		{ 10 * 1024, "10K" },
		{ 10 * 1024 + 1, "11K" },
		{ 512 * 1024, "512K" },
		{ 1024 * 1024 - 1024, "1023K" },
		{ 1024 * 1024 - 1, "1.0M" },
		{ 1536 * 1024, "1.5M" },
		{ 512ull << 20, "512M" },
		{ 2ull << 30, "2.0G" },
		{ 3ull << 40, "3.0T" },
		{ 128ull << 40, "128T" },
		{ 5ull << 50, "5.0P" },
		{ 1ull << 60, "1.0E" },
		{ UINT64_MAX, "16E" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char buffer[TEXT_SIZE_LEN];

		assert_ptr_equal(text_bytes(buffer, sizes[i].bytes), buffer);
		assert_string_equal(buffer, sizes[i].text);
	}
}

static void counts_have_commas(void **state)
{
	char buffer[TEXT_COUNT_LEN];

	(void)state;
	assert_string_equal(text_count(buffer, 0), "0");
	assert_string_equal(text_count(buffer, 7), "7");
	assert_string_equal(text_count(buffer, 999), "999");
	assert_string_equal(text_count(buffer, 1000), "1,000");
	assert_string_equal(text_count(buffer, 131072), "131,072");
	assert_string_equal(text_count(buffer, 1310720), "1,310,720");
	assert_string_equal(text_count(buffer, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void times_are_rfc3339(void **state)
{
	char buffer[TEXT_TIME_LEN];
	struct timespec ts = { .tv_sec = 0, .tv_nsec = 0 };

	(void)state;
	assert_string_equal(text_time(buffer, ts), "1970-01-01T00:00:00.000Z");
	ts = (struct timespec){ .tv_sec = 951782399, .tv_nsec = 999999999 };
	assert_string_equal(text_time(buffer, ts), "2000-02-28T23:59:59.999Z");
	ts = (struct timespec){ .tv_sec = 951782400, .tv_nsec = 1000000 };
	assert_string_equal(text_time(buffer, ts), "2000-02-29T00:00:00.001Z");
	ts = (struct timespec){ .tv_sec = 4102444800, .tv_nsec = 500000 };
	assert_string_equal(text_time(buffer, ts), "2100-01-01T00:00:00.000Z");
	/* A year that no struct tm holds still gives a time that parses. */
	ts = (struct timespec){ .tv_sec = INT64_MAX, .tv_nsec = 0 };
	assert_string_equal(text_time(buffer, ts), "1970-01-01T00:00:00.000Z");
}

static void durations_have_two_or_three_digits(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} durations[] = {
		{ 0, "0" },
		{ 1, "1ns" },
		{ 999, "999ns" },
		{ 1000, "1.0us" },
		{ 1249, "1.2us" },
		{ 1250, "1.3us" },
		{ 9949, "9.9us" },
		{ 9950, "10us" },
		{ 34499, "34us" },
		{ 34500, "35us" },
		{ 999499, "999us" },
		{ 999500, "1.0ms" },
		{ 3400000, "3.4ms" },
		{ 120000000, "120ms" },
		{ 999999999, "1.0s" },
		{ 5000000000, "5.0s" },
		{ 3600000000000, "3600s" },
		{ UINT64_MAX, "18446744074s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		char buffer[TEXT_DURATION_LEN];

		assert_ptr_equal(text_duration(buffer, durations[i].ns), buffer);
		assert_string_equal(buffer, durations[i].text);
	}
}

static void unescape_undoes_escape(void **state)
{
	char bytes[256], wrong[] = "\\x4g", cut[] = "a\\", nul[] = "\\x00", upper[] = "\\xFF";
	char *escaped;

	(void)state;
	for (size_t i = 0; i < 255; i++)
		bytes[i] = (char)(i + 1);
	bytes[255] = '\0';
	escaped = text_escape(bytes);
	assert_true(text_unescape(escaped));
	assert_string_equal(escaped, bytes);
	free(escaped);
	assert_false(text_unescape(wrong));
	assert_false(text_unescape(cut));
	assert_false(text_unescape(nul));
	assert_false(text_unescape(upper));
}

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "1970-01-01", 0 },
		{ "1970-01-01T00:00:00.001Z", 1 },
		{ "2026-11-22T10:08:56.123Z", 1795342136123 },
		{ "2026-11-22 10:08:56", 1795342136000 },
		{ "2026-11-22T11:08:56.1239+01:00", 1795342136123 },
		{ "2026-11-22T04:38-05:30", 1795342080000 },
	};
	static const char *const bad[] = { "",
					   "now",
					   "2026",
					   "2026-13-01",
					   "2026-00-01",
					   "2026-11-22T",
					   "2026-11-22T24:00",
					   "2026-11-22T10:08:56.Z",
					   "2026-11-22T10:08:56Zx",
					   "2026-11-22T10:08:56+1:00",
					   "20261122" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (!text_read_time(good[i].text, &ms))
			fail_msg("%s is no time", good[i].text);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (text_read_time(bad[i], &ms))
			fail_msg("%s is a time", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escape_examples),
		cmocka_unit_test(random_bytes_come_back),
		cmocka_unit_test(every_character_stays_itself),
		cmocka_unit_test(escape_to_cuts_before_a_character),
		cmocka_unit_test(bytes_as_ls_writes_them),
		cmocka_unit_test(counts_have_commas),
		cmocka_unit_test(durations_have_two_or_three_digits),
		cmocka_unit_test(times_are_rfc3339),
		cmocka_unit_test(unescape_undoes_escape),
		cmocka_unit_test(times_are_read),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
