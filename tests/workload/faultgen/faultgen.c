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

/* name, kind, exact kind, access, mode, prepare, touch, cleanup, default number, needs */
/* clang-format off */
static const struct fault_case cases[] = {
	{ "demand_zero_write", "demand_zero", NULL, "write", "user",
	  prepare_demand_zero, touch_write, NULL, 256, NULL },
	{ "demand_zero_read", "demand_zero", NULL, "read", "user",
	  prepare_demand_zero, touch_read, NULL, 256, NULL },
	{ "heap", "demand_zero", NULL, "write", "user",
	  prepare_heap, touch_write, NULL, 256, NULL },
	{ "threads", "demand_zero", NULL, "write", "user",
	  prepare_threads, touch_threads, NULL, 256, NULL },
	{ "exec_chain", "demand_zero", NULL, "write", "user",
	  prepare_exec_chain, touch_exec_chain, NULL, 256, NULL },
	{ "fault_storm", "demand_zero", NULL, "write", "user",
	  prepare_fault_storm, touch_fault_storm, NULL, 1, NULL },
	{ "stack_growth", "stack_growth", NULL, "write", "user",
	  prepare_stack_growth, touch_downwards, NULL, 64, NULL },
	{ "cow_zero", "cow", NULL, "write", "user",
	  prepare_cow_zero, touch_write, NULL, 256, "a shared zero page: a read takes a page of its own here" },
	{ "cow_fork", "cow", NULL, "write", "user",
	  prepare_cow_fork, touch_write, NULL, 256, NULL },
	{ "reuse", "cow", "wp_other", "write", "user",
	  prepare_reuse, touch_reuse, NULL, 256, NULL },
	{ "soft_dirty", "cow", "wp_other", "write", "user",
	  prepare_soft_dirty, touch_write, NULL, 256, "CONFIG_MEM_SOFT_DIRTY" },
	{ "huge_zero", "demand_zero", "huge_zero", "write", "user",
	  prepare_huge, touch_write, NULL, 4, "transparent huge pages" },
	{ "huge_zero_read", "demand_zero", "huge_zero", "read", "user",
	  prepare_huge, touch_read, NULL, 4, "transparent huge pages" },
	{ "huge_cow", "cow", NULL, "write", "user",
	  prepare_huge_cow, touch_huge_cow, NULL, 4, "a kernel that copies the huge zero page whole (Linux 6.13)" },
	{ "small_zero_read", "demand_zero", NULL, "read", "user",
	  prepare_small_zero, touch_second_page, NULL, 4, "transparent huge pages" },
	{ "reclaim", "demand_zero", NULL, "write", "user",
	  prepare_reclaim, touch_reclaim, NULL, 4096, "a limit of memory, and swap" },
	{ "swap_in", "swap_in", NULL, "read", "user",
	  prepare_swap_in, touch_read, NULL, 1024, "swap that takes pages when asked" },
	{ "swap_cached", "demand_zero", "swap_in", "read", "user",
	  prepare_swap_cached, touch_read, NULL, 256, "swap that takes pages when asked" },
	{ "userfaultfd", "userfaultfd", NULL, "write", "user",
	  prepare_userfaultfd, touch_write, NULL, 64, "userfaultfd" },
	{ "userfaultfd_slow", "userfaultfd", NULL, "write", "user",
	  prepare_userfaultfd_slow, touch_write, NULL, 4, "userfaultfd" },
	{ "userfaultfd_wp", "wp_other", "userfaultfd", "write", "user",
	  prepare_userfaultfd_wp, touch_write, NULL, 64, "write protection by userfaultfd" },
	{ "populate", "demand_zero", NULL, "write", "user",
	  prepare_populate, touch_populate, NULL, 1024, NULL },
	{ "file_map_read", "file_map", NULL, "read", "user",
	  prepare_file_read, touch_read, cleanup_file, 64, NULL },
	{ "file_map_exec", "file_map", NULL, "exec", "user",
	  prepare_file_exec, touch_exec, cleanup_file, 64, NULL },
	{ "file_map_partly", "file_map", NULL, "read", "user",
	  prepare_file_partly, touch_second_page, cleanup_file, 64, NULL },
	{ "file_map_major", "file_map", NULL, "read", "user",
	  prepare_file_major, touch_read, cleanup_file, 64, NULL },
	{ "file_cow", "file_cow", NULL, "write", "user",
	  prepare_file_cow, touch_write, cleanup_file, 64, NULL },
	{ "file_cow_mapped", "cow", NULL, "write", "user",
	  prepare_file_cow_mapped, touch_write, cleanup_file, 64, NULL },
	{ "mkwrite", "mkwrite", NULL, "write", "user",
	  prepare_mkwrite, touch_write, cleanup_file, 64, NULL },
	{ "shared_file_write", "file_map", NULL, "write", "user",
	  prepare_shared_file_write, touch_write, cleanup_file, 64, NULL },
	{ "shmem_anon", "shmem", NULL, "write", "user",
	  prepare_shmem_anon, touch_write, NULL, 256, NULL },
	{ "memfd", "shmem", NULL, "write", "user",
	  prepare_memfd, touch_write, NULL, 256, NULL },
	{ "tmpfs", "shmem", NULL, "write", "user",
	  prepare_tmpfs, touch_write, cleanup_file, 64, NULL },
	{ "sysv", "shmem", NULL, "write", "user",
	  prepare_sysv, touch_write, NULL, 64, NULL },
	{ "hugetlb", "hugetlb", NULL, "write", "user",
	  prepare_hugetlb, touch_write, NULL, 4, "free huge pages" },
	{ "device", "device", NULL, "write", "user",
	  prepare_device, touch_write, NULL, 64, "BPF arenas (Linux 6.9)" },
	{ "kernel_read", "demand_zero", NULL, "write", "kernel",
	  prepare_kernel_read, touch_kernel_read, NULL, 64, NULL },
	{ "efault", "denied_unmapped", NULL, "write", "kernel",
	  prepare_efault, touch_efault, NULL, 64, NULL },
	{ "denied_unmapped", "denied_unmapped", NULL, "read", "user",
	  prepare_unmapped, touch_denied_read, NULL, 64, NULL },
	{ "denied_access_write", "denied_access", NULL, "write", "user",
	  prepare_read_only, touch_denied_write, NULL, 64, NULL },
	{ "denied_access_read", "denied_access", NULL, "read", "user",
	  prepare_no_access, touch_denied_read, NULL, 64, NULL },
	{ "denied_access_exec", "denied_access", NULL, "exec", "user",
	  prepare_no_exec, touch_denied_exec, NULL, 64, NULL },
	{ "denied_pkey", "denied_pkey", NULL, "read", "user",
	  prepare_pkey, touch_denied_read, NULL, 64, "protection keys" },
	{ "denied_bus", "denied_bus", NULL, "read", "user",
	  prepare_truncated, touch_denied_read, cleanup_file, 64, NULL },
};
/* clang-format on */

/*
 * Where no kernel puts anything of itself. The process had other mappings before: what the loader has unmapped,
 * and until exec those of the shell that it was forked from. arm64 puts all of them within the same GiB, and their
 * faults would be in the job's range.
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
		(unsigned long)job->end, job->expected, job->minor, job->major, job->denied,
		job->expected_gup, (job->expected - job->denied) * job->pages_each,
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
