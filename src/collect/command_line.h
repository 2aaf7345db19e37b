/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of a process, from /proc/PID/cmdline. */
#ifndef FAULTMAP_COMMAND_LINE_H
#define FAULTMAP_COMMAND_LINE_H

#include <stdint.h>

#define COMMAND_LINE_LEN 256

/* Raw bytes, its words with blanks between; cut where it is longer. NULL: it has none (a kernel
 * thread, a zombie), or it is gone. Returns buffer. */
char *command_line_read(char buffer[COMMAND_LINE_LEN], uint32_t tgid);

#endif
