// SPDX-License-Identifier: GPL-2.0-only
#include "sink/json_line.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"

#define FIRST_CAPACITY 1024
/* Digits of 64 bits, a sign. */
#define INT_LEN 21
/* Enough for nanoseconds in an interval of a day, without binary noise such as
 * 1.0000000000000001. */
#define REAL_FLAGS (JSON_ENCODE_ANY | JSON_REAL_PRECISION(14))
#define REAL_LEN 64

/* Room for this many bytes more, or NULL. */
static char *reserve(struct json_line *line, size_t size)
{
	size_t wanted = (line->length + size) * 2;
	char *grown;

	if (line->length + size <= line->capacity)
		return line->text + line->length;
	if (wanted < FIRST_CAPACITY)
		wanted = FIRST_CAPACITY;
	grown = realloc(line->text, wanted);
	if (!grown) {
		line->is_short = true;
		return NULL;
	}
	line->text = grown;
	line->capacity = wanted;
	return line->text + line->length;
}

static void add(struct json_line *line, const char *bytes, size_t size)
{
	char *place = reserve(line, size);

	if (place) {
		memcpy(place, bytes, size);
		line->length += size;
	}
}

/* What comes before a value: a comma, unless it is the first one, and its name. */
static void add_name(struct json_line *line, const char *name)
{
	size_t length = name ? strlen(name) : 0;
	char *place = reserve(line, length + 4);
	char before = line->length ? line->text[line->length - 1] : '{';

	if (!place)
		return;
	if (before != '{' && before != '[')
		*place++ = ',';
	if (name) {
		*place++ = '"';
		memcpy(place, name, length);
		place += length;
		*place++ = '"';
		*place++ = ':';
	}
	line->length = (size_t)(place - line->text);
}

void json_line_begin(struct json_line *line)
{
	line->length = 0;
	line->is_short = false;
	add(line, "{", 1);
}

void json_line_copy(struct json_line *line, const struct json_line *from)
{
	line->length = 0;
	line->is_short = from->is_short;
	add(line, from->text, from->length);
}

bool json_line_end(struct json_line *line)
{
	add(line, "}", 1);
	return !line->is_short;
}

void json_line_free(struct json_line *line)
{
	free(line->text);
	*line = (struct json_line){ 0 };
}

void json_line_int(struct json_line *line, const char *name, int64_t value)
{
	char digits[INT_LEN];
	char *first = digits + sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--first = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--first = '-';
	add_name(line, name);
	add(line, first, (size_t)(digits + sizeof(digits) - first));
}

void json_line_hex(struct json_line *line, const char *name, uint64_t value)
{
	char digits[INT_LEN];
	char *end = digits + sizeof(digits), *first = end;

	*--first = '"';
	do {
		*--first = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	*--first = 'x';
	*--first = '0';
	*--first = '"';
	add_name(line, name);
	add(line, first, (size_t)(end - first));
}

/* Printed by jansson, as there are few. */
void json_line_real(struct json_line *line, const char *name, double value)
{
	json_t *real = json_real(value);
	char text[REAL_LEN];
	size_t length = json_dumpb(real, text, sizeof(text), REAL_FLAGS);

	json_decref(real);
	add_name(line, name);
	if (length && length <= sizeof(text))
		add(line, text, length);
	else
		line->is_short = true;
}

void json_line_true(struct json_line *line, const char *name)
{
	add_name(line, name);
	add(line, "true", 4);
}

/* Escaped text has no control characters: two characters are left that JSON escapes. */
static void add_escaped(struct json_line *line, const char *text)
{
	while (*text) {
		size_t plain = strcspn(text, "\"\\");

		add(line, text, plain);
		text += plain;
		if (*text) {
			add(line, (char[]){ '\\', *text }, 2);
			text++;
		}
	}
}

/* Printable ASCII without anything to escape: most names are no more. */
static size_t plain_length(const char *bytes)
{
	size_t length = 0;

	while (bytes[length] >= 0x20 && bytes[length] < 0x7f && bytes[length] != '"' &&
	       bytes[length] != '\\')
		length++;
	return length;
}

void json_line_text(struct json_line *line, const char *name, const char *bytes)
{
	size_t plain = plain_length(bytes);

	add_name(line, name);
	add(line, "\"", 1);
	if (bytes[plain]) {
		autofree char *escaped = text_escape(bytes);

		if (escaped)
			add_escaped(line, escaped);
		else
			line->is_short = true;
	} else {
		add(line, bytes, plain);
	}
	add(line, "\"", 1);
}

void json_line_open(struct json_line *line, const char *name, char bracket)
{
	add_name(line, name);
	add(line, &bracket, 1);
}

void json_line_close(struct json_line *line, char bracket)
{
	add(line, &bracket, 1);
}
