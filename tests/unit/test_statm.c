// SPDX-License-Identifier: GPL-2.0-only
/* VSZ and RSS against a process whose memory stands still, and processes without any. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/statm.h"
#include "range.h"

#define MAPPED ((size_t)16 << 20)
#define TOUCHED ((size_t)8 << 20)
/* Kernels before 6.16 leave some pages in counters per CPU; a few more are the code's own. */
#define SLACK ((size_t)1 << 20)
#define UNTOUCHED 0xdeadbeefULL

struct memory {
	uint64_t vsz;
	uint64_t rss;
};

static uint64_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static struct memory read_memory(pid_t pid)
{
	struct memory memory;

	assert_int_equal(statm_read(pid, page_size(), &memory.vsz, &memory.rss), 0);
	return memory;
}

/* The same from /proc/PID/status, which the kernel writes in other words and another unit. */
static struct memory read_status(pid_t pid)
{
	struct memory memory = {};
	unsigned long kib;
	char path[32], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "VmSize: %lu", &kib) == 1)
			memory.vsz = kib * 1024ULL;
		if (sscanf(line, "VmRSS: %lu", &kib) == 1)
			memory.rss = kib * 1024ULL;
	}
	fclose(file);
	return memory;
}

/*
 * Stops, maps and touches memory, stops again: between two stops nothing in it changes. Not
 * instrumented: each touch would read ASan's shadow, which takes pages of its own where the machine
 * has no shared zero page, 1 MiB in all.
 */
__attribute__((no_sanitize("address"))) static void child_main(void)
{
	char *memory;

	raise(SIGSTOP);
	memory = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		_exit(1);
	madvise(memory, MAPPED, MADV_NOHUGEPAGE);
	for (size_t offset = 0; offset < TOUCHED; offset += page_size())
		memory[offset] = 1;
	raise(SIGSTOP);
	_exit(0);
}

static void wait_until_stopped(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void own_vsz(void **state)
{
	struct memory memory = read_memory(getpid());
	unsigned long pages;
	FILE *file = fopen("/proc/self/statm", "re");

	(void)state;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	assert_int_equal(memory.vsz, pages * page_size());
	assert_in_range(memory.rss, page_size(), memory.vsz);
}

static void memory_of_another(void **state)
{
	struct memory before, after, status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		child_main();
	wait_until_stopped(pid);
	before = read_memory(pid);
	status = read_status(pid);
	assert_int_equal(before.vsz, status.vsz);
	assert_int_equal(before.rss, status.rss);
	kill(pid, SIGCONT);
	wait_until_stopped(pid);
	after = read_memory(pid);
	status = read_status(pid);
	kill(pid, SIGCONT);
	waitpid(pid, NULL, 0);
	assert_int_equal(after.vsz, status.vsz);
	assert_int_equal(after.rss, status.rss);
	assert_int_equal(after.vsz - before.vsz, MAPPED);
	assert_in_range(after.rss - before.rss, TOUCHED - SLACK, TOUCHED + SLACK);
}

static void process_that_ended(void **state)
{
	uint64_t vsz = UNTOUCHED, rss = UNTOUCHED;
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	/* A zombie has no memory. */
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(statm_read(pid, page_size(), &vsz, &rss), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(statm_read(pid, page_size(), &vsz, &rss), -ENOENT);
	assert_int_equal(vsz, UNTOUCHED);
	assert_int_equal(rss, UNTOUCHED);
}

static void kernel_thread(void **state)
{
	uint64_t vsz = UNTOUCHED, rss = UNTOUCHED;
	FILE *file = fopen("/proc/2/comm", "re");
	char comm[32] = "";

	(void)state;
	if (!file || !fgets(comm, sizeof(comm), file) || strcmp(comm, "kthreadd\n"))
		comm[0] = '\0';
	if (file)
		fclose(file);
	if (!comm[0])
		skip(); /* a PID namespace without kernel threads */
	assert_int_equal(statm_read(2, page_size(), &vsz, &rss), -ESRCH);
	assert_int_equal(vsz, UNTOUCHED);
	assert_int_equal(rss, UNTOUCHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_vsz),
		cmocka_unit_test(memory_of_another),
		cmocka_unit_test(process_that_ended),
		cmocka_unit_test(kernel_thread),
	};

	return cmocka_run_group_tests_name("statm", tests, NULL, NULL);
}
