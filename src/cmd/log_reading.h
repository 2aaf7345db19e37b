/* SPDX-License-Identifier: GPL-2.0-only */
/* For commands that read recorded logs: giving up privileges before, and messages about bad
 * lines. */
#ifndef FAULTMAP_LOG_READING_H
#define FAULTMAP_LOG_READING_H

#include "base/options.h"
#include "cmd/sandbox.h"
#include "replay/jsonl_reader.h"

/* Gives up all of root's capabilities but the one that opens files. 0 or a negative errno with the
 * error set. */
int log_reading_give_up_privileges(struct error *error);
/* The same, and the filter of system calls, unless it is disabled. As above. */
int log_reading_confine(enum sandbox sandbox, const struct option_list *disabled,
			struct error *error);

/* All zero: none yet. */
struct log_complaints {
	uint64_t count;
};

/* A log_complaint_fn whose context is the struct: prints it, unless it is one of many. */
void log_complaints_print(void *context, const char *path, uint64_t line, const char *why);
/* How many were not printed, if any. */
void log_complaints_end(const struct log_complaints *complaints);

/* Reads all of them, NULL-terminated, to the last interval. 0 or a negative errno with the error
 * set. */
int log_reading_files(struct jsonl_reader *reader, char *const files[], struct error *error);

#endif
