/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memory of a process is used: the bits by which the CPU notes that a page was touched are
 * cleared (/proc/PID/clear_refs), and read later (Referenced in /proc/PID/smaps). Both are opened at
 * the beginning, so that privileges may be given up in between.
 */
#ifndef FAULTMAP_REFERENCED_H
#define FAULTMAP_REFERENCED_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "model/snapshot.h"

/* Of one mapping that the kernel cannot drop for nothing: anonymous, shared or locked memory. */
struct mapping_use {
	uint32_t tgid;
	char comm[COMM_LEN];
	const char *mapping; /* "[anon]", "[heap]", a path: borrowed. "" while there was none */
	uint64_t resident_bytes, referenced_bytes;
};
/* 0 goes on; anything else is returned. */
typedef int (*mapping_use_fn)(void *context, const struct mapping_use *use);

struct referenced;

/* Clears the bits of a process: the lock of its address space is held for writing meanwhile. 0 or a
 * negative errno with the error set. *ret_referenced is the caller's. */
int referenced_begin(uint32_t tgid, struct referenced **ret_referenced, struct error *error);
/* Reports each mapping that has been referenced or not since. 0, what on_use returned, -ESRCH when
 * the process has ended or runs another program, or another negative errno. */
int referenced_end(struct referenced *referenced, mapping_use_fn on_use, void *context);
/* NULL is fine. */
void referenced_free(struct referenced *referenced);

/* The same from the file's text; *use has tgid and comm. -ESRCH: it is empty. */
int referenced_parse(FILE *smaps, struct mapping_use *use, mapping_use_fn on_use, void *context);

#endif
