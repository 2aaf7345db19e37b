// SPDX-License-Identifier: GPL-2.0-only
/* Names of code: this program's own functions; broken files cost only their names. */
#include <fcntl.h>
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
#include "symbol/symbolizer.h"
#include "range.h"

static char own_path[4096];

/* Behind it is what belongs to no function. */
__asm__(".pushsection .text.faultmap_sized, \"ax\"\n"
	".type sized_function, %function\n"
	"sized_function: .fill 16, 1, 0\n"
	".size sized_function, 16\n"
	".fill 64, 1, 0\n.popsection\n");
extern const char sized_function[];

__attribute__((noinline)) int a_function_of_this_test(int value)
{
	__asm__ volatile("");
	return value + 1;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	close(fd);
}

static void a_name_counts_within_its_function(void **state)
{
	struct symbolizer *symbolizer = symbolizer_new(NULL, NULL);
	uint64_t start = offset_of((uintptr_t)a_function_of_this_test);
	struct symbol symbols[] = {
		{ .file = own_path, .offset = start },
		{ .file = own_path, .offset = start + 1 },
		{ .file = own_path, .offset = 1 }, /* the ELF header */
	};
	uint64_t sized = offset_of((uintptr_t)sized_function);
	struct symbol ends[] = { { .file = own_path, .offset = sized + 15 },
				 { .file = own_path, .offset = sized + 16 } };

	(void)state;
	symbolizer_see(symbolizer, own_path, (uint32_t)getpid());
	symbolizer_find(symbolizer, symbols, ARRAY_SIZE(symbols));
	assert_int_equal(symbols[0].offset, 1); /* sorted */
	assert_null(symbols[0].function);
	assert_string_equal(symbols[1].function, "a_function_of_this_test");
	assert_string_equal(symbols[2].function, "a_function_of_this_test");
	assert_string_equal(symbols[1].source, "test_symbolizer.c");
	assert_in_range(symbols[1].line, 20, 40);
	assert_false(symbols[1].is_gone);
	symbolizer_find(symbolizer, ends, ARRAY_SIZE(ends));
	assert_string_equal(ends[0].function, "sized_function");
	assert_null(ends[1].function);
	symbols_clear(ends, ARRAY_SIZE(ends));
	symbols_clear(symbols, ARRAY_SIZE(symbols));
	symbolizer_free(symbolizer);
}

static void a_file_that_was_seen_may_go(void **state)
{
	struct symbolizer *symbolizer = symbolizer_new(NULL, NULL);
	char path[] = "/tmp/faultmap-symbols.XXXXXX";
	struct symbol symbols[] = {
		{ .file = path, .offset = offset_of((uintptr_t)a_function_of_this_test) },
		{ .file = "/nonexistent/program", .offset = 4096 },
	};
	char command[4300];

	(void)state;
	close(mkstemp(path));
	snprintf(command, sizeof(command), "cp '%s' '%s'", own_path, path);
	assert_int_equal(system(command), 0);
	symbolizer_see(symbolizer, path, 0);
	assert_int_equal(unlink(path), 0);
	symbolizer_find(symbolizer, symbols, ARRAY_SIZE(symbols));
	assert_true(symbols[0].is_gone);
	assert_null(symbols[0].function);
	assert_string_equal(symbols[1].function, "a_function_of_this_test");
	symbols_clear(symbols, ARRAY_SIZE(symbols));
	symbolizer_free(symbolizer);
}

/* Each of 200 spoilt copies costs its own names, if any: what comes behind it has them. */
static void broken_files_cost_their_names(void **state)
{
	struct symbolizer *symbolizer = symbolizer_new(NULL, NULL);
	static char bytes[1 << 20];
	int fd = open(own_path, O_RDONLY | O_CLOEXEC);
	size_t size = (size_t)read(fd, bytes, sizeof(bytes));
	char path[] = "/tmp/faultmap-broken.XXXXXX";
	uint64_t offset = offset_of((uintptr_t)a_function_of_this_test);

	(void)state;
	close(fd);
	close(mkstemp(path));
	assert_true(size > 4096);
	srandom(1);
	for (int round = 0; round < 200; round++) {
		struct symbol symbols[] = { { .file = path, .offset = offset },
					    { .file = own_path, .offset = offset } };
		char saved[256];
		size_t at = (size_t)random() % (round % 2 ? size - sizeof(saved) : 1024);

		memcpy(saved, bytes + at, sizeof(saved));
		for (size_t i = 0; i < sizeof(saved); i++)
			bytes[at + i] = (char)random();
		write_bytes(path, bytes, round % 5 ? size : size / 2);
		memcpy(bytes + at, saved, sizeof(saved));
		symbolizer_free(symbolizer);
		symbolizer = symbolizer_new(NULL, NULL);
		symbolizer_find(symbolizer, symbols, ARRAY_SIZE(symbols));
		for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
			if (symbols[i].file == own_path)
				assert_string_equal(symbols[i].function, "a_function_of_this_test");
		symbols_clear(symbols, ARRAY_SIZE(symbols));
	}
	unlink(path);
	symbolizer_free(symbolizer);
}

static void end_it(const void *context)
{
	kill(getpid(), *(const int *)context);
}

/* Before the first file: a helper that ends there has given no name. */
static void the_helper_is_confined_first(void **state)
{
	const int signal = SIGKILL;
	struct symbolizer *symbolizer = symbolizer_new(end_it, &signal);
	struct symbol symbol = { .file = own_path,
				 .offset = offset_of((uintptr_t)a_function_of_this_test) };

	(void)state;
	symbolizer_find(symbolizer, &symbol, 1);
	assert_null(symbol.function);
	symbols_clear(&symbol, 1);
	symbolizer_free(symbolizer);
}

/* No regular file is opened but regular ones: nobody waits at a pipe. */
static void what_is_no_file_has_no_names(void **state)
{
	struct symbolizer *symbolizer = symbolizer_new(NULL, NULL);
	char fifo[] = "/tmp/faultmap-fifo.XXXXXX";
	struct symbol symbols[] = { { .file = fifo, .offset = 0 },
				    { .file = "/dev/zero", .offset = 0 },
				    { .file = "/proc", .offset = 0 },
				    { .file = "relative", .offset = 0 } };

	(void)state;
	close(mkstemp(fifo));
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(30); /* who waits there is ended */
	symbolizer_find(symbolizer, symbols, ARRAY_SIZE(symbols));
	alarm(0);
	unlink(fifo);
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
		assert_null(symbols[i].function);
	symbols_clear(symbols, ARRAY_SIZE(symbols));
	symbolizer_free(symbolizer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_counts_within_its_function),
		cmocka_unit_test(a_file_that_was_seen_may_go),
		cmocka_unit_test(broken_files_cost_their_names),
		cmocka_unit_test(the_helper_is_confined_first),
		cmocka_unit_test(what_is_no_file_has_no_names),
	};
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);

	if (length <= 0 || !symbolizer_is_built())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
