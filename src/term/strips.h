/* SPDX-License-Identifier: GPL-2.0-only */
/* Cells of the terminal's tables that are drawn as shades. */
#ifndef FAULTMAP_STRIPS_H
#define FAULTMAP_STRIPS_H

#include "term/columns.h"

/* Where in a mapping faults were, from low to high addresses: darker with more faults; a dot for
 * none. */
void strip_heat(char text[CELL_LEN], const struct line *line, const struct column_context *context);
/* A cell per interval, the newest at the right: darker if more faults took that long. */
void strip_time(char text[CELL_LEN], const struct line *line, const struct column_context *context);

#endif
