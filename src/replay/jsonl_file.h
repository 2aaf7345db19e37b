/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of a log, plain or packed by gzip or zstd: unpacker.h. */
#ifndef FAULTMAP_JSONL_FILE_H
#define FAULTMAP_JSONL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct jsonl_file;

/* path "-": standard input. Of a compressed log only what has lines from from_ms on and before to_ms
 * (since 1970) is read, and what is of no time. 0 or a negative errno with the error set. */
int jsonl_file_open(struct jsonl_file **ret_file, const char *path, int64_t from_ms, int64_t to_ms,
		    struct error *error);
/* NULL is fine. */
void jsonl_file_close(struct jsonl_file *file);

/*
 * The next line, without its newline, valid until the next call: 1; 0 at the end. -EBADMSG with the
 * error set (without the file's name): the line has no end or is longer than any of ours, the next
 * call goes on behind it. Another negative errno with the error set: the rest cannot be read.
 */
int jsonl_file_line(struct jsonl_file *file, char **ret_line, size_t *ret_length,
		    struct error *error);
/* The line that came last is of a compressed log, of which frames may be left out. */
bool jsonl_file_has_frames(const struct jsonl_file *file);
/* How many lines before the one that came last were not read, since the call before. */
uint64_t jsonl_file_left_out(struct jsonl_file *file);

#endif
