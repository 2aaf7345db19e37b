/* SPDX-License-Identifier: GPL-2.0-only */
/* What was counted but is not where one would look for it, by cause, as people read it. */
#ifndef FAULTMAP_LOSSES_H
#define FAULTMAP_LOSSES_H

#include <stdio.h>

#include "snapshot.h"

/* One line, the label first: "apart: 12 without an exception, 1 in ..."; nothing when all are 0. */
void losses_print(const struct totals *totals, const char *label, FILE *stream);

#endif
