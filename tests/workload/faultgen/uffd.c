// SPDX-License-Identifier: GPL-2.0-only
/* Cases where a thread of this process serves the faults: userfaultfd(2). */
#include "faultgen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long a slow handler lets a fault wait: tests hold the measured stall against it. */
#define HANDLER_WAIT_NS 20000000L

struct handler {
	int fd;
	long wait_ns;
	int (*serve)(int fd, unsigned long page);
};

static struct handler handler;

static int fill(int fd, unsigned long page)
{
	static _Alignas(4096) char content[4096];
	struct uffdio_copy copy = {
		.dst = page,
		.src = (uintptr_t)content,
		.len = page_size,
	};

	return ioctl(fd, UFFDIO_COPY, &copy);
}

static int set_protection(int fd, unsigned long start, size_t size, unsigned long mode)
{
	struct uffdio_writeprotect protection = {
		.range = { .start = start, .len = size },
		.mode = mode,
	};

	return ioctl(fd, UFFDIO_WRITEPROTECT, &protection);
}

static int unprotect(int fd, unsigned long page)
{
	return set_protection(fd, page, page_size, 0);
}

/* Until the process ends. */
static void *serve_faults(void *argument)
{
	struct handler *self = argument;
	struct timespec wait = { .tv_nsec = self->wait_ns };
	struct uffd_msg message;

	while (read(self->fd, &message, sizeof(message)) == sizeof(message)) {
		if (self->wait_ns)
			nanosleep(&wait, NULL);
		if (self->serve(self->fd, message.arg.pagefault.address & ~(page_size - 1)))
			break;
	}
	return NULL;
}

/* Registers the job's range; the handler is to be started when all is prepared. */
static int open_uffd(struct job *job, unsigned long mode, unsigned long features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register range = { .mode = mode };
	int error = job_map_anon(job, PROT_READ | PROT_WRITE);

	if (error)
		return error;
	job->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (job->fd < 0)
		return -ENOTSUP;
	range.range.start = (uintptr_t)job->start;
	range.range.len = (size_t)(job->end - job->start);
	if (ioctl(job->fd, UFFDIO_API, &api))
		return errno == EINVAL && features ? -ENOTSUP : -errno;
	return ioctl(job->fd, UFFDIO_REGISTER, &range) ? -errno : 0;
}

static int start_handler(struct job *job, long wait_ns, int (*serve)(int fd, unsigned long page))
{
	handler = (struct handler){ .fd = job->fd, .wait_ns = wait_ns, .serve = serve };
	return start_thread(0, serve_faults, &handler);
}

int prepare_userfaultfd(struct job *job)
{
	int error = open_uffd(job, UFFDIO_REGISTER_MODE_MISSING, 0);

	return error ? error : start_handler(job, 0, fill);
}

int prepare_userfaultfd_slow(struct job *job)
{
	int error = open_uffd(job, UFFDIO_REGISTER_MODE_MISSING, 0);

	return error ? error : start_handler(job, HANDLER_WAIT_NS, fill);
}

int prepare_userfaultfd_wp(struct job *job)
{
	int error = open_uffd(job, UFFDIO_REGISTER_MODE_WP, UFFD_FEATURE_PAGEFAULT_FLAG_WP);

	if (error)
		return error;
	job_before(job, "demand_zero", "write", job->pages);
	touch_write(job);
	if (set_protection(job->fd, (uintptr_t)job->start, (size_t)(job->end - job->start),
			   UFFDIO_WRITEPROTECT_MODE_WP))
		return -errno;
	return start_handler(job, 0, unprotect);
}
