// SPDX-License-Identifier: GPL-2.0-only
#include "replay/jsonl_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "replay/unpacker.h"

#define READ_SIZE (64 * 1024)
/* As long as the writer's longest: outlet.c. */
#define LINE_MAX_BYTES (32 * 1024 * 1024)

struct jsonl_file {
	struct unpacker *unpacker;
	uint64_t left_out; /* lines, not told yet */
	char *buffer;
	size_t begin, end; /* what was read and not yet given out */
	size_t capacity;
	bool is_at_end;
};

int jsonl_file_open(struct jsonl_file **ret_file, const char *path, int64_t from_ms, int64_t to_ms,
		    struct error *error)
{
	struct jsonl_file *file = calloc(1, sizeof(*file));
	bool is_stdin = !strcmp(path, "-");
	autoclose int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) :
				      open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int errnum = errno;
	char shown[256];

	text_escape_to(shown, sizeof(shown), is_stdin ? "standard input" : path);
	if (file && fd >= 0) {
		errnum = ENOMEM;
		file->unpacker = unpacker_new(fd);
	}
	if (!file || !file->unpacker) {
		free(file);
		return error_set(error, errnum, "opening %s: %s", shown, strerror(errnum));
	}
	(void)TAKE_FD(fd);
	unpacker_set_window(file->unpacker, from_ms, to_ms);
	*ret_file = file;
	return 0;
}

void jsonl_file_close(struct jsonl_file *file)
{
	if (!file)
		return;
	unpacker_free(file->unpacker);
	free(file->buffer);
	free(file);
}

/* Makes room behind what is there. */
static int make_room(struct jsonl_file *file)
{
	size_t wanted;
	char *grown;

	if (file->begin) {
		memmove(file->buffer, file->buffer + file->begin, file->end - file->begin);
		file->end -= file->begin;
		file->begin = 0;
	}
	if (file->end + READ_SIZE <= file->capacity)
		return 0;
	wanted = file->capacity * 2 + READ_SIZE;
	grown = realloc(file->buffer, wanted);
	if (!grown)
		return -ENOMEM;
	file->buffer = grown;
	file->capacity = wanted;
	return 0;
}

/* Reads more. 0 or a negative errno with the error set: -EBADMSG if it goes on behind what is
 * damaged, without the line that began before it. */
static int read_more(struct jsonl_file *file, struct error *error)
{
	ssize_t n;

	if (make_room(file) < 0)
		return error_set(error, ENOMEM, "out of memory");
	n = unpacker_read(file->unpacker, file->buffer + file->end, READ_SIZE, &file->left_out,
			  error);
	if (n < 0) {
		file->begin = file->end;
		return (int)n;
	}
	file->end += (size_t)n;
	file->is_at_end = n == 0;
	return 0;
}

/* Drops what is there of a line that is too long, up to its end. */
static int skip_line(struct jsonl_file *file, struct error *error)
{
	const char *newline = NULL;
	int result = 0;

	while (!newline && !result) {
		newline = memchr(file->buffer + file->begin, '\n', file->end - file->begin);
		file->begin = newline ? (size_t)(newline + 1 - file->buffer) : file->end;
		if (!newline && file->is_at_end)
			break;
		if (!newline)
			result = read_more(file, error);
	}
	return result ? result :
			error_set(error, EBADMSG, "a line of more than %d MiB",
				  LINE_MAX_BYTES / (1024 * 1024));
}

int jsonl_file_line(struct jsonl_file *file, char **ret_line, size_t *ret_length,
		    struct error *error)
{
	size_t searched = 0;

	for (;;) {
		size_t size = file->end - file->begin;
		char *line = size ? file->buffer + file->begin : NULL; /* before the first read */
		char *newline = size && size > searched ?
					memchr(line + searched, '\n', size - searched) :
					NULL;
		int result;

		if (newline) {
			*newline = '\0';
			*ret_line = line;
			*ret_length = (size_t)(newline - line);
			file->begin += *ret_length + 1;
			return 1;
		}
		if (size > LINE_MAX_BYTES)
			return skip_line(file, error);
		if (file->is_at_end && !size)
			return 0;
		if (file->is_at_end) {
			file->begin = file->end;
			return error_set(error, EBADMSG, "the line has no end: it was cut off");
		}
		searched = size;
		result = read_more(file, error);
		if (result < 0)
			return result;
	}
}

bool jsonl_file_has_frames(const struct jsonl_file *file)
{
	return unpacker_has_head(file->unpacker);
}

uint64_t jsonl_file_left_out(struct jsonl_file *file)
{
	uint64_t left_out = file->left_out;

	file->left_out = 0;
	return left_out;
}
