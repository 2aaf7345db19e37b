// SPDX-License-Identifier: GPL-2.0-only
/*
 * moves [CASE]: mappings that grow, split, move and come in the place of others, an exact number of
 * faults in each. Every case is a process of its own and prints a JSON line: pid, the areas where
 * its mappings are at the end, and one text for each mapping that ought to be told apart:
 * "NAME PERMS: FAULTS", of a path the last part. Files are made in the current directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
/* Pages that one fault on a file maps around itself; also enough between two things. */
#define WINDOW (16 * PAGE)
#ifndef PR_SET_VMA /* Linux 5.17 */
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
/* Nothing else is here. */
#define AREA ((char *)0x200000000000)
#define AREA_SIZE (1UL << 30)
#define MAX_MAPPINGS 80

static char *area_start = AREA, *area_end = AREA + AREA_SIZE;
static char rows[MAX_MAPPINGS][128];
static size_t n_rows;
static char file_name[64];
static char skip[128]; /* why the case means nothing here */

static void fail(const char *what)
{
	fprintf(stderr, "moves: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The nth place of the area, a GiB of 16. */
static char *place(unsigned int n)
{
	return AREA + n * (AREA_SIZE / 16);
}

static char *map(char *at, size_t pages, int prot, int flags, int fd)
{
	char *start = mmap(at, pages * PAGE, prot, flags | MAP_FIXED, fd, 0);

	if (start == MAP_FAILED)
		fail("mmap");
	return start;
}

static char *map_anon(char *at, size_t pages)
{
	return map(at, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void unmap(char *at, size_t pages)
{
	if (munmap(at, pages * PAGE))
		fail("munmap");
}

static void protect(char *at, size_t pages, int prot)
{
	if (mprotect(at, pages * PAGE, prot))
		fail("mprotect");
}

static void move(char *from, size_t pages, char *to, size_t new_pages)
{
	if (mremap(from, pages * PAGE, new_pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		fail("mremap");
}

static void write_pages(char *from, size_t pages)
{
	for (volatile char *at = from; at < from + pages * PAGE; at += PAGE)
		*at = 1;
}

/* How many faults that took, by the kernel's own count. getrusage's first call may fault itself. */
static size_t write_counted(char *from, size_t pages)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &after);
	getrusage(RUSAGE_SELF, &before);
	write_pages(from, pages);
	getrusage(RUSAGE_SELF, &after);
	return (size_t)(after.ru_minflt - before.ru_minflt);
}

static void read_pages(char *from, size_t pages)
{
	for (volatile char *at = from; at < from + pages * PAGE; at += PAGE)
		(void)*at;
}

/* One fault each. */
static void read_windows(char *from, size_t windows)
{
	for (volatile char *at = from; at < from + windows * WINDOW; at += WINDOW)
		(void)*at;
}

static void expect(const char *name, const char *perms, size_t faults)
{
	if (n_rows == MAX_MAPPINGS)
		exit(1);
	snprintf(rows[n_rows++], sizeof(rows[0]), "%s %s: %zu", name, perms, faults);
}

static void expect_anon(size_t faults)
{
	expect("[anon]", "rw-p", faults);
}

/* ---- anonymous memory ---- */

static void grow(void)
{
	char *a = map_anon(place(0), 10);

	write_pages(a, 10);
	if (mremap(a, 10 * PAGE, 30 * PAGE, 0) != a)
		fail("mremap");
	write_pages(a, 30);
	map_anon(a - 10 * PAGE, 10);
	write_pages(a - 10 * PAGE, 10);
	expect_anon(40);
}

static void grow_read_only(void)
{
	char *a = map_anon(place(1), 10);

	read_pages(a, 10);
	map_anon(a + 10 * PAGE, 10);
	read_pages(a, 20);
	expect_anon(20);
}

static void grow_down(void)
{
	char *a = map(place(1), 4, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1);

	write_pages(a, 4);
	for (int i = 1; i <= 20; i++)
		write_pages(a - i * PAGE, 1);
	expect_anon(24);
}

/* Parts share no edge with what was whole, and the middle comes back. */
static void split(void)
{
	char *a = map_anon(place(0), 50);

	write_pages(a, 2);
	write_pages(a + 20 * PAGE, 2);
	unmap(a + 10 * PAGE, 10);
	unmap(a + 30 * PAGE, 10);
	write_pages(a + 20 * PAGE, 10);
	write_pages(a, 10);
	write_pages(a + 40 * PAGE, 10);
	expect_anon(30);
}

static void split_by_protection(void)
{
	char *a = map_anon(place(0), 30);
	size_t again;

	write_pages(a, 3);
	protect(a + 10 * PAGE, 10, PROT_READ);
	write_pages(a + 20 * PAGE, 10);
	read_pages(a + 10 * PAGE, 4);
	write_pages(a, 10);
	protect(a + 10 * PAGE, 10, PROT_READ | PROT_WRITE);
	/* What was read there is written over: a fault each where it is the zero page, none where
	 * the reads brought pages of their own. */
	again = write_counted(a + 10 * PAGE, 4);
	write_pages(a + 14 * PAGE, 6);
	expect_anon(26 + again);
	expect("[anon]", "r--p", 4);
}

/* As malloc's arenas grow: reserved, and made accessible piece by piece. */
static void grow_by_protection(void)
{
	char *a = map(place(0), 64, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (size_t i = 0; i < 64; i += 8) {
		protect(a + i * PAGE, 8, PROT_READ | PROT_WRITE);
		write_pages(a + i * PAGE, 8);
	}
	expect_anon(64);
}

static void move_and_grow(void)
{
	char *a = map_anon(place(0), 10);

	write_pages(a, 5);
	move(a, 10, place(5), 20);
	write_pages(place(5), 20);
	move(place(5), 20, place(2), 40);
	write_pages(place(2), 40);
	expect_anon(40);
}

static void move_after_one_fault(void)
{
	char *a = map_anon(place(0), 10);

	write_pages(a, 1);
	move(a, 10, place(5), 10);
	write_pages(place(5), 10);
	expect_anon(10);
}

/* The old place is taken by others before the moved one faults again. */
static void move_and_refill(void)
{
	map_anon(place(0), 10);
	write_pages(place(0), 5);
	move(place(0), 10, place(5), 30);
	map_anon(place(0), 10);
	write_pages(place(0), 6);
	move(place(0), 10, place(7), 10);
	map_anon(place(0), 7);
	write_pages(place(0), 7);
	write_pages(place(5), 30);
	write_pages(place(7), 10);
	expect_anon(30);
	expect_anon(10);
	expect_anon(7);
}

static void swap_places(void)
{
	map_anon(place(0), 20);
	map_anon(place(1), 20);
	write_pages(place(0), 3);
	write_pages(place(1), 4);
	move(place(0), 20, place(2), 20);
	move(place(1), 20, place(0), 20);
	move(place(2), 20, place(1), 20);
	for (size_t i = 0; i < 10; i++) {
		write_pages(place(0) + (4 + i) * PAGE, 1);
		write_pages(place(1) + (3 + i) * PAGE, 1);
	}
	write_pages(place(0) + 14 * PAGE, 5);
	expect_anon(13);
	expect_anon(19);
}

/* As a growing vector does it. What malloc writes is in the first page. */
static void reallocated(void)
{
	size_t pages = 256;
	char *a, *before;

	/* Between it and what the C library has mapped, in all holes where it could fit. */
	for (int i = 0; i < 16; i++)
		if (mmap(NULL, (pages + 1) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED)
			fail("mmap");
	a = malloc(pages * PAGE);
	write_pages(a, pages);
	do {
		before = a;
		map_anon((char *)((uintptr_t)a / PAGE * PAGE) - PAGE, 1); /* in its way */
		a = realloc(a, 2 * pages * PAGE);
		write_pages(a + pages * PAGE, pages);
		pages *= 2;
	} while (pages < 2048);
	if (a == before)
		exit(1);
	area_start = a;
	area_end = a + pages * PAGE;
	expect_anon(pages);
}

static void reuse(void)
{
	write_pages(map_anon(place(0), 10), 10);
	unmap(place(0), 10);
	write_pages(map_anon(place(0), 20), 20);
	unmap(place(0), 20);
	write_pages(map_anon(place(0), 1), 1);
	unmap(place(0), 1);
	write_pages(map_anon(place(0), 1), 1);
	unmap(place(0), 1);
	write_pages(map_anon(place(0) - 3 * PAGE, 13), 13); /* shares its end with the first */
	expect_anon(10);
	expect_anon(20);
	expect_anon(1);
	expect_anon(1);
	expect_anon(13);
}

/* The same memory, emptied. */
static void dropped(void)
{
	char *a = map_anon(place(0), 10);

	for (int i = 0; i < 5; i++) {
		write_pages(a, 10);
		if (madvise(a, 10 * PAGE, MADV_DONTNEED))
			fail("madvise");
	}
	expect_anon(50);
}

/* No table is large enough for each of them: 64 are kept apart from the first, the last goes on. */
static void reuse_many(void)
{
	for (int i = 0; i < 300; i++) {
		write_pages(map_anon(place(0), 3), 3);
		unmap(place(0), 3);
	}
	for (int i = 0; i < 64; i++)
		expect_anon(3);
	expect_anon(900 - 64 * 3);
}

static void heap(void)
{
	char *a = sbrk(0);

	a = sbrk((intptr_t)(PAGE - (uintptr_t)a % PAGE + 20 * PAGE)) + PAGE - (uintptr_t)a % PAGE;
	write_pages(a, 10);
	sbrk(-15 * (intptr_t)PAGE);
	sbrk(45 * (intptr_t)PAGE);
	write_pages(a + 10 * PAGE, 40);
	area_start = a;
	area_end = a + 50 * PAGE;
	/* Five in between were given back and have come again. */
	expect("[heap]", "rw-p", 50);
}

/* ---- files ---- */

/* Written page by page: a fault maps all of a large folio, which larger writes would make. */
static int file_of(const char *name, size_t windows)
{
	static const char zeroes[PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(name);
	for (size_t i = 0; i < windows * WINDOW / PAGE; i++)
		if (write(fd, zeroes, PAGE) != PAGE)
			fail(name);
	snprintf(file_name, sizeof(file_name), "%s", name);
	return fd;
}

static void file_twice(void)
{
	int fd = file_of("twice", 32);
	char *a = map(place(0), 32 * 16, PROT_READ, MAP_PRIVATE, fd);
	char *b = map(place(1), 32 * 16, PROT_READ, MAP_PRIVATE, fd);

	for (size_t i = 0; i < 9; i++) {
		read_windows(a + i * WINDOW, 1);
		read_windows(b + i * WINDOW, 1);
	}
	read_windows(b, 20);
	expect(file_name, "r--p", 9);
	expect(file_name, "r--p", 20);
}

/* Only shared ones are followed when they move. */
static void file_grows(int flags)
{
	int fd = file_of("grows", 32);
	char *a = map(place(0), 8 * 16, PROT_READ, flags, fd);

	read_windows(a, 8);
	if (mremap(a, 8 * WINDOW, 16 * WINDOW, 0) != a)
		fail("mremap");
	read_windows(a + 8 * WINDOW, 8);
	move(a, 16 * 16, place(3), 32 * 16);
	/* What moved is still mapped. */
	read_windows(place(3), 32);
	if (flags == MAP_SHARED) {
		expect(file_name, "r--s", 32);
	} else {
		expect(file_name, "r--p", 16);
		expect(file_name, "r--p", 16);
	}
}

static void file_grows_private(void)
{
	file_grows(MAP_PRIVATE);
}

static void file_grows_shared(void)
{
	file_grows(MAP_SHARED);
}

/* As in a loop over a file: one mapping. */
static void file_again(void)
{
	int fd = file_of("again", 32);

	for (unsigned int i = 0; i < 10; i++) {
		read_windows(map(place(i), 32 * 16, PROT_READ, MAP_SHARED, fd) + i * WINDOW, 1);
		unmap(place(i), 32 * 16);
	}
	expect(file_name, "r--s", 10);
}

static void file_parts(void)
{
	int fd = file_of("parts", 32);
	char *a = map(place(0), 32 * 16, PROT_READ, MAP_PRIVATE, fd);

	read_windows(a, 2);
	protect(a + 8 * WINDOW, 8 * 16, PROT_READ | PROT_EXEC);
	read_windows(a + 2 * WINDOW, 30);
	expect(file_name, "r--p", 8);
	expect(file_name, "r-xp", 8);
	expect(file_name, "r--p", 16);
}

/* A file in the place of memory in the place of a file. */
static void file_and_anon(void)
{
	int fd = file_of("first", 8), other = file_of("second", 8);

	read_windows(map(place(0), 8 * 16, PROT_READ, MAP_PRIVATE, fd), 8);
	write_pages(map_anon(place(0), 128), 50);
	read_windows(map(place(0), 8 * 16, PROT_READ, MAP_PRIVATE, other), 7);
	expect("first", "r--p", 8);
	expect_anon(50);
	expect("second", "r--p", 7);
}

static void file_read_only_shared(void)
{
	int fd = file_of("shared", 8);

	close(fd);
	fd = open("shared", O_RDONLY | O_CLOEXEC);
	read_windows(map(place(0), 8 * 16, PROT_READ, MAP_SHARED, fd), 8);
	expect("shared", "r--s", 8);
}

/* ---- names ---- */

static void dev_zero(void)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/zero");
	write_pages(map(place(0), 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd), 10);
	write_pages(map(place(1), 11, PROT_READ | PROT_WRITE, MAP_SHARED, fd), 11);
	write_pages(map(place(2), 12, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1), 12);
	write_pages(map(place(3), 13, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1), 13);
	expect("zero", "rw-p", 10);
	expect("[anon_shmem]", "rw-s", 11);
	expect("[anon_shmem]", "rw-s", 12);
	expect("[anon_shmem]", "rw-s", 13);
}

/* What of it the C library has not read yet. */
static void vdso(void)
{
	unsigned long start, end;
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]") && sscanf(line, "%lx-%lx", &start, &end) == 2) {
			area_start = (char *)start;
			area_end = (char *)end;
		}
	read_pages(area_start, (size_t)(area_end - area_start) / PAGE);
	expect("[vdso]", "r-xp", (size_t)(area_end - area_start) / PAGE);
}

static void named(void)
{
	char *a = map_anon(place(0), 10);

	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, a, 10 * PAGE, "moves' own"))
		snprintf(skip, sizeof(skip), "no PR_SET_VMA_ANON_NAME: %s", strerror(errno));
	write_pages(a, 10);
	expect("[anon:moves' own]", "rw-p", 10);
}

#define STACK_PAGES 64
static char thread_name[32];

/* Below what pthread_create() has written at the stack's top. */
static void *deep_in_stack(void *unused)
{
	(void)unused;
	snprintf(thread_name, sizeof(thread_name), "[stack:%d]", gettid());
	for (volatile char *at = place(0) + 19 * PAGE; at >= place(0); at -= PAGE)
		*at = 1;
	return NULL;
}

/* Before there is a thread, its stack is memory like any other; then it is the thread's. */
static void thread_stack(void)
{
	char *a = map_anon(place(0), STACK_PAGES);
	pthread_attr_t attributes;
	pthread_t thread;

	write_pages(a + 20 * PAGE, STACK_PAGES - 20);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, a, STACK_PAGES * PAGE);
	if (pthread_create(&thread, &attributes, deep_in_stack, NULL))
		fail("pthread_create");
	pthread_join(thread, NULL);
	expect_anon(STACK_PAGES - 20);
	expect(thread_name, "rw-p", 20);
}

/* ---- */

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "grows at both ends", grow },
	{ "grows, never written", grow_read_only },
	{ "grows down", grow_down },
	{ "split by munmap", split },
	{ "split by mprotect", split_by_protection },
	{ "grows by mprotect", grow_by_protection },
	{ "moves and grows", move_and_grow },
	{ "moves after one fault", move_after_one_fault },
	{ "moves, old place taken", move_and_refill },
	{ "two change places", swap_places },
	{ "realloc", reallocated },
	{ "place used again", reuse },
	{ "emptied by madvise", dropped },
	{ "place used 300 times", reuse_many },
	{ "heap grows and shrinks", heap },
	{ "file mapped twice", file_twice },
	{ "private file mapping grows and moves", file_grows_private },
	{ "shared file mapping grows and moves", file_grows_shared },
	{ "shared file mapped again and again", file_again },
	{ "file split by mprotect", file_parts },
	{ "file and memory in one place", file_and_anon },
	{ "shared mapping of a read-only file", file_read_only_shared },
	{ "/dev/zero and shared anonymous", dev_zero },
	{ "[vdso]", vdso },
	{ "named anonymous", named },
	{ "stack of a thread", thread_stack },
};

static int compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

static void run_case(size_t i)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer)); /* not on the heap */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	cases[i].run();
	qsort(rows, n_rows, sizeof(rows[0]), compare);
	printf("{\"case\":\"%s\",\"pid\":%d,\"start\":\"%p\",\"end\":\"%p\",\"skip\":\"%s\",\"rows\":[",
	       cases[i].name, getpid(), (void *)area_start, (void *)area_end, skip);
	for (size_t row = 0; row < n_rows; row++)
		printf("%s\"%s\"", row ? "," : "", rows[row]);
	printf("]}\n");
}

/* Where a mapping was last is told by the CPU whose faults were written last: all are on one. */
static void stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int main(int argc, char **argv)
{
	stay_on_one_cpu();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = 0;
		pid_t child;

		if (argc > 1 && !strcmp(argv[1], cases[i].name)) {
			run_case(i);
			return 0;
		}
		if (argc > 1)
			continue;
		child = fork();
		if (child == 0) {
			execl("/proc/self/exe", "moves", cases[i].name, NULL);
			_exit(1);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0)
			fail("fork");
		if (status)
			return 1;
	}
	return 0;
}
