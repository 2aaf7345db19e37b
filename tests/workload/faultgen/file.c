// SPDX-License-Identifier: GPL-2.0-only
/* Cases whose memory comes from a file, from shared memory, huge pages or a driver. */
#include "faultgen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From linux/bpf.h of 6.9; older headers lack it. */
#define MAP_TYPE_ARENA 33

#if defined(__x86_64__)
#define RETURN_INSTRUCTION             \
	{                              \
		0xc3, 0xc3, 0xc3, 0xc3 \
	}
#elif defined(__aarch64__)
#define RETURN_INSTRUCTION             \
	{                              \
		0xc0, 0x03, 0x5f, 0xd6 \
	}
#else
#error "which bytes return from a function here?"
#endif

/* A file of `pages` pages in `directory`, on disk and in the page cache, full of functions that
 * return at once. */
static int create_file(struct job *job, const char *directory, size_t pages)
{
	static const unsigned char code[4] = RETURN_INSTRUCTION;
	static unsigned char page[4096];

	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = code[i % sizeof(code)];
	snprintf(job->path, sizeof(job->path), "%s/faultgen-XXXXXX", directory);
	job->fd = mkostemp(job->path, O_CLOEXEC);
	if (job->fd < 0) {
		job->path[0] = '\0';
		return -errno;
	}
	memcpy(job->mapping, job->path, sizeof(job->mapping));
	for (size_t i = 0; i < pages; i++)
		if (write(job->fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			return -EIO;
	return fsync(job->fd) ? -errno : 0;
}

void cleanup_file(struct job *job)
{
	if (job->path[0])
		unlink(job->path);
}

/*
 * What a case has put into the page cache may be reclaimed before it is touched, on a busy machine
 * or by DAMON. A locked mapping elsewhere holds every step-th page of the file there, from the
 * first on; it is made inaccessible then, so that job_warm() passes over it. Where locking is not
 * allowed, luck has to do.
 */
static int hold_pages(const struct job *job, size_t pages, size_t first, size_t step)
{
	static struct job held;
	size_t size = pages * page_size;
	int error = 0;

	if (!held.start) {
		error = job_reserve(&held, size, page_size);
		if (!error)
			error = job_map(&held, PROT_READ, MAP_SHARED, job->fd);
		if (error)
			return error;
		mlock2(held.start, size, MLOCK_ONFAULT);
		madvise(held.start, size, MADV_RANDOM); /* no page beside the wanted one */
	} else if (mprotect(held.start, size, PROT_READ)) {
		return -errno;
	}
	for (size_t i = first; i < pages; i += step)
		(void)*(volatile char *)(held.start + i * page_size);
	return mprotect(held.start, size, PROT_NONE) ? -errno : 0;
}

static int map_uncached_file(struct job *job, int prot, int flags)
{
	int error = create_file(job, job->directory, job->pages);

	if (!error)
		error = job_reserve(job, job->pages * page_size, FAULT_AROUND_PAGES * page_size);
	return error ? error : job_map(job, prot, flags, job->fd);
}

static int map_file(struct job *job, int prot, int flags)
{
	int error = map_uncached_file(job, prot, flags);

	return error ? error : hold_pages(job, job->pages, 0, 1);
}

/* Maps every page for reading, which takes one fault for each window. */
static int read_whole(struct job *job)
{
	job->before_pages = job->pages;
	job_before(job, "file_map", "read",
		   (job->pages + FAULT_AROUND_PAGES - 1) / FAULT_AROUND_PAGES);
	return touch_read(job);
}

/* One touch in each window that a single fault maps around itself. */
static int map_windows(struct job *job, int prot)
{
	size_t window = FAULT_AROUND_PAGES * page_size;
	int error = create_file(job, job->directory, job->pages * FAULT_AROUND_PAGES);

	job->stride = window;
	job->pages_each = FAULT_AROUND_PAGES;
	if (!error)
		error = job_reserve(job, job->pages * window, window);
	return error ? error : job_map(job, prot, MAP_PRIVATE, job->fd);
}

static int map_held_windows(struct job *job, int prot)
{
	int error = map_windows(job, prot);

	return error ? error : hold_pages(job, job->pages * FAULT_AROUND_PAGES, 0, 1);
}

int prepare_file_read(struct job *job)
{
	return map_held_windows(job, PROT_READ);
}

/* Each window is mapped in two halves: what the cache has of it first, and the rest later. */
int prepare_file_partly(struct job *job)
{
	int error = map_windows(job, PROT_READ);

	job->pages_each = FAULT_AROUND_PAGES / 2;
	if (!error)
		error = -posix_fadvise(job->fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!error)
		error = hold_pages(job, job->pages * FAULT_AROUND_PAGES, 0, 2);
	if (error)
		return error;
	job_before(job, "file_map", "read", job->pages);
	job->before_pages = job->mapped_before = job->pages * job->pages_each;
	touch_read(job);
	return hold_pages(job, job->pages * FAULT_AROUND_PAGES, 1, 2);
}

int prepare_file_exec(struct job *job)
{
	return map_held_windows(job, PROT_READ | PROT_EXEC);
}

int touch_exec(struct job *job)
{
	for (char *at = job->start; at < job->end; at += job->stride)
		((void (*)(void))at)();
	return 0;
}

int prepare_file_major(struct job *job)
{
	int error = map_uncached_file(job, PROT_READ, MAP_PRIVATE);

	if (error)
		return error;
	/* What was read stays until it is touched. */
	mlock2(job->start, job->pages * page_size, MLOCK_ONFAULT);
	/* No read-ahead: each page has to be read by its own fault. */
	if (madvise(job->start, job->pages * page_size, MADV_RANDOM))
		return -errno;
	return -posix_fadvise(job->fd, 0, 0, POSIX_FADV_DONTNEED);
}

int prepare_file_cow(struct job *job)
{
	return map_file(job, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

int prepare_file_cow_mapped(struct job *job)
{
	int error = prepare_file_cow(job);

	return error ? error : read_whole(job);
}

int prepare_shared_file_write(struct job *job)
{
	return map_file(job, PROT_READ | PROT_WRITE, MAP_SHARED);
}

int prepare_mkwrite(struct job *job)
{
	int error = prepare_shared_file_write(job);

	return error ? error : read_whole(job);
}

int prepare_shmem_anon(struct job *job)
{
	int error = job_reserve(job, job->pages * page_size, page_size);

	strcpy(job->mapping, "[anon_shmem]");
	return error ? error : job_map(job, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
}

int prepare_memfd(struct job *job)
{
	int error = job_reserve(job, job->pages * page_size, page_size);

	strcpy(job->mapping, "/memfd:faultgen");
	job->fd = memfd_create("faultgen", MFD_CLOEXEC);
	if (job->fd < 0 || ftruncate(job->fd, (off_t)(job->pages * page_size)))
		return -errno;
	return error ? error : job_map(job, PROT_READ | PROT_WRITE, MAP_SHARED, job->fd);
}

int prepare_tmpfs(struct job *job)
{
	int error = create_file(job, "/dev/shm", job->pages);

	if (!error)
		error = job_reserve(job, job->pages * page_size, page_size);
	return error ? error : job_map(job, PROT_READ | PROT_WRITE, MAP_SHARED, job->fd);
}

int prepare_sysv(struct job *job)
{
	size_t size = job->pages * page_size;
	int error = job_reserve(job, size, page_size);
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);

	if (error)
		return error;
	strcpy(job->mapping, "/SYSV00000000");
	if (id < 0)
		return -errno;
	if (shmat(id, job->start, SHM_REMAP) == (void *)-1)
		error = -errno;
	/* Goes away with its last user, even if that is killed. */
	shmctl(id, IPC_RMID, NULL);
	return error;
}

int prepare_hugetlb(struct job *job)
{
	int error = job_reserve(job, job->pages * HUGE_PAGE_SIZE, HUGE_PAGE_SIZE);

	strcpy(job->mapping, "anon_hugepage");
	job->stride = HUGE_PAGE_SIZE;
	job->pages_each = HUGE_PAGE_SIZE / page_size;
	if (!error)
		error = job_map(job, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	return error == -ENOMEM ? -ENOTSUP : error;
}

/*
 * A BPF arena (Linux 6.9): the one driver mapping that any machine has and that fills its pages
 * by faults. Others do so at mmap time (perf rings since 6.13, io_uring, packet rings).
 */
int prepare_device(struct job *job)
{
	size_t size = job->pages * page_size;
	union bpf_attr attributes = {
		.map_type = MAP_TYPE_ARENA,
		.max_entries = (unsigned int)job->pages,
		.map_flags = BPF_F_MMAPABLE,
	};
	int error;

	job->fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes));
	if (job->fd < 0)
		return -ENOTSUP;
	strcpy(job->mapping, "anon_inode:bpf-map");
	error = job_reserve(job, size, page_size);
	return error ? error : job_map(job, PROT_READ | PROT_WRITE, MAP_SHARED, job->fd);
}
