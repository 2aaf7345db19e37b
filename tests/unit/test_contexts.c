// SPDX-License-Identifier: GPL-2.0-only
/* Contexts as they come through the ring: kept for two generations, malformed ones refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "collect/contexts.h"

struct fixture {
	struct strings *strings;
	struct names *names;
	struct kernel_names *kernel_names;
	struct contexts *contexts;
};

static const char kallsyms[] = "0000000000000000 A fixed_percpu_data\n"
			       "ffffffff81000000 T _stext\n"
			       "ffffffff81002000 T copy\n"
			       "ffffffff81002000 T alias\n"
			       "ffffffff81002100 t read_folio\n"
			       "ffffffff81003000 t schedule\n"
			       "ffffffff81004000 T __schedule\n"
			       "ffffffff81004100 W falloc_wait\n"
			       "ffffffff81004200 D data\n"
			       "ffffffffc0001000 t sys_read\t[ext4]\n"
			       "ffffffffc0000000 t bpf_prog_0123_page_fault\t[bpf]\n"
			       "no line of it\n";

/* The names in a file with this text. */
static struct kernel_names *kernel_names_from(const char *text)
{
	char path[] = "/tmp/test_contexts.XXXXXX";
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

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->strings = strings_new();
	fixture->names = names_new(fixture->strings);
	fixture->kernel_names = kernel_names_from(kallsyms);
	fixture->contexts = contexts_new(fixture->names, fixture->kernel_names, NULL);
	assert_non_null(fixture->contexts);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	contexts_free(fixture->contexts);
	kernel_names_free(fixture->kernel_names);
	names_free(fixture->names);
	strings_free(fixture->strings);
	free(fixture);
	return 0;
}

static struct context_record record_of(uint64_t id, uint32_t n_frames)
{
	struct context_record record = { .record.type = RECORD_CONTEXT,
					 .id = id,
					 .flags = CONTEXT_THREAD | CONTEXT_CODE | CONTEXT_STACK,
					 .tid = 77,
					 .thread = "worker",
					 .n_frames = n_frames };

	for (uint32_t i = 0; i < n_frames; i++)
		record.frames[i] = (struct frame){ .class = MAPPING_ANON, .offset = 0x1000 + i };
	return record;
}

static size_t size_of(const struct context_record *record)
{
	return CONTEXT_HEADER_SIZE + record->n_frames * sizeof(struct frame);
}

static void a_context_has_what_its_record_has(void **state)
{
	struct fixture *fixture = *state;
	struct context_record record = record_of(5, 3);
	struct context *context;

	assert_int_equal(contexts_add(fixture->contexts, &record, size_of(&record)), 0);
	context = contexts_find(fixture->contexts, 5);
	assert_non_null(context);
	assert_true(context->has_thread && context->has_code && context->has_stack);
	assert_false(context->is_whole);
	assert_int_equal(context->tid, 77);
	assert_string_equal(context->thread, "worker");
	assert_int_equal(context->n_places, 3);
	assert_string_equal(context->places[2].file, "[anon]");
	assert_int_equal(context->places[2].offset, 0x1002);
	assert_false(context->places[2].in_file);
	assert_null(contexts_find(fixture->contexts, 6));
}

static void equal_stacks_have_one_id(void **state)
{
	struct fixture *fixture = *state;
	struct context_record one = record_of(1, 4), same = record_of(2, 4),
			      other = record_of(3, 4);

	same.tid = 78; /* another thread's */
	other.frames[3].offset++;
	assert_int_equal(contexts_add(fixture->contexts, &one, size_of(&one)), 0);
	assert_int_equal(contexts_add(fixture->contexts, &same, size_of(&same)), 0);
	assert_int_equal(contexts_add(fixture->contexts, &other, size_of(&other)), 0);
	assert_true(contexts_find(fixture->contexts, 1)->stack_id ==
		    contexts_find(fixture->contexts, 2)->stack_id);
	assert_true(contexts_find(fixture->contexts, 1)->stack_id !=
		    contexts_find(fixture->contexts, 3)->stack_id);
}

/* A path that was taken in a program of two functions, of a fault in `copy` for sys_read(). */
static struct kernel_path_record path_of(uint64_t id, uint64_t base)
{
	return (struct kernel_path_record){
		.id = id,
		.base = base,
		.n_addresses = 5,
		.n_ours = 2,
		.addresses = { 0xffffffffc0000010, 0xffffffff81000005, 0xffffffff81002000,
			       0xffffffff81003000, 0xffffffffc0001008 },
	};
}

static void the_kernels_part_is_on_its_base(void **state)
{
	struct fixture *fixture = *state;
	struct context_record base = record_of(5, 3);
	struct kernel_path_record path = path_of(6, 5), of_none = path_of(7, 8);
	struct context *context;

	assert_int_equal(contexts_add(fixture->contexts, &base, size_of(&base)), 0);
	assert_int_equal(contexts_add_kernel(fixture->contexts, &path, sizeof(path)), 0);
	assert_int_equal(contexts_add_kernel(fixture->contexts, &of_none, sizeof(path)), 0);
	context = contexts_find(fixture->contexts, 6);
	assert_non_null(context);
	assert_int_equal(context->n_places, 3);
	assert_int_equal(context->places[2].offset, 0x1002);
	assert_int_equal(context->tid, 77);
	assert_int_equal(context->n_kernel, 3);
	/* The first is where it was; those behind it are where calls return to. */
	assert_string_equal(context->kernel[0], "copy");
	assert_string_equal(context->kernel[1], "read_folio");
	assert_string_equal(context->kernel[2], "sys_read [ext4]");
	assert_true(context->stack_id != contexts_find(fixture->contexts, 5)->stack_id);
	assert_null(contexts_find(fixture->contexts, 7));
}

/* A task that sleeps: without us and the scheduler, which only come first. */
static void a_path_to_sleep_begins_with_the_function_that_waits(void **state)
{
	static const uint64_t addresses[] = { 0xffffffffc0000010, 0xffffffff81004010,
					      0xffffffff81003010, 0xffffffff81004110,
					      0xffffffff81003020, 0xffffffff81002010 };
	struct kernel_names *names = ((struct fixture *)*state)->kernel_names;
	const char *path[6];

	assert_int_equal(kernel_names_of_path(names, addresses, 6, false, path), 3);
	assert_string_equal(path[0], "falloc_wait");
	assert_string_equal(path[1], "schedule");
	assert_string_equal(path[2], "copy");
	assert_int_equal(kernel_names_of_path(names, addresses, 0, false, path), 0);
	/* nothing else is known of it */
	assert_int_equal(kernel_names_of_path(names, addresses, 3, false, path), 3);
}

/* kernel.kptr_restrict */
static void without_names_it_is_the_kernel(void **state)
{
	struct kernel_names *names = kernel_names_from("0000000000000000 T copy\n");
	const uint64_t addresses[] = { 0xffffffff81002000, 0xffffffff81002100 };
	const char *path[2];

	(void)state;
	assert_int_equal(kernel_names_of_path(names, addresses, 2, true, path), 1);
	assert_string_equal(path[0], "[kernel]");
	assert_string_equal(kernel_names_find(names, 1), "[kernel]");
	kernel_names_free(names);
}

static void malformed_paths_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct context_record base = record_of(5, 1);
	struct kernel_path_record path = path_of(6, 5);

	assert_int_equal(contexts_add(fixture->contexts, &base, size_of(&base)), 0);
	assert_int_equal(contexts_add_kernel(fixture->contexts, &path, KERNEL_PATH_HEADER_SIZE - 1),
			 -EBADMSG);
	assert_int_equal(contexts_add_kernel(fixture->contexts, &path,
					     KERNEL_PATH_HEADER_SIZE + 5 * sizeof(uint64_t) - 1),
			 -EBADMSG);
	path.n_ours = 6;
	assert_int_equal(contexts_add_kernel(fixture->contexts, &path, sizeof(path)), -EBADMSG);
	path.n_ours = 0;
	path.n_addresses = KERNEL_FRAMES_MAX + 1;
	assert_int_equal(contexts_add_kernel(fixture->contexts, &path, sizeof(path) + 8), -EBADMSG);
	assert_null(contexts_find(fixture->contexts, 6));
}

static void two_generations_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct context_record record = record_of(5, 1);
	struct context *held;

	assert_int_equal(contexts_add(fixture->contexts, &record, size_of(&record)), 0);
	held = context_hold(contexts_find(fixture->contexts, 5));
	contexts_turn(fixture->contexts, 1);
	assert_ptr_equal(contexts_find(fixture->contexts, 5), held);
	contexts_turn(fixture->contexts, 1); /* the same one */
	assert_ptr_equal(contexts_find(fixture->contexts, 5), held);
	contexts_turn(fixture->contexts, 2);
	assert_null(contexts_find(fixture->contexts, 5));
	assert_string_equal(held->thread, "worker"); /* a row has it still */
	context_drop(held);
}

static void malformed_records_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct context_record record = record_of(5, 2);

	assert_int_equal(contexts_add(fixture->contexts, &record, size_of(&record) - 1), -EBADMSG);
	assert_int_equal(contexts_add(fixture->contexts, &record, CONTEXT_HEADER_SIZE - 1),
			 -EBADMSG);
	record.n_frames = FRAMES_MAX + 1;
	assert_int_equal(contexts_add(fixture->contexts, &record, sizeof(record) + 100), -EBADMSG);
	record.n_frames = 0; /* code without an instruction */
	assert_int_equal(contexts_add(fixture->contexts, &record, sizeof(record)), -EBADMSG);
	assert_null(contexts_find(fixture->contexts, 5));
}

static void a_generation_is_bounded(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t id = 1; id <= CONTEXTS_MAX + 10; id++) {
		struct context_record record = record_of(id, 1);

		assert_int_equal(contexts_add(fixture->contexts, &record, size_of(&record)), 0);
		assert_int_equal(contexts_want_turn(fixture->contexts), id >= CONTEXTS_TURN_AT);
	}
	assert_non_null(contexts_find(fixture->contexts, CONTEXTS_MAX));
	assert_null(contexts_find(fixture->contexts, CONTEXTS_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_context_has_what_its_record_has, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(equal_stacks_have_one_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_kernels_part_is_on_its_base, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_path_to_sleep_begins_with_the_function_that_waits,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_names_it_is_the_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_paths_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_generations_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_records_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_generation_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
