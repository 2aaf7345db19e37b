// SPDX-License-Identifier: GPL-2.0-only
/*
 * sleepers N MAPPINGS: N processes, each of which writes to MAPPINGS anonymous mappings of its own
 * and sleeps. Says `ready` when all have; they end with it, at SIGTERM. A sleeper faults in four
 * mappings more: this program's code, libc's, the stack, and the thread's own data, where the
 * kernel writes (rseq).
 *
 * At SIGUSR1 each sleeper gives its mappings' pages back, writes to them again, in no other
 * mapping, and sleeps on; it says `moved` when all have.
 */
#include <signal.h>
#include <stdbool.h>
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

/*
 * Only system calls: what libc does besides would fault in mappings of its own. SIGUSR1 is blocked.
 */
static _Noreturn void be_sleeper(char *area, long mappings, int ready)
{
	unsigned long usr1 = 1UL << (SIGUSR1 - 1);

	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;) {
		for (long i = 0; i < mappings; i++)
			((volatile char *)area)[(size_t)i * 2 * PAGE_SIZE] = 1;
		syscall(SYS_write, ready, &ready, 1);
		syscall(SYS_rt_sigtimedwait, &usr1, NULL, NULL, sizeof(usr1));
		for (long i = 0; i < mappings; i++)
			syscall(SYS_madvise, area + (size_t)i * 2 * PAGE_SIZE, PAGE_SIZE,
				MADV_DONTNEED);
	}
}

/* One after another: a crowd of 5,000 would fight for the CPUs. */
static bool await_sleeper(int ready)
{
	char byte;

	return read(ready, &byte, 1) == 1;
}

static bool move_all(const pid_t *sleepers, long n, int ready)
{
	for (long i = 0; i < n; i++)
		if (kill(sleepers[i], SIGUSR1) || !await_sleeper(ready))
			return false;
	return true;
}

static int say(const char *what)
{
	puts(what);
	return fflush(stdout);
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char *argv[])
{
	long n = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	long mappings = argc == 3 ? strtol(argv[2], NULL, 10) : -1;
	pid_t *sleepers = n > 0 ? calloc((size_t)n, sizeof(*sleepers)) : NULL;
	sigset_t signals;
	char *area;
	int ready[2], signo;

	if (!sleepers || mappings < 0) {
		fprintf(stderr, "usage: sleepers N MAPPINGS\n");
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	area = map_pages(mappings + 1);
	if (!area || pipe(ready))
		return fail("sleepers");
	for (long i = 0; i < n; i++) {
		sleepers[i] = (pid_t)syscall(SYS_clone, SIGCHLD, 0, NULL, NULL, 0); /* fork */
		if (!sleepers[i])
			be_sleeper(area, mappings, ready[1]);
		if (sleepers[i] < 0 || !await_sleeper(ready[0]))
			return fail("sleepers: fork");
	}
	say("ready");
	while (!sigwait(&signals, &signo) && signo == SIGUSR1) {
		if (!move_all(sleepers, n, ready[0]))
			return fail("sleepers: move");
		say("moved");
	}
	return 0;
}
