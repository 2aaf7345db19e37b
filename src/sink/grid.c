// SPDX-License-Identifier: GPL-2.0-only
#include "sink/grid.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "base/util.h"

#define COLUMN_GAP 2
#define FLEXIBLE_MIN 8 /* a name that is cut further tells nothing */
#define CUT_MARK "+"   /* as top(1) marks a name that goes on */

struct grid {
	struct grid_column *columns;
	size_t n_columns;
	char **cells; /* row by row */
	size_t n_cells;
	size_t capacity;
	unsigned char *marks; /* enum grid_mark of each row; NULL: all plain */
	size_t n_marks;
	bool has_colour;
	locale_t utf8;
	bool out_of_memory;
};

struct grid *grid_new(const struct grid_column *columns, size_t n_columns)
{
	struct grid *grid = calloc(1, sizeof(*grid));

	if (!grid)
		return NULL;
	grid->columns = calloc(n_columns, sizeof(*columns));
	if (!grid->columns) {
		free(grid);
		return NULL;
	}
	memcpy(grid->columns, columns, n_columns * sizeof(*columns));
	grid->n_columns = n_columns;
	/* What text_escape gives is UTF-8 whatever the user's locale is. */
	grid->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return grid;
}

void grid_free(struct grid *grid)
{
	if (!grid)
		return;
	for (size_t i = 0; i < grid->n_cells; i++)
		free(grid->cells[i]);
	free(grid->cells);
	free(grid->marks);
	free(grid->columns);
	if (grid->utf8)
		freelocale(grid->utf8);
	free(grid);
}

void grid_take(struct grid *grid, char *text)
{
	if (text && grid->n_cells == grid->capacity) {
		size_t capacity = grid->capacity ? 2 * grid->capacity : 256;
		char **cells = reallocarray(grid->cells, capacity, sizeof(*cells));

		if (cells) {
			grid->cells = cells;
			grid->capacity = capacity;
		}
	}
	if (!text || grid->n_cells == grid->capacity) {
		grid->out_of_memory = true;
		free(text);
		return;
	}
	grid->cells[grid->n_cells++] = text;
}

void grid_format(struct grid *grid, const char *format, ...)
{
	char *text;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	grid_take(grid, length < 0 ? NULL : text);
}

void grid_name(struct grid *grid, const char *bytes)
{
	grid_take(grid, text_escape(bytes));
}

void grid_count(struct grid *grid, uint64_t count)
{
	char buffer[TEXT_COUNT_LEN];

	grid_take(grid, strdup(text_count(buffer, count)));
}

void grid_bytes(struct grid *grid, uint64_t bytes)
{
	char buffer[TEXT_SIZE_LEN];

	grid_take(grid, strdup(text_bytes(buffer, bytes)));
}

void grid_duration(struct grid *grid, uint64_t ns)
{
	char buffer[TEXT_DURATION_LEN];

	grid_take(grid, strdup(text_duration(buffer, ns)));
}

void grid_empty(struct grid *grid)
{
	grid_take(grid, strdup(""));
}

void grid_mark(struct grid *grid, enum grid_mark mark)
{
	size_t rows = grid->n_cells ? (grid->n_cells - 1) / grid->n_columns + 1 : 0;
	unsigned char *marks = rows ? realloc(grid->marks, rows) : NULL;

	if (!marks)
		return; /* no colour is no loss */
	memset(marks + grid->n_marks, GRID_PLAIN, rows - grid->n_marks);
	marks[rows - 1] = mark;
	grid->marks = marks;
	grid->n_marks = rows;
}

void grid_use_colour(struct grid *grid)
{
	grid->has_colour = true;
}

/* Bytes and columns of the character at text; never 0 bytes unless at the end. */
static size_t char_measure(const char *text, size_t *ret_columns)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t bytes = mbrtowc(&wide, text, MB_LEN_MAX, &state);
	int columns = 1;

	if (bytes == 0)
		return 0;
	if (bytes <= MB_LEN_MAX)
		columns = wcwidth(wide);
	else /* no UTF-8 locale: lead byte and continuation bytes still stay together */
		for (bytes = 1; (text[bytes] & 0xc0) == 0x80; bytes++)
			;
	*ret_columns = columns < 0 ? 1 : columns;
	return bytes;
}

static size_t text_columns(const char *text)
{
	size_t total = 0, columns, bytes;

	for (; (bytes = char_measure(text, &columns)); text += bytes)
		total += columns;
	return total;
}

/* As much of the text as fits, with a mark where it is cut; returns the columns written. */
static size_t put_cut(FILE *stream, const char *text, size_t limit)
{
	size_t total = 0, columns, bytes;

	if (text_columns(text) <= limit) {
		fputs(text, stream);
		return text_columns(text);
	}
	if (limit == 0)
		return 0;
	for (; (bytes = char_measure(text, &columns)); text += bytes) {
		if (total + columns > limit - strlen(CUT_MARK))
			break;
		fwrite(text, 1, bytes, stream);
		total += columns;
	}
	fputs(CUT_MARK, stream);
	return total + strlen(CUT_MARK);
}

/* As put_cut, from the end. */
static size_t put_end(FILE *stream, const char *text, size_t limit)
{
	size_t total = text_columns(text), columns, bytes;

	if (total <= limit || limit <= strlen(CUT_MARK))
		return put_cut(stream, text, limit);
	for (; total > limit - strlen(CUT_MARK); text += bytes) {
		bytes = char_measure(text, &columns);
		total -= columns;
	}
	fputs(CUT_MARK, stream);
	fputs(text, stream);
	return total + strlen(CUT_MARK);
}

static const char *grid_cell(const struct grid *grid, size_t row, size_t column)
{
	return grid->cells[row * grid->n_columns + column];
}

static size_t grid_rows(const struct grid *grid)
{
	return grid->n_cells / grid->n_columns;
}

/* The width that the column would like; 0 when it is to be left out. */
static size_t column_width(const struct grid *grid, size_t column)
{
	size_t width = text_columns(grid->columns[column].title);
	bool is_bare = grid->columns[column].optional;

	for (size_t row = 0; row < grid_rows(grid); row++) {
		const char *cell = grid_cell(grid, row, column);
		size_t columns = text_columns(cell);

		if (columns > width)
			width = columns;
		if (*cell && strcmp(cell, "0"))
			is_bare = false;
	}
	return is_bare ? 0 : width;
}

static size_t least_width(const struct grid_column *column)
{
	return column->least ?: FLEXIBLE_MIN;
}

/* What a line takes; with the flexible columns at their least, or as they are. */
static size_t widths_total(const struct grid *grid, const size_t *widths, size_t indent,
			   bool at_least)
{
	size_t total = indent, n_shown = 0;

	for (size_t i = 0; i < grid->n_columns; i++) {
		size_t least = least_width(&grid->columns[i]);
		bool is_cut = at_least && grid->columns[i].flexible && widths[i] > least;

		total += is_cut ? least : widths[i];
		n_shown += widths[i] > 0;
	}
	return n_shown ? total + (n_shown - 1) * COLUMN_GAP : total;
}

/* Leaves out what is expendable until the names have room: a line is for its name. */
static void widths_leave_out(const struct grid *grid, size_t *widths, size_t indent, size_t limit)
{
	while (widths_total(grid, widths, indent, true) > limit) {
		size_t first = grid->n_columns;

		for (size_t i = 0; i < grid->n_columns; i++) {
			unsigned int rank = widths[i] ? grid->columns[i].expendable : 0;

			if (rank &&
			    (first == grid->n_columns || rank < grid->columns[first].expendable))
				first = i;
		}
		if (first == grid->n_columns)
			return;
		widths[first] = 0;
	}
}

/* Takes what is too wide from the flexible columns, the last one first. */
static void widths_shrink(const struct grid *grid, size_t *widths, size_t indent, size_t limit)
{
	size_t total = widths_total(grid, widths, indent, false);

	for (size_t i = grid->n_columns; i-- > 0 && total > limit;) {
		size_t excess = total - limit, least = least_width(&grid->columns[i]);

		if (!grid->columns[i].flexible || widths[i] <= least)
			continue;
		if (excess > widths[i] - least)
			excess = widths[i] - least;
		widths[i] -= excess;
		total -= excess;
	}
}

/* One line; spaces are written only before something, so that no line ends in blanks. */
static void put_line(const struct grid *grid, FILE *stream, const size_t *widths, size_t indent,
		     size_t limit, const char *const *cells)
{
	size_t at = 0, start = indent;

	for (size_t i = 0; i < grid->n_columns; i++) {
		size_t columns = text_columns(cells[i]), room = widths[i];
		size_t from = start;

		if (widths[i] == 0)
			continue;
		if (columns > room)
			columns = room;
		if (!grid->columns[i].left)
			from += room - columns;
		start += widths[i] + COLUMN_GAP;
		if (columns == 0)
			continue;
		if (from >= limit)
			break;
		if (room > limit - from)
			room = limit - from;
		fprintf(stream, "%*s", (int)(from - at), "");
		at = from +
		     (grid->columns[i].keeps_end ? put_end : put_cut)(stream, cells[i], room);
	}
	fputc('\n', stream);
}

/* What switches the colour of the row on; NULL: it has none. */
static const char *colour_of(const struct grid *grid, size_t row)
{
	static const char *const colours[] = {
		[GRID_MAJOR] = "\033[33m", [GRID_DENIED] = "\033[31m"
	};

	return grid->has_colour && row < grid->n_marks ? colours[grid->marks[row]] : NULL;
}

static void put_row(const struct grid *grid, FILE *stream, const size_t *widths, size_t indent,
		    size_t limit, size_t row)
{
	const char *colour = colour_of(grid, row);

	if (colour)
		fputs(colour, stream);
	put_line(grid, stream, widths, indent, limit,
		 (const char *const *)grid->cells + row * grid->n_columns);
	if (colour)
		fputs("\033[0m", stream);
}

int grid_print(const struct grid *grid, FILE *stream, unsigned int indent, unsigned int width)
{
	size_t limit = width ? width : SIZE_MAX;
	autofree size_t *widths = calloc(grid->n_columns, sizeof(*widths));
	autofree const char **titles = calloc(grid->n_columns, sizeof(*titles));
	locale_t before;

	if (grid->out_of_memory || !widths || !titles)
		return -ENOMEM;
	before = uselocale(grid->utf8);
	for (size_t i = 0; i < grid->n_columns; i++) {
		titles[i] = grid->columns[i].title;
		widths[i] = column_width(grid, i);
	}
	widths_leave_out(grid, widths, indent, limit);
	widths_shrink(grid, widths, indent, limit);
	if (grid->has_colour)
		fputs("\033[1m", stream);
	put_line(grid, stream, widths, indent, limit, titles);
	if (grid->has_colour)
		fputs("\033[0m", stream);
	for (size_t row = 0; row < grid_rows(grid); row++)
		put_row(grid, stream, widths, indent, limit, row);
	uselocale(before);
	return 0;
}
