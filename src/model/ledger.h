/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory's own ledger: what faults brought in, what of that stayed, and how often the same memory was
 * brought in again. All are held to what can be proven: see ledger_times().
 */
#ifndef FAULTMAP_LEDGER_H
#define FAULTMAP_LEDGER_H

#include "model/snapshot.h"

/* Pages of what a row counted. */
struct ledger {
	uint64_t copied; /* of private memory, as they were written to: parent and child share it */
	uint64_t brought; /* that were not resident before and were then */
	uint64_t passed; /* of these: in a window that moves over a file, where all are different */
};

/* Not known: more than any other. */
#define LEDGER_NO_BOUND UINT64_MAX

/*
 * Of these counts of the row. Brought: first touches, pages of files and of swap. Not: what was there
 * (cow, mkwrite), reads of the zero page and what may be one (access not known), and what the kernel
 * does not count as resident (hugetlb, devices).
 */
struct ledger ledger_of(const struct row *row, const struct fault_counts *counts);
void ledger_add(struct ledger *sum, const struct ledger *more);
/* Pages that may have been the same: what ledger_times() is asked about. */
uint64_t ledger_may_repeat(const struct ledger *ledger);

/* Bytes that no more of the row's mapping were ever resident than: the largest that it was at any
 * fault, rounded up by a thousandth; 1 << 62 for a window that moves over a file. LEDGER_NO_BOUND:
 * nobody tells. */
uint64_t ledger_largest(const struct row *row);
/* The same for a size in bytes, as struct row keeps it. */
uint16_t ledger_size_code(uint64_t bytes);

/*
 * How many times the same memory was faulted in, at least: where so much was brought in, and no more
 * than the bound was ever resident at once, a page of it came so often on the average. 0: less than
 * twice; nobody tells; or so little that it takes no millisecond.
 */
uint64_t ledger_times(uint64_t brought_bytes, uint64_t bound_bytes);

/* Bytes that the process has more resident than a tick ago; less than 0: it has less. One that has
 * ended has none. So they add up to what it has now, less what it had when it was first seen. */
int64_t ledger_growth(const struct process *process);
/* Adds growth to a sum, which stays within +-INT64_MAX: a log may claim any. */
void ledger_add_growth(int64_t *sum, int64_t more);

#endif
