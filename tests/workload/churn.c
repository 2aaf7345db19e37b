// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn NAMES LIFE_MS SECONDS: processes come and go, each under the next of so many comms (c0, c1,
 * ...), 20 at once, each with some 100 minor faults in each 50 ms of its life; five more, s0 to s4, live
 * all the time. When all else is over they print "COMM FAULTS", what getrusage(2) says that each of
 * these five faulted, wait for a line on standard input, fault in 100 pages more, and end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 20
#define STEADY 5
#define PAGES 100
#define STEP_MS 50

static void die(const char *what)
{
	fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void touch(void)
{
	size_t size = PAGES * (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	madvise(memory, size, MADV_NOHUGEPAGE);
	memset(memory, 1, size);
	munmap(memory, size);
}

static void live(const char *comm, long ms)
{
	const struct timespec step = { 0, STEP_MS * 1000000 };
	long end = now_ms() + ms;

	prctl(PR_SET_NAME, comm);
	while (now_ms() < end) {
		touch();
		nanosleep(&step, NULL);
	}
}

/*
 * It tells its faults once all others are through, and ends with its parent's word. A process may take
 * a last fault as it ends, where a page of its code is not mapped yet: here each does, and many.
 */
static void live_on(int which, long ms, int results, int word)
{
	struct rusage usage;
	char text[64], byte;
	int size;

	snprintf(text, sizeof(text), "s%d", which);
	live(text, ms);
	/* What is printed below faults in nothing more. */
	for (int i = 0; i < 2; i++) {
		getrusage(RUSAGE_SELF, &usage);
		size = snprintf(text, sizeof(text), "s%d %ld\n", which,
				usage.ru_minflt + usage.ru_majflt);
	}
	if (write(results, text, (size_t)size) != size)
		die("write");
	if (read(word, &byte, 1) < 0)
		die("read");
	touch();
	_exit(0);
}

int main(int argc, char *argv[])
{
	long names = argc == 4 ? atol(argv[1]) : 0, life = argc == 4 ? atol(argv[2]) : 0;
	long end = now_ms() + (argc == 4 ? atol(argv[3]) : 0) * 1000;
	int words[2], n = 0;
	char comm[32], byte;

	if (names <= 0 || life <= 0 || pipe(words))
		die("usage: churn NAMES LIFE_MS SECONDS");
	for (int i = 0; i < STEADY; i++) {
		if (!fork()) {
			close(words[1]);
			live_on(i, end - now_ms(), STDOUT_FILENO, words[0]);
		}
	}
	for (long born = 0; now_ms() < end || n; n--) {
		for (; n < AT_ONCE && now_ms() < end; n++, born++) {
			if (!fork()) {
				close(words[1]);
				snprintf(comm, sizeof(comm), "c%ld", born % names);
				/* not all in step */
				live(comm, life + born % AT_ONCE * life / AT_ONCE);
				_exit(0);
			}
		}
		if (wait(NULL) < 0)
			die("wait");
	}
	if (read(STDIN_FILENO, &byte, 1) < 0)
		die("read");
	close(words[1]);
	for (int i = 0; i < STEADY; i++)
		wait(NULL);
	return 0;
}
