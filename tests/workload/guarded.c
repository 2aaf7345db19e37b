// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process with a thread "rt" that faults when it is told to, and counts its own faults by
 * getrusage(RUSAGE_THREAD). Prints "PID TID", then obeys the lines of standard input:
 *
 *	rt N	rt touches N pages for the first time
 *	main N	so does the main thread
 *	bad N	rt reads N times where nothing is mapped
 *	lock	mlockall(MCL_FUTURE)
 *	map N	maps N pages, which the kernel populates once there was a lock
 *	sum	prints "MINOR MAJOR", of rt since the last sum
 *	spin	rt works for 50 ms without a fault
 *
 * and prints "ok" after each but sum.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGES 4096

static struct {
	char what[16];
	int n;
	long minor, major;
	sem_t begin, done;
	pid_t tid;
} order;

static long page;
static char *rt_memory, *main_memory;
static sigjmp_buf back;

static void touch(char **memory, int n)
{
	for (int i = 0; i < n; i++, *memory += page)
		*(volatile char *)*memory = 1;
}

static void handle_segv(int signo)
{
	(void)signo;
	siglongjmp(back, 1);
}

static void read_nowhere(int n)
{
	static volatile int left;

	left = n;
	sigsetjmp(back, 1);
	while (left-- > 0)
		(void)*(volatile char *)8;
}

static void spin(void)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < 50000000);
}

static void sum(void)
{
	static struct rusage before;
	struct rusage now;

	getrusage(RUSAGE_THREAD, &now);
	order.minor = now.ru_minflt - before.ru_minflt;
	order.major = now.ru_majflt - before.ru_majflt;
	before = now;
}

static void *run_rt(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "rt");
	order.tid = (pid_t)syscall(SYS_gettid);
	sem_post(&order.done);
	for (;;) {
		sem_wait(&order.begin);
		if (!strcmp(order.what, "rt"))
			touch(&rt_memory, order.n);
		else if (!strcmp(order.what, "bad"))
			read_nowhere(order.n);
		else if (!strcmp(order.what, "spin"))
			spin();
		else if (!strcmp(order.what, "sum"))
			sum();
		sem_post(&order.done);
	}
	return NULL;
}

/* Apart from what is beside it, a thread's stack for one. */
static char *map(size_t pages)
{
	size_t size = pages * (size_t)page;
	char *memory = mmap(NULL, size + 2 * (size_t)page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + page, size, PROT_READ | PROT_WRITE))
		exit(1);
	madvise(memory + page, size, MADV_NOHUGEPAGE);
	return memory + page;
}

static void obey(void)
{
	if (!strcmp(order.what, "main"))
		touch(&main_memory, order.n);
	else if (!strcmp(order.what, "lock") && mlockall(MCL_FUTURE))
		exit(1);
	else if (!strcmp(order.what, "map"))
		map((size_t)order.n);
	sem_post(&order.begin);
	sem_wait(&order.done);
	if (!strcmp(order.what, "sum"))
		printf("%ld %ld\n", order.minor, order.major);
	else
		puts("ok");
	fflush(stdout);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handle_segv, .sa_flags = SA_NODEFER };
	char line[64];
	pthread_t thread;

	page = sysconf(_SC_PAGESIZE);
	rt_memory = map(PAGES);
	main_memory = map(PAGES);
	sigaction(SIGSEGV, &action, NULL);
	sem_init(&order.begin, 0, 0);
	sem_init(&order.done, 0, 0);
	if (pthread_create(&thread, NULL, run_rt, NULL))
		return 1;
	sem_wait(&order.done);
	printf("%d %d\n", (int)getpid(), (int)order.tid);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) &&
	       sscanf(line, "%15s %d", order.what, &order.n) > 0)
		obey();
	return 0;
}
