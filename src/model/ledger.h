/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger of memory: how much faults brought in, how much of it stayed, and how often the same
 * memory was brought in again. It says only what can be proven: see ledger_times().
 */
#ifndef FAULTMAP_LEDGER_H
#define FAULTMAP_LEDGER_H

#include "model/snapshot.h"

/* Pages of a row's faults. */
struct ledger {
	uint64_t copied;  /* of private memory on a write, as parent and child share it */
	uint64_t brought; /* that became resident */
	uint64_t passed;  /* of these: in a window that moves over a file, where all pages differ */
};

/* A bound that is not known: larger than any other. */
#define LEDGER_NO_BOUND UINT64_MAX

/*
 * Of these counts of the row. Brought: first touches, pages of files and of swap. Not: what was there
 * (cow, mkwrite), reads of the zero page and what may be one (access not known), and what the kernel
 * does not count as resident (hugetlb, devices).
 */
struct ledger ledger_of(const struct row *row, const struct fault_counts *counts);
void ledger_add(struct ledger *sum, const struct ledger *more);
/* Pages that may have been the same ones, for ledger_times(). */
uint64_t ledger_may_repeat(const struct ledger *ledger);

/* An upper bound, in bytes, of what was ever resident of the row's mapping: its largest size at any
 * fault, rounded up by a thousandth; 1 << 62 for a window that moves over a file; LEDGER_NO_BOUND if
 * it is not known. */
uint64_t ledger_largest(const struct row *row);
/* The same for a size in bytes, as struct row keeps it. */
uint16_t ledger_size_code(uint64_t bytes);

/*
 * How many times, at least, the same memory was faulted in: pages brought in, divided by the bound of
 * what was resident at once. 0: less than twice, not known, or too little to take a millisecond.
 */
uint64_t ledger_times(uint64_t brought_bytes, uint64_t bound_bytes);

/* How many more bytes the process has resident than a tick ago; negative if fewer. A process that has
 * ended has none. So all ticks add up to what it has now, less what it had when first seen. */
int64_t ledger_growth(const struct process *process);
/* Adds growth to a sum, which stays within +-INT64_MAX: a log may claim any number. */
void ledger_add_growth(int64_t *sum, int64_t more);

#endif
