/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens a file to write to, by a name that a person has given, safely against other users. In a
 * directory where everybody may write (/tmp), or below one in another user's directory, the name
 * may be a symbolic link to a file of root's, another user's file, or a hard link. There no link is
 * followed, and an existing file must be ours or root's, have no other name, and not be writable
 * for all. Elsewhere this is open(2).
 */
#ifndef FAULTMAP_OUTPUT_FILE_H
#define FAULTMAP_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* flags: O_APPEND, O_TRUNC, O_NONBLOCK; it is created if it is not there. The descriptor or a
 * negative errno: -ELOOP a link, -EPERM somebody else's. Nothing is truncated that is refused. */
int output_file_open(const char *path, int flags, mode_t mode);
/* Is the name in such a directory? */
bool output_file_is_shared(const char *path);
/* Gives root's file to the user that the process will become, so that it can be opened again. Only
 * if that user owns its directory and it has no other name; otherwise it stays as it is. */
void output_file_give(int fd, const char *path, uid_t owner);
/* Whether this user may make files in its directory, or take them away. */
bool output_file_may_make(const char *path);
/* Whether this user may open the name again, and for a regular file also create it again after it
 * was renamed. */
bool output_file_may_reopen(const char *path);
/* What was opened to be written, to read it: by the descriptor, as the name may belong to another
 * file by now. The caller's, or -1. */
int output_file_read(int written_fd);
/* PATH.SUFFIX becomes PATH.1.SUFFIX, that PATH.2.SUFFIX and so on to PATH.keep.SUFFIX, which is lost;
 * suffix is the end of path, maybe "". 0 or a negative errno. */
int output_file_put_aside(const char *path, const char *suffix, uint64_t keep);
/* In such a directory: whether files of this user are trusted. */
bool output_file_trusts(uid_t owner);
/* For messages, what an errno of output_file_open means. */
const char *output_file_strerror(int errnum);

#endif
