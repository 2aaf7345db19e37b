// SPDX-License-Identifier: GPL-2.0-only
/*
 * spawn N PROGRAM [ARG...]: runs the program N times, one after another, and prints what the
 * children and all that they waited for cost: getrusage is the oracle for faultmap's sums.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int run_once(char *argv[])
{
	pid_t child;
	int status;
	int error = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);

	if (error) {
		fprintf(stderr, "spawn: %s: %s\n", argv[0], strerror(error));
		return 1;
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char *argv[])
{
	struct rusage usage;
	char *end = "?";
	long n = argc > 2 ? strtol(argv[1], &end, 10) : 0;

	if (*end || n <= 0) {
		fprintf(stderr, "usage: spawn N PROGRAM [ARG...]\n");
		return 2;
	}
	for (long i = 0; i < n; i++)
		if (run_once(argv + 2))
			return 1;
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("{\"pid\":%d,\"children\":%ld,\"minor\":%ld,\"major\":%ld}\n", getpid(), n,
	       usage.ru_minflt, usage.ru_majflt);
	return 0;
}
