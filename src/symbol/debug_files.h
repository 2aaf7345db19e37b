/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug information that is not in the file with the code: what is installed in /usr/lib/debug, and,
 * only when asked for, what debuginfod servers have. Files are found by their build id, in a process
 * of its own: the one that reads them has no network. It ends with the process that started it.
 */
#ifndef FAULTMAP_DEBUG_FILES_H
#define FAULTMAP_DEBUG_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What all files together may take, for those who wait for names at the end. */
#define DEBUG_FILES_SECONDS 60

struct debug_files;

struct debug_files_options {
	const char *servers; /* URLs, separated by blanks; NULL: no server is asked */
	/* Called in the process that finds files, first; NULL: nothing. */
	void (*confine)(const void *context);
	const void *context;
};

/* For an option table: 0, or -EINVAL with the error set for what are no URLs of servers. */
int debug_files_check(const char *servers, struct error *error);
/* Loads libdebuginfod, which the processes that are forked afterwards use; it stays loaded. 0, or
 * -ENOENT with the error set. */
int debug_files_load(struct error *error);

/* Starts the process, with the rights of now; to be called before the caller gives up its own. NULL:
 * it could not be started, there are no such files then. */
struct debug_files *debug_files_start(const struct debug_files_options *options);
/* NULL is fine. */
void debug_files_end(struct debug_files *files);
/* The file with the debug information of the file that has this build id: a descriptor for the
 * caller to close, or -1: there is none. Waits for it, all calls together DEBUG_FILES_SECONDS at
 * most; NULL: -1. */
int debug_files_find(struct debug_files *files, const void *build_id, size_t size);

#endif
