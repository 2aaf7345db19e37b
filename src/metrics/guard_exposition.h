/* SPDX-License-Identifier: GPL-2.0-only */
/* What `guard` counts, in Prometheus' text format, for the textfile collector of node_exporter. */
#ifndef FAULTMAP_GUARD_EXPOSITION_H
#define FAULTMAP_GUARD_EXPOSITION_H

#include <stdio.h>
#include <time.h>

#include "model/guard_fault.h"

/* name: raw bytes, the label `guard`. The stream's error flag says whether all was written. */
void guard_exposition_write(FILE *stream, const char *name, const struct guard_totals *totals,
			    struct timespec since);

#endif
