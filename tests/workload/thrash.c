// SPDX-License-Identifier: GPL-2.0-only
/*
 * thrash MIB ROUNDS: writes to each page of an anonymous mapping, round after round. In a memory
 * cgroup that has less, the pages come back from swap. Prints where the mapping is, and what
 * getrusage says of the rounds: its other memory is locked, so that these faults are all in the
 * mapping.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	size_t size = argc == 3 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	int rounds = argc == 3 ? atoi(argv[2]) : 0;
	long page = sysconf(_SC_PAGESIZE);
	struct rusage before, after;
	char *start;

	if (!size || rounds <= 0) {
		fprintf(stderr, "usage: thrash MIB ROUNDS\n");
		return 2;
	}
	if (mlockall(MCL_CURRENT)) {
		perror("thrash: mlockall");
		return 1;
	}
	start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED) {
		perror("thrash: mmap");
		return 1;
	}
	madvise(start, size, MADV_NOHUGEPAGE);
	getrusage(RUSAGE_SELF, &before);
	for (int round = 0; round < rounds; round++)
		for (size_t at = 0; at < size; at += page)
			start[at]++;
	getrusage(RUSAGE_SELF, &after);
	printf("{\"pid\":%d,\"start\":\"%p\",\"end\":\"%p\",\"minor\":%ld,\"major\":%ld}\n",
	       getpid(), (void *)start, (void *)(start + size), after.ru_minflt - before.ru_minflt,
	       after.ru_majflt - before.ru_majflt);
	return 0;
}
