// SPDX-License-Identifier: GPL-2.0-only
#include "sink/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log_frame.h"
#include "base/output_file.h"
#include "base/text.h"
#include "base/util.h"
#include "sink/packer.h"

/* Lines are collected up to this size and written at once: few system calls, little memory. */
#define FLUSH_AT (64 * 1024)
/* How much is queued for a slow reader before lines are lost: some seconds of a busy machine. */
#define QUEUE_MAX (2 * 1024 * 1024)
/* The longest line is `run` with a command of ARG_MAX (2 MiB) where each byte needs 5 ("\\xNN"). */
#define BUFFER_MAX (32 * 1024 * 1024)
/* The most queued lines that report losses: one for each tick. */
#define MAX_MARKS 64
/* Users may not see what other users' processes map, so they may not read our file either. */
#define FILE_MODE 0640
#define PRIVATE_MODE 0600

/* A queued line that reports losses: they count as reported once the whole line is written. */
struct mark {
	uint64_t end; /* as outlet.n_written counts */
	uint64_t lost;
};

struct outlet {
	int fd;            /* -1: no reader */
	struct feed *feed; /* in place of it; or NULL */
	bool is_stdout;
	bool is_regular;
	bool is_persistent;
	bool is_private;
	bool is_mid_line; /* the last write ended within a line */
	bool is_torn;     /* and the rest of that line is lost: a newline must come first */
	const char *path; /* after "unix:", or of the file; in target */
	char *target;
	char *name; /* of the target, for messages */
	struct loop *loop;
	bool is_watched; /* the loop waits for room */

	char *buffer;
	size_t begin; /* what is queued lies from here */
	size_t end;   /* to here; then comes the line in the making */
	size_t length;
	bool is_short; /* a part of it found no memory */
	size_t capacity;
	size_t n_new; /* bytes queued since the last flush */

	enum packing packing;
	struct packer *packer; /* NULL: lines are not compressed */
	int64_t line_ms;       /* outlet_set_time() */

	uint64_t max_bytes; /* of a file; 0: any */
	uint64_t keep;      /* renamed files to keep */

	uint64_t n_written; /* bytes, ever */
	struct mark marks[MAX_MARKS];
	size_t n_marks;
	uint64_t lost;
	uint64_t told; /* by lines that were queued or written */
	uint64_t told_written;
};

static bool is_unix(const char *target)
{
	return strncmp(target, "unix:", 5) == 0;
}

/* True when the file ends within a line, as a former writer was killed. */
static bool file_is_torn(int written_fd)
{
	autoclose int fd = output_file_read(written_fd);
	struct stat status;
	char last;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || !status.st_size)
		return false;
	return pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

/* In a directory where anybody can make a socket, only sockets of ours and root's are trusted. */
static bool may_be_told(int fd, const char *path)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !output_file_is_shared(path) ||
	       (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
		output_file_trusts(peer.uid));
}

/* The descriptor or a negative errno. A listener whose backlog is full counts as none. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return may_be_told(fd, path) ? TAKE_FD(fd) : -EPERM;
}

/* Opens a FIFO: waits until it has a reader, unless the reader may come later. */
static int open_path(const struct outlet *outlet, bool replace)
{
	int flags = O_APPEND | (replace ? O_TRUNC : 0) | (outlet->is_persistent ? O_NONBLOCK : 0);

	if (is_unix(outlet->target))
		return connect_to(outlet->path);
	return output_file_open(outlet->path, flags, outlet->is_private ? PRIVATE_MODE : FILE_MODE);
}

static void set_fd(struct outlet *outlet, int fd)
{
	struct stat status;

	outlet->fd = fd;
	outlet->is_regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	outlet->is_torn = outlet_is_file(outlet) && !outlet->packer && file_is_torn(fd);
	if (outlet->packer && outlet->is_regular)
		packer_mend(fd);
}

/* No listener, or a FIFO that nobody reads. */
static bool is_absent(const struct outlet *outlet, int result)
{
	if (is_unix(outlet->target))
		return result == -ENOENT || result == -ECONNREFUSED || result == -EAGAIN;
	return result == -ENXIO;
}

static int open_first(struct outlet *outlet, enum outlet_open how, struct error *error)
{
	int fd = outlet->is_stdout ? STDOUT_FILENO : open_path(outlet, how == OUTLET_REPLACE);

	if (fd >= 0)
		set_fd(outlet, fd);
	if (outlet->packer && (fd >= 0 ? !outlet->is_regular : fd == -ENXIO))
		return error_set(error, EINVAL,
				 "opening %s for JSON lines: it is no regular file, and only these "
				 "are compressed; give it a name without %s",
				 outlet->name, packing_suffix(outlet->packing));
	if (fd >= 0)
		return 0;
	if (outlet->is_persistent && is_absent(outlet, fd))
		return 0;
	return error_set(error, -fd, "opening %s for JSON lines: %s; name a %s", outlet->name,
			 output_file_strerror(-fd),
			 is_unix(outlet->target) ? "stream socket that somebody listens on" :
						   "file that can be written");
}

/* By the file's name: .gz or .zst. */
static int choose_packing(struct outlet *outlet, struct error *error)
{
	if (!outlet->is_stdout && !is_unix(outlet->target))
		outlet->packing = packing_of_name(outlet->path);
	if (outlet->packing == PACKING_NONE)
		return 0;
	if (!packer_knows(outlet->packing))
		return error_set(error, ENOTSUP,
				 "opening %s for JSON lines: this faultmap was built without zstd; "
				 "give it a name that ends in .gz",
				 outlet->name);
	outlet->packer = packer_new(outlet->packing);
	return outlet->packer ? 0 :
				error_set(error, ENOMEM, "opening the JSON lines: out of memory");
}

int outlet_open(struct outlet **ret_outlet, const char *target, enum outlet_open how,
		struct error *error)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));
	int result;

	if (!outlet)
		return error_set(error, ENOMEM, "opening the JSON lines: out of memory");
	outlet->fd = -1;
	outlet->line_ms = OUTLET_NO_TIME;
	outlet->is_stdout = !target || !strcmp(target, "-");
	outlet->is_persistent = how == OUTLET_PERSIST;
	outlet->is_private = how == OUTLET_REPLACE;
	outlet->target = strdup(target ? target : "-");
	outlet->name = outlet->is_stdout ? strdup("standard output") : text_escape(target);
	if (outlet->target && outlet->name) {
		outlet->path = outlet->target + (is_unix(outlet->target) ? strlen("unix:") : 0);
		result = choose_packing(outlet, error);
		if (!result)
			result = open_first(outlet, how, error);
	} else {
		result = error_set(error, ENOMEM, "opening the JSON lines: out of memory");
	}
	if (result < 0)
		outlet_free(outlet);
	else
		*ret_outlet = outlet;
	return result;
}

int outlet_open_feed(struct outlet **ret_outlet, struct feed *feed)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));

	if (!outlet)
		return -ENOMEM;
	outlet->fd = -1;
	outlet->feed = feed;
	outlet->name = strdup("the stream");
	if (!outlet->name) {
		free(outlet);
		return -ENOMEM;
	}
	*ret_outlet = outlet;
	return 0;
}

static void unwatch(struct outlet *outlet)
{
	if (outlet->is_watched)
		loop_remove_fd(outlet->loop, outlet->fd);
	outlet->is_watched = false;
}

void outlet_free(struct outlet *outlet)
{
	if (!outlet)
		return;
	if (!outlet->is_stdout && outlet->fd >= 0)
		close(outlet->fd);
	packer_free(outlet->packer);
	free(outlet->target);
	free(outlet->name);
	free(outlet->buffer);
	free(outlet);
}

bool outlet_is_stdout(const struct outlet *outlet)
{
	return outlet->is_stdout;
}

bool outlet_is_file(const struct outlet *outlet)
{
	return outlet->is_regular && !outlet->is_stdout;
}

const char *outlet_name(const struct outlet *outlet)
{
	return outlet->name;
}

/* The queue. ----------------------------------------------------------------------------------- */

bool outlet_has_room(const struct outlet *outlet)
{
	return outlet->end - outlet->begin < QUEUE_MAX && outlet->n_marks < MAX_MARKS;
}

bool outlet_has_reserve(const struct outlet *outlet)
{
	return outlet->end - outlet->begin < 2 * QUEUE_MAX && outlet->n_marks < MAX_MARKS;
}

/* Moves what is queued to the buffer's head when that makes room cheaply. */
static void compact(struct outlet *outlet)
{
	if (!outlet->begin || outlet->begin < outlet->length - outlet->begin)
		return;
	memmove(outlet->buffer, outlet->buffer + outlet->begin, outlet->length - outlet->begin);
	outlet->end -= outlet->begin;
	outlet->length -= outlet->begin;
	outlet->begin = 0;
}

int outlet_add(struct outlet *outlet, const char *bytes, size_t size)
{
	if (outlet->length + size > outlet->capacity)
		compact(outlet);
	if (outlet->length + size > outlet->capacity) {
		size_t wanted = (outlet->length + size) * 2;
		char *grown = wanted <= BUFFER_MAX ? realloc(outlet->buffer, wanted) : NULL;

		if (!grown) {
			outlet->is_short = true;
			return -ENOMEM;
		}
		outlet->buffer = grown;
		outlet->capacity = wanted;
	}
	memcpy(outlet->buffer + outlet->length, bytes, size);
	outlet->length += size;
	return 0;
}

void outlet_drop_line(struct outlet *outlet)
{
	outlet->length = outlet->end;
	outlet->is_short = false;
	outlet->lost++;
}

void outlet_set_time(struct outlet *outlet, int64_t ms)
{
	outlet->line_ms = ms;
}

int outlet_end_line(struct outlet *outlet, bool tells_losses)
{
	/* The caller may not have noticed: jansson does not report it for a key. */
	if (outlet->is_short || outlet_add(outlet, "\n", 1) < 0) {
		outlet_drop_line(outlet);
		return -ENOMEM;
	}
	outlet->n_new += outlet->length - outlet->end;
	outlet->end = outlet->length;
	if (outlet->packer)
		packer_note(outlet->packer, outlet->line_ms);
	if (tells_losses) {
		outlet->marks[outlet->n_marks++] = (struct mark){
			.end = outlet->n_written + (outlet->end - outlet->begin),
			.lost = outlet->lost,
		};
		outlet->told = outlet->lost;
	}
	return outlet->n_new >= FLUSH_AT ? outlet_flush(outlet) : 0;
}

void outlet_lose(struct outlet *outlet)
{
	outlet->lost++;
}

void outlet_unlose(struct outlet *outlet, uint64_t lost_before)
{
	outlet->lost = lost_before;
}

uint64_t outlet_lost(const struct outlet *outlet)
{
	return outlet->lost;
}

uint64_t outlet_untold(const struct outlet *outlet)
{
	return outlet->lost - outlet->told;
}

/* Writing. ------------------------------------------------------------------------------------- */

static void wrote(struct outlet *outlet, size_t size)
{
	size_t n_done = 0;

	outlet->begin += size;
	outlet->n_written += size;
	outlet->is_mid_line = outlet->buffer[outlet->begin - 1] != '\n';
	for (; n_done < outlet->n_marks && outlet->marks[n_done].end <= outlet->n_written; n_done++)
		outlet->told_written = outlet->marks[n_done].lost;
	outlet->n_marks -= n_done;
	memmove(outlet->marks, outlet->marks + n_done, outlet->n_marks * sizeof(*outlet->marks));
	if (outlet->begin == outlet->end)
		compact(outlet);
}

/* After a write that stopped within a line: truncates the file to whole lines, or remembers it. */
static void mend_torn_line(struct outlet *outlet)
{
	const char *head = outlet->buffer;
	const char *newline;
	size_t part;
	off_t end = -1;

	if (!outlet->is_mid_line)
		return;
	if (outlet->is_regular) { /* its buffer starts with a line: nothing stays queued */
		newline = memrchr(head, '\n', outlet->begin);
		part = outlet->begin - (newline ? (size_t)(newline + 1 - head) : 0);
		end = lseek(outlet->fd, -(off_t)part, SEEK_CUR);
	}
	outlet->is_torn = end < 0 || ftruncate(outlet->fd, end);
	outlet->is_mid_line = false;
}

/* Nobody will read what is queued. */
static void lose_queue(struct outlet *outlet)
{
	for (size_t i = outlet->begin; i < outlet->end; i++)
		outlet->lost += outlet->buffer[i] == '\n';
	outlet->n_written += outlet->end - outlet->begin;
	outlet->begin = outlet->end = outlet->length = 0;
	outlet->n_marks = 0;
	outlet->told = outlet->told_written;
	if (outlet->packer)
		packer_forget(outlet->packer);
}

static void hang_up(struct outlet *outlet)
{
	unwatch(outlet);
	if (outlet->fd >= 0)
		close(outlet->fd);
	outlet->fd = -1;
	outlet->is_torn = false;
}

static int fail(struct outlet *outlet, int errnum)
{
	mend_torn_line(outlet);
	lose_queue(outlet);
	unwatch(outlet);
	if (outlet->is_persistent && !outlet->is_stdout && !outlet->is_regular &&
	    (is_unix(outlet->target) || errnum == EPIPE))
		hang_up(outlet);
	return -errnum;
}

/* What one write may hold. To a pipe or socket that poll(2) has called writable, PIPE_BUF bytes go
 * at once and as a whole, even where others have left the descriptor in blocking mode; so that a
 * reader who stops has whole lines, it ends with one where it can. */
static size_t next_piece(const struct outlet *outlet)
{
	const char *queued = outlet->buffer + outlet->begin;
	size_t size = outlet->end - outlet->begin;
	const char *newline;

	if (outlet->is_regular || size <= PIPE_BUF)
		return size;
	newline = memrchr(queued, '\n', PIPE_BUF);
	return newline ? (size_t)(newline + 1 - queued) : PIPE_BUF;
}

/* 1, 0 (no room now) or a negative errno. */
static int has_room_now(const struct outlet *outlet, int timeout_ms)
{
	struct pollfd room = { .fd = outlet->fd, .events = POLLOUT };
	int result;

	if (outlet->is_regular)
		return 1;
	result = poll(&room, 1, timeout_ms);
	if (result < 0)
		return errno == EINTR ? 0 : -errno;
	return result; /* POLLERR too: the write says why */
}

/* Compresses and writes all that is queued. */
static int write_frame(struct outlet *outlet)
{
	size_t size = outlet->end - outlet->begin;
	int result = packer_write(outlet->packer, outlet->fd, outlet->buffer + outlet->begin, size);

	if (!result)
		wrote(outlet, size);
	return result;
}

/* Writes until the queue is empty or the reader has no room. */
static int write_queue(struct outlet *outlet)
{
	if (outlet->packer)
		return write_frame(outlet);
	if (outlet->feed) {
		feed_write(outlet->feed, outlet->buffer + outlet->begin,
			   outlet->end - outlet->begin);
		wrote(outlet, outlet->end - outlet->begin);
	}
	while (outlet->begin < outlet->end) {
		int result = has_room_now(outlet, 0);
		ssize_t n;

		if (result <= 0)
			return result;
		if (outlet->is_torn) {
			n = write(outlet->fd, "\n", 1);
			outlet->is_torn = n != 1;
		} else {
			n = write(outlet->fd, outlet->buffer + outlet->begin, next_piece(outlet));
			if (n > 0)
				wrote(outlet, (size_t)n);
		}
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

static int handle_room(void *context, uint32_t events)
{
	(void)events;
	outlet_flush(context); /* the next line reports what it loses */
	return 0;
}

/* outlet_flush(), of compressed lines also what is not due. */
static int flush_all(struct outlet *outlet)
{
	int result;

	outlet->n_new = 0;
	if (outlet->begin == outlet->end)
		return 0;
	result = outlet->fd < 0 && !outlet->feed ? -ENOTCONN : write_queue(outlet);
	if (result < 0)
		return fail(outlet, -result);
	if (outlet->begin == outlet->end)
		unwatch(outlet);
	else if (outlet->loop && !outlet->is_watched)
		outlet->is_watched = !loop_add_fd(outlet->loop, outlet->fd, EPOLLOUT, handle_room,
						  outlet);
	return 0;
}

int outlet_flush(struct outlet *outlet)
{
	bool may_wait = outlet->packer && outlet->n_marks < MAX_MARKS / 2 &&
			!packer_is_due(outlet->packer, outlet->end - outlet->begin);

	outlet->n_new = 0;
	return may_wait ? 0 : flush_all(outlet);
}

/* Before the file changes. What cannot be written is counted as lost. */
static void end_frame(struct outlet *outlet)
{
	if (outlet->packer)
		flush_all(outlet);
}

int outlet_drain(struct outlet *outlet, int timeout_ms)
{
	int result = flush_all(outlet);

	while (!result && outlet->begin < outlet->end) {
		uint64_t before = outlet->n_written;

		result = has_room_now(outlet, timeout_ms);
		if (result > 0)
			result = outlet_flush(outlet);
		else if (!result)
			result = -EAGAIN;
		if (!result && outlet->n_written == before)
			result = -EAGAIN;
	}
	if (result == -EAGAIN)
		lose_queue(outlet);
	return result;
}

void outlet_watch(struct outlet *outlet, struct loop *loop)
{
	unwatch(outlet);
	outlet->loop = loop;
}

void outlet_give(const struct outlet *outlet, uid_t owner)
{
	if (outlet_is_file(outlet))
		output_file_give(outlet->fd, outlet->path, owner);
}

int outlet_reopen(struct outlet *outlet, bool *ret_opened)
{
	int fd;

	*ret_opened = false;
	if (!outlet_is_file(outlet))
		return 0;
	end_frame(outlet);
	fd = open_path(outlet, false);
	if (fd < 0)
		return fd;
	close(outlet->fd);
	set_fd(outlet, fd);
	*ret_opened = true;
	return 0;
}

void outlet_set_limit(struct outlet *outlet, uint64_t max_bytes, uint64_t keep)
{
	outlet->max_bytes = max_bytes;
	outlet->keep = keep;
}

/* True when the file has reached its maximum size, and still has its name. */
static bool is_full(const struct outlet *outlet)
{
	struct stat ours, named;

	return outlet->max_bytes && outlet_is_file(outlet) && !fstat(outlet->fd, &ours) &&
	       (uint64_t)ours.st_size >= outlet->max_bytes && !lstat(outlet->path, &named) &&
	       named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

int outlet_rotate(struct outlet *outlet, bool *ret_opened)
{
	int result;

	*ret_opened = false;
	if (!is_full(outlet))
		return 0;
	end_frame(outlet);
	result = output_file_put_aside(outlet->path, packing_suffix(outlet->packing), outlet->keep);
	return result ?: outlet_reopen(outlet, ret_opened);
}

int outlet_connect(struct outlet *outlet, bool *ret_opened)
{
	int fd;

	*ret_opened = false;
	if (outlet->fd >= 0 || outlet->feed)
		return 0;
	fd = open_path(outlet, false);
	if (fd < 0)
		return fd;
	set_fd(outlet, fd);
	*ret_opened = true;
	return 0;
}
