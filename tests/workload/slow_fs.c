// SPDX-License-Identifier: GPL-2.0-only
/*
 * slow_fs DIRECTORY MSEC PAGES: a slow file system. It has one file, "file", of zeros;
 * each read of it takes MSEC milliseconds. By FUSE's own protocol (linux/fuse.h), so that it needs
 * no library. Mounts itself, and ends when it is unmounted.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NODE 2
#define LARGEST_READ (1U << 20)

static int device;
static useconds_t read_us;
static uint64_t file_size;

static void reply(const struct fuse_in_header *request, int error, void *body, size_t size)
{
	struct fuse_out_header header = { .len = sizeof(header) + size,
					  .error = -error,
					  .unique = request->unique };
	struct iovec parts[] = { { &header, sizeof(header) }, { body, size } };

	if (writev(device, parts, size ? 2 : 1) < 0 && errno != ENOENT)
		err(1, "/dev/fuse");
}

static struct fuse_attr attributes_of(uint64_t node)
{
	return (struct fuse_attr){ .ino = node,
				   .size = node == FILE_NODE ? file_size : 0,
				   .mode = node == FILE_NODE ? S_IFREG | 0444 : S_IFDIR | 0555,
				   .nlink = 1 };
}

static void look_up(const struct fuse_in_header *request, const char *name)
{
	struct fuse_entry_out entry = { .nodeid = FILE_NODE,
					.entry_valid = 1000,
					.attr_valid = 1000,
					.attr = attributes_of(FILE_NODE) };

	if (strcmp(name, "file") != 0)
		reply(request, ENOENT, NULL, 0);
	else
		reply(request, 0, &entry, sizeof(entry));
}

static void answer(const struct fuse_in_header *request, void *body)
{
	static char zeros[LARGEST_READ];
	const struct fuse_read_in *read_in = body;
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
				      .minor = FUSE_KERNEL_MINOR_VERSION,
				      .max_write = 4096 };
	struct fuse_attr_out attributes = { .attr_valid = 1000,
					    .attr = attributes_of(request->nodeid) };
	struct fuse_open_out opened = {};

	switch (request->opcode) {
	case FUSE_INIT:
		reply(request, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		reply(request, 0, &attributes, sizeof(attributes));
		break;
	case FUSE_LOOKUP:
		look_up(request, body);
		break;
	case FUSE_OPEN:
		reply(request, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		usleep(read_us);
		reply(request, 0, zeros,
		      read_in->size < LARGEST_READ ? read_in->size : LARGEST_READ);
		break;
	case FUSE_RELEASE:
	case FUSE_FLUSH:
		reply(request, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(request, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buffer[LARGEST_READ] __attribute__((aligned(8)));
	char options[64];

	if (argc != 4)
		errx(2, "DIRECTORY MSEC PAGES");
	read_us = strtoul(argv[2], NULL, 10) * 1000;
	file_size = strtoul(argv[3], NULL, 10) * 4096;
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (device < 0 || mount("slow_fs", argv[1], "fuse", MS_NODEV | MS_NOSUID, options))
		err(1, "cannot mount");
	for (;;) {
		ssize_t size = read(device, buffer, sizeof(buffer));

		if (size < 0 && errno == ENODEV) /* unmounted */
			return 0;
		if (size < 0 && errno != EINTR && errno != ENOENT)
			err(1, "/dev/fuse");
		if (size >= (ssize_t)sizeof(struct fuse_in_header))
			answer((void *)buffer, buffer + sizeof(struct fuse_in_header));
	}
}
