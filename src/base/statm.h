/* SPDX-License-Identifier: GPL-2.0-only */
/* VSZ and RSS as ps shows them, from /proc/PID/statm, which adds up the kernel's per-CPU
 * counters. */
#ifndef FAULTMAP_STATM_H
#define FAULTMAP_STATM_H

#include <stdint.h>

/* Of process tgid, 0: our own. Sets both, in bytes; leaves them alone and returns a negative errno
 * when the process is gone. */
int statm_read(uint32_t tgid, uint64_t page_size, uint64_t *vsz_bytes, uint64_t *rss_bytes);
/* The same from the file's text. */
int statm_parse(const char *text, uint64_t page_size, uint64_t *vsz_bytes, uint64_t *rss_bytes);

#endif
