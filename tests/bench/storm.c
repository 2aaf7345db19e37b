// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm MIB PASSES CPU: first touches of MIB of anonymous memory in small pages, pinned to one CPU.
 * Prints the nanoseconds per fault of each chunk of 8 MiB, one a line: what else the machine does
 * disturbs some chunks, not a whole pass. Mapping and unmapping are not timed; a pass before the
 * first one brings the memory from the hypervisor and the clock up.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE_SIZE 4096UL
#define CHUNK_SIZE (8UL << 20)

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double time_chunk(volatile char *chunk)
{
	double start = now_ns();

	for (volatile char *at = chunk; at < chunk + CHUNK_SIZE; at += PAGE_SIZE)
		*at = 1;
	return (now_ns() - start) / (double)(CHUNK_SIZE / PAGE_SIZE);
}

static bool run_pass(size_t size, bool print)
{
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED) {
		perror("storm: mmap");
		return false;
	}
	madvise(area, size, MADV_NOHUGEPAGE);
	for (char *at = area; at < area + size; at += CHUNK_SIZE) {
		double ns = time_chunk(at);

		if (print)
			printf("%.1f\n", ns);
	}
	munmap(area, size);
	return true;
}

int main(int argc, char *argv[])
{
	size_t size = argc == 4 ? strtoul(argv[1], NULL, 10) * (1UL << 20) : 0;
	int passes = argc == 4 ? atoi(argv[2]) : 0;
	cpu_set_t cpus;

	if (!size || size % CHUNK_SIZE || passes <= 0) {
		fprintf(stderr, "usage: storm MIB PASSES CPU (MIB: a multiple of 8)\n");
		return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[3]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus)) {
		perror("storm: sched_setaffinity");
		return 1;
	}
	if (!run_pass(size, false))
		return 1;
	for (int i = 0; i < passes; i++)
		if (!run_pass(size, true))
			return 1;
	return 0;
}
