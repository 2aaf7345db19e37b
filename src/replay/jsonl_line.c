// SPDX-License-Identifier: GPL-2.0-only
#include "replay/jsonl_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"

/* The most that has so many is a `run` line: the words of a command, which take ten bytes each of
 * the 6 MiB that the kernel gives to all of them. */
#define MAX_VALUES 700000

bool jsonl_line_is_excessive(const char *text, size_t length)
{
	size_t values = 0;

	for (size_t i = 0; i < length; i++)
		values += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return values > MAX_VALUES;
}

void jsonl_line_reject(struct jsonl_line *line, const char *name, const char *what)
{
	if (!line->why[0])
		snprintf(line->why, sizeof(line->why), "\"%s\" is %s", name, what);
}

uint64_t jsonl_line_check_uint(struct jsonl_line *line, const json_t *value, const char *name)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		jsonl_line_reject(line, name, value ? "no count" : "missing");
		return 0;
	}
	return (uint64_t)json_integer_value(value);
}

uint64_t jsonl_line_uint_of(struct jsonl_line *line, const json_t *object, const char *name)
{
	return jsonl_line_check_uint(line, json_object_get(object, name), name);
}

uint64_t jsonl_line_uint(struct jsonl_line *line, const char *name)
{
	return jsonl_line_uint_of(line, line->object, name);
}

uint64_t jsonl_line_total_of(struct jsonl_line *line, const json_t *object, const char *name)
{
	char total[64];

	snprintf(total, sizeof(total), "%s_total", name);
	return jsonl_line_uint_of(line, object, total);
}

const char *jsonl_line_text(struct jsonl_line *line, const char *name)
{
	const json_t *value = json_object_get(line->object, name);

	if (!json_is_string(value))
		jsonl_line_reject(line, name, value ? "no text" : "missing");
	return json_is_string(value) ? json_string_value(value) : "";
}

uint64_t jsonl_line_address(struct jsonl_line *line, const char *name)
{
	const char *text = jsonl_line_text(line, name);
	char *end;
	uint64_t address = strtoull(text, &end, 16);

	if (strncmp(text, "0x", 2) != 0 || *end || end == text + 2)
		jsonl_line_reject(line, name, "no address");
	return address;
}

uint64_t jsonl_line_duration_ns(struct jsonl_line *line, const char *name)
{
	const json_t *value = json_object_get(line->object, name);
	double seconds = json_number_value(value);

	if (!json_is_number(value) || seconds < 0 || seconds > 1e9) {
		jsonl_line_reject(line, name, value ? "no duration" : "missing");
		return 0;
	}
	return (uint64_t)(seconds * 1e9 + 0.5);
}

char *jsonl_line_raw(struct jsonl_line *line, const char *name)
{
	autofree char *bytes = strdup(jsonl_line_text(line, name));

	if (bytes && !text_unescape(bytes))
		jsonl_line_reject(line, name, "not escaped as faultmap does");
	return line->why[0] ? NULL : TAKE_PTR(bytes);
}

/* Names count for root's share of the budget, which is the largest. */
const char *jsonl_line_name(struct jsonl_line *line, const char *name, enum strings_end keeps)
{
	autofree char *bytes = jsonl_line_raw(line, name);
	const char *kept =
		bytes ? strings_get_for(snapshot_strings(line->snapshot), bytes, 0, keeps) : NULL;

	return kept ? kept : "";
}

unsigned int jsonl_line_word(struct jsonl_line *line, const char *name, unsigned int count,
			     const char *(*word)(unsigned int))
{
	const char *text = jsonl_line_text(line, name);

	for (unsigned int i = 0; i < count; i++)
		if (!strcmp(word(i), text))
			return i;
	jsonl_line_reject(line, name, "a word that this faultmap does not know");
	return 0;
}
