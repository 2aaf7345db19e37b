// SPDX-License-Identifier: GPL-2.0-only
/* Cases that the kernel denies (SIGSEGV, SIGBUS, EFAULT), and faults of the kernel itself. */
#include "faultgen.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the handler goes back to. The one place where a handler is the thing under test. */
static sigjmp_buf resume;

static void on_denied(int signo)
{
	(void)signo;
	siglongjmp(resume, 1);
}

static int catch_denied(void)
{
	struct sigaction action = { .sa_handler = on_denied, .sa_flags = SA_NODEFER };

	if (sigaction(SIGSEGV, &action, NULL) || sigaction(SIGBUS, &action, NULL))
		return -errno;
	return 0;
}

static int map_denied(struct job *job, int prot)
{
	int error = job_map_anon(job, prot);

	return error ? error : catch_denied();
}

int prepare_unmapped(struct job *job)
{
	int error = map_denied(job, PROT_NONE);

	strcpy(job->mapping, "[unmapped]");
	if (error)
		return error;
	return munmap(job->start, (size_t)(job->end - job->start)) ? -errno : 0;
}

int prepare_read_only(struct job *job)
{
	return map_denied(job, PROT_READ);
}

/* Present, so that what denies the fetch is the missing right alone. */
int prepare_no_exec(struct job *job)
{
	int error = prepare_read_only(job);

	job_before(job, "demand_zero", "read", job->pages);
	return error ? error : touch_read(job);
}

int prepare_no_access(struct job *job)
{
	return map_denied(job, PROT_NONE);
}

int prepare_pkey(struct job *job)
{
	int key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
	int error;

	if (key < 0)
		return -ENOTSUP;
	error = map_denied(job, PROT_READ | PROT_WRITE);
	if (error)
		return error;
	job_before(job, "demand_zero", "write", job->pages);
	touch_write(job); /* present: what denies then is the key alone */
	if (pkey_mprotect(job->start, job->pages * page_size, PROT_READ | PROT_WRITE, key))
		return -errno;
	return 0;
}

int prepare_truncated(struct job *job)
{
	int error = prepare_shared_file_write(job);

	if (!error)
		error = catch_denied();
	if (error)
		return error;
	return ftruncate(job->fd, 0) ? -errno : 0;
}

static void read_byte(char *at)
{
	(void)*(volatile char *)at;
}

static void write_byte(char *at)
{
	*(volatile char *)at = 1;
}

static void call(char *at)
{
	((void (*)(void))at)();
}

static int touch_denied(struct job *job, void (*access)(char *))
{
	/* Static: they keep their value across siglongjmp. */
	static char *at;

	for (at = job->start; at < job->end; at += job->stride) {
		if (sigsetjmp(resume, 0) == 0)
			access(at);
		else
			job->denied++;
	}
	return 0;
}

int touch_denied_read(struct job *job)
{
	return touch_denied(job, read_byte);
}

int touch_denied_write(struct job *job)
{
	return touch_denied(job, write_byte);
}

int touch_denied_exec(struct job *job)
{
	return touch_denied(job, call);
}

int prepare_kernel_read(struct job *job)
{
	job->fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return job->fd < 0 ? -errno : prepare_demand_zero(job);
}

int touch_kernel_read(struct job *job)
{
	for (char *at = job->start; at < job->end; at += page_size)
		if (read(job->fd, at, page_size) != (ssize_t)page_size)
			return -EIO;
	return 0;
}

int prepare_efault(struct job *job)
{
	int error = prepare_unmapped(job);

	if (error)
		return error;
	job->fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return job->fd < 0 ? -errno : 0;
}

int touch_efault(struct job *job)
{
	for (char *at = job->start; at < job->end; at += page_size) {
		if (read(job->fd, at, 1) >= 0 || errno != EFAULT)
			return -EIO;
		job->denied++;
	}
	return 0;
}

/* Each fault is followed by one that the kernel takes without an exception: the process's count
 * moves all the same. */
static int expect_gup(struct job *job, int error)
{
	job->expected_gup = job->pages;
	return error;
}

int prepare_efault_no_access(struct job *job)
{
	return expect_gup(job, prepare_no_access(job));
}

int prepare_efault_read_only(struct job *job)
{
	return expect_gup(job, prepare_read_only(job));
}

int prepare_efault_bus(struct job *job)
{
	int error = prepare_file_cow(job);

	if (!error && ftruncate(job->fd, 0))
		error = -errno;
	return expect_gup(job, error);
}

int touch_efault_and_populate(struct job *job)
{
	for (char *at = job->start; at < job->end; at += page_size) {
		if (!syscall(SYS_getresuid, at, at, at) || errno != EFAULT)
			return -EIO;
		job->denied++;
		if (mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

int prepare_guard(struct job *job)
{
	int error = map_denied(job, PROT_READ | PROT_WRITE);

	if (error)
		return error;
	return madvise(job->start, (size_t)(job->end - job->start), MADV_GUARD_INSTALL) ? -ENOTSUP :
											  0;
}

/* Served once, and then denied on the same page. */
int prepare_served_before(struct job *job)
{
	int error = catch_denied();

	if (!error)
		error = prepare_file_cow(job);
	if (error)
		return error;
	job_before(job, "file_map", "read", job->pages);
	touch_read(job);
	return mprotect(job->start, (size_t)(job->end - job->start), PROT_NONE) ? -errno : 0;
}
