// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that wait for something known: stalls CASE [ARGUMENT]...
 *
 *   userfaultfd PAGES USEC  each page is served by a thread that sleeps first
 *   lock PAGES USEC         another thread holds the process's mmap_lock for as long as it takes
 *                           to change 256 MiB, again and again; in between it pauses
 *   runqueue PAGES CPU      on a CPU with two busy loops; a thread elsewhere serves at once
 *   file PATH PAGES STEP    reads every STEP-th page of the mapped file
 *   again PAGES STEP        writes to private memory, and reads every STEP-th page of it
 *   behind PATH PAGES STEP  the same, of pages that another process has begun to read
 *   dirty PATH PAGES        writes to each page of the mapped file, for a second at most
 *   huge MIB                writes to private memory in huge pages
 *   punch MIB ROUNDS        touches shared memory while another thread punches a hole in it
 *   reread PATH PAGES ROUNDS   reads a mapped file from end to end, so many times
 *   rewrite PAGES ROUNDS       writes to private memory from end to end, so many times
 *   fill PAGES                 writes to private memory, and does nothing else in between
 *   fragment MIB               fills so much memory, gives every fourth page of it back, and stays
 *
 * Prints a JSON object: the pid, where the memory is, and by this program's own clock how long the
 * accesses took (waited_ns) and how long the thread was runnable without a CPU meanwhile
 * (queued_ns, /proc/thread-self/schedstat), how much of that fits into the accesses (within_ns: it
 * may have waited once more before it asked), and the thread that it waited for (other_tid).
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define HUGE (2UL << 20)

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static uint64_t queued_ns(void)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	uint64_t running, queued = 0;

	if (!file || fscanf(file, "%" SCNu64 " %" SCNu64, &running, &queued) != 2)
		err(1, "/proc/thread-self/schedstat");
	fclose(file);
	return queued;
}

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	return memory;
}

static useconds_t pause_us;
static uint64_t within_ns;
static pid_t other_tid; /* of the thread that the touches wait for, where it matters; or 0 */
static void (*before_touch)(unsigned long i); /* or NULL */

static void report(volatile char *memory, unsigned long pages, size_t step, uint64_t waited,
		   uint64_t queued)
{
	printf("{\"pid\":%d,\"start\":\"%p\",\"end\":\"%p\",\"pages\":%lu,\"waited_ns\":%" PRIu64
	       ",\"queued_ns\":%" PRIu64 ",\"within_ns\":%" PRIu64 ",\"other_tid\":%d}\n",
	       getpid(), (void *)memory, (void *)(memory + pages * step), pages, waited, queued,
	       within_ns, other_tid);
	fflush(stdout);
}

/* Touches so many pages, `step` bytes apart, and reports. */
static void touch(volatile char *memory, unsigned long pages, size_t step, bool write)
{
	uint64_t queued = 0, waited = 0;

	for (unsigned long i = 0; i < pages; i++) {
		uint64_t from, queued_before, took, queue;

		if (pause_us)
			usleep(pause_us);
		if (before_touch)
			before_touch(i);
		queued_before = queued_ns();
		from = now_ns();

		if (write)
			memory[i * step] = 1;
		else
			(void)memory[i * step];
		took = now_ns() - from;
		queue = queued_ns() - queued_before;
		waited += took;
		queued += queue;
		within_ns += queue < took ? queue : took;
	}
	report(memory, pages, step, waited, queued);
}

static void start_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument))
		errx(1, "pthread_create");
	pthread_detach(thread);
}

/* ---- userfaultfd ---- */

static int userfault_fd;
static useconds_t serve_after;

static void *serve(void *argument)
{
	static char page[PAGE] __attribute__((aligned(4096)));
	struct uffd_msg message;

	(void)argument;
	while (read(userfault_fd, &message, sizeof(message)) == sizeof(message)) {
		struct uffdio_copy copy = { .dst = message.arg.pagefault.address & ~(PAGE - 1),
					    .src = (uintptr_t)page,
					    .len = PAGE };

		usleep(serve_after);
		if (ioctl(userfault_fd, UFFDIO_COPY, &copy))
			err(1, "UFFDIO_COPY");
	}
	return NULL;
}

static char *map_served(unsigned long pages)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range.len = pages * PAGE,
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *memory = map(pages * PAGE);

	range.range.start = (uintptr_t)memory;
	userfault_fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (userfault_fd < 0 || ioctl(userfault_fd, UFFDIO_API, &api) ||
	    ioctl(userfault_fd, UFFDIO_REGISTER, &range))
		err(1, "userfaultfd");
	return memory;
}

static void case_userfaultfd(char **argument)
{
	unsigned long pages = strtoul(argument[0], NULL, 10);
	char *memory = map_served(pages);

	serve_after = strtoul(argument[1], NULL, 10);
	start_thread(serve, NULL);
	touch(memory, pages, PAGE, true);
}

/* ---- a lock ---- */

#define LOCKED_PAGES 32768UL
static char *locked;
static atomic_bool is_over, is_held;
static useconds_t pause_of_holder;

/* mprotect() changes each page's entry with the lock held: the mapping's own, too. Another flag, or
 * there is nothing to do. */
static void *hold_lock(void *argument)
{
	(void)argument;
	other_tid = gettid();
	for (bool exec = false; !atomic_load(&is_over); exec = !exec) {
		if (mprotect(locked, 2 * LOCKED_PAGES * PAGE,
			     PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0)))
			err(1, "mprotect");
		atomic_store(&is_held, true);
		if (pause_of_holder)
			usleep(pause_of_holder);
	}
	return NULL;
}

static void case_lock(char **argument)
{
	unsigned long pages = strtoul(argument[0], NULL, 10);

	pause_of_holder = strtoul(argument[1], NULL, 10);
	locked = map(2 * LOCKED_PAGES * PAGE);
	madvise(locked, 2 * LOCKED_PAGES * PAGE, MADV_NOHUGEPAGE);
	memset(locked, 1, LOCKED_PAGES * PAGE);
	start_thread(hold_lock, NULL);
	while (!atomic_load(&is_held))
		usleep(1000);
	pause_us = 500; /* not all in the moment in which it is free */
	touch(locked + LOCKED_PAGES * PAGE, pages, PAGE, true);
	atomic_store(&is_over, true);
}

/* ---- a busy CPU ---- */

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "sched_setaffinity");
}

static pid_t start_busy_loop(void)
{
	pid_t parent = getpid(), child = fork();

	if (child)
		return child;
	alarm(20);
	while (getppid() == parent)
		for (volatile int i = 0; i < 1000000; i++)
			;
	_exit(0);
}

static void case_runqueue(char **argument)
{
	unsigned long pages = strtoul(argument[0], NULL, 10);
	int cpu = atoi(argument[1]);
	char *memory = map_served(pages);
	pid_t loops[2];

	start_thread(serve, NULL); /* where it likes */
	pin(cpu);
	loops[0] = start_busy_loop();
	loops[1] = start_busy_loop();
	setpriority(PRIO_PROCESS, gettid(), 10);
	touch(memory, pages, PAGE, true);
	for (int i = 0; i < 2; i++) {
		kill(loops[i], SIGKILL);
		waitpid(loops[i], NULL, 0);
	}
}

/* ---- files and memory ---- */

static void case_file(char **argument)
{
	unsigned long pages = strtoul(argument[1], NULL, 10), step = strtoul(argument[2], NULL, 10);
	int fd = open(argument[0], O_RDONLY | O_CLOEXEC);
	char *memory = mmap(NULL, pages * step * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (fd < 0 || memory == MAP_FAILED)
		err(1, "%s", argument[0]);
	madvise(memory, pages * step * PAGE, MADV_RANDOM);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	touch(memory, pages, step * PAGE, false);
}

/* Begins to read the pages that it is told of, a number each, and says so. */
static void read_pages(int fd, int numbers, int begun)
{
	unsigned long number;

	while (read(numbers, &number, sizeof(number)) == sizeof(number))
		if (readahead(fd, (off64_t)(number * PAGE), PAGE) ||
		    write(begun, &number, sizeof(number)) != sizeof(number))
			err(1, "readahead");
	_exit(0);
}

static int to_reader, from_reader; /* numbers of pages */
static unsigned long reader_step;

static void let_reader_begin(unsigned long i)
{
	unsigned long number = i * reader_step;

	if (write(to_reader, &number, sizeof(number)) != sizeof(number) ||
	    read(from_reader, &number, sizeof(number)) != sizeof(number))
		err(1, "the reader");
}

static void case_behind(char **argument)
{
	int fd = open(argument[0], O_RDONLY | O_CLOEXEC), numbers[2], begun[2];

	if (fd < 0 || pipe(numbers) || pipe(begun))
		err(1, "%s", argument[0]);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (!fork()) {
		close(numbers[1]);
		read_pages(fd, numbers[0], begun[1]);
	}
	close(numbers[0]);
	to_reader = numbers[1];
	from_reader = begun[0];
	reader_step = strtoul(argument[2], NULL, 10);
	before_touch = let_reader_begin;
	case_file(argument);
	close(to_reader);
	wait(NULL);
}

static sigjmp_buf is_late;

static void be_late(int signal)
{
	(void)signal;
	siglongjmp(is_late, 1);
}

/* A page that is written back while its fault waits for that faults again, on a busy machine for ever:
 * so it ends after a second, wherever it is. */
static void case_dirty(char **argument)
{
	const struct itimerval second = { .it_value.tv_sec = 1 };
	unsigned long pages = strtoul(argument[1], NULL, 10);
	int fd = open(argument[0], O_RDWR | O_CLOEXEC);
	volatile char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t queued = queued_ns(), from = now_ns();

	if (fd < 0 || memory == MAP_FAILED)
		err(1, "%s", argument[0]);
	signal(SIGALRM, be_late);
	if (!sigsetjmp(is_late, 1)) {
		setitimer(ITIMER_REAL, &second, NULL);
		for (unsigned long i = 0; i < pages; i++)
			memory[i * PAGE] = 1;
	}
	report(memory, pages, PAGE, now_ns() - from, queued_ns() - queued);
}

static void case_huge(char **argument)
{
	unsigned long count = strtoul(argument[0], NULL, 10) / 2;
	char *memory = map((count + 1) * HUGE);

	memory = (char *)(((uintptr_t)memory + HUGE - 1) & ~(HUGE - 1));
	if (madvise(memory, count * HUGE, MADV_HUGEPAGE))
		err(1, "MADV_HUGEPAGE");
	touch(memory, count, HUGE, true);
}

static void case_again(char **argument)
{
	unsigned long pages = strtoul(argument[0], NULL, 10), step = strtoul(argument[1], NULL, 10);
	char *memory = map(pages * step * PAGE);

	madvise(memory, pages * step * PAGE, MADV_NOHUGEPAGE);
	for (unsigned long i = 0; i < pages * step; i++)
		memory[i * PAGE] = 1;
	touch(memory, pages, step * PAGE, false);
}

/* ---- a hole ---- */

static int holed;
static size_t holed_size;
static atomic_bool is_punching;

static void *punch(void *argument)
{
	(void)argument;
	if (fallocate(holed, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)holed_size))
		err(1, "FALLOC_FL_PUNCH_HOLE");
	atomic_store(&is_punching, false);
	return NULL;
}

/* A fault in a hole that is being punched waits until that is done (shmem_falloc_wait(), mm/shmem.c),
 * which no hook tells of. Each page that is there before is mapped, and soon unmapped. */
static void case_punch(char **argument)
{
	unsigned long rounds = strtoul(argument[1], NULL, 10), touched = 0;
	uint64_t queued = queued_ns(), waited = 0;
	volatile char *memory;

	holed_size = strtoul(argument[0], NULL, 10) << 20;
	holed = memfd_create("holed", MFD_CLOEXEC);
	if (holed < 0 || ftruncate(holed, (off_t)holed_size))
		err(1, "memfd_create");
	memory = mmap(NULL, holed_size, PROT_READ | PROT_WRITE, MAP_SHARED, holed, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	while (rounds--) {
		if (fallocate(holed, 0, 0, (off_t)holed_size))
			err(1, "fallocate");
		atomic_store(&is_punching, true);
		start_thread(punch, NULL);
		while (atomic_load(&is_punching)) {
			uint64_t from = now_ns();

			memory[touched++ * PAGE % holed_size] = 1;
			waited += now_ns() - from;
		}
	}
	report(memory, holed_size / PAGE, PAGE, waited, queued_ns() - queued);
}

/* With read-ahead, as most programs have it. */
static void case_reread(char **argument)
{
	unsigned long pages = strtoul(argument[1], NULL, 10),
		      rounds = strtoul(argument[2], NULL, 10);
	int fd = open(argument[0], O_RDONLY | O_CLOEXEC);
	volatile char *memory = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (fd < 0 || memory == MAP_FAILED)
		err(1, "%s", argument[0]);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while (--rounds)
		for (unsigned long i = 0; i < pages; i++)
			(void)memory[i * PAGE];
	touch(memory, pages, PAGE, false);
}

static void case_rewrite(char **argument)
{
	unsigned long pages = strtoul(argument[0], NULL, 10),
		      rounds = strtoul(argument[1], NULL, 10);
	volatile char *memory = map(pages * PAGE);

	madvise((void *)memory, pages * PAGE, MADV_NOHUGEPAGE);
	while (--rounds)
		for (unsigned long i = 0; i < pages; i++)
			memory[i * PAGE]++;
	touch(memory, pages, PAGE, true);
}

/* A system call in between may be charged for its memory, and then it has to pay what is above memory.high. */
static void case_fill(char **argument)
{
	unsigned long pages = strtoul(argument[0], NULL, 10);
	volatile char *memory = map(pages * PAGE);
	uint64_t queued = queued_ns(), from;

	madvise((void *)memory, pages * PAGE, MADV_NOHUGEPAGE);
	from = now_ns();
	for (unsigned long i = 0; i < pages; i++)
		memory[i * PAGE] = 1;
	report(memory, pages, PAGE, now_ns() - from, queued_ns() - queued);
}

/* What is free then is no huge page, and whoever wants one has to move pages of this one. Prints a line
 * when it is done. */
static void case_fragment(char **argument)
{
	unsigned long pages = (strtoul(argument[0], NULL, 10) << 20) / PAGE;
	char *memory = map(pages * PAGE);

	madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
	for (unsigned long i = 0; i < pages; i++)
		memory[i * PAGE] = 1;
	for (unsigned long i = 0; i < pages; i += 4)
		if (madvise(memory + i * PAGE, PAGE, MADV_DONTNEED))
			err(1, "MADV_DONTNEED");
	puts("fragmented");
	fflush(stdout);
	pause();
}

static const struct {
	const char *name;
	int n_arguments;
	void (*run)(char **argument);
} cases[] = {
	{ "userfaultfd", 2, case_userfaultfd },
	{ "lock", 2, case_lock },
	{ "runqueue", 2, case_runqueue },
	{ "file", 3, case_file },
	{ "again", 2, case_again },
	{ "behind", 3, case_behind },
	{ "dirty", 2, case_dirty },
	{ "huge", 1, case_huge },
	{ "punch", 2, case_punch },
	{ "reread", 3, case_reread },
	{ "rewrite", 2, case_rewrite },
	{ "fill", 1, case_fill },
	{ "fragment", 1, case_fragment },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(*cases); i++)
		if (!strcmp(argv[1], cases[i].name) && argc == cases[i].n_arguments + 2) {
			cases[i].run(argv + 2);
			return 0;
		}
	errx(2, "no such case, or not its arguments");
}
