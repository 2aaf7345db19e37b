/* SPDX-License-Identifier: GPL-2.0-only */
/* Which processes copied memory, and for which the kernel filled it, in words. */
#ifndef FAULTMAP_WHOSE_PAGES_H
#define FAULTMAP_WHOSE_PAGES_H

#include <stdint.h>
#include <stdio.h>

#include "model/grouping.h"

/* "copied on write: 16M: 12M by 4711 (redis-server)": those with most of it. Nothing below 1 MiB. */
void whose_pages_copied(const struct tallies *people, uint64_t page_size, FILE *stream);
/* The same of "populated without an exception" that is in no row, and what is not known of that. */
void whose_pages_populated(const struct tallies *people, const struct totals *totals,
			   uint64_t page_size, FILE *stream);

/* That stalls of the kind populate are calls, not faults, where the sum of all rows has such faults. */
void whose_pages_unmeasured(const struct tally *total, FILE *stream);

#endif
