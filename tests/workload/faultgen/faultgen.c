// SPDX-License-Identifier: GPL-2.0-only
#include "faultgen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_SKIP 77
/* Something else took a hand in it, reclaim for instance: no oracle, and worth another try. */
#define EXIT_DISTURBED 75

const size_t page_size = 4096;

/* clang-format off */
static const struct fault_case cases[] = {
	{ .name = "demand_zero_write", .kind = "demand_zero", .access = "write", .mode = "user",
	  .prepare = prepare_demand_zero, .touch = touch_write, .default_pages = 256 },
	{ .name = "demand_zero_read", .kind = "demand_zero", .access = "read", .mode = "user",
	  .prepare = prepare_demand_zero, .touch = touch_read, .default_pages = 256 },
	{ .name = "heap", .kind = "demand_zero", .access = "write", .mode = "user",
	  .prepare = prepare_heap, .touch = touch_write, .default_pages = 256 },
	{ .name = "threads", .kind = "demand_zero", .access = "write", .mode = "user",
	  .prepare = prepare_threads, .touch = touch_threads, .default_pages = 256 },
	{ .name = "exec_chain", .kind = "demand_zero", .access = "write", .mode = "user",
	  .prepare = prepare_exec_chain, .touch = touch_exec_chain, .default_pages = 256 },
	{ .name = "fault_storm", .kind = "demand_zero", .access = "write", .mode = "user",
	  .prepare = prepare_fault_storm, .touch = touch_fault_storm, .default_pages = 1 },
	{ .name = "stack_growth", .kind = "stack_growth", .access = "write", .mode = "user",
	  .prepare = prepare_stack_growth, .touch = touch_downwards, .default_pages = 64 },
	{ .name = "cow_zero", .kind = "cow", .access = "write", .mode = "user",
	  .prepare = prepare_cow_zero, .touch = touch_write, .default_pages = 256,
	  .needs = "a shared zero page: a read takes a page of its own here" },
	{ .name = "cow_fork", .kind = "cow", .access = "write", .mode = "user",
	  .prepare = prepare_cow_fork, .touch = touch_write, .default_pages = 256 },
	{ .name = "reuse", .kind = "cow", .exact = "wp_other", .access = "write", .mode = "user",
	  .prepare = prepare_reuse, .touch = touch_reuse, .default_pages = 256 },
	{ .name = "soft_dirty", .kind = "cow", .exact = "wp_other", .access = "write",
	  .mode = "user", .prepare = prepare_soft_dirty, .touch = touch_write,
	  .default_pages = 256, .needs = "CONFIG_MEM_SOFT_DIRTY" },
	{ .name = "huge_zero", .kind = "demand_zero", .exact = "huge_zero", .access = "write",
	  .mode = "user", .prepare = prepare_huge, .touch = touch_write, .default_pages = 4,
	  .needs = "transparent huge pages" },
	{ .name = "huge_zero_read", .kind = "demand_zero", .exact = "huge_zero", .access = "read",
	  .mode = "user", .prepare = prepare_huge, .touch = touch_read, .default_pages = 4,
	  .needs = "transparent huge pages" },
	{ .name = "huge_cow", .kind = "cow", .access = "write", .mode = "user",
	  .prepare = prepare_huge_cow, .touch = touch_huge_cow, .default_pages = 4,
	  .needs = "a kernel that copies the huge zero page whole (Linux 6.13)" },
	{ .name = "small_zero_read", .kind = "demand_zero", .access = "read", .mode = "user",
	  .prepare = prepare_small_zero, .touch = touch_second_page, .default_pages = 4,
	  .needs = "transparent huge pages" },
	{ .name = "reclaim", .kind = "demand_zero", .access = "write", .mode = "user",
	  .prepare = prepare_reclaim, .touch = touch_reclaim, .default_pages = 4096,
	  .needs = "a limit of memory, and swap" },
	{ .name = "swap_in", .kind = "swap_in", .access = "read", .mode = "user",
	  .prepare = prepare_swap_in, .touch = touch_read, .default_pages = 1024,
	  .needs = "swap that takes pages when asked" },
	{ .name = "swap_cached", .kind = "demand_zero", .exact = "swap_in", .access = "read",
	  .mode = "user", .prepare = prepare_swap_cached, .touch = touch_read,
	  .default_pages = 256, .needs = "swap that takes pages when asked" },
	{ .name = "userfaultfd", .kind = "userfaultfd", .access = "write", .mode = "user",
	  .prepare = prepare_userfaultfd, .touch = touch_write, .default_pages = 64,
	  .needs = "userfaultfd" },
	{ .name = "userfaultfd_slow", .kind = "userfaultfd", .access = "write", .mode = "user",
	  .prepare = prepare_userfaultfd_slow, .touch = touch_write, .default_pages = 4,
	  .needs = "userfaultfd" },
	{ .name = "userfaultfd_wp", .kind = "wp_other", .exact = "userfaultfd", .access = "write",
	  .mode = "user", .prepare = prepare_userfaultfd_wp, .touch = touch_write,
	  .default_pages = 64, .needs = "write protection by userfaultfd" },
	{ .name = "populate", .kind = "demand_zero", .access = "write", .mode = "user",
	  .prepare = prepare_populate, .touch = touch_populate, .default_pages = 1024 },
	{ .name = "file_map_read", .kind = "file_map", .access = "read", .mode = "user",
	  .prepare = prepare_file_read, .touch = touch_read, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "file_map_exec", .kind = "file_map", .access = "exec", .mode = "user",
	  .prepare = prepare_file_exec, .touch = touch_exec, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "file_map_partly", .kind = "file_map", .access = "read", .mode = "user",
	  .prepare = prepare_file_partly, .touch = touch_second_page, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "file_map_major", .kind = "file_map", .access = "read", .mode = "user",
	  .prepare = prepare_file_major, .touch = touch_read, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "file_cow", .kind = "file_cow", .access = "write", .mode = "user",
	  .prepare = prepare_file_cow, .touch = touch_write, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "file_cow_mapped", .kind = "cow", .access = "write", .mode = "user",
	  .prepare = prepare_file_cow_mapped, .touch = touch_write, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "mkwrite", .kind = "mkwrite", .access = "write", .mode = "user",
	  .prepare = prepare_mkwrite, .touch = touch_write, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "shared_file_write", .kind = "file_map", .access = "write", .mode = "user",
	  .prepare = prepare_shared_file_write, .touch = touch_write, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "shmem_anon", .kind = "shmem", .access = "write", .mode = "user",
	  .prepare = prepare_shmem_anon, .touch = touch_write, .default_pages = 256 },
	{ .name = "memfd", .kind = "shmem", .access = "write", .mode = "user",
	  .prepare = prepare_memfd, .touch = touch_write, .default_pages = 256 },
	{ .name = "tmpfs", .kind = "shmem", .access = "write", .mode = "user",
	  .prepare = prepare_tmpfs, .touch = touch_write, .cleanup = cleanup_file,
	  .default_pages = 64 },
	{ .name = "sysv", .kind = "shmem", .access = "write", .mode = "user",
	  .prepare = prepare_sysv, .touch = touch_write, .default_pages = 64 },
	{ .name = "hugetlb", .kind = "hugetlb", .access = "write", .mode = "user",
	  .prepare = prepare_hugetlb, .touch = touch_write, .default_pages = 4,
	  .needs = "free huge pages" },
	{ .name = "device", .kind = "device", .access = "write", .mode = "user",
	  .prepare = prepare_device, .touch = touch_write, .default_pages = 64,
	  .needs = "BPF arenas (Linux 6.9)" },
	{ .name = "kernel_read", .kind = "demand_zero", .access = "write", .mode = "kernel",
	  .prepare = prepare_kernel_read, .touch = touch_kernel_read, .default_pages = 64 },
	{ .name = "efault", .kind = "denied_unmapped", .access = "write", .mode = "kernel",
	  .prepare = prepare_efault, .touch = touch_efault, .default_pages = 64 },
	{ .name = "efault_no_access", .kind = "denied_access", .access = "write", .mode = "kernel",
	  .prepare = prepare_efault_no_access, .touch = touch_efault_and_populate,
	  .default_pages = 64 },
	{ .name = "efault_read_only", .kind = "denied_access", .access = "write", .mode = "kernel",
	  .prepare = prepare_efault_read_only, .touch = touch_efault_and_populate,
	  .default_pages = 64 },
	{ .name = "efault_bus", .kind = "denied_bus", .access = "write", .mode = "kernel",
	  .prepare = prepare_efault_bus, .touch = touch_efault_and_populate,
	  .cleanup = cleanup_file, .default_pages = 64 },
	{ .name = "denied_unmapped", .kind = "denied_unmapped", .access = "read", .mode = "user",
	  .prepare = prepare_unmapped, .touch = touch_denied_read, .default_pages = 64 },
	{ .name = "denied_access_write", .kind = "denied_access", .access = "write",
	  .mode = "user", .prepare = prepare_read_only, .touch = touch_denied_write,
	  .default_pages = 64 },
	{ .name = "denied_access_read", .kind = "denied_access", .access = "read", .mode = "user",
	  .prepare = prepare_no_access, .touch = touch_denied_read, .default_pages = 64 },
	{ .name = "denied_access_exec", .kind = "denied_access", .access = "exec", .mode = "user",
	  .prepare = prepare_no_exec, .touch = touch_denied_exec, .default_pages = 64 },
	{ .name = "denied_guard", .kind = "denied_access", .access = "write", .mode = "user",
	  .prepare = prepare_guard, .touch = touch_denied_write, .default_pages = 64,
	  .needs = "guard regions (Linux 6.13)" },
	{ .name = "denied_after_served", .kind = "denied_access", .access = "read", .mode = "user",
	  .prepare = prepare_served_before, .touch = touch_denied_read, .cleanup = cleanup_file,
	  .default_pages = 1 },
	{ .name = "denied_pkey", .kind = "denied_pkey", .access = "read", .mode = "user",
	  .prepare = prepare_pkey, .touch = touch_denied_read, .default_pages = 64,
	  .needs = "protection keys" },
	{ .name = "denied_bus", .kind = "denied_bus", .access = "read", .mode = "user",
	  .prepare = prepare_truncated, .touch = touch_denied_read, .cleanup = cleanup_file,
	  .default_pages = 64 },
};
/* clang-format on */

/*
 * Where no kernel puts anything of itself. The process had other mappings before: what the loader
 * has unmapped, and until exec those of the shell that it was forked from. arm64 puts all of them
 * within the same GiB, and their faults would be in the job's range.
 */
#define PLACE ((char *)0x200000000000)

int job_reserve(struct job *job, size_t size, size_t align)
{
	static char *place = PLACE;
	size_t whole = size + align + 2 * page_size;
	char *area = mmap(place, whole, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (area == MAP_FAILED)
		return -errno;
	place = area + whole;
	job->start = (char *)(((uintptr_t)area + page_size + align - 1) / align * align);
	job->end = job->start + size;
	return 0;
}

int job_map(struct job *job, int prot, int flags, int fd)
{
	size_t size = (size_t)(job->end - job->start);

	if (mmap(job->start, size, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

int job_map_anon(struct job *job, int prot)
{
	int error = job_reserve(job, job->pages * page_size, page_size);

	strcpy(job->mapping, "[anon]");
	return error ? error : job_map(job, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void job_before(struct job *job, const char *kind, const char *access, size_t faults)
{
	job->before_kind = kind;
	job->before_access = access;
	job->before = faults;
}

int touch_write(struct job *job)
{
	for (volatile char *at = job->start; at < job->end; at += job->stride)
		*at = 1;
	return 0;
}

int touch_read(struct job *job)
{
	for (volatile char *at = job->start; at < job->end; at += job->stride)
		(void)*at;
	return 0;
}

/* The text of /proc/self/maps in a static buffer: no allocation, the heap belongs to the case. */
static const char *read_maps(void)
{
	static char text[64 * 1024]; /* some 600 mappings, faultgen has about 30 */
	size_t length = 0;
	ssize_t got;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	while ((got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(fd);
	text[length] = '\0';
	return text;
}

struct mapping_line {
	char *start, *end;
	char perms[5];
	char name[256];
};

/* Parses the line at *cursor and moves on to the next one; false at the end. */
static bool next_mapping(const char **cursor, struct mapping_line *ret_line)
{
	unsigned long start, end;
	const char *newline = strchr(*cursor, '\n');

	ret_line->name[0] = '\0';
	if (!newline || sscanf(*cursor, "%lx-%lx %4s %*s %*s %*s%*[ ]%255[^\n]", &start, &end,
			       ret_line->perms, ret_line->name) < 3)
		return false;
	*cursor = newline + 1;
	ret_line->start = (char *)start;
	ret_line->end = (char *)end;
	return true;
}

int find_mapping(const char *name, char **ret_start, char **ret_end)
{
	const char *cursor = read_maps();
	struct mapping_line line;

	while (cursor && next_mapping(&cursor, &line)) {
		if (strcmp(line.name, name) != 0)
			continue;
		*ret_start = line.start;
		*ret_end = line.end;
		return 0;
	}
	return -ENOENT;
}

int job_warm(const struct job *job)
{
	const char *cursor = read_maps();
	struct mapping_line line;

	if (!cursor)
		return -EIO;
	while (next_mapping(&cursor, &line)) {
		bool writable = line.perms[1] == 'w';

		/* [vvar] has pages that nothing backs; the job's own range must stay untouched. */
		if (line.perms[0] != 'r' || strncmp(line.name, "[v", 2) == 0 ||
		    (line.start < job->end && line.end > job->start))
			continue;
		for (volatile char *at = line.start; at < line.end; at += page_size)
			if (writable)
				*at = *at;
			else
				(void)*at;
	}
	return 0;
}

/* Blocks until a line or the end of stdin: the test has looked and lets us go on. */
static void await_stdin(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

static int write_out(const char *text, int length)
{
	return write(STDOUT_FILENO, text, (size_t)length) == length ? 0 : -EIO;
}

static int report(const struct job *job)
{
	/* The mapping is a name from the table or a path below --dir, which tests choose plain. */
	static char line[PATH_MAX + 512];
	const struct fault_case *what = job->what;
	int length = snprintf(
		line, sizeof(line),
		"{\"case\":\"%s\",\"pid\":%d,\"kind\":\"%s\",\"exact\":\"%s\",\"access\":\"%s\",\"mode\":\"%s\","
		"\"mapping\":\"%s\",\"start\":\"0x%lx\",\"end\":\"0x%lx\",\"faults\":%zu,"
		"\"minor\":%ld,\"major\":%ld,\"denied\":%zu,\"gup\":%zu,\"pages\":%zu,"
		"\"before\":{\"kind\":\"%s\",\"exact\":\"%s\",\"access\":\"%s\",\"faults\":%zu,\"pages\":%zu}}\n",
		what->name, getpid(), what->kind, what->exact ? what->exact : what->kind,
		what->access, what->mode, job->mapping, (unsigned long)job->start,
		(unsigned long)job->end, job->expected, job->minor - (long)job->expected_gup,
		job->major, job->denied, job->expected_gup,
		(job->expected - job->denied) * job->pages_each,
		job->before_kind ? job->before_kind : "",
		job->before_exact ? job->before_exact :
		job->before_kind  ? job->before_kind :
				    "",
		job->before_access ? job->before_access : "", job->before,
		job->before_pages ? job->before_pages : job->before);

	return write_out(line, length);
}

static int measure(struct job *job)
{
	struct rusage before, after;
	long minor, major;
	int error;

	getrusage(RUSAGE_SELF, &before); /* twice: the first call may fault itself */
	getrusage(RUSAGE_SELF, &after);
	getrusage(RUSAGE_SELF, &before);
	error = job->what->touch(job);
	getrusage(RUSAGE_SELF, &after);
	minor = after.ru_minflt - before.ru_minflt;
	major = after.ru_majflt - before.ru_majflt;
	job->minor += minor;
	job->major += major;
	return error;
}

uint64_t pagemap_entry(const char *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	off_t offset = (off_t)((uintptr_t)at / page_size * sizeof(uint64_t));
	uint64_t entry;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), offset) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

/* Where one fault maps many pages: did it? The kernel is free to map fewer. */
static bool pages_are_mapped(const struct job *job)
{
	size_t mapped = 0;

	for (char *at = job->start; job->pages_each > 1 && at < job->end; at += page_size)
		mapped += !!(pagemap_entry(at) & PAGEMAP_PRESENT);
	return job->pages_each == 1 ||
	       mapped == job->mapped_before + job->expected * job->pages_each;
}

static int perform(struct job *job)
{
	int error = job->what->prepare(job);

	if (!error)
		error = job_warm(job);
	if (error)
		return error;
	if (job->wait) {
		error = write_out("ready\n", 6);
		await_stdin();
	}
	if (!error)
		error = measure(job);
	if (!error && !pages_are_mapped(job))
		error = -EDOM;
	if (!error)
		error = report(job);
	if (job->wait)
		await_stdin();
	if (job->what->cleanup)
		job->what->cleanup(job);
	if (error)
		return error;
	if ((size_t)(job->minor + job->major) + job->denied != job->expected + job->expected_gup)
		return -EBADMSG; /* the kernel's count contradicts ours: no oracle */
	return 0;
}

static const struct fault_case *find_case(const char *name)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	return NULL;
}

static int usage(void)
{
	static const char text[] =
		"usage: faultgen CASE [PAGES] [--wait] [--dir DIRECTORY]\n"
		"       faultgen --list\n"
		"exit status: 0 done, 1 failed, 2 usage, 75 the kernel's count is another, 77 not possible on this machine\n";

	return write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? 1 : 2;
}

static int list(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (write_out(cases[i].name, (int)strlen(cases[i].name)) || write_out("\n", 1))
			return 1;
	return 0;
}

static bool parse(struct job *job, int argc, char *argv[])
{
	for (int i = 2; i < argc; i++) {
		char *end;

		if (strcmp(argv[i], "--wait") == 0) {
			job->wait = true;
		} else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
			job->directory = argv[++i];
		} else {
			job->pages = strtoul(argv[i], &end, 10);
			if (*end || !job->pages || job->pages > 1UL << 24)
				return false;
		}
	}
	return true;
}

int main(int argc, char *argv[])
{
	static struct job job = { .directory = "/var/tmp", .fd = -1 };
	int error;

	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	job.what = argc > 1 ? find_case(argv[1]) : NULL;
	if (!job.what)
		return usage();
	job.argv = argv;
	job.pages = job.what->default_pages;
	job.stride = page_size;
	job.pages_each = 1;
	if (!parse(&job, argc, argv))
		return usage();
	job.expected = job.pages;

	/* Small pages everywhere, also where THP is `always`: one touch is one fault. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	error = perform(&job);
	if (!error)
		return 0;
	if (error == -ENOTSUP) {
		dprintf(STDERR_FILENO, "faultgen: %s: needs %s\n", job.what->name,
			job.what->needs ? job.what->needs : "another kernel");
		return EXIT_SKIP;
	}
	dprintf(STDERR_FILENO, "faultgen: %s: %s (minor %ld, major %ld, denied %zu, wanted %zu)\n",
		job.what->name, strerror(-error), job.minor, job.major, job.denied, job.expected);
	return error == -EBADMSG || error == -EDOM ? EXIT_DISTURBED : 1;
}
