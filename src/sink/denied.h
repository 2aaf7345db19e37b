/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the kernel denied faults, in words. */
#ifndef FAULTMAP_DENIED_H
#define FAULTMAP_DENIED_H

#include <stdio.h>

#include "model/grouping.h"

/* A line for each denied kind that the tally has: "denied: 1 denied_bus: SIGBUS or EFAULT, ...". */
void denied_print(const struct tally *total, FILE *stream);

#endif
