// SPDX-License-Identifier: GPL-2.0-only
/* Lines that come from a running daemon, in pieces of any size. */
#include "replay/jsonl_reader_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As jsonl_file.c has it. */
#define LINE_MAX_BYTES (32 * 1024 * 1024)

void jsonl_reader_begin_stream(struct jsonl_reader *reader, const char *name)
{
	reader->path = name;
	reader->is_stream = true;
	reader->line_number = 0;
	reader->pending_length = 0;
}

static int keep(struct jsonl_reader *reader, const char *bytes, size_t size, struct error *error)
{
	size_t wanted = reader->pending_length + size;
	char *grown;

	if (!size)
		return 0;
	if (wanted > LINE_MAX_BYTES)
		return error_set(error, EMSGSIZE, "reading %s: a line of more than %d MiB",
				 reader->path, LINE_MAX_BYTES / (1024 * 1024));
	if (wanted > reader->pending_capacity) {
		grown = realloc(reader->pending, 2 * wanted);
		if (!grown)
			return error_set(error, ENOMEM, "reading %s: out of memory", reader->path);
		reader->pending = grown;
		reader->pending_capacity = 2 * wanted;
	}
	memcpy(reader->pending + reader->pending_length, bytes, size);
	reader->pending_length = wanted;
	return 0;
}

/* The end of a line, without its newline. */
static int end_line(struct jsonl_reader *reader, const char *bytes, size_t size,
		    struct error *error)
{
	int result;

	reader->line_number++;
	if (!reader->pending_length)
		return jsonl_read_line(reader, bytes, size, error);
	result = keep(reader, bytes, size, error);
	size = reader->pending_length;
	reader->pending_length = 0;
	return result ?: jsonl_read_line(reader, reader->pending, size, error);
}

int jsonl_reader_push(struct jsonl_reader *reader, const char *bytes, size_t size,
		      struct error *error)
{
	const char *newline;
	int result = 0;

	while (!result && (newline = memchr(bytes, '\n', size))) {
		result = end_line(reader, bytes, (size_t)(newline - bytes), error);
		size -= (size_t)(newline + 1 - bytes);
		bytes = newline + 1;
	}
	return result ?: keep(reader, bytes, size, error);
}
