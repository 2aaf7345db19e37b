/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for code while a service runs: finds what symbolizer.h finds at the end, but without
 * waiting. Files are read in a process of its own, which lives as long as the namer.
 */
#ifndef FAULTMAP_NAMER_H
#define FAULTMAP_NAMER_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/debug_files.h"
#include "symbol/keeper.h"

struct namer;

/* What is known of a place. */
struct code_name {
	const char *function; /* NULL: none is known, or none yet */
	const char *source;
	unsigned int line;
};

/* As unwinder_new(). debug_files: where else to look for debug information; NULL: nowhere. */
int namer_new(struct namer **ret_namer, const struct keeper_rights *rights,
	      const struct debug_files_options *debug_files);
void namer_free(struct namer *namer);
/* Asks for the name of this offset in the file, as the process sees it, unless that was asked.
 * Never waits. */
void namer_want(struct namer *namer, const char *file, uint32_t tgid, uint64_t offset);
/* Takes the answers that have come and sends further questions. To be called when the descriptor is
 * readable. */
void namer_take(struct namer *namer);
int namer_fd(const struct namer *namer);
/* What is known by now: lives until namer_want(). */
struct code_name namer_find(const struct namer *namer, const char *file, uint64_t offset);

#endif
