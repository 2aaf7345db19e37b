// SPDX-License-Identifier: GPL-2.0-only
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * Bytes of the multi-byte character that starts here, 0 if it is none (RFC 3629, table of section
 * 4: the second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF).
 * The NUL is no continuation byte, so nothing behind it is looked at.
 */
static size_t multibyte_length(const unsigned char *bytes)
{
	unsigned char first = bytes[0];
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	if (first < 0xc2 || first > 0xf4 || bytes[1] < low || bytes[1] > high)
		return 0;
	if (first < 0xe0)
		return 2;
	if (!is_continuation(bytes[2]))
		return 0;
	if (first < 0xf0)
		return 3;
	return is_continuation(bytes[3]) ? 4 : 0;
}

/* Writes one character, or the escape of one byte, to out; says how many bytes it took and made. */
static size_t escape_one(char out[5], const unsigned char *bytes, size_t *ret_taken)
{
	size_t length = multibyte_length(bytes);
	bool is_c1_control = bytes[0] == 0xc2 && bytes[1] < 0xa0;

	*ret_taken = 1;
	if (length > 0 && !is_c1_control) {
		memcpy(out, bytes, length);
		*ret_taken = length;
		return length;
	}
	if (bytes[0] == '\\') {
		memcpy(out, "\\\\", 2);
		return 2;
	}
	if (bytes[0] >= 0x20 && bytes[0] < 0x7f) {
		out[0] = (char)bytes[0];
		return 1;
	}
	return (size_t)snprintf(out, 5, "\\x%02x", bytes[0]);
}

size_t text_escape_to(char *buffer, size_t size, const char *bytes)
{
	const unsigned char *next = (const unsigned char *)bytes;
	size_t full = 0, written = 0;

	while (*next) {
		char piece[5];
		size_t taken;
		size_t length = escape_one(piece, next, &taken);

		/* After the first character that did not fit, nothing more is written. */
		if (size > 0 && written == full && written + length < size) {
			memcpy(buffer + written, piece, length);
			written += length;
		}
		full += length;
		next += taken;
	}
	if (size > 0)
		buffer[written] = '\0';
	return full;
}

char *text_escape(const char *bytes)
{
	size_t size = text_escape_to(NULL, 0, bytes) + 1;
	char *text = malloc(size);

	if (text)
		text_escape_to(text, size, bytes);
	return text;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool text_unescape(char *text)
{
	char *out = text;

	while (*text) {
		int high, low;

		if (*text != '\\') {
			*out++ = *text++;
			continue;
		}
		if (text[1] == '\\') {
			*out++ = '\\';
			text += 2;
			continue;
		}
		high = text[1] == 'x' ? hex_digit(text[2]) : -1;
		low = high >= 0 ? hex_digit(text[3]) : -1;
		if (low < 0 || high * 16 + low == 0)
			return false;
		*out++ = (char)(high * 16 + low);
		text += 4;
	}
	*out = '\0';
	return true;
}

/* value / unit, rounded up as ls does, so that nothing shows as less than it is. */
static uint64_t divide_up(uint64_t value, uint64_t unit)
{
	return value / unit + (value % unit != 0);
}

char *text_bytes(char buffer[TEXT_SIZE_LEN], uint64_t bytes)
{
	static const char letters[] = "KMGTPE";
	uint64_t unit = 1024;
	uint64_t tenths;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buffer, TEXT_SIZE_LEN, "%u", (unsigned int)bytes);
		return buffer;
	}
	while (letters[i + 1] && divide_up(bytes, unit) >= 1024) {
		unit *= 1024;
		i++;
	}
	/* In two steps: bytes * 10 may overflow. */
	tenths = bytes / unit * 10 + divide_up(bytes % unit * 10, unit);
	if (tenths < 100)
		snprintf(buffer, TEXT_SIZE_LEN, "%u.%u%c", (unsigned int)(tenths / 10),
			 (unsigned int)(tenths % 10), letters[i]);
	else
		snprintf(buffer, TEXT_SIZE_LEN, "%u%c", (unsigned int)divide_up(bytes, unit),
			 letters[i]);
	return buffer;
}

char *text_duration(char buffer[TEXT_DURATION_LEN], uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	uint64_t unit = 1, whole = ns, tenths = 0;
	size_t i = 0;

	if (!ns)
		return strcpy(buffer, "0");
	while (i < 3 &&
	       whole >= 1000) { /* rounded, it may reach the next unit: 999,950 ns are 1.0ms */
		unit *= 1000;
		whole = ns / unit + (ns % unit >= unit / 2);
		tenths = ns / unit * 10 + (ns % unit * 10 + unit / 2) / unit;
		i++;
	}
	if (i && tenths < 100)
		snprintf(buffer, TEXT_DURATION_LEN, "%" PRIu64 ".%" PRIu64 "%s", tenths / 10,
			 tenths % 10, units[i]);
	else
		snprintf(buffer, TEXT_DURATION_LEN, "%" PRIu64 "%s", whole, units[i]);
	return buffer;
}

char *text_count(char buffer[TEXT_COUNT_LEN], uint64_t count)
{
	char reversed[TEXT_COUNT_LEN];
	size_t length = 0, digits = 0;

	do {
		if (digits > 0 && digits % 3 == 0)
			reversed[length++] = ',';
		reversed[length++] = (char)('0' + count % 10);
		digits++;
		count /= 10;
	} while (count > 0);
	for (size_t i = 0; i < length; i++)
		buffer[i] = reversed[length - 1 - i];
	buffer[length] = '\0';
	return buffer;
}

char *text_time(char buffer[TEXT_TIME_LEN], struct timespec ts)
{
	struct tm tm;
	size_t length;

	if (!gmtime_r(&ts.tv_sec, &tm)) /* the year overflows an int */
		tm = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	length = strftime(buffer, TEXT_TIME_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buffer + length, TEXT_TIME_LEN - length, ".%03uZ",
		 (unsigned int)(ts.tv_nsec / 1000000));
	return buffer;
}

/* Exactly this many digits, no more than `most`; moves on behind them. */
static bool read_number(const char **text, int digits, int most, int *ret_number)
{
	*ret_number = 0;
	for (int i = 0; i < digits; i++, ++*text) {
		if (!isdigit((unsigned char)**text))
			return false;
		*ret_number = *ret_number * 10 + (**text - '0');
	}
	return *ret_number <= most;
}

/* Takes the character, if it is there. */
static bool take(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	++*text;
	return true;
}

/* "HH:MM", then maybe ":SS", then maybe a fraction, of which milliseconds are kept. */
static bool read_clock(const char **text, struct tm *tm, int *ret_ms)
{
	if (!read_number(text, 2, 23, &tm->tm_hour) || !take(text, ':') ||
	    !read_number(text, 2, 59, &tm->tm_min))
		return false;
	if (take(text, ':') && !read_number(text, 2, 60, &tm->tm_sec))
		return false;
	if (!take(text, '.'))
		return true;
	if (!isdigit((unsigned char)**text))
		return false;
	for (int unit = 100; isdigit((unsigned char)**text); unit /= 10, ++*text)
		*ret_ms += (**text - '0') * unit;
	return true;
}

bool text_read_time(const char *text, int64_t *ret_ms)
{
	struct tm tm = {};
	int ms = 0, hours = 0, minutes = 0, sign = 1;

	if (!read_number(&text, 4, 9999, &tm.tm_year) || !take(&text, '-') ||
	    !read_number(&text, 2, 12, &tm.tm_mon) || !take(&text, '-') ||
	    !read_number(&text, 2, 31, &tm.tm_mday) || !tm.tm_mon || !tm.tm_mday)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if ((take(&text, 'T') || take(&text, ' ')) && !read_clock(&text, &tm, &ms))
		return false;
	if (!take(&text, 'Z') && (*text == '+' || *text == '-')) {
		sign = *text++ == '+' ? 1 : -1;
		if (!read_number(&text, 2, 23, &hours) || !take(&text, ':') ||
		    !read_number(&text, 2, 59, &minutes))
			return false;
	}
	*ret_ms = (int64_t)timegm(&tm) * 1000 + ms - sign * (hours * 60 + minutes) * 60000;
	return !*text;
}
