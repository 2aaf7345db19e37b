// SPDX-License-Identifier: GPL-2.0-only
/*
 * execs N CPU|all PROGRAM [ARG...]: starts PROGRAM N times, one after another, each from fork to
 * the end of its wait, on one CPU or wherever the scheduler likes. Prints the microseconds per
 * child of each chunk of 50 children, one a line.
 */
#include <errno.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define CHUNK_CHILDREN 50

extern char **environ;

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static bool run_child(char *argv[])
{
	pid_t child;
	int status;
	int error = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);

	if (error) {
		fprintf(stderr, "execs: %s: %s\n", argv[0], strerror(error));
		return false;
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return !status;
}

static bool pin(const char *cpu)
{
	cpu_set_t cpus;

	if (!strcmp(cpu, "all"))
		return true;
	CPU_ZERO(&cpus);
	CPU_SET(atoi(cpu), &cpus);
	if (!sched_setaffinity(0, sizeof(cpus), &cpus))
		return true;
	perror("execs: sched_setaffinity");
	return false;
}

int main(int argc, char *argv[])
{
	long n = argc > 3 ? strtol(argv[1], NULL, 10) : 0;

	if (n <= 0 || n % CHUNK_CHILDREN) {
		fprintf(stderr, "usage: execs N CPU|all PROGRAM [ARG...] (N: a multiple of %d)\n",
			CHUNK_CHILDREN);
		return 2;
	}
	if (!pin(argv[2]))
		return 1;
	for (long chunk = 0; chunk < n / CHUNK_CHILDREN; chunk++) {
		double start = now_us();

		for (int i = 0; i < CHUNK_CHILDREN; i++)
			if (!run_child(argv + 3))
				return 1;
		printf("%.2f\n", (now_us() - start) / CHUNK_CHILDREN);
	}
	return 0;
}
