// SPDX-License-Identifier: GPL-2.0-only
/* Where tasks slept for no cause that is known: by name, and what was gained in a tick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "collect/stall_paths.h"

static struct kernel_names *names_of(const char *text)
{
	char path[] = "/tmp/test_stall_paths.XXXXXX";
	int fd = mkstemp(path);
	struct kernel_names *names;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	names = kernel_names_new(path);
	unlink(path);
	assert_non_null(names);
	return names;
}

struct fixture {
	struct stall_path paths[STALL_PATHS_MAX];
	struct kernel_names *names;
	struct snapshot *snapshot;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->names = names_of("ffffffff81000000 T __schedule\n"
				  "ffffffff81001000 T schedule\n"
				  "ffffffff81002000 T falloc_wait\n"
				  "ffffffff81003000 T shmem_fault\n"
				  "ffffffff81004000 T other_wait\n");
	fixture->snapshot = snapshot_new();
	assert_non_null(fixture->snapshot);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	snapshot_free(fixture->snapshot);
	kernel_names_free(fixture->names);
	free(fixture);
	return 0;
}

/* A path that slept in the function at `waits`, which shmem_fault() called at `from`. */
static void set_path(struct stall_path *path, uint64_t waits, uint64_t from, uint64_t count,
		     uint64_t ns)
{
	*path = (struct stall_path){ .hash = waits ^ from,
				     .count = count,
				     .sum_ns = ns,
				     .max_ns = ns / count,
				     .n_addresses = 4,
				     .addresses = { 0xffffffff81000010, 0xffffffff81001010, waits,
						    from } };
}

static void read_paths(struct fixture *fixture)
{
	assert_int_equal(stall_paths_read(fixture->paths, fixture->names, fixture->snapshot), 0);
}

static void assert_path(const struct slept_path *path, const char *first, uint64_t count,
			uint64_t sum_ns, uint64_t max_ns)
{
	assert_int_equal(path->n_names, 2);
	assert_string_equal(path->names[0], first);
	assert_string_equal(path->names[1], "shmem_fault");
	assert_int_equal(path->now.count, count);
	assert_int_equal(path->now.sum_ns, sum_ns);
	assert_int_equal(path->now.max_ns, max_ns);
}

/* A call from two places of one function is one path. */
static void paths_differ_by_their_functions(void **state)
{
	struct fixture *fixture = *state;
	struct slept_paths *slept;

	set_path(&fixture->paths[1], 0xffffffff81002010, 0xffffffff81003010, 2, 200);
	set_path(&fixture->paths[2], 0xffffffff81004010, 0xffffffff81003010, 1, 7);
	set_path(&fixture->paths[5], 0xffffffff81002010, 0xffffffff81003020, 3, 900);
	read_paths(fixture);
	slept = fixture->snapshot->slept;
	assert_int_equal(slept->count, 2);
	assert_path(&slept->list[0], "falloc_wait", 5, 1100, 300);
	assert_path(&slept->list[1], "other_wait", 1, 7, 7);
}

/* A function whose last instruction is a call returns to where the next one begins. The place that
 * faulted is no return address. */
static void a_return_address_is_of_the_caller(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t path[] = { 0xffffffff81003000, 0xffffffff81004000 };
	const char *names[2];

	assert_int_equal(kernel_names_of_path(fixture->names, path, 2, true, names), 2);
	assert_string_equal(names[0], "shmem_fault");
	assert_string_equal(names[1], "shmem_fault");
	assert_int_equal(kernel_names_of_path(fixture->names, path, 2, false, names), 2);
	assert_string_equal(names[0], "falloc_wait");
}

static void what_was_there_before_is_before(void **state)
{
	struct fixture *fixture = *state;
	struct slept_path *path;

	set_path(&fixture->paths[1], 0xffffffff81002010, 0xffffffff81003010, 2, 200);
	read_paths(fixture);
	path = &fixture->snapshot->slept->list[0];
	assert_int_equal(path->before.count, 0);
	snapshot_begin(fixture->snapshot);
	fixture->paths[1].count++;
	fixture->paths[1].sum_ns += 50;
	read_paths(fixture);
	assert_int_equal(path->now.count, 3);
	assert_int_equal(path->before.count, 2);
	assert_int_equal(path->now.sum_ns - path->before.sum_ns, 50);
}

/* The first stands for all that have no path or found no place, whatever is in its addresses. */
static void the_first_has_no_functions(void **state)
{
	struct fixture *fixture = *state;

	fixture->paths[0].count = 4;
	fixture->paths[0].sum_ns = 40;
	read_paths(fixture);
	assert_int_equal(fixture->snapshot->slept->count, 1);
	assert_int_equal(fixture->snapshot->slept->list[0].n_names, 0);
	assert_int_equal(fixture->snapshot->slept->list[0].now.sum_ns, 40);
}

static void without_any_there_is_nothing(void **state)
{
	struct fixture *fixture = *state;

	read_paths(fixture);
	assert_null(fixture->snapshot->slept);
	snapshot_begin(fixture->snapshot);
}

/* A log of several faultmaps may have more than one has. */
static void their_number_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	static char texts[STALL_PATHS_MAX + 1][8];

	for (size_t i = 0; i <= STALL_PATHS_MAX; i++) {
		const char *name = texts[i];

		snprintf(texts[i], sizeof(texts[i]), "f%zu", i);
		assert_true((i < STALL_PATHS_MAX) ==
			    (snapshot_slept_path(fixture->snapshot, &name, 1) != NULL));
	}
	assert_int_equal(fixture->snapshot->slept->count, STALL_PATHS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(paths_differ_by_their_functions), TEST(a_return_address_is_of_the_caller),
		TEST(what_was_there_before_is_before), TEST(the_first_has_no_functions),
		TEST(without_any_there_is_nothing),    TEST(their_number_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
