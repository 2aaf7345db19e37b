// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rows CHILDREN MAPPINGS AT_ONCE
 *
 * Makes rows that come and go: children, AT_ONCE of them at a time, each of which maps one place
 * after another, touches 1 to 3 pages there, and takes it away again. Mapping number n is at PLACE
 * + n * STRIDE and has 1 + n % 3 faults. With no mappings the children are hardly more than an exit
 * (vfork). For each child a line "PID MINOR MAJOR" as wait4(2) tells.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACE 0x100000000000UL
#define STRIDE 32768UL
#define PAGE 4096UL

static void touch_one(long number)
{
	size_t pages = 1 + number % 3;
	volatile char *memory = mmap((void *)(PLACE + number * STRIDE), pages * PAGE,
				     PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	for (size_t page = 0; page < pages; page++)
		memory[page * PAGE] = 1;
	if (munmap((void *)memory, pages * PAGE))
		err(1, "munmap");
}

static void start_child(long mappings)
{
	pid_t pid = mappings ? fork() : vfork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return;
	if (!mappings)
		_exit(0);
	for (long number = 0; number < mappings; number++)
		touch_one(number);
	_exit(0);
}

static void wait_for_one(void)
{
	struct rusage usage;
	int status;
	pid_t pid = wait4(-1, &status, 0, &usage);

	if (pid < 0 || status)
		errx(1, "a child failed");
	printf("%d %ld %ld\n", pid, usage.ru_minflt, usage.ru_majflt);
}

int main(int argc, char *argv[])
{
	long children, mappings, at_once;

	if (argc != 4)
		errx(2, "usage: rows CHILDREN MAPPINGS AT_ONCE");
	children = atol(argv[1]);
	mappings = atol(argv[2]);
	at_once = atol(argv[3]);
	for (long i = 0; i < children; i++) {
		if (i >= at_once)
			wait_for_one();
		start_child(mappings);
	}
	for (long i = 0; i < at_once && i < children; i++)
		wait_for_one();
	return 0;
}
