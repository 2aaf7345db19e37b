// SPDX-License-Identifier: GPL-2.0-only
/* Unwinds stacks of this program itself; broken files and a dying worker cost only their call paths. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "symbol/unwinder.h"

#define PATIENCE_MS 5000

struct fixture {
	struct unwinder *unwinder;
	const struct unwinding *unwinding;
	struct unwind_area areas[UNWIND_AREAS_MAX];
	char paths[UNWIND_AREAS_MAX][256];
	size_t n_areas;
	uint64_t registers[UNWIND_REGISTERS_MAX];
	size_t n_registers;
	uint8_t stack[UNWIND_STACK_MAX];
	uint64_t stack_start;
	size_t stack_size;
	void *callers[3]; /* where copy_stack() and those above it return to */
};

/* Where this program has code. */
static void read_areas(struct fixture *fixture)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], perms[8], path[256];
	unsigned long start, end, offset;

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &start, &end, perms, &offset,
			   path) < 5 ||
		    perms[2] != 'x' || path[0] != '/' || fixture->n_areas == UNWIND_AREAS_MAX)
			continue;
		strcpy(fixture->paths[fixture->n_areas], path);
		fixture->areas[fixture->n_areas] = (struct unwind_area){
			start, end, offset, fixture->paths[fixture->n_areas]
		};
		fixture->n_areas++;
	}
	fclose(maps);
}

/* What a program would have had at the end of this function, were it to fault there. Between the
 * frames are ASan's red zones, which memcpy() must not read: so byte by byte. */
__attribute__((noinline, no_sanitize_address)) static void copy_stack(struct fixture *fixture)
{
	ucontext_t context;
	uint64_t sp;

	fixture->callers[0] = __builtin_return_address(0);
	getcontext(&context);
#ifdef __x86_64__
	static const int order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				     REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
				     REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		fixture->registers[i] = (uint64_t)context.uc_mcontext.gregs[order[i]];
	fixture->n_registers = ARRAY_SIZE(order);
	sp = fixture->registers[7];
#else
	for (size_t i = 0; i < 31; i++)
		fixture->registers[i] = context.uc_mcontext.regs[i];
	fixture->registers[31] = sp = context.uc_mcontext.sp;
	fixture->registers[32] = context.uc_mcontext.pc;
	fixture->n_registers = 33;
#endif
	fixture->stack_start = sp;
	fixture->stack_size = 4096; /* of arguments and environment there is as much above main() */
	for (size_t i = 0; i < fixture->stack_size; i++)
		((volatile char *)fixture->stack)[i] = ((const char *)sp)[i];
}

__attribute__((noinline)) void called_by_another(struct fixture *fixture)
{
	fixture->callers[1] = __builtin_return_address(0);
	copy_stack(fixture);
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void calls_the_other(struct fixture *fixture)
{
	fixture->callers[2] = __builtin_return_address(0);
	called_by_another(fixture);
	__asm__ volatile("" ::: "memory");
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_int_equal(unwinder_new(&fixture->unwinder, NULL), 0);
	fixture->unwinding = unwinder_interface(fixture->unwinder);
	read_areas(fixture);
	calls_the_other(fixture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	unwinder_free(fixture->unwinder);
	free(fixture);
	return 0;
}

static struct unwind_request request_of(const struct fixture *fixture, uint64_t number)
{
	return (struct unwind_request){
		.number = number,
		.areas_id = 1,
		.tgid = (uint32_t)getpid(),
		.areas = fixture->areas,
		.n_areas = fixture->n_areas,
		.registers = fixture->registers,
		.n_registers = fixture->n_registers,
		.stack = fixture->stack,
		.stack_size = fixture->stack_size,
		.stack_start = fixture->stack_start,
	};
}

static bool get_answer(const struct fixture *fixture, struct unwind_answer *ret_answer)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
		if (fixture->unwinding->answer(fixture->unwinding->context, ret_answer))
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

/* A caller's address is the last byte of its call. */
static void assert_is_ours(const struct fixture *fixture, const struct unwind_answer *answer)
{
	assert_true(answer->n_frames >= 4);
	for (size_t i = 0; i < ARRAY_SIZE(fixture->callers); i++)
		assert_int_equal(answer->addresses[i + 1], (uintptr_t)fixture->callers[i] - 1);
}

static void a_stack_has_its_callers(void **state)
{
	const struct fixture *fixture = *state;
	struct unwind_request request = request_of(fixture, 7);
	struct unwind_answer answer;

	for (int i = 0; i < 2; i++) { /* once more, with what is remembered */
		assert_int_equal(fixture->unwinding->ask(fixture->unwinding->context, &request), 0);
		assert_true(get_answer(fixture, &answer));
		assert_int_equal(answer.number, 7);
		assert_is_ours(fixture, &answer);
	}
}

/* A stack that was cut ends there. */
static void what_was_not_copied_is_not_read(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_request request = request_of(fixture, 1);
	struct unwind_answer answer;

	request.stack_size = 0;
	assert_int_equal(fixture->unwinding->ask(fixture->unwinding->context, &request), 0);
	assert_true(get_answer(fixture, &answer));
	assert_int_equal(answer.n_frames, 1);
	assert_false(answer.is_whole);
	assert_true(answer.addresses[0] == fixture->registers[fixture->n_registers - 1]);
}

/* Files that are none, or broken, cost the callers. */
static void broken_files_cost_the_callers(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_request request = request_of(fixture, 1);
	char path[] = "/tmp/test_unwinder.XXXXXX";
	struct unwind_answer answer;
	char torn[8192];
	int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), fd = mkstemp(path);

	assert_int_equal(read(own, torn, sizeof(torn)), sizeof(torn));
	memset(torn + 100, 0xa5, sizeof(torn) - 100); /* program headers, too */
	assert_int_equal(write(fd, torn, sizeof(torn)), sizeof(torn));
	close(own);
	close(fd);
	for (size_t i = 0; i < fixture->n_areas; i++)
		fixture->areas[i].file = i % 2 ? path : "/nonexistent";
	assert_int_equal(fixture->unwinding->ask(fixture->unwinding->context, &request), 0);
	assert_true(get_answer(fixture, &answer));
	unlink(path);
	assert_true(answer.n_frames >= 1);
	assert_true(answer.addresses[0] == fixture->registers[fixture->n_registers - 1]);
}

/* The process that reads files: a child of a child. */
static pid_t find_worker(pid_t parent)
{
	char path[64], line[256];
	int pid = 0;
	FILE *file;

	for (int depth = 0; depth < 2; depth++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
		file = fopen(path, "re");
		if (!file || !fgets(line, sizeof(line), file))
			line[0] = '\0';
		if (file)
			fclose(file);
		pid = atoi(line);
		parent = pid;
	}
	return pid;
}

static void a_worker_that_dies_is_made_again(void **state)
{
	const struct fixture *fixture = *state;
	struct unwind_request request = request_of(fixture, 1);
	struct unwind_answer answer;
	pid_t worker, next = 0;

	assert_int_equal(fixture->unwinding->ask(fixture->unwinding->context, &request), 0);
	assert_true(get_answer(fixture, &answer));
	worker = find_worker(getpid());
	assert_true(worker > 1);
	kill(worker, SIGKILL);
	for (int waited = 0; waited < PATIENCE_MS && (next <= 0 || next == worker); waited += 20) {
		poll(NULL, 0, 20);
		next = find_worker(getpid());
	}
	assert_true(next > 0 && next != worker);
	/* It says that it has begun, and is told of the files again. */
	for (int tries = 0; tries < 100; tries++) {
		request.number = 2 + (uint64_t)tries;
		assert_int_equal(fixture->unwinding->ask(fixture->unwinding->context, &request), 0);
		assert_true(get_answer(fixture, &answer));
		if (answer.n_frames >= 4)
			break;
	}
	assert_is_ours(fixture, &answer);
}

static void what_is_too_much_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	struct unwind_request request = request_of(fixture, 1);
	const struct unwinding *unwinding = fixture->unwinding;
	struct unwind_answer answer;
	pid_t worker;
	int result = 0;

	request.stack_size = UNWIND_STACK_MAX + 1;
	assert_int_equal(unwinding->ask(unwinding->context, &request), -EINVAL);
	request = request_of(fixture, 1);
	request.n_areas = UNWIND_AREAS_MAX + 1;
	assert_int_equal(unwinding->ask(unwinding->context, &request), -EINVAL);
	request = request_of(fixture, 1);
	request.n_registers = 0;
	assert_int_equal(unwinding->ask(unwinding->context, &request), -EINVAL);
	/* It takes as many as it has room for, and never waits. */
	request = request_of(fixture, 1);
	assert_int_equal(unwinding->ask(unwinding->context, &request), 0);
	assert_true(get_answer(fixture, &answer));
	worker = find_worker(getpid());
	assert_true(worker > 1);
	kill(worker, SIGSTOP);
	for (int i = 0; i < 1000 && !result; i++)
		result = unwinding->ask(unwinding->context, &request);
	kill(worker, SIGCONT);
	assert_int_equal(result, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_stack_has_its_callers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_copied_is_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_files_cost_the_callers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_that_dies_is_made_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_too_much_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
