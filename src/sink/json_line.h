/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One JSON object on a line, written member by member into a buffer that the next line uses again.
 * A library's tree of values would cost more than all the rest of `faultmap log`: jansson took 9.5
 * us for a line of 22 members (2.6 to build it, 6 to 7 to print it), this takes 1; the bytes are
 * the same, which the unit tests hold against jansson for every line. Names are constants of the
 * schema, without anything to escape. Out of memory is remembered, and told at the end.
 */
#ifndef FAULTMAP_JSON_LINE_H
#define FAULTMAP_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct json_line {
	char *text; /* not terminated */
	size_t length;
	size_t capacity;
	bool is_short; /* a part found no memory */
};

/* Begins a line, whatever was before: "{". */
void json_line_begin(struct json_line *line);
/* Begins a line with what json_line_end has not ended. */
void json_line_copy(struct json_line *line, const struct json_line *from);
/* False: out of memory, the text is no line. Without an end of line. */
bool json_line_end(struct json_line *line);
/* The buffer. */
void json_line_free(struct json_line *line);

void json_line_int(struct json_line *line, const char *name, int64_t value);
/* As "0x7f00". */
void json_line_hex(struct json_line *line, const char *name, uint64_t value);
void json_line_real(struct json_line *line, const char *name, double value);
void json_line_true(struct json_line *line, const char *name);
/* Raw bytes, which text_escape() makes UTF-8. */
void json_line_text(struct json_line *line, const char *name, const char *bytes);

/* A member that holds members, or with [ values: name NULL for each of them. */
void json_line_open(struct json_line *line, const char *name, char bracket);
void json_line_close(struct json_line *line, char bracket);

#endif
