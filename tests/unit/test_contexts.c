// SPDX-License-Identifier: GPL-2.0-only
/* Contexts as they come through the ring: kept for two generations, malformed ones refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "collect/contexts.h"

struct fixture {
	struct strings *strings;
	struct names *names;
	struct contexts *contexts;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->strings = strings_new();
	fixture->names = names_new(fixture->strings);
	fixture->contexts = contexts_new(fixture->names, NULL);
	assert_non_null(fixture->contexts);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	contexts_free(fixture->contexts);
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
		cmocka_unit_test_setup_teardown(two_generations_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_records_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_generation_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
