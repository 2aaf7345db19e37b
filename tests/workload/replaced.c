// SPDX-License-Identifier: GPL-2.0-only
/*
 * replaced SECONDS: one thread unmaps an area and maps it again in a loop, another touches it all
 * the time and survives the SIGSEGVs. Whether a fault there is served or denied is decided between
 * its entry and its end. Prints a JSON line with what the faulting thread saw: its faults by
 * getrusage(RUSAGE_THREAD), and its signals.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define AREA_BYTES (16 * 4096UL)

static char *area;
static atomic_bool ends;
static long signals, touches;
static sigjmp_buf back;

static void map_area(void)
{
	if (mmap(area, AREA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED) {
		fprintf(stderr, "replaced: mmap: %s\n", strerror(errno));
		exit(1);
	}
}

static void *replace(void *unused)
{
	(void)unused;
	while (!ends) {
		munmap(area, AREA_BYTES);
		map_area();
	}
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char *argv[])
{
	double until = now() + (argc > 1 ? atof(argv[1]) : 1);
	struct rusage before, after;
	pthread_t replacer;

	area = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	signal(SIGSEGV, on_signal);
	if (area == MAP_FAILED || pthread_create(&replacer, NULL, replace, NULL))
		return 1;
	if (sigsetjmp(back, 1))
		signals++;
	else
		getrusage(RUSAGE_THREAD, &before);
	while (now() < until)
		for (size_t at = 0; at < AREA_BYTES; at += 4096, touches++)
			((volatile char *)area)[at] = 1;
	getrusage(RUSAGE_THREAD, &after);
	ends = true;
	pthread_join(replacer, NULL);
	printf("{\"pid\":%d,\"served\":%ld,\"denied\":%ld,\"touches\":%ld,\"start\":\"0x%lx\",\"end\":\"0x%lx\"}\n",
	       getpid(), after.ru_minflt - before.ru_minflt, signals, touches, (uintptr_t)area,
	       (uintptr_t)area + AREA_BYTES);
	return 0;
}
