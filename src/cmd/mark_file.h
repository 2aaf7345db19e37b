/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file in no directory, whose writer waits until its reader has answered, so that counters can be
  * read at the moment of the write. It is the root of a FUSE file system
  * (Documentation/filesystems/fuse) that is mounted nowhere.
 */
#ifndef FAULTMAP_MARK_FILE_H
#define FAULTMAP_MARK_FILE_H

#include <stddef.h>

#include "base/error.h"

struct mark_file;

/* What was written, during the call; the writer goes on when it returns. */
typedef void (*mark_file_fn)(void *context, const char *bytes, size_t size);

/* Needs CAP_SYS_ADMIN, and /dev/fuse. 0 or a negative errno with the error set. */
int mark_file_open(struct mark_file **ret_file, mark_file_fn on_write, void *context,
		   struct error *error);
/* NULL is fine. Who still writes to it gets ECONNABORTED or ENOTCONN. */
void mark_file_close(struct mark_file *file);

/* For the writer: to be duplicated. */
int mark_file_writer(const struct mark_file *file);
/* Readable when there is something to answer, by mark_file_serve(): 0 or a negative errno. */
int mark_file_server(const struct mark_file *file);
int mark_file_serve(struct mark_file *file);

#endif
