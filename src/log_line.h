/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of one JSON line of a log, for log_reader.c. One that is not there or not what it should be is 0 or
 * "", and the first of them is the reason why the line is left out.
 */
#ifndef FAULTMAP_LOG_LINE_H
#define FAULTMAP_LOG_LINE_H

#include <jansson.h>
#include <stdint.h>

#include "snapshot.h"

struct log_line {
	struct log_reader *reader;
	struct snapshot *snapshot; /* keeps the texts */
	json_t *object;
	char why[192]; /* empty: nothing wrong so far */
};

void log_line_reject(struct log_line *line, const char *name, const char *what);
/* The value of that name, which may be NULL. */
uint64_t log_line_check_uint(struct log_line *line, const json_t *value, const char *name);
uint64_t log_line_uint_of(struct log_line *line, const json_t *object, const char *name);
uint64_t log_line_uint(struct log_line *line, const char *name);
/* Of NAME_total. */
uint64_t log_line_total_of(struct log_line *line, const json_t *object, const char *name);
/* As it stands there: the object's. */
const char *log_line_text(struct log_line *line, const char *name);
/* Raw bytes, the snapshot's; "" when out of memory, too. */
const char *log_line_bytes(struct log_line *line, const char *name);
uint64_t log_line_address(struct log_line *line, const char *name);
uint64_t log_line_duration_ns(struct log_line *line, const char *name);
/* Which of `count` words it is. */
unsigned int log_line_word(struct log_line *line, const char *name, unsigned int count,
			   const char *(*word)(unsigned int));

#endif
