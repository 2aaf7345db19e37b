/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text laid out in aligned columns. Cells are added from left to right, row after row; widths are
 * counted in terminal columns (a CJK character takes two). The grid owns its cells. Running out of
 * memory is remembered and told by grid_print, as a FILE remembers its errors.
 *
 * Not libsmartcols (util-linux 2.38), which was tried. It is as quick (5,000 lines take both 55 ms)
 * but it cuts a column at its end only, where of a path the end says more; it gives no mark where
 * it cuts; it has no column that is left out when it is empty; it writes UTF-8 as \xNN unless the
 * program has set a locale. All that would stay ours, and it is most of grid.c. It would bring a
 * tree, which no table here has, and one more library, of which Debian has no archive for the
 * static build.
 */
#ifndef FAULTMAP_GRID_H
#define FAULTMAP_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct grid_column {
	const char *title;
	bool left;      /* aligned; numbers stand right */
	bool flexible;  /* is cut first when the lines are too wide */
	size_t least;   /* columns that a flexible one keeps; 0: 8 */
	bool keeps_end; /* is cut at its beginning: the end of a path says more */
	bool optional;  /* left out when every cell is empty or "0" */
	/* Left out where the flexible ones would keep less than their least, 1 before 2 and so on; 0: not. */
	unsigned int expendable;
};

struct grid;

/* Copies the columns; the titles are borrowed. NULL when out of memory. */
struct grid *grid_new(const struct grid_column *columns, size_t n_columns);
void grid_free(struct grid *grid);

/* Each adds one cell. grid_name escapes raw bytes, so that no control byte reaches a terminal. */
void grid_format(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));
void grid_name(struct grid *grid, const char *bytes);
/* Takes the text, which is allocated; NULL means that there was no memory for it. */
void grid_take(struct grid *grid, char *text);
void grid_count(struct grid *grid, uint64_t count);
void grid_bytes(struct grid *grid, uint64_t bytes);
void grid_duration(struct grid *grid, uint64_t ns);
void grid_empty(struct grid *grid);

/* Marks the line that was last begun, which grid_use_colour() then colours. */
enum grid_mark { GRID_PLAIN, GRID_MAJOR, GRID_DENIED };
void grid_mark(struct grid *grid, enum grid_mark mark);
/* The stream is a terminal that takes escape sequences. */
void grid_use_colour(struct grid *grid);

/* Titles and rows, each line indented; no line is wider than `width` columns (0: unlimited).
 * 0 or -ENOMEM; the caller checks the stream for errors (ferror). */
int grid_print(const struct grid *grid, FILE *stream, unsigned int indent, unsigned int width);

#endif
