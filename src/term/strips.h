/* SPDX-License-Identifier: GPL-2.0-only */
/* Cells of the terminal's tables that are drawn, shade by shade. */
#ifndef FAULTMAP_STRIPS_H
#define FAULTMAP_STRIPS_H

#include "term/columns.h"

/* Where in a mapping faults were, from low to high: darker where more were; a dot where there were
 * none. */
void strip_heat(char text[CELL_LEN], const struct line *line, const struct column_context *context);
/* A cell per interval, the newest at the right: darker where more faults took so long. */
void strip_time(char text[CELL_LEN], const struct line *line, const struct column_context *context);

#endif
