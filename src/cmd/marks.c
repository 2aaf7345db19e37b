// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/mark_file.h"

/* What is read of the pipe at once, and how often at the end: 64 KiB, all that it holds. Somebody
 * may still write. */
#define PIECE 4096
#define LAST_PIECES 16

struct marks {
	mark_fn on_mark;
	void *context;
	struct mark_file *file; /* NULL: the pipe */
	int reader, writer;     /* of the pipe */
	struct loop *loop;      /* NULL: nobody is called */
	int number;
	char name[MARK_MAX + 1]; /* so far */
	size_t length;
	bool has_line; /* that has no end yet */
};

static void take_bytes(void *context, const char *bytes, size_t size)
{
	struct marks *marks = context;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '\n') {
			marks->has_line = true;
			if (marks->length < MARK_MAX && bytes[i])
				marks->name[marks->length++] = bytes[i];
			continue;
		}
		marks->name[marks->length] = '\0';
		if (marks->length)
			marks->on_mark(marks->context, marks->name);
		marks->length = 0;
		marks->has_line = false;
	}
}

static int handle_file(void *context, uint32_t events)
{
	struct marks *marks = context;

	(void)events;
	return mark_file_serve(marks->file);
}

/* False: there is nothing to take. */
static bool take_piece(struct marks *marks)
{
	char bytes[PIECE];
	ssize_t size = read(marks->reader, bytes, sizeof(bytes));

	if (size > 0)
		take_bytes(marks, bytes, (size_t)size);
	return size > 0;
}

static int handle_pipe(void *context, uint32_t events)
{
	(void)events;
	take_piece(context);
	return 0;
}

/* COMMAND's end is open for reading too, so that processes that are left get no SIGPIPE when we
 * have ended; and it does not block when it is full. */
static int open_pipe(struct marks *marks)
{
	char path[64];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	marks->reader = ends[0];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	marks->writer = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (marks->writer < 0) {
		marks->writer = ends[1];
		return -errno;
	}
	close(ends[1]);
	return 0;
}

/* COMMAND does not inherit it from us already. */
static bool is_free(int number)
{
	int flags = fcntl(number, F_GETFD);

	return flags < 0 || flags & FD_CLOEXEC;
}

/* A number of one digit, as dash's >&N takes no more; not 9 and 3, which scripts like to use. */
static int find_number(void)
{
	for (int number = 8; number > 3; number--)
		if (is_free(number))
			return number;
	return -EMFILE;
}

int marks_open(struct marks **ret_marks, mark_fn on_mark, void *context, struct error *error)
{
	struct marks *marks = calloc(1, sizeof(*marks));
	char number[16];
	int result;

	if (!marks)
		return error_set(error, ENOMEM, "preparing for marks: out of memory");
	*marks = (struct marks){
		.on_mark = on_mark, .context = context, .reader = -1, .writer = -1
	};
	if (mark_file_open(&marks->file, take_bytes, marks, error) < 0) {
		log_info("%s; marks are recorded a moment late", error->text);
		result = open_pipe(marks);
	} else {
		result = 0;
	}
	marks->number = find_number();
	if (!result && marks->number < 0)
		result = marks->number;
	snprintf(number, sizeof(number), "%d", marks->number);
	if (!result && setenv(MARKS_VARIABLE, number, 1) < 0)
		result = -errno;
	if (result < 0) {
		marks_free(marks);
		return error_set(error, -result, "preparing for marks: %s", strerror(-result));
	}
	*ret_marks = marks;
	return 0;
}

int marks_watch(struct marks *marks, struct loop *loop, struct error *error)
{
	int result = marks->file ? loop_add_fd(loop, mark_file_server(marks->file), EPOLLIN,
					       handle_file, marks) :
				   loop_add_fd(loop, marks->reader, EPOLLIN, handle_pipe, marks);

	if (!result)
		marks->loop = loop;
	return result < 0 ? error_set(error, -result, "watching for marks: %s", strerror(-result)) :
			    0;
}

void marks_free(struct marks *marks)
{
	if (!marks)
		return;
	mark_file_close(marks->file);
	if (marks->reader >= 0)
		close(marks->reader);
	if (marks->writer >= 0)
		close(marks->writer);
	free(marks);
}

int marks_descriptor(const struct marks *marks)
{
	return marks->file ? mark_file_writer(marks->file) : marks->writer;
}

int marks_number(const struct marks *marks)
{
	return marks->number;
}

bool marks_are_exact(const struct marks *marks)
{
	return marks->file;
}

bool marks_end(struct marks *marks)
{
	if (marks->loop)
		loop_remove_fd(marks->loop,
			       marks->file ? mark_file_server(marks->file) : marks->reader);
	marks->loop = NULL;
	for (int i = 0; !marks->file && i < LAST_PIECES; i++)
		if (!take_piece(marks))
			break;
	mark_file_close(TAKE_PTR(marks->file));
	return !marks->has_line;
}
