// SPDX-License-Identifier: GPL-2.0-only
/*
 * long_paths DIR N: makes N files in DIR, one after another, with paths of 3.9 KiB, takes one fault
 * in a mapping of each, and unlinks it. Prints its pid before, "done" after, and ends with its
 * standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below PATH_MAX with DIR and the file's name. */
#define DEPTH 15
#define DIRECTORY_LENGTH 240
#define FILE_LENGTH 150

static long must(const char *what, long result)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "long_paths: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void descend(const char *top)
{
	char name[DIRECTORY_LENGTH + 1];

	memset(name, 'd', DIRECTORY_LENGTH);
	name[DIRECTORY_LENGTH] = '\0';
	must(top, chdir(top));
	for (int i = 0; i < DEPTH; i++) {
		must("mkdir", mkdir(name, 0755));
		must("chdir", chdir(name));
	}
}

static void touch(long number)
{
	char name[FILE_LENGTH + 1];
	char *page;
	int fd;

	memset(name, 'f', FILE_LENGTH);
	name[FILE_LENGTH] = '\0';
	name[sprintf(name, "%ld", number)] = '_';
	fd = (int)must("open", open(name, O_RDWR | O_CREAT | O_EXCL, 0644));
	must("write", write(fd, name, sizeof(name)));
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	must("mmap", page == MAP_FAILED ? -1 : 0);
	(void)*(volatile char *)page;
	must("munmap", munmap(page, 4096));
	must("unlink", unlink(name));
	close(fd);
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (!count)
		return 2;
	descend(argv[1]);
	printf("%d\n", getpid());
	fflush(stdout);
	for (long i = 0; i < count; i++)
		touch(i);
	puts("done");
	fflush(stdout);
	return getchar() == EOF ? 0 : 1;
}
