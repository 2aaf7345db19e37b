/* SPDX-License-Identifier: GPL-2.0-only */
/* The causes of stalls: their names, and how sinks add them up over an interval and over rows. */
#ifndef FAULTMAP_STALL_CAUSES_H
#define FAULTMAP_STALL_CAUSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

/* "disk"; "unknown" for a value that is none. Lives for ever. */
const char *stall_cause_name(unsigned int cause);

/* What the row gained since the snapshot before; zeros where nothing tells its causes. */
struct cause_counts causes_delta(const struct row *row);
/* True where the row's causes are told, now or before. */
bool causes_are_told(const struct row *row);

void causes_add(struct cause_counts *sum, const struct cause_counts *more);

/* Of nanoseconds by cause, sum_ns[STALL_CAUSE_COUNT]: */

/* All of them: the latency that they are the parts of. */
uint64_t causes_sum(const uint64_t *sum_ns);
/* The cause with the most; STALL_CAUSE_COUNT where there is none. Of equal ones the first. */
unsigned int causes_worst(const uint64_t *sum_ns);
/* The causes that have some, the longest first, into order[STALL_CAUSE_COUNT]. Returns how many. */
size_t causes_in_order(const uint64_t *sum_ns, unsigned int *order);

#endif
