/* SPDX-License-Identifier: GPL-2.0-only */
/* What was counted but is not where one would look for it, by cause, as people read it. */
#ifndef FAULTMAP_LOSSES_H
#define FAULTMAP_LOSSES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "snapshot.h"

/* Entered the fault handler, and neither out of it nor in a row when the rows were read. */
uint64_t losses_in_flight(const struct totals *totals);
/* The process "other": it stands for all whose faults found no room in the kernel's table. Its rows
 * are of the mapping "[other]"; it is nobody's process and has no counters of its own. */
bool losses_is_other(const struct process *process);

/* One line, the label first: "apart: 12 without an exception, 1 in ..."; nothing when all are 0. */
void losses_print(const struct totals *totals, const char *label, FILE *stream);

#endif
