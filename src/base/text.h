/* SPDX-License-Identifier: GPL-2.0-only */
/* Text for people and for JSON: valid UTF-8 out of any bytes, sizes and times as people write
 * them. */
#ifndef FAULTMAP_TEXT_H
#define FAULTMAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * Valid UTF-8 from any bytes up to the NUL, reversibly: a byte that is not part of valid UTF-8 (RFC
 * 3629: no overlong forms, no surrogates) and every control character becomes \xNN (two lower-case
 * hex digits), a backslash becomes \\. Allocated; NULL when out of memory.
 */
char *text_escape(const char *bytes);
/* As text_escape, into a buffer; always terminated, cut before a character that does not fit.
 * Returns what strlen() of the full result would be. */
size_t text_escape_to(char *buffer, size_t size, const char *bytes);

/* Undoes text_escape, in place; false (and half done) where it is no output of text_escape. */
bool text_unescape(char *text);

#define TEXT_SIZE_LEN 16
/* "0", "512K", "1.5M", "512M", "2.0G": binary units, as `ls -h` does. Returns buffer. */
char *text_bytes(char buffer[TEXT_SIZE_LEN], uint64_t bytes);
/* "1,310,720"; buffer of TEXT_COUNT_LEN. Returns buffer. */
#define TEXT_COUNT_LEN 32
char *text_count(char buffer[TEXT_COUNT_LEN], uint64_t count);
#define TEXT_DURATION_LEN 24
/* "0", "640ns", "1.2us", "34ms", "5.0s": rounded to two or three digits. Returns buffer. */
char *text_duration(char buffer[TEXT_DURATION_LEN], uint64_t ns);
#define TEXT_TIME_LEN 40
/* RFC 3339 in UTC with milliseconds: "2026-11-22T10:08:56.123Z". Returns buffer. */
char *text_time(char buffer[TEXT_TIME_LEN], struct timespec ts);
/* The inverse, in ms since 1970: also without fraction, seconds or time of day, with a blank for
 * the T, with an offset (+01:00) rather than Z; without either it is UTC. False: no time. */
bool text_read_time(const char *text, int64_t *ret_ms);

#endif
