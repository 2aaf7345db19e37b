/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is to be on the screen: lines of cells, each with a character and a style. Everything is
 * drawn here first, so that tests see it without a terminal; screen.c brings it to one. Texts are
 * UTF-8 as text_escape() makes it. A wide character takes two cells, a combining one none of its
  * own. The canvas cuts what goes beyond its edge, so that callers need not.
 */
#ifndef FAULTMAP_CANVAS_H
#define FAULTMAP_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a text is; screen.c says how it looks. No style is told by its colour alone. */
enum style {
	STYLE_PLAIN,
	STYLE_LABEL,
	STYLE_STRONG,
	STYLE_DIM,
	STYLE_TITLES,   /* of columns */
	STYLE_SORTED,   /* the title of the one that orders */
	STYLE_SELECTED, /* the line under the cursor */
	STYLE_BAR,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_KEY,    /* of the key line: the key, */
	STYLE_ACTION, /* and what it does */
	STYLE_COUNT
};

#define CELL_BYTES 15

struct cell {
	char text
		[CELL_BYTES]; /* one character with what combines; "": the second half of a wide one */
	unsigned char style;
};

struct canvas {
	unsigned int height, width;
	bool ascii; /* what is not ASCII becomes \xNN */
	struct cell *cells;
};

/* 0 or -ENOMEM; sizes are kept within 1 to 500. All blank. Release with canvas_clear(). */
int canvas_init(struct canvas *canvas, unsigned int height, unsigned int width, bool ascii);
void canvas_clear(struct canvas *canvas);
/* All blank again. */
void canvas_wipe(struct canvas *canvas);
const struct cell *canvas_cell(const struct canvas *canvas, unsigned int y, unsigned int x);

/* Puts the text from (y, x) on, at most `columns` of them; returns how many it took. */
unsigned int canvas_put(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int columns,
			enum style style, const char *text);
/* The same within exactly `columns`, blanks around it: right-aligned, or left-aligned. Too long:
 * cut at the end, or with FIT_END at the beginning, with a "+" there. */
enum fit { FIT_LEFT, FIT_RIGHT, FIT_END };
void canvas_fit(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int columns,
		enum style style, const char *text, enum fit fit);
/* `columns` blanks. */
void canvas_blank(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int columns,
		  enum style style);

/* The columns that the text takes. */
unsigned int canvas_columns(const struct canvas *canvas, const char *text);

/* All lines without trailing blanks, each with a newline; styles are not in it. */
void canvas_print(const struct canvas *canvas, FILE *stream);

#endif
