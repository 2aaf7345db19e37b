// SPDX-License-Identifier: GPL-2.0-only
/*
 * populates FILE: lets the kernel fill memory in each way that a program has, and prints a line of
 * JSON for each: where, what getrusage() had more afterwards, and how long it took. FILE is made, and
 * should lie on a disk. `told`: "row" where one call populates one mapping; else why that is not so. `pages`: that
 * are resident then (mincore()); 0: not asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE 4096UL
#define FILE_PAGES 128UL

struct usage {
	long minor, major, ns;
};

static const char *file;
static struct usage before;

/* A child, in whose memory `target` is untouched, made early: both copy pages after a fork. */
static pid_t child;
static char *target;
static char from[16 * PAGE];

static struct usage usage_now(void)
{
	struct timespec clock;
	struct rusage usage;

	clock_gettime(CLOCK_MONOTONIC, &clock);
	getrusage(RUSAGE_SELF, &usage);
	return (struct usage){ usage.ru_minflt, usage.ru_majflt,
			       clock.tv_sec * 1000000000L + clock.tv_nsec };
}

static void begin(void)
{
	before = usage_now();
}

static size_t resident(const char *at, size_t pages)
{
	unsigned char in_core[4096];
	size_t count = 0;

	if (pages > sizeof(in_core) || mincore((void *)at, pages * PAGE, in_core))
		return 0;
	for (size_t i = 0; i < pages; i++)
		count += in_core[i] & 1;
	return count;
}

/* Its own printing must not fault: the buffer was written to before. */
static void end(const char *name, const char *told, const void *at, size_t pages,
		const char *access)
{
	struct usage now = usage_now();

	printf("{\"case\":\"%s\",\"told\":\"%s\",\"address\":%lu,\"minor\":%ld,\"major\":%ld,"
	       "\"ns\":%ld,\"pages\":%zu,\"access\":\"%s\"}\n",
	       name, told, (unsigned long)at, now.minor - before.minor, now.major - before.major,
	       now.ns - before.ns, pages ? resident(at, pages) : 0, access);
	fflush(stdout);
}

static void fail(const char *what)
{
	fprintf(stderr, "populates: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Where the kernel likes. */
static char *map_anywhere(size_t pages, int prot, int flags)
{
	char *at;

	begin();
	at = mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		fail("mmap");
	return at;
}

/* Between pages that nobody may touch, so that it merges with nothing. */
static char *map(size_t pages, int prot, int flags, int fd)
{
	char *at = map_anywhere(pages + 2, PROT_NONE, MAP_PRIVATE) + PAGE;

	begin();
	if (mmap(at, pages * PAGE, prot, flags | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0) !=
	    at)
		fail("mmap");
	return at;
}

static void check(int result, const char *what)
{
	if (result < 0)
		fail(what);
}

/* As each has other rights, no two of them merge. */
static void map_populated(void)
{
	char *at = map_anywhere(256, PROT_READ | PROT_WRITE | PROT_EXEC,
				MAP_PRIVATE | MAP_POPULATE);

	end("map_populate", "row", at, 256, "write");
	at = map_anywhere(64, PROT_READ, MAP_PRIVATE | MAP_POPULATE);
	end("map_populate_read", "row", at, 0, "read");
	at = map_anywhere(80, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
	end("map_shared", "row", at, 80, "read");
	at = map_anywhere(48, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED);
	end("map_locked", "row", at, 48, "write");
	at = map(24, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, -1);
	end("map_fixed", "row", at, 24, "write");
}

static void map_at(char *at, size_t pages, const char *name)
{
	begin();
	if (mmap(at, pages * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != at)
		fail("mmap");
	end(name, "row", at, pages, "write");
}

/* An address that the caller would like, which is free. Once after a call that was refused: the
 * place that it would have had is not this one's. */
static void map_at_hint(void)
{
	struct rlimit old, limit;
	char *at = map(64, PROT_NONE, MAP_PRIVATE, -1);

	munmap(at, 64 * PAGE);
	map_at(at + 8 * PAGE, 16, "map_at_hint");
	getrlimit(RLIMIT_AS, &old);
	limit = old;
	limit.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_AS, &limit);
	if (mmap(NULL, 20 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED)
		fail("RLIMIT_AS");
	setrlimit(RLIMIT_AS, &old);
	map_at(at + 40 * PAGE, 20, "map_after_refusal");
}

static void lock_part(void)
{
	char *at = map(100, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);

	for (size_t i = 0; i < 30; i++)
		at[i * PAGE] = 1;
	begin();
	check(mlock(at, 100 * PAGE), "mlock");
	end("mlock", "row", at, 0, "write");
	at = map(40, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	begin();
	check((int)syscall(SYS_mlock2, at, 40 * PAGE, 0), "mlock2");
	end("mlock2", "row", at, 40, "write");
	at = map(36, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED, -1);
	at = mremap(at, 36 * PAGE, 72 * PAGE, MREMAP_MAYMOVE);
	end("mremap", "row", at, 72, "write");
	at = map(28, PROT_READ, MAP_PRIVATE | MAP_LOCKED, -1);
	check(mprotect(at, 28 * PAGE, PROT_READ | PROT_WRITE), "mprotect");
	end("mprotect", "row", at, 28, "any");
	munlock(at, 28 * PAGE);
	at = map(26, PROT_READ, MAP_PRIVATE | MAP_LOCKED, -1);
	if (!syscall(SYS_pkey_mprotect, at, 26 * PAGE, PROT_READ | PROT_WRITE, -1))
		end("pkey_mprotect", "row", at, 26, "any");
	munlock(at, 26 * PAGE);
}

static void advise(void)
{
	char *at = map(128, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);

	if (madvise(at, 128 * PAGE, MADV_POPULATE_WRITE))
		return; /* before Linux 5.14 */
	end("madvise_write", "row", at, 128, "write");
	at = map(96, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	check(madvise(at, 96 * PAGE, MADV_POPULATE_READ), "madvise");
	end("madvise_read", "row", at, 0, "read");
	at = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	madvise(at, 4096 * PAGE, MADV_HUGEPAGE);
	check(madvise(at, 4096 * PAGE, MADV_POPULATE_WRITE), "madvise");
	end("madvise_huge", "row", at, 4096, "write");
}

static void make_file(const char *path, size_t pages)
{
	static char page[PAGE];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	check(fd, path);
	for (size_t i = 0; i < pages; i++)
		if (write(fd, page, sizeof(page)) != sizeof(page))
			fail(path);
	fsync(fd);
	close(fd);
}

/* Opened, and out of the page cache if it is on a disk. */
static int open_cold(const char *path, int flags)
{
	int fd = open(path, O_RDWR | flags);

	if (fd >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

static void from_file(void)
{
	int fd = open_cold(file, 0);
	char *at = map(FILE_PAGES, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd);

	end("file", "row", at, FILE_PAGES, "read");
	at = map(FILE_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd);
	end("file_copied", "row", at, FILE_PAGES, "write");
	close(fd);
}

/* What is written is another file's, which has to be read first: major faults. */
static void write_of_other(int fd)
{
	char path[4096];
	char *at;
	int other;

	snprintf(path, sizeof(path), "%s.other", file);
	make_file(path, 16);
	other = open_cold(path, 0);
	check(other, path);
	at = map(16, PROT_READ, MAP_PRIVATE, other);
	check(pwrite(fd, at, 16 * PAGE, 0), "pwrite");
	end("direct_write_of_file", "row", at, 16, "read");
	close(other);
	unlink(path);
}

static void transfer(void)
{
	int fd = open_cold(file, O_DIRECT);
	struct iovec parts[2];
	char *at, *other;

	if (fd < 0) /* the file system has no such thing */
		return;
	at = map(32, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	check(pread(fd, at, 32 * PAGE, 0), "pread");
	end("direct_read", "row", at, 32, "write");
	at = map(24, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	check(pwrite(fd, at, 24 * PAGE, 0), "pwrite");
	end("direct_write", "row", at, 0, "read");
	at = map(24, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	parts[0] = (struct iovec){ at, 4 * PAGE };
	parts[1] = (struct iovec){ at + 12 * PAGE, 8 * PAGE };
	check(preadv(fd, parts, 2, 0), "preadv");
	end("direct_readv", "row", at, 0, "write");
	at = map(12, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	other = map(12, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	parts[0] = (struct iovec){ at, 4 * PAGE };
	parts[1] = (struct iovec){ other, 8 * PAGE };
	check(preadv(fd, parts, 2, 0), "preadv");
	end("direct_readv_two", "several", at, 0, "any");
	at = map(24, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	parts[0] = (struct iovec){ at, 6 * PAGE };
	parts[1] = (struct iovec){ at + 16 * PAGE, 8 * PAGE };
	check(preadv2(fd, parts, 2, 0, RWF_HIPRI), "preadv2");
	end("direct_readv2", "row", at, 0, "write");
	write_of_other(fd);
	close(fd);
}

/* The pages come to another process, or to this one. */
static void write_to_process(void)
{
	struct iovec local = { from, sizeof(from) }, remote = { target, sizeof(from) };
	char *at = target;

	begin();
	if (process_vm_writev(child, &local, 1, &remote, 1, 0) != sizeof(from))
		fail("process_vm_writev");
	end("process_vm_writev", "elsewhere", at, 0, "any");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	at = map(16, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	remote.iov_base = at;
	begin();
	if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) != sizeof(from))
		fail("process_vm_writev");
	end("process_vm_writev_self", "row", at, 16, "write");
	at = map(16, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	remote.iov_base = at;
	begin();
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != sizeof(from))
		fail("process_vm_readv");
	end("process_vm_readv_self", "row", at, 0, "read");
}

/* What is not written to or read from goes to a pipe, or is waited for. */
static void give_away(void)
{
	char *at = map(16, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	struct iovec part = { at, 8 * PAGE };
	int ends[2];

	check(pipe(ends), "pipe");
	begin();
	check((int)vmsplice(ends[1], &part, 1, 0), "vmsplice");
	end("vmsplice", "row", at, 0, "read");
	close(ends[0]);
	close(ends[1]);
	at = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	begin();
	check((int)syscall(SYS_futex, at + PAGE, FUTEX_WAKE, 1, NULL, NULL, 0), "futex");
	end("futex", "row", at + PAGE, 1, "write");
}

/* Buffers of a ring: pinned once and for all. */
static void register_buffers(void)
{
	struct io_uring_params params = { 0 };
	struct io_uring_rsrc_register tagged = { .nr = 1 };
	struct iovec parts[2];
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	char *at;

	if (ring < 0) /* not built in, or switched off (kernel.io_uring_disabled) */
		return;
	at = map(40, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	parts[0] = (struct iovec){ at, 8 * PAGE };
	parts[1] = (struct iovec){ at + 16 * PAGE, 24 * PAGE };
	begin();
	check((int)syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, parts, 2),
	      "io_uring_register");
	end("io_uring", "row", at, 0, "write");
	syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	at = map(20, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	parts[0] = (struct iovec){ at, 20 * PAGE };
	tagged.data = (unsigned long)parts;
	begin();
	if (!syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS2, &tagged,
		     sizeof(tagged))) /* Linux 5.13 */
		end("io_uring_tagged", "row", at, 20, "write");
	close(ring);
}

/* /proc/self/mem: the buffer is not what is populated. */
static void write_to_memory(void)
{
	char *at = map(16, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	int fd = open("/proc/self/mem", O_RDWR);

	check(fd, "/proc/self/mem");
	begin();
	check(pwrite(fd, from, sizeof(from), (off_t)(unsigned long)at), "/proc/self/mem");
	end("proc_mem", "untold", at, 0, "any");
	close(fd);
}

/* Shared memory of System V, which is locked as it is mapped. */
static void attach_segment(size_t pages)
{
	int id = shmget(IPC_PRIVATE, pages * PAGE, 0600);
	char *at;

	check(id, "shmget");
	begin();
	at = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	if (at == (char *)-1)
		fail("shmat");
	end("shmat", "row", at, pages, "read");
}

static void lock_all(void)
{
	char *at = map(24, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);

	begin();
	check(mlockall(MCL_CURRENT), "mlockall");
	end("mlockall", "several", at, 0, "any");
	munlockall();
	check(mlockall(MCL_FUTURE), "mlockall");
	at = map_anywhere(44, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
	end("mlockall_future", "row", at, 44, "write");
	attach_segment(52);
	begin();
	at = sbrk(20 * PAGE);
	end("brk", "row", at, 0, "write");
	munlockall();
}

static void make_child(void)
{
	target = map(16, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
}

/* Touches all that there is, and after a fork copies it: so that no call that is counted faults in
 * the ordinary way. */
static void warm_up(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, stop;
	char line[4096], rights[5];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &stop, rights) != 3 || rights[0] != 'r' ||
		    strstr(line, "[v"))
			continue;
		for (unsigned long at = start; at < stop; at += PAGE) {
			volatile char *byte = (volatile char *)at;

			if (at >= (unsigned long)target &&
			    at < (unsigned long)target + sizeof(from))
				continue;
			if (rights[1] == 'w')
				*byte = *byte;
			else
				(void)*byte;
		}
	}
	if (maps)
		fclose(maps);
}

/* No populating: the memory is touched. */
static void touch(void)
{
	char *at = map(2000, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);

	begin();
	for (size_t i = 0; i < 2000; i++)
		at[i * PAGE] = 1;
	end("touched", "none", at, 0, "any");
}

int main(int argc, char *argv[])
{
	cpu_set_t one;

	if (argc != 2) {
		fprintf(stderr, "usage: populates FILE\n");
		return 2;
	}
	file = argv[1];
	CPU_ZERO(&one);
	CPU_SET((unsigned int)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	make_child();
	memset(from, 1, sizeof(from));
	make_file(file, FILE_PAGES);
	touch(); /* and all that printing needs */
	warm_up();
	touch();
	map_populated();
	map_at_hint();
	lock_part();
	advise();
	from_file();
	transfer();
	write_to_process();
	write_to_memory();
	give_away();
	register_buffers();
	lock_all();
	touch();
	unlink(file);
	return 0;
}
