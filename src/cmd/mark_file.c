// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/mark_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/util.h"

/* Of one write; the kernel splits what is longer. */
#define WRITE_MAX 4096
/* What the kernel asks us to have room for at least, and a write with its headers. */
#define BUFFER_SIZE (FUSE_MIN_READ_BUFFER + WRITE_MAX)
/* The kernel answers in microseconds; more is a machine that stands still. */
#define OPEN_MS 5000
/* The protocol as of Linux 5.4, which later kernels speak too. */
#define PROTOCOL_MINOR 31

struct mark_file {
	mark_file_fn on_write;
	void *context;
	int server; /* /dev/fuse */
	int mount;
	int writer;
	int open_errnum;
	atomic_bool has_opened;
	char buffer[BUFFER_SIZE] __attribute__((aligned(8)));
};

/* The protocol. -------------------------------------------------------------------------------- */

/* A writer that was interrupted no longer waits (ENOENT): that is fine. 0 or a negative errno. */
static int answer(const struct mark_file *file, uint64_t unique, int errnum, const void *body,
		  size_t size)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + size),
					  .error = -errnum,
					  .unique = unique };
	struct iovec parts[] = { { &header, sizeof(header) }, { (void *)body, size } };

	if (writev(file->server, parts, size ? 2 : 1) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int answer_init(const struct mark_file *file, const struct fuse_in_header *request)
{
	const struct fuse_init_in *theirs = (const void *)(request + 1);
	struct fuse_init_out ours = { .major = FUSE_KERNEL_VERSION,
				      .minor = (uint32_t)min_of(theirs->minor, PROTOCOL_MINOR),
				      .max_write = WRITE_MAX };

	return answer(file, request->unique, 0, &ours, sizeof(ours));
}

static int answer_attributes(const struct mark_file *file, const struct fuse_in_header *request)
{
	struct fuse_attr_out out = { .attr = { .ino = FUSE_ROOT_ID,
					       .mode = S_IFREG | 0222,
					       .nlink = 1,
					       .blksize = WRITE_MAX } };

	return answer(file, request->unique, 0, &out, sizeof(out));
}

static int answer_open(const struct mark_file *file, const struct fuse_in_header *request)
{
	struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE };

	return answer(file, request->unique, 0, &out, sizeof(out));
}

static int answer_write(const struct mark_file *file, const struct fuse_in_header *request)
{
	const struct fuse_write_in *in = (const void *)(request + 1);
	struct fuse_write_out out = { .size = in->size };

	file->on_write(file->context, (const char *)(in + 1), in->size);
	return answer(file, request->unique, 0, &out, sizeof(out));
}

static int answer_request(const struct mark_file *file, const struct fuse_in_header *request)
{
	switch (request->opcode) {
	case FUSE_INIT:
		return answer_init(file, request);
	case FUSE_GETATTR:
	case FUSE_SETATTR: /* a shell that opens /dev/fd/N truncates it */
		return answer_attributes(file, request);
	case FUSE_OPEN:
		return answer_open(file, request);
	case FUSE_WRITE:
		return answer_write(file, request);
	case FUSE_RELEASE:
		return answer(file, request->unique, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return 0; /* nobody waits for an answer */
	default:
		return answer(file, request->unique, ENOSYS, NULL, 0);
	}
}

int mark_file_serve(struct mark_file *file)
{
	ssize_t size = read(file->server, file->buffer, sizeof(file->buffer));

	if (size < 0) /* ENOENT: the request was taken back */
		return errno == EAGAIN || errno == EINTR || errno == ENOENT ? 0 : -errno;
	return answer_request(file, (const void *)file->buffer);
}

int mark_file_server(const struct mark_file *file)
{
	return file->server;
}

int mark_file_writer(const struct mark_file *file)
{
	return file->writer;
}

/* Opening. ------------------------------------------------------------------------------------- */

/*
 * open(2) waits for answers from mark_file_serve(), so it runs in a thread. So does the first
 * close(2) of a duplicate (FUSE_FLUSH): once that was answered with ENOSYS, the kernel asks no
 * more. That is needed: a child that could not execute COMMAND closes the file while we wait for
 * that child.
 */
static void *open_writer(void *argument)
{
	struct mark_file *file = argument;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->mount);
	file->writer = open(path, O_WRONLY | O_CLOEXEC);
	file->open_errnum = file->writer < 0 ? errno : 0;
	if (file->writer >= 0)
		close(fcntl(file->writer, F_DUPFD_CLOEXEC, 0));
	atomic_store(&file->has_opened, true);
	return NULL;
}

/* Answers until the file is open: 0 or a negative errno. */
static int serve_opening(struct mark_file *file)
{
	uint64_t deadline = monotonic_ns() + (uint64_t)OPEN_MS * 1000000;
	struct pollfd server = { .fd = file->server, .events = POLLIN };
	pthread_t thread;
	int result = -pthread_create(&thread, NULL, open_writer, file);

	if (result < 0)
		return result;
	while (!result && !atomic_load(&file->has_opened)) {
		if (poll(&server, 1, 1) > 0)
			result = mark_file_serve(file);
		if (!result && monotonic_ns() > deadline)
			result = -ETIMEDOUT;
	}
	if (result < 0) { /* open(2) fails then */
		close(file->server);
		file->server = -1;
	}
	pthread_join(thread, NULL);
	return result ? result : -file->open_errnum;
}

/* As fsconfig(2), which musl lacks. */
static bool configure(int context, unsigned command, const char *key, const char *value)
{
	return !syscall(SYS_fsconfig, context, command, key, value, 0);
}

/* Mounts it nowhere: 0 or a negative errno. */
static int mount_file(struct mark_file *file)
{
	autoclose int context = (int)syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC);
	char number[16];

	if (context < 0)
		return -errno;
	snprintf(number, sizeof(number), "%d", file->server);
	if (!configure(context, FSCONFIG_SET_STRING, "source", "faultmap") ||
	    !configure(context, FSCONFIG_SET_STRING, "fd", number) ||
	    !configure(context, FSCONFIG_SET_STRING, "rootmode", "100222") ||
	    !configure(context, FSCONFIG_SET_STRING, "user_id", "0") ||
	    !configure(context, FSCONFIG_SET_STRING, "group_id", "0") ||
	    !configure(context, FSCONFIG_SET_FLAG, "allow_other", NULL) ||
	    !configure(context, FSCONFIG_CMD_CREATE, NULL, NULL))
		return -errno;
	file->mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
				   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return file->mount < 0 ? -errno : 0;
}

int mark_file_open(struct mark_file **ret_file, mark_file_fn on_write, void *context,
		   struct error *error)
{
	struct mark_file *file = calloc(1, sizeof(*file));
	int result;

	if (!file)
		return error_set(error, ENOMEM, "making the file of marks: out of memory");
	file->on_write = on_write;
	file->context = context;
	file->mount = file->writer = -1;
	file->server = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	result = file->server < 0 ? -errno : mount_file(file);
	if (!result)
		result = serve_opening(file);
	if (result < 0) {
		mark_file_close(file);
		return error_set(error, -result, "making the file of marks with /dev/fuse: %s",
				 strerror(-result));
	}
	*ret_file = file;
	return 0;
}

void mark_file_close(struct mark_file *file)
{
	if (!file)
		return;
	if (file->server >= 0)
		close(file->server);
	if (file->writer >= 0)
		close(file->writer);
	if (file->mount >= 0)
		close(file->mount);
	free(file);
}
