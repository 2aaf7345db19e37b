/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of a log, plain or gzipped (as logrotate leaves them). */
#ifndef FAULTMAP_JSONL_FILE_H
#define FAULTMAP_JSONL_FILE_H

#include <stddef.h>

#include "base/error.h"

struct jsonl_file;

/* path "-": standard input. 0 or a negative errno with the error set. */
int jsonl_file_open(struct jsonl_file **ret_file, const char *path, struct error *error);
/* NULL is fine. */
void jsonl_file_close(struct jsonl_file *file);

/*
 * The next line, without its newline, valid until the next call: 1; 0 at the end. -EBADMSG with the
 * error set (without the file's name): the line has no end or is longer than any of ours, the next
 * call goes on behind it. Another negative errno with the error set: the rest cannot be read.
 */
int jsonl_file_line(struct jsonl_file *file, char **ret_line, size_t *ret_length,
		    struct error *error);

#endif
