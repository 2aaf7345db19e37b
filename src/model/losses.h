/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults that were counted but are in no row, or in one with less detail: why, in words. */
#ifndef FAULTMAP_LOSSES_H
#define FAULTMAP_LOSSES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/snapshot.h"

/* Entered the fault handler, and neither out of it nor in a row when the rows were read. */
uint64_t losses_in_flight(const struct totals *totals);
/* The process "other": it stands for all whose faults found no room in the kernel's table. Its rows
 * are of the mapping "[other]"; it is nobody's process and has no counters of its own. */
bool losses_is_other(const struct process *process);
/* Of a log, one of these: it stands for processes whose faults are summed up in `other` lines, and
 * has their cgroup and user. */
bool losses_is_folded(const struct process *process);

/*
 * Sets gup and missed of totals that have all else. `skipped`: faults in rows that are not in these
 * totals yet. `accounted`: minor and major faults by the tasks' own counters since attach. `gup`:
 * what those of each process have beyond its rows, summed. Tasks are read before perf events and
 * these before rows, so that neither figure ever says too much.
 */
void losses_derive(struct totals *totals, uint64_t skipped, uint64_t accounted, uint64_t gup);

/* Prints "not in rows: 12 without an exception (GUP), ..." and "less detail: 1 in ..."; a line with
 * nothing to say is left out. */
void losses_print(const struct totals *totals, FILE *stream);

#endif
