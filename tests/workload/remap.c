// SPDX-License-Identifier: GPL-2.0-only
/*
 * remap ROUNDS: one thread maps, splits, protects and unmaps in a loop while others fault an exact
 * number of pages in mappings of their own. Prints a JSON line with where and how many, each area's
 * count held against getrusage(RUSAGE_THREAD).
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE_SIZE 4096UL
#define N_FAULTERS 3
#define AREA_PAGES 512UL
#define FENCE_PAGES 8UL
#define HALF_PAGES 8UL

struct area {
	char *start, *end;
	long rounds;
	long faults; /* that were made */
	long minor;  /* that the kernel counted */
};

static atomic_int faulters_left = N_FAULTERS;
static pthread_barrier_t begin;

static void fail(const char *what)
{
	fprintf(stderr, "remap: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void map_at(char *at, size_t size)
{
	if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		fail("mmap");
}

static long faults_of_thread(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static void touch(struct area *area, volatile char *from, volatile char *to)
{
	for (; from < to; from += PAGE_SIZE, area->faults++)
		*from = 1;
}

/* Waits with its stack and the C library warm: from here on only the area faults. */
static long begin_counting(void)
{
	faults_of_thread();
	pthread_barrier_wait(&begin);
	return faults_of_thread();
}

static void *fault(void *argument)
{
	struct area *area = argument;
	long before;

	map_at(area->start, (size_t)(area->end - area->start));
	if (madvise(area->start, PAGE_SIZE, MADV_DONTNEED)) /* warm */
		fail("madvise");
	before = begin_counting();
	for (long i = 0; i < area->rounds; i++) {
		touch(area, area->start, area->end);
		if (madvise(area->start, (size_t)(area->end - area->start), MADV_DONTNEED))
			fail("madvise");
	}
	area->minor = faults_of_thread() - before;
	faulters_left--;
	return NULL;
}

/* Two halves, which become one mapping, two with other rights, a hole, none. */
static void churn(struct area *area)
{
	size_t half = HALF_PAGES * PAGE_SIZE;
	char *middle = area->start + half;

	map_at(area->start, half);
	touch(area, area->start, area->start + 2 * PAGE_SIZE);
	map_at(middle, half);
	touch(area, middle, middle + 2 * PAGE_SIZE);
	if (mprotect(area->start, half, PROT_READ))
		fail("mprotect");
	touch(area, middle + 2 * PAGE_SIZE, middle + 4 * PAGE_SIZE);
	if (mprotect(area->start, half, PROT_READ | PROT_WRITE))
		fail("mprotect");
	touch(area, area->start + 2 * PAGE_SIZE, area->start + 4 * PAGE_SIZE);
	if (munmap(area->start + PAGE_SIZE, PAGE_SIZE))
		fail("munmap");
	touch(area, middle - 2 * PAGE_SIZE, middle);
	/* Nobody else may take the place. */
	if (mmap(area->start, 2 * half, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		fail("mmap");
}

static void *remap(void *argument)
{
	struct area *area = argument;
	struct area warm = *area;
	long before;

	churn(&warm);
	before = begin_counting();
	do
		churn(area);
	while (atomic_load(&faulters_left));
	area->minor = faults_of_thread() - before + warm.faults;
	area->faults += warm.faults;
	return NULL;
}

static void print(const char *name, const struct area *area, const char *after)
{
	printf("\"%s\":{\"start\":\"0x%lx\",\"end\":\"0x%lx\",\"faults\":%ld}%s", name,
	       (unsigned long)area->start, (unsigned long)area->end, area->faults, after);
}

int main(int argc, char *argv[])
{
	long rounds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	size_t stride = (AREA_PAGES + FENCE_PAGES) * PAGE_SIZE;
	struct area areas[N_FAULTERS + 1];
	pthread_t threads[N_FAULTERS + 1];
	char *base = mmap(NULL, (N_FAULTERS + 1) * stride + FENCE_PAGES * PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (rounds <= 0) {
		fprintf(stderr, "usage: remap ROUNDS\n");
		return 2;
	}
	if (base == MAP_FAILED)
		fail("mmap");
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	pthread_barrier_init(&begin, NULL, N_FAULTERS + 1);
	for (int i = 0; i <= N_FAULTERS; i++) {
		char *start = base + FENCE_PAGES * PAGE_SIZE + (size_t)i * stride;
		size_t pages = i < N_FAULTERS ? AREA_PAGES : 2 * HALF_PAGES;

		areas[i] = (struct area){ start, start + pages * PAGE_SIZE, rounds, 0, 0 };
		if (pthread_create(&threads[i], NULL, i < N_FAULTERS ? fault : remap, &areas[i]))
			fail("pthread_create");
	}
	for (int i = 0; i <= N_FAULTERS; i++)
		pthread_join(threads[i], NULL);
	printf("{\"pid\":%d,", getpid());
	for (int i = 0; i <= N_FAULTERS; i++) {
		char name[16];

		snprintf(name, sizeof(name), i < N_FAULTERS ? "fault%d" : "remap", i);
		print(name, &areas[i], i < N_FAULTERS ? "," : "}\n");
		if (areas[i].minor != areas[i].faults) {
			fprintf(stderr, "remap: %s: made %ld, kernel counts %ld: no oracle\n", name,
				areas[i].faults, areas[i].minor);
			return 1;
		}
	}
	return 0;
}
