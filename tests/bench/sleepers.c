// SPDX-License-Identifier: GPL-2.0-only
/*
 * sleepers N MAPPINGS: N processes, each of which writes to MAPPINGS anonymous mappings of its own
 * and sleeps. Says `ready` when all have; they end with it, at SIGTERM. A sleeper faults in four
 * mappings more: this program's code, libc's, the stack, and the thread's own data, where the
 * kernel writes (rseq).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_SIZE 4096UL

/* Every other page stays without access, so that no two become one mapping. */
static char *map_pages(long n)
{
	char *area = mmap(NULL, (size_t)n * 2 * PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	for (long i = 0; i < n; i++)
		if (mprotect(area + (size_t)i * 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE))
			return NULL;
	return area;
}

/* Only system calls: what libc does besides would fault in mappings of its own. */
static _Noreturn void be_sleeper(char *area, long mappings, int ready)
{
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (long i = 0; i < mappings; i++)
		((volatile char *)area)[(size_t)i * 2 * PAGE_SIZE] = 1;
	syscall(SYS_write, ready, &ready, 1);
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

int main(int argc, char *argv[])
{
	long n = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	long mappings = argc == 3 ? strtol(argv[2], NULL, 10) : -1;
	sigset_t end;
	char *area;
	int ready[2], signo;
	char byte;

	if (n <= 0 || mappings < 0) {
		fprintf(stderr, "usage: sleepers N MAPPINGS\n");
		return 2;
	}
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	area = map_pages(mappings + 1);
	if (!area || pipe(ready)) {
		perror("sleepers");
		return 1;
	}
	for (long i = 0; i < n; i++) {
		long child = syscall(SYS_clone, SIGCHLD, 0, NULL, NULL, 0); /* fork */

		if (!child)
			be_sleeper(area, mappings, ready[1]);
		/* One after another: a crowd of 5,000 would fight for the CPUs. */
		if (child < 0 || read(ready[0], &byte, 1) != 1) {
			perror("sleepers: fork");
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	sigwait(&end, &signo);
	return 0;
}
