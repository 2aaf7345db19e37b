// SPDX-License-Identifier: GPL-2.0-only
#include "term/canvas.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/util.h"

#define MOST_CELLS 500 /* a side */
#define CUT_MARK "+"   /* as grid.c's */

/* One character of a text and what it takes. */
struct glyph {
	char text[8]; /* UTF-8, or \xNN of one byte */
	size_t bytes; /* of the source; 0: the end */
	unsigned int columns;
};

int canvas_init(struct canvas *canvas, unsigned int height, unsigned int width, bool ascii)
{
	canvas->height = (unsigned int)max_of(1, min_of(height, MOST_CELLS));
	canvas->width = (unsigned int)max_of(1, min_of(width, MOST_CELLS));
	canvas->ascii = ascii;
	canvas->cells = calloc((size_t)canvas->height * canvas->width, sizeof(*canvas->cells));
	if (!canvas->cells)
		return -ENOMEM;
	canvas_wipe(canvas);
	return 0;
}

void canvas_clear(struct canvas *canvas)
{
	free(canvas->cells);
	canvas->cells = NULL;
}

static struct cell *cell_at(const struct canvas *canvas, unsigned int y, unsigned int x)
{
	return &canvas->cells[(size_t)y * canvas->width + x];
}

const struct cell *canvas_cell(const struct canvas *canvas, unsigned int y, unsigned int x)
{
	return cell_at(canvas, y, x);
}

static void set_cell(struct cell *cell, const char *text, enum style style)
{
	size_t length = strlen(text);

	memcpy(cell->text, text, length + 1);
	cell->style = (unsigned char)style;
}

void canvas_wipe(struct canvas *canvas)
{
	for (size_t i = 0; i < (size_t)canvas->height * canvas->width; i++)
		set_cell(&canvas->cells[i], " ", STYLE_PLAIN);
}

/* The next character; what cannot be shown as it is becomes the \xNN of its first byte. */
static struct glyph next_glyph(const struct canvas *canvas, const char *text)
{
	struct glyph glyph = { .bytes = 1, .columns = 1 };
	unsigned char first = (unsigned char)*text;
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t bytes;
	int columns;

	if (!first)
		return (struct glyph){};
	if (first >= 0x20 && first < 0x7f) {
		glyph.text[0] = *text;
		return glyph;
	}
	bytes = canvas->ascii ? 0 : mbrtowc(&wide, text, MB_LEN_MAX, &state);
	columns = bytes && bytes < sizeof(glyph.text) ? wcwidth(wide) : -1;
	if (columns >= 0) {
		memcpy(glyph.text, text, bytes);
		glyph.bytes = bytes;
		glyph.columns = (unsigned int)columns;
		return glyph;
	}
	snprintf(glyph.text, sizeof(glyph.text), "\\x%02x", first);
	glyph.columns = 4;
	return glyph;
}

unsigned int canvas_columns(const struct canvas *canvas, const char *text)
{
	unsigned int columns = 0;

	for (struct glyph glyph; (glyph = next_glyph(canvas, text)).bytes; text += glyph.bytes)
		columns += glyph.columns;
	return columns;
}

/* A wide character of which one half goes leaves a blank in the other. */
static void break_wide(struct canvas *canvas, unsigned int y, unsigned int x)
{
	struct cell *cell = cell_at(canvas, y, x);

	if (!*cell->text && x > 0)
		set_cell(cell - 1, " ", (enum style)cell[-1].style);
	if (x + 1 < canvas->width && *cell->text && !*cell[1].text)
		set_cell(cell + 1, " ", (enum style)cell[1].style);
}

static void put_glyph(struct canvas *canvas, unsigned int y, unsigned int x, enum style style,
		      const struct glyph *glyph)
{
	if (glyph->columns == 4 && glyph->text[0] == '\\') {
		for (unsigned int i = 0; i < 4; i++) {
			break_wide(canvas, y, x + i);
			set_cell(cell_at(canvas, y, x + i), (char[]){ glyph->text[i], '\0' },
				 style);
		}
		return;
	}
	break_wide(canvas, y, x);
	set_cell(cell_at(canvas, y, x), glyph->text, style);
	if (glyph->columns < 2)
		return;
	break_wide(canvas, y, x + 1);
	set_cell(cell_at(canvas, y, x + 1), "", style);
}

/* To the character before it, if it has room for it. */
static void combine(struct cell *cell, const struct glyph *glyph)
{
	if (strlen(cell->text) + strlen(glyph->text) < sizeof(cell->text))
		strcat(cell->text, glyph->text);
}

unsigned int canvas_put(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int columns,
			enum style style, const char *text)
{
	unsigned int begin = x, last = UINT_MAX;
	struct glyph glyph;

	if (y >= canvas->height || x >= canvas->width)
		return 0;
	columns = (unsigned int)min_of(columns, canvas->width - x);
	for (; (glyph = next_glyph(canvas, text)).bytes; text += glyph.bytes) {
		if (!glyph.columns) {
			if (last != UINT_MAX)
				combine(cell_at(canvas, y, last), &glyph);
			continue;
		}
		if (x + glyph.columns > begin + columns)
			break;
		put_glyph(canvas, y, x, style, &glyph);
		last = x;
		x += glyph.columns;
	}
	return x - begin;
}

void canvas_blank(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int columns,
		  enum style style)
{
	for (; y < canvas->height && columns && x < canvas->width; x++, columns--) {
		break_wide(canvas, y, x);
		set_cell(cell_at(canvas, y, x), " ", style);
	}
}

/* The text's end that fits. */
static const char *end_of(const struct canvas *canvas, const char *text, unsigned int columns)
{
	unsigned int left = canvas_columns(canvas, text);

	while (left > columns) {
		struct glyph glyph = next_glyph(canvas, text);

		left -= glyph.columns;
		text += glyph.bytes;
	}
	/* What combined with the character that is gone. */
	for (struct glyph glyph; (glyph = next_glyph(canvas, text)).bytes && !glyph.columns;)
		text += glyph.bytes;
	return text;
}

void canvas_fit(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int columns,
		enum style style, const char *text, enum fit fit)
{
	unsigned int wanted = canvas_columns(canvas, text);

	canvas_blank(canvas, y, x, columns, style);
	if (!columns)
		return;
	if (wanted <= columns) {
		canvas_put(canvas, y, fit == FIT_RIGHT ? x + columns - wanted : x, columns, style,
			   text);
	} else if (fit == FIT_END) {
		canvas_put(canvas, y, x, 1, style, CUT_MARK);
		canvas_put(canvas, y, x + 1, columns - 1, style, end_of(canvas, text, columns - 1));
	} else {
		unsigned int taken = canvas_put(canvas, y, x, columns - 1, style, text);

		canvas_put(canvas, y, x + taken, 1, style, CUT_MARK);
	}
}

void canvas_print(const struct canvas *canvas, FILE *stream)
{
	for (unsigned int y = 0; y < canvas->height; y++) {
		unsigned int end = canvas->width;

		while (end && !strcmp(cell_at(canvas, y, end - 1)->text, " "))
			end--;
		for (unsigned int x = 0; x < end; x++)
			fputs(cell_at(canvas, y, x)->text, stream);
		fputc('\n', stream);
	}
}
