// SPDX-License-Identifier: GPL-2.0-only
#include "sink/wrapped.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int wrapped_begin(struct wrapped *wrapped)
{
	*wrapped = (struct wrapped){};
	wrapped->lines = open_memstream(&wrapped->text, &wrapped->size);
	return wrapped->lines ? 0 : -ENOMEM;
}

/* The number of UTF-8 characters: all bytes that do not continue one. */
static unsigned int columns_of(const char *text, size_t length)
{
	unsigned int columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

/* How many bytes of the line fit: up to the last semicolon, comma or colon in the second half of the
 * columns, else up to the last blank, else to the end of the first word. */
static size_t fitting(const char *line, size_t length, unsigned int width)
{
	size_t words = 0, clause = 0;
	size_t start = strspn(line, " ");

	if (columns_of(line, length) <= width)
		return length;
	for (size_t i = start; i < length; i++) {
		if (line[i] != ' ')
			continue;
		if (columns_of(line, i) > width)
			return clause ? clause : words ? words : i;
		words = i;
		if (strchr(",;:", line[i - 1]) && columns_of(line, i) > width / 2)
			clause = i;
	}
	return clause ? clause : words ? words : length;
}

static void print_line(const char *line, size_t length, unsigned int width, FILE *stream)
{
	size_t indent = strspn(line, " ");
	unsigned int room = width;
	bool goes_on = false;

	for (;;) {
		size_t part = fitting(line, length, room);

		if (goes_on)
			fprintf(stream, "%*s", (int)indent + 2, "");
		fwrite(line, 1, part, stream);
		fputc('\n', stream);
		line += part;
		length -= part;
		while (length && *line == ' ') {
			line++;
			length--;
		}
		if (!length)
			return;
		goes_on = true;
		room = width > indent + 12 ? width - (unsigned int)indent - 2 : 10;
	}
}

int wrapped_end(struct wrapped *wrapped, unsigned int width, FILE *stream)
{
	bool is_torn = !wrapped->lines || fclose(wrapped->lines) != 0;

	if (!is_torn && !width)
		fwrite(wrapped->text, 1, wrapped->size, stream);
	for (const char *line = is_torn || !width ? "" : wrapped->text; *line;) {
		size_t length = strcspn(line, "\n");

		print_line(line, length, width, stream);
		line += length + (line[length] == '\n');
	}
	free(wrapped->text);
	*wrapped = (struct wrapped){};
	return is_torn ? -ENOMEM : 0;
}
