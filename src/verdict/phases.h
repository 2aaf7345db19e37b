/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sums for each phase of a command: from one mark to the next. Takes every snapshot once, as a sink
 * does. The caller reports each mark after the snapshot that was taken for it.
 */
#ifndef FAULTMAP_PHASES_H
#define FAULTMAP_PHASES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/sink.h"

/* The phase before the first mark. */
#define PHASE_FIRST "start"
/* Those for which there was no entry of their own. */
#define PHASE_OTHERS "(others)"
/* Phases with an entry of their own; the last entry sums up all others. */
#define PHASES_MAX 64

/* minor and major are the kernel's own counters of the processes, with GUP; the rest comes from
 * rows. */
struct phase {
	char *name;       /* raw bytes; NULL in sums since a mark */
	uint64_t n_times; /* how often it began */
	uint64_t duration_ns;
	uint64_t minor, major, denied, pages;
	uint64_t stall_ns;
};

struct phases;

/* begin_ns: CLOCK_MONOTONIC of the start. NULL when out of memory. */
struct phases *phases_new(uint64_t begin_ns);
/* NULL is fine. */
void phases_free(struct phases *phases);

/* 0; it cannot fail. */
int phases_tick(struct phases *phases, const struct snapshot *snapshot, struct error *error);
extern const struct sink_ops phases_ops;
/* A mark: the phase ends, and `name` begins. *ret_since is the sum since the mark before; its name is
 * borrowed from the phase that ended. 0 or -ENOMEM. */
int phases_mark(struct phases *phases, const char *name, uint64_t now_ns, struct phase *ret_since);
/* The last phase ends. */
void phases_end(struct phases *phases, uint64_t now_ns);
/* All phases, in the order in which they first began; one if there was no mark. Borrowed. */
const struct phase *phases_list(const struct phases *phases, size_t *ret_count);

#endif
