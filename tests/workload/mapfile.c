// SPDX-License-Identifier: GPL-2.0-only
/*
 * mapfile ACTION...: does these in turn, to put the path of a mapped file to the test.
 *   open FILE, unlink FILE, unmount DIR (lazily), chroot DIR, pivot DIR (and drop the old root)
 *   rename OLD:NEW, move MOUNT:DIR   and wait for the next jiffy: until then a name may be the old one
 *   read N, write N   maps the open file privately, takes N faults on it, and prints a JSON line:
 *                     pid, faults, and the pathname in /proc/self/maps as hex
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Pages that one fault maps around itself: fault_around_bytes, 64 KiB unless set otherwise. */
#define WINDOW_SIZE 65536UL

static FILE *maps; /* opened before there is no /proc any more */
static int file = -1;

/* Exits unless the result is good. */
static long must(const char *what, const char *on, long result)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "mapfile: %s %s: %s\n", what, on, strerror(errno));
	exit(1);
}

static void change_root(const char *what, const char *directory)
{
	must(what, directory, chdir(directory));
	if (!strcmp(what, "pivot")) {
		must(what, directory, syscall(SYS_pivot_root, ".", "."));
		must(what, directory, umount2(".", MNT_DETACH));
	} else {
		must(what, directory, chroot("."));
	}
}

/* Prints what /proc/self/maps has behind the inode of the mapping at start. */
static void print_path(uintptr_t start)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	rewind(maps);
	while ((length = getline(&line, &size, maps)) > 0) {
		unsigned long from;
		int at = 0;

		if (sscanf(line, "%lx-%*x %*s %*s %*s %*s%n", &from, &at) != 1 || from != start)
			continue;
		while (line[at] == ' ')
			at++;
		for (; at < length - 1; at++)
			printf("%02x", (unsigned char)line[at]);
	}
	free(line);
}

static void map_and_touch(const char *what, const char *number)
{
	size_t faults = strtoul(number, NULL, 10), size = faults * WINDOW_SIZE;
	bool write = !strcmp(what, "write");
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);

	must("mmap", number, start == MAP_FAILED ? -1 : 0);
	for (size_t i = 0; i < faults; i++) {
		volatile char *at = start + i * WINDOW_SIZE;

		if (write)
			*at = 1;
		else
			(void)*at;
	}
	printf("{\"pid\":%d,\"faults\":%zu,\"path\":\"", getpid(), faults);
	print_path((uintptr_t)start);
	printf("\"}\n");
	must("munmap", number, munmap(start, size));
}

static uint64_t coarse_ns(void)
{
	struct timespec now;

	must("clock_gettime", "CLOCK_MONOTONIC_COARSE",
	     clock_gettime(CLOCK_MONOTONIC_COARSE, &now));
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* This clock goes on with the jiffies (kernel/time/tick-common.c: tick_periodic()). */
static void wait_for_jiffy(void)
{
	uint64_t before = coarse_ns();

	while (coarse_ns() == before)
		;
}

static void put_elsewhere(const char *what, char *from)
{
	char *to = strchr(from, ':');

	must(from, "no NEW behind a colon", to ? 0 : -1);
	*to++ = '\0';
	must(what, to,
	     strcmp(what, "move") ? rename(from, to) : mount(from, to, NULL, MS_MOVE, NULL));
	wait_for_jiffy();
}

static void act(const char *what, char *on)
{
	if (!strcmp(what, "open"))
		file = (int)must(what, on, open(on, O_RDONLY | O_CLOEXEC));
	else if (!strcmp(what, "unlink"))
		must(what, on, unlink(on));
	else if (!strcmp(what, "unmount"))
		must(what, on, umount2(on, MNT_DETACH));
	else if (!strcmp(what, "rename") || !strcmp(what, "move"))
		put_elsewhere(what, on);
	else if (!strcmp(what, "chroot") || !strcmp(what, "pivot"))
		change_root(what, on);
	else if (!strcmp(what, "read") || !strcmp(what, "write"))
		map_and_touch(what, on);
	else
		must("unknown action", what, -1);
}

int main(int argc, char **argv)
{
	maps = fopen("/proc/self/maps", "re");
	must("open", "/proc/self/maps", maps ? 0 : -1);
	for (int i = 1; i + 1 < argc; i += 2)
		act(argv[i], argv[i + 1]);
	return 0;
}
