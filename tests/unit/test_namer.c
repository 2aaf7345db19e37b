// SPDX-License-Identifier: GPL-2.0-only
/* Names of this program's own functions while it runs; broken files and a dying worker cost only their names. */
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "own_code.h"
#include "symbol/namer.h"
#include "symbol/symbolizer.h"

#define PATIENCE_MS 20000

static char own_path[4096];

/* All of it is on the line that has this. */
#define FUNCTION(name, more)                          \
	__attribute__((noinline)) int name(int value) \
	{                                             \
		__asm__ volatile("");                 \
		return value + (more);                \
	}

enum { FUNCTION_LINE = __LINE__ + 1 };
FUNCTION(a_function_of_this_test, 1)
FUNCTION(another_function, 2)

static int set_up(void **state)
{
	struct namer *namer;

	assert_int_equal(namer_new(&namer, NULL, NULL), 0);
	*state = namer;
	return 0;
}

static int tear_down(void **state)
{
	namer_free(*state);
	return 0;
}

static void want_own(struct namer *namer)
{
	namer_want(namer, own_path, (uint32_t)getpid(),
		   offset_of((uintptr_t)a_function_of_this_test));
}

static bool has_own(struct namer *namer)
{
	struct code_name name = namer_find(namer, own_path,
					   offset_of((uintptr_t)a_function_of_this_test));

	return name.function && !strcmp(name.function, "a_function_of_this_test") &&
	       !strcmp(name.source, "test_namer.c") && name.line == FUNCTION_LINE;
}

/* Asks again each time: what a worker that died was asked is forgotten. */
static bool comes(struct namer *namer)
{
	uint64_t end = monotonic_ns() + PATIENCE_MS * 1000000ULL;

	while (monotonic_ns() < end) {
		struct pollfd event = { .fd = namer_fd(namer), .events = POLLIN };

		want_own(namer);
		if (has_own(namer))
			return true;
		poll(&event, 1, 20);
		namer_take(namer);
	}
	return false;
}

static void a_function_has_its_name(void **state)
{
	assert_false(has_own(*state));
	assert_true(comes(*state));
}

/* Nobody waits at a pipe, and what comes behind has its name. */
static void what_is_no_file_has_none(void **state)
{
	struct namer *namer = *state;
	char fifo[] = "/tmp/faultmap-fifo.XXXXXX", torn[] = "/tmp/faultmap-torn.XXXXXX";
	const char *const files[] = {
		fifo, torn, "/nonexistent", "/dev/zero", "/proc", "relative"
	};
	int own = open(own_path, O_RDONLY | O_CLOEXEC), fd = mkstemp(torn);
	char bytes[8192];

	close(mkstemp(fifo));
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(read(own, bytes, sizeof(bytes)), sizeof(bytes));
	memset(bytes + 70, 0xa5, sizeof(bytes) - 70);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(own);
	close(fd);
	alarm(60); /* who waits there is ended */
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		namer_want(namer, files[i], (uint32_t)getpid(), 64);
	assert_true(comes(namer));
	alarm(0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_null(namer_find(namer, files[i], 64).function);
	unlink(fifo);
	unlink(torn);
}

/* The process that reads files: a child of a child. */
static pid_t find_worker(void)
{
	pid_t pid = getpid();

	for (int depth = 0; depth < 2; depth++) {
		char path[64], line[256] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
		file = fopen(path, "re");
		if (file && !fgets(line, sizeof(line), file))
			line[0] = '\0';
		if (file)
			fclose(file);
		pid = atoi(line);
	}
	return pid;
}

static void a_worker_that_dies_is_made_again(void **state)
{
	pid_t worker;

	assert_true(comes(*state));
	for (uint64_t i = 0; i < 1100; i++) { /* all the files that a worker takes */
		char path[32];

		snprintf(path, sizeof(path), "/nonexistent/%d", (int)i);
		namer_want(*state, path, 0, 64);
	}
	worker = find_worker();
	assert_true(worker > 1);
	kill(worker, SIGKILL);
	for (int waited = 0; waited < PATIENCE_MS && has_own(*state); waited += 20) {
		poll(NULL, 0, 20);
		namer_take(*state); /* the next says that it has begun: all is forgotten */
	}
	assert_false(has_own(*state));
	assert_true(comes(*state));
	assert_true(find_worker() > 1 && find_worker() != worker);
}

/* More than are kept, asked while nobody answers: it never waits, and goes on with those that come. */
static void more_than_it_keeps_are_forgotten(void **state)
{
	struct namer *namer = *state;
	pid_t worker;

	assert_true(comes(namer));
	worker = find_worker();
	assert_true(worker > 1);
	kill(worker, SIGSTOP);
	alarm(60);
	for (uint64_t i = 0; i < 70000; i++)
		namer_want(namer, "/nonexistent", (uint32_t)getpid(), i);
	alarm(0);
	assert_false(has_own(namer));
	kill(worker, SIGCONT);
	assert_true(comes(namer));
}

/* The answer to what was forgotten, in whose place another name is: it is not that one's. */
static void late_answers_are_ignored(void **state)
{
	struct namer *namer = *state;
	pid_t worker;

	assert_true(comes(namer));
	worker = find_worker();
	assert_true(worker > 1);
	kill(worker, SIGSTOP);
	alarm(60);
	namer_want(namer, own_path, (uint32_t)getpid(), offset_of((uintptr_t)another_function));
	for (uint64_t i = 0; i < 65536 - 2 + 1; i++) /* the last one makes it forget all */
		namer_want(namer, "/nonexistent", (uint32_t)getpid(), i);
	want_own(namer); /* the second, as the other function was */
	alarm(0);
	kill(worker, SIGCONT);
	assert_true(comes(namer));
}

/* 40 MB of paths, as anybody can make them, cost 8 MiB at most; and those of before have their names. */
static void long_paths_cost_a_bounded_memory(void **state)
{
	struct namer *namer = *state;
	size_t before = mallinfo2().uordblks;
	char path[4000];

	assert_true(comes(namer));
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	for (int i = 0; i < 10000; i++) {
		snprintf(path + sizeof(path) - 16, 16, "/%d", i);
		namer_want(namer, path, 0, 64);
	}
	assert_true(mallinfo2().uordblks - before < 8 << 20);
	assert_true(comes(namer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_function_has_its_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_file_has_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_that_dies_is_made_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(more_than_it_keeps_are_forgotten, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(late_answers_are_ignored, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_paths_cost_a_bounded_memory, set_up,
						tear_down),
	};
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);

	if (length <= 0 || !symbolizer_is_built())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
