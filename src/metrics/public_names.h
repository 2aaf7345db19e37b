/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which names of files a scrape may show to anybody. Only its user may see what a process maps
 * (/proc/PID/maps), but the name of a file in directories that everybody may list is no secret:
 * /usr/lib/libc.so.6 is public, /root/keys/db is not. [heap], [anon:NAME], /memfd:NAME and the like
 * are no files, and public.
 *
 * Only directories in the kernel's cache are checked, and those of a mapped file are in it: so
 * nobody waits for a file server. What is not known is private, and so are files of other mount
 * namespaces.
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
