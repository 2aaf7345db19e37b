/* SPDX-License-Identifier: GPL-2.0-only */
/* The phases of a command as a table for people. */
#ifndef FAULTMAP_PHASE_GRID_H
#define FAULTMAP_PHASE_GRID_H

#include <stdio.h>

#include "verdict/phases.h"

/* 0 or -ENOMEM; write errors stay in the stream. */
int phase_grid_print(const struct phase *phases, size_t count, uint64_t page_size, FILE *stream);

#endif
