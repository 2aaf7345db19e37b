/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of a process, from /proc/PID/cmdline. */
#ifndef FAULTMAP_COMMAND_LINE_H
#define FAULTMAP_COMMAND_LINE_H

#include <stddef.h>
#include <stdint.h>

/* What a table shows of it. */
#define COMMAND_LINE_LEN 256

/* Raw bytes, its words with blanks between; cut where it is longer than size - 1. NULL: it has none
 * (a kernel thread, a zombie), or it is gone. Returns buffer. */
char *command_line_read(char *buffer, size_t size, uint32_t tgid);

#endif
