/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which names of files a scrape may show to anybody. What a process maps, only its user may see
 * (/proc/PID/maps), but a file in directories that everybody may list is no secret:
 * /usr/lib/libc.so.6 is public, /root/keys/db is not. [heap], [anon:NAME], /memfd:NAME and the like
 * are no files, and public.
 *
 * Directories are only asked for where the kernel has them in its cache, as it has of a file that
 * is mapped: nobody waits for a file server. What cannot be told is private, so are the files of
 * other mount namespaces.
 */
#ifndef FAULTMAP_PUBLIC_NAMES_H
#define FAULTMAP_PUBLIC_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* What stands for the others. */
#define PRIVATE_NAME "[private]"

struct public_names;

/* NULL: no memory. */
struct public_names *public_names_new(void);
/* NULL is fine. */
void public_names_free(struct public_names *names);
/* The answer is remembered for some minutes of now_ns, a clock that only goes forward. */
bool public_names_has(struct public_names *names, const char *name, uint64_t now_ns);

#endif
