// SPDX-License-Identifier: GPL-2.0-only
/*
 * callers: touches pages of its own in functions and threads that are known, and says so. A line
 * each, of what was touched first:
 *
 *	thread TID NAME START PAGES	a thread in the mapping at START, which all threads touch
 *	code PID FUNCTION START PAGES CALLER...	a function in a mapping of its own, the callers
 *					from the nearest on
 *
 * A function that is called from several places has a line for each. All touches are writes to
 * private memory that was never written to, a fault for each page.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define N_THREADS 3
#define ROUNDS 40

#ifdef __cplusplus
#define EXPORT extern "C" __attribute__((noinline, visibility("default")))
#else
#define EXPORT __attribute__((noinline, visibility("default")))
#endif
/* The compiler makes no frame for what calls nobody, and hides the caller so. */
#ifdef NO_FRAME
#define HAVE_FRAME()
#else
#define HAVE_FRAME() __asm__ volatile("" ::"r"(__builtin_frame_address(0)))
#endif
/* Keeps the compiler from making the call the caller's end. */
#define STAY() __asm__ volatile("" ::: "memory")

static char *map_pages(size_t pages)
{
	char *area = (char *)mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == (char *)MAP_FAILED)
		exit(1);
	madvise(area, pages * PAGE, MADV_NOHUGEPAGE);
	/* A guard, so that two of them do not become one mapping. */
	if (mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		exit(1);
	return area;
}

EXPORT void touch(char *area, size_t pages)
{
	HAVE_FRAME();
	for (size_t i = 0; i < pages; i++)
		((volatile char *)area)[i * PAGE] = 1;
}

EXPORT void touch_backwards(char *area, size_t pages)
{
	HAVE_FRAME();
	for (size_t i = pages; i-- > 0;)
		((volatile char *)area)[i * PAGE] = 2;
	STAY();
}

/* Threads. ------------------------------------------------------------------------------------- */

static char *shared;
static pthread_barrier_t barrier;
static struct walker {
	pthread_t thread;
	int number;
	pid_t tid;
	char name[16];
} walkers[N_THREADS];

/* By turns, so that no run of faults is of one thread for long: a page of its own in each round,
 * and number + 1 of them. */
EXPORT void *walk(void *context)
{
	struct walker *walker = (struct walker *)context;

	walker->tid = (pid_t)syscall(SYS_gettid);
	snprintf(walker->name, sizeof(walker->name), "walker %d", walker->number);
	prctl(PR_SET_NAME, walker->name);
	for (size_t round = 0; round < ROUNDS; round++) {
		size_t first = (round * N_THREADS + (size_t)walker->number) * N_THREADS;

		pthread_barrier_wait(&barrier);
		touch(shared + first * PAGE, (size_t)walker->number + 1);
	}
	return NULL;
}

static void run_threads(void)
{
	shared = map_pages(ROUNDS * N_THREADS * N_THREADS);
	pthread_barrier_init(&barrier, NULL, N_THREADS);
	for (int i = 0; i < N_THREADS; i++) {
		walkers[i].number = i;
		if (pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]))
			exit(1);
	}
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(walkers[i].thread, NULL);
	for (int i = 0; i < N_THREADS; i++)
		printf("thread %d %s 0x%lx %d\n", walkers[i].tid, walkers[i].name,
		       (unsigned long)shared, ROUNDS * (i + 1));
}

/* Call chains. --------------------------------------------------------------------------------- */

static void say(const char *function, const char *area, size_t pages, const char *callers)
{
	printf("code %d %s 0x%lx %zu %s\n", getpid(), function, (unsigned long)area, pages,
	       callers);
}

EXPORT void inner(char *area)
{
	touch(area, 20);
	STAY();
}

EXPORT void middle(char *area)
{
	inner(area);
	STAY();
}

EXPORT void outer(char *area)
{
	middle(area);
	STAY();
}

EXPORT void descend(char *area, int depth)
{
	if (depth)
		descend(area, depth - 1);
	else
		touch(area, 5);
	STAY();
}

static char *signalled;

EXPORT void handle(int number)
{
	(void)number;
	touch_backwards(signalled, 7);
	STAY();
}

EXPORT void run_chains(void)
{
	char *direct = map_pages(11), *deep = map_pages(20), *recursion = map_pages(5);

	touch_backwards(direct, 11);
	say("touch_backwards", direct, 11, "run_chains main");
	outer(deep);
	say("touch", deep, 20, "inner middle outer run_chains main");
	descend(recursion, 30);
	say("touch", recursion, 5, "descend*31 run_chains main");
	signalled = map_pages(7);
	signal(SIGUSR1, handle);
	raise(SIGUSR1);
	say("touch_backwards", signalled, 7, "handle");
	STAY();
}

/* In the parent's memory, which waits meanwhile. */
EXPORT void run_vfork(void)
{
	char *area = map_pages(13);
	pid_t pid = vfork();

	if (!pid) {
		touch(area, 13);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	printf("code %d touch 0x%lx 13 run_vfork main\n", pid, (unsigned long)area);
}

int main(void)
{
	run_chains();
	run_vfork();
	run_threads();
	return 0;
}
