/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of one JSON line of a log, for jsonl_reader.c. A missing or wrong field reads as 0 or
 * ""; the first such field is the reason why the line is left out.
 */
#ifndef FAULTMAP_JSONL_LINE_H
#define FAULTMAP_JSONL_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

struct jsonl_line {
	struct jsonl_reader *reader;
	struct snapshot *snapshot; /* keeps the texts */
	json_t *object;
	char why[192]; /* empty: nothing wrong so far */
};

/* True for a line with so many values that parsing it would take many times its size. faultmap
 * writes no such line. */
bool jsonl_line_is_excessive(const char *text, size_t length);
void jsonl_line_reject(struct jsonl_line *line, const char *name, const char *what);
/* The value of that name, which may be NULL. */
uint64_t jsonl_line_check_uint(struct jsonl_line *line, const json_t *value, const char *name);
uint64_t jsonl_line_uint_of(struct jsonl_line *line, const json_t *object, const char *name);
uint64_t jsonl_line_uint(struct jsonl_line *line, const char *name);
/* Of NAME_total. */
uint64_t jsonl_line_total_of(struct jsonl_line *line, const json_t *object, const char *name);
/* As it stands there: the object's. */
const char *jsonl_line_text(struct jsonl_line *line, const char *name);
/* Raw bytes, the caller's, or NULL: the line is wrong, or no memory. */
char *jsonl_line_raw(struct jsonl_line *line, const char *name);
/* Raw bytes, the snapshot's, within its budget: maybe cut, at which end `keeps` says. "" when out
 * of memory, too. */
const char *jsonl_line_name(struct jsonl_line *line, const char *name, enum strings_end keeps);
uint64_t jsonl_line_address(struct jsonl_line *line, const char *name);
uint64_t jsonl_line_duration_ns(struct jsonl_line *line, const char *name);
/* Which of `count` words it is. */
unsigned int jsonl_line_word(struct jsonl_line *line, const char *name, unsigned int count,
			     const char *(*word)(unsigned int));

#endif
