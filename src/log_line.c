// SPDX-License-Identifier: GPL-2.0-only
#include "log_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "util.h"

void log_line_reject(struct log_line *line, const char *name, const char *what)
{
	if (!line->why[0])
		snprintf(line->why, sizeof(line->why), "\"%s\" is %s", name, what);
}

uint64_t log_line_check_uint(struct log_line *line, const json_t *value, const char *name)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		log_line_reject(line, name, value ? "no count" : "missing");
		return 0;
	}
	return (uint64_t)json_integer_value(value);
}

uint64_t log_line_uint_of(struct log_line *line, const json_t *object, const char *name)
{
	return log_line_check_uint(line, json_object_get(object, name), name);
}

uint64_t log_line_uint(struct log_line *line, const char *name)
{
	return log_line_uint_of(line, line->object, name);
}

uint64_t log_line_total_of(struct log_line *line, const json_t *object, const char *name)
{
	char total[64];

	snprintf(total, sizeof(total), "%s_total", name);
	return log_line_uint_of(line, object, total);
}

const char *log_line_text(struct log_line *line, const char *name)
{
	const json_t *value = json_object_get(line->object, name);

	if (!json_is_string(value))
		log_line_reject(line, name, value ? "no text" : "missing");
	return json_is_string(value) ? json_string_value(value) : "";
}

uint64_t log_line_address(struct log_line *line, const char *name)
{
	const char *text = log_line_text(line, name);
	char *end;
	uint64_t address = strtoull(text, &end, 16);

	if (strncmp(text, "0x", 2) != 0 || *end || end == text + 2)
		log_line_reject(line, name, "no address");
	return address;
}

uint64_t log_line_duration_ns(struct log_line *line, const char *name)
{
	const json_t *value = json_object_get(line->object, name);
	double seconds = json_number_value(value);

	if (!json_is_number(value) || seconds < 0 || seconds > 1e9) {
		log_line_reject(line, name, value ? "no duration" : "missing");
		return 0;
	}
	return (uint64_t)(seconds * 1e9 + 0.5);
}

const char *log_line_bytes(struct log_line *line, const char *name)
{
	autofree char *bytes = strdup(log_line_text(line, name));
	const char *kept = NULL;

	if (bytes && !text_unescape(bytes))
		log_line_reject(line, name, "not escaped as faultmap does");
	else if (bytes)
		kept = snapshot_intern(line->snapshot, bytes);
	return kept ? kept : "";
}

unsigned int log_line_word(struct log_line *line, const char *name, unsigned int count,
			   const char *(*word)(unsigned int))
{
	const char *text = log_line_text(line, name);

	for (unsigned int i = 0; i < count; i++)
		if (!strcmp(word(i), text))
			return i;
	log_line_reject(line, name, "a word that this faultmap does not know");
	return 0;
}
