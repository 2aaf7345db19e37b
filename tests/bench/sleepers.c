// SPDX-License-Identifier: GPL-2.0-only
/*
 * sleepers N MAPPINGS: N processes, each of which writes to MAPPINGS anonymous mappings of its own and
 * sleeps. Says `ready` when all have; they end with it, at SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

static _Noreturn void be_sleeper(char *area, long mappings, int ready, const sigset_t *end)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (long i = 0; i < mappings; i++)
		((volatile char *)area)[(size_t)i * 2 * PAGE_SIZE] = 1;
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		sigsuspend(end);
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
		pid_t child = fork();

		if (!child)
			be_sleeper(area, mappings, ready[1], &end);
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
