// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: folios anon | folios shmem | folios FILE [write]
 *
 * Touches each page of a mapping that the kernel may back with large folios, so that one fault maps
 * several pages: private or shared anonymous memory after MADV_HUGEPAGE, or a file, which is read
 * or, mapped shared, written to.
 * Prints a JSON line with the mapping, its pages (each is mapped once), and the faults that
 * getrusage(2) counted meanwhile. Exit status 77: one fault mapped one page, all the time.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PAGE_SIZE 4096UL
#define MEMORY_SIZE (8UL << 20)

static long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static volatile char *map_memory(bool shared)
{
	char *start = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			   MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);

	if (start == MAP_FAILED)
		err(1, "mmap");
	if (madvise(start, MEMORY_SIZE, MADV_HUGEPAGE))
		err(77, "MADV_HUGEPAGE");
	return start;
}

static volatile char *map_file(const char *path, bool writes, size_t *ret_size)
{
	int fd = open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	struct stat status;
	char *start;

	if (fd < 0 || fstat(fd, &status))
		err(1, "%s", path);
	*ret_size = (size_t)status.st_size;
	start = mmap(NULL, *ret_size, PROT_READ | (writes ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (start == MAP_FAILED)
		err(1, "mmap %s", path);
	return start;
}

int main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";
	bool shared = !strcmp(what, "shmem"), memory = shared || !strcmp(what, "anon");
	bool writes = memory || (argc == 3 && !strcmp(argv[2], "write"));
	size_t size = MEMORY_SIZE;
	volatile char *start;
	long faults;

	if (argc != 2 && !(argc == 3 && writes && !memory))
		errx(2, "usage: folios anon | folios shmem | folios FILE [write]");
	start = memory ? map_memory(shared) : map_file(what, writes, &size);
	minor_faults(); /* the first call may fault itself */
	faults = minor_faults();
	for (size_t at = 0; at < size; at += PAGE_SIZE) {
		if (writes)
			start[at] = 1;
		else
			(void)start[at];
	}
	faults = minor_faults() - faults;
	printf("{\"start\":\"%p\",\"end\":\"%p\",\"faults\":%ld,\"pages\":%zu}\n",
	       (const volatile void *)start, (const volatile void *)(start + size), faults,
	       size / PAGE_SIZE);
	return (size_t)faults == size / PAGE_SIZE ? 77 : 0;
}
