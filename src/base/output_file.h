/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens a file to write to by a name that a person has given, where another user may have been
 * first. In a directory where everybody may write (/tmp), or below one in somebody else's, a name
 * can be a symbolic link to a file of root's, another user's file that waits for our lines, or a
 * hard link. There no link is followed, and what is there already must be ours or root's, with no
 * other name, and not open for all to write. Elsewhere it is open(2).
 */
#ifndef FAULTMAP_OUTPUT_FILE_H
#define FAULTMAP_OUTPUT_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* flags: O_APPEND, O_TRUNC, O_NONBLOCK; it is created if it is not there. The descriptor or a
 * negative errno: -ELOOP a link, -EPERM somebody else's. Nothing is truncated that is refused. */
int output_file_open(const char *path, int flags, mode_t mode);
/* Is the name in such a directory? */
bool output_file_is_shared(const char *path);
/* Gives root's file to a user that the process is about to become, where he has its directory and
 * it has no other name: so that he can open it again. Otherwise it stays. */
void output_file_give(int fd, const char *path, uid_t owner);
/* Whether this user may make files in its directory, or take them away. */
bool output_file_may_make(const char *path);
/* Whether this user may open the name again, and make it again when it has been moved away: of a
 * file both, of a FIFO, socket or device the first. */
bool output_file_may_reopen(const char *path);
/* There, is what this user has made to be trusted? */
bool output_file_trusts(uid_t owner);
/* For messages, what an errno of output_file_open means. */
const char *output_file_strerror(int errnum);

#endif
