// SPDX-License-Identifier: GPL-2.0-only
/*
 * names N DIRECTORY: N processes one after another, each with a random comm of any bytes, and each
 * faults in one of some files below DIRECTORY whose names are as bad as the kernel allows: quotes,
 * backslashes, newlines, invalid UTF-8, 255 bytes a name and almost 4 KiB a path. Prints what the
 * children faulted by getrusage(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_FILES 64
#define DEPTH 14 /* of 256 bytes each, and the file: below PATH_MAX */

static void die(const char *what)
{
	fprintf(stderr, "names: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* size - 1 bytes, none of them a NUL or a slash. */
static void make_name(char *name, size_t size)
{
	static const char favourites[] = "\"\\\n\r\t{}=,# \xff\xc3\xed\xa0\x80";

	for (size_t i = 0; i + 1 < size; i++) {
		name[i] = rand() % 2 ? favourites[(size_t)rand() % (sizeof(favourites) - 1)] :
				       (char)(1 + rand() % 255);
		if (name[i] == '/')
			name[i] = '"';
	}
	name[size - 1] = '\0';
}

/* A file of one page: every other one at the end of a long path. */
static int make_file(const char *directory, int which)
{
	int fd = open(directory, O_DIRECTORY | O_CLOEXEC), file;
	char name[256];

	for (int i = 0; fd >= 0 && which % 2 && i < DEPTH; i++) {
		int deeper;

		make_name(name, sizeof(name));
		if (mkdirat(fd, name, 0755))
			die("mkdirat");
		deeper = openat(fd, name, O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = deeper;
	}
	make_name(name, 2 + (size_t)rand() % (sizeof(name) - 2));
	file = fd < 0 ? -1 : openat(fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0 || ftruncate(file, 4096))
		die("making a file");
	close(fd);
	return file;
}

static void live(int file)
{
	char comm[16];
	volatile const char *page;

	make_name(comm, sizeof(comm));
	prctl(PR_SET_NAME, comm);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	if (page == MAP_FAILED)
		_exit(1);
	(void)*page;
	_exit(0);
}

int main(int argc, char *argv[])
{
	struct rusage usage;
	int files[N_FILES];
	long n = argc == 3 ? strtol(argv[1], NULL, 10) : 0;

	if (n <= 0) {
		fprintf(stderr, "usage: names N DIRECTORY\n");
		return 2;
	}
	for (int i = 0; i < N_FILES; i++)
		files[i] = make_file(argv[2], i);
	for (long i = 0; i < n; i++) {
		pid_t child;
		int status;

		srand((unsigned int)i + 1);
		child = fork();
		if (!child)
			live(files[i % N_FILES]);
		if (child < 0 || waitpid(child, &status, 0) < 0 || status)
			die("a child");
	}
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("%ld\n", usage.ru_minflt + usage.ru_majflt);
	return 0;
}
