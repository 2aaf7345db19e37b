// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm [-f FILE] [-t] MIB PASSES CPU...: page faults and nothing else, on each CPU at once, by one
 * process (-t: by one thread of this process) per CPU. First touches of MIB of anonymous memory in
 * small pages or, with -f, reads of MIB of FILE, which the page cache holds: one per 64 KiB, since
 * each fault maps the pages around it.
 *
 * Prints the nanoseconds per fault of each chunk of 512 faults, one a line: what else the machine
 * does disturbs some chunks, not a whole pass. Chunks during which another CPU had nothing left to
 * do are left out. Mapping and unmapping are not timed; a pass before the first one brings the
 * memory from the hypervisor and the clock up.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE 4096UL
/* What one fault maps of a file, unless /sys/kernel/debug/fault_around_bytes says otherwise. */
#define FAULT_AROUND 65536UL
#define CHUNK_FAULTS 512UL
/* Of the machines that this is run on. */
#define MAX_WORKERS 256

struct storm {
	size_t size;
	size_t stride;
	int fd; /* -1: anonymous memory */
	int passes;
	int n_workers;
	int cpus[MAX_WORKERS];

	/* Written by all workers. */
	atomic_int arrived;  /* at the starts of all passes so far */
	atomic_int finished; /* the last pass that a worker is through with */
	atomic_bool failed;
	double samples[]; /* by worker, pass, chunk; 0: not taken */
};

struct worker {
	struct storm *storm;
	int index;
};

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static size_t chunks_per_pass(const struct storm *storm)
{
	return storm->size / storm->stride / CHUNK_FAULTS;
}

static size_t count_samples(const struct storm *storm)
{
	return (size_t)storm->n_workers * (size_t)storm->passes * chunks_per_pass(storm);
}

static char *map_area(const struct storm *storm)
{
	int flags = MAP_PRIVATE | MAP_NORESERVE | (storm->fd < 0 ? MAP_ANONYMOUS : 0);
	int protection = PROT_READ | (storm->fd < 0 ? PROT_WRITE : 0);
	/* The page behind it keeps the areas of two threads from becoming one mapping. */
	char *area = mmap(NULL, storm->size + PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED ||
	    mmap(area, storm->size, protection, flags | MAP_FIXED, storm->fd, 0) == MAP_FAILED) {
		perror("storm: mmap");
		return NULL;
	}
	madvise(area, storm->size, MADV_NOHUGEPAGE);
	return area;
}

static double time_chunk(volatile char *chunk, size_t stride, bool write)
{
	double start = now_ns();

	for (size_t i = 0; i < CHUNK_FAULTS; i++, chunk += stride)
		if (write)
			*chunk = 1;
		else
			(void)*chunk;
	return (now_ns() - start) / CHUNK_FAULTS;
}

/* Spinning, so that all begin at once. */
static void wait_for_others(struct storm *storm, int pass)
{
	atomic_fetch_add(&storm->arrived, 1);
	while (atomic_load(&storm->arrived) < storm->n_workers * pass && !storm->failed)
		;
}

/* Pass 0 warms up; samples are those of the passes from 1 on. */
static bool run_pass(struct storm *storm, int worker, int pass)
{
	size_t n_chunks = chunks_per_pass(storm);
	size_t first = ((size_t)worker * (size_t)storm->passes + (size_t)pass - 1) * n_chunks;
	char *area = map_area(storm);

	if (!area)
		return false;
	wait_for_others(storm, pass + 1);
	for (size_t i = 0; i < n_chunks; i++) {
		double ns = time_chunk(area + i * CHUNK_FAULTS * storm->stride, storm->stride,
				       storm->fd < 0);

		if (pass && (storm->n_workers == 1 || atomic_load(&storm->finished) < pass))
			storm->samples[first + i] = ns;
	}
	atomic_store(&storm->finished, pass);
	munmap(area, storm->size + PAGE_SIZE);
	return true;
}

static void *run_worker(void *argument)
{
	const struct worker *worker = argument;
	struct storm *storm = worker->storm;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(storm->cpus[worker->index], &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus)) {
		perror("storm: sched_setaffinity");
		storm->failed = true;
	}
	for (int pass = 0; pass <= storm->passes && !storm->failed; pass++)
		if (!run_pass(storm, worker->index, pass))
			storm->failed = true;
	return NULL;
}

static bool run_processes(struct worker *workers, int n)
{
	int status;

	fflush(stdout);
	for (int i = 1; i < n; i++) {
		pid_t child = fork();

		if (child < 0)
			workers->storm->failed = true;
		if (!child) {
			run_worker(&workers[i]);
			_exit(0);
		}
	}
	run_worker(&workers[0]);
	while (wait(&status) > 0)
		if (status)
			return false;
	return true;
}

static bool run_threads(struct worker *workers, int n)
{
	pthread_t threads[MAX_WORKERS];
	int started = 0;

	while (started < n &&
	       !pthread_create(&threads[started], NULL, run_worker, &workers[started]))
		started++;
	if (started < n)
		workers->storm->failed = true;
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return true;
}

static bool run_storm(const struct storm *wanted, bool threads)
{
	size_t size = sizeof(struct storm) + count_samples(wanted) * sizeof(double);
	struct worker workers[MAX_WORKERS];
	/* Populated: no fault of its own in a timed chunk. */
	struct storm *storm = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (storm == MAP_FAILED) {
		perror("storm: mmap");
		return false;
	}
	*storm = *wanted;
	for (int i = 0; i < storm->n_workers; i++)
		workers[i] = (struct worker){ .storm = storm, .index = i };
	if (!(threads ? run_threads : run_processes)(workers, storm->n_workers) || storm->failed)
		return false;
	for (size_t i = 0; i < count_samples(storm); i++)
		if (storm->samples[i] > 0)
			printf("%.1f\n", storm->samples[i]);
	return true;
}

static int usage(void)
{
	fprintf(stderr, "usage: storm [-f FILE] [-t] MIB PASSES CPU... (MIB: full chunks)\n");
	return 2;
}

int main(int argc, char *argv[])
{
	struct storm storm = { .fd = -1, .stride = PAGE_SIZE };
	bool threads = false;
	int option;

	while ((option = getopt(argc, argv, "f:t")) >= 0) {
		if (option == 't') {
			threads = true;
		} else if (option == 'f') {
			storm.stride = FAULT_AROUND;
			storm.fd = open(optarg, O_RDONLY | O_CLOEXEC);
			if (storm.fd < 0) {
				perror(optarg);
				return 1;
			}
		} else {
			return usage();
		}
	}
	storm.n_workers = argc - optind - 2;
	if (storm.n_workers < 1 || storm.n_workers > MAX_WORKERS)
		return usage();
	storm.size = strtoul(argv[optind], NULL, 10) << 20;
	storm.passes = atoi(argv[optind + 1]);
	for (int i = 0; i < storm.n_workers; i++)
		storm.cpus[i] = atoi(argv[optind + 2 + i]);
	if (!storm.size || storm.size % (CHUNK_FAULTS * storm.stride) || storm.passes <= 0)
		return usage();
	return run_storm(&storm, threads) ? 0 : 1;
}
