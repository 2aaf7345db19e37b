// SPDX-License-Identifier: GPL-2.0-only
/* Copies of stacks on their way to the unwinder, and the call paths that come back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "collect/stack_samples.h"

/* Of who unwinds: what it was asked last, and what it says next. */
struct fixture {
	struct snapshot *snapshot;
	struct names *names;
	struct contexts *contexts;
	struct stack_samples *samples;
	struct unwinding unwinding;
	struct unwind_request asked;
	struct unwind_area area;
	unsigned int n_asked;
	int refusal;
	struct unwind_answer answers[4];
	size_t n_answers, n_given;
};

static int ask(void *context, const struct unwind_request *request)
{
	struct fixture *fixture = context;

	if (fixture->refusal)
		return fixture->refusal;
	fixture->asked = *request;
	fixture->area = request->areas[0];
	fixture->n_asked++;
	return 0;
}

static bool answer(void *context, struct unwind_answer *ret_answer)
{
	struct fixture *fixture = context;

	if (fixture->n_given == fixture->n_answers)
		return false;
	*ret_answer = fixture->answers[fixture->n_given++];
	return true;
}

static int drain(void *context)
{
	(void)context;
	return 0;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->snapshot = snapshot_new();
	fixture->names = names_new(snapshot_strings(fixture->snapshot));
	fixture->unwinding = (struct unwinding){ ask, answer, fixture };
	fixture->contexts = contexts_new(fixture->names, NULL, NULL);
	fixture->samples = stack_samples_new(&fixture->unwinding, fixture->names, fixture->contexts,
					     drain, NULL);
	assert_non_null(fixture->samples);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	stack_samples_free(fixture->samples);
	contexts_free(fixture->contexts);
	names_free(fixture->names);
	snapshot_free(fixture->snapshot);
	free(fixture);
	return 0;
}

/* Two areas: 0x1000 to 0x2000, 0x5000 to 0x6000. */
static void add_areas(struct fixture *fixture, uint64_t areas_id)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct code_area_record record = { .areas_id = areas_id,
						   .start = 0x1000 + 0x4000 * i,
						   .end = 0x2000 + 0x4000 * i,
						   .at = { .class = MAPPING_ANON,
							   .offset = 0x1000 + 0x4000 * i },
						   .number = i,
						   .is_last = i == 1 };

		assert_int_equal(stack_samples_add_area(fixture->samples, &record, sizeof(record)),
				 0);
	}
}

static struct stack_sample_record stack_of(uint64_t areas_id)
{
	return (struct stack_sample_record){
		.areas_id = areas_id,
		.key = { .start_ns = 7,
			 .tgid = 9,
			 .context = 44,
			 .mode_class = MODE_CLASS(MODE_USER, MAPPING_HEAP) },
		.at = { .class = MAPPING_ANON, .offset = 0x1234 },
		.start = 0x7000,
		.length = 1024,
		.n_registers = 17,
	};
}

static void add_stack(struct fixture *fixture, uint64_t areas_id)
{
	struct stack_sample_record record = stack_of(areas_id);

	assert_int_equal(stack_samples_add_stack(fixture->samples, &record, sizeof(record)), 0);
}

static void add_context(struct fixture *fixture, uint64_t id)
{
	struct context_record record = { .id = id,
					 .flags = CONTEXT_CODE | CONTEXT_STACK,
					 .n_frames = 1,
					 .frames[0] = { .class = MAPPING_ANON, .offset = 0x1234 } };

	assert_int_equal(contexts_add(fixture->contexts, &record, sizeof(record)), 0);
}

static void a_stack_comes_back_as_its_call_path(void **state)
{
	struct fixture *fixture = *state;
	const struct sampled_path *path;

	add_context(fixture, 44);

	add_areas(fixture, 5);
	add_stack(fixture, 5);
	assert_int_equal(fixture->n_asked, 1);
	assert_int_equal(fixture->asked.n_areas, 2);
	assert_int_equal(fixture->asked.tgid, 9);
	assert_int_equal(fixture->asked.stack_size, 1024);
	assert_null(fixture->area.file); /* anonymous memory */
	assert_int_equal(stack_samples_pending(fixture->samples), 1);

	fixture->answers[0] = (struct unwind_answer){ .number = fixture->asked.number,
						      .is_whole = true,
						      .n_frames = 2,
						      .addresses = { 0x1234, 0x5678 } };
	fixture->n_answers = 1;
	assert_int_equal(stack_samples_take(fixture->samples, fixture->snapshot), 0);
	assert_int_equal(stack_samples_pending(fixture->samples), 0);
	assert_int_equal(stack_samples_unwound(fixture->samples), 1);
	assert_int_equal(stack_samples_lost(fixture->samples), 0);
	assert_int_equal(fixture->snapshot->n_sampled, 1);
	path = &fixture->snapshot->sampled[0];
	assert_int_equal(path->tgid, 9);
	assert_int_equal(path->start_ns, 7);
	assert_string_equal(path->mapping, "[heap]");
	assert_true(path->row_stack == contexts_find(fixture->contexts, 44)->stack_id);
	assert_true(path->context->is_whole && path->context->has_stack);
	assert_int_equal(path->context->n_places, 2);
	assert_int_equal(path->context->places[0].offset, 0x1234);
	assert_int_equal(path->context->places[1].offset, 0x5678);
	snapshot_begin(fixture->snapshot);
	assert_int_equal(fixture->snapshot->n_sampled, 0);
}

/* An address that is in no code ends it. */
static void what_is_no_code_ends_the_path(void **state)
{
	struct fixture *fixture = *state;

	add_areas(fixture, 5);
	add_stack(fixture, 5);
	fixture->answers[0] = (struct unwind_answer){ .number = fixture->asked.number,
						      .is_whole = true,
						      .n_frames = 3,
						      .addresses = { 0x1234, 0x3000, 0x5678 } };
	fixture->n_answers = 1;
	assert_int_equal(stack_samples_take(fixture->samples, fixture->snapshot), 0);
	assert_int_equal(fixture->snapshot->sampled[0].context->n_places, 1);
	assert_false(fixture->snapshot->sampled[0].context->is_whole);
}

static void what_is_lost_is_counted(void **state)
{
	struct fixture *fixture = *state;

	add_stack(fixture, 5); /* of which no area has come */
	assert_int_equal(fixture->n_asked, 0);
	assert_int_equal(stack_samples_lost(fixture->samples), 1);
	add_areas(fixture, 5);
	fixture->refusal = -EAGAIN; /* the queue is full */
	add_stack(fixture, 5);
	assert_int_equal(stack_samples_lost(fixture->samples), 2);
	fixture->refusal = 0;
	for (int i = 0; i < 3; i++)
		add_stack(fixture, 5);
	assert_int_equal(fixture->n_asked, 3);
	/* Who unwinds died of the first two; and nonsense is passed over. */
	fixture->answers[0] = (struct unwind_answer){ .number = 77, .n_frames = 1 };
	fixture->answers[1] = (struct unwind_answer){ .number = fixture->asked.number,
						      .n_frames = 1,
						      .addresses = { 0x1234 } };
	fixture->answers[2] = fixture->answers[1];
	fixture->n_answers = 3;
	assert_int_equal(stack_samples_take(fixture->samples, fixture->snapshot), 0);
	assert_int_equal(stack_samples_unwound(fixture->samples), 1);
	assert_int_equal(stack_samples_lost(fixture->samples), 4);
	assert_int_equal(fixture->snapshot->n_sampled, 1);
}

static void two_generations_are_kept(void **state)
{
	struct fixture *fixture = *state;

	add_areas(fixture, 5);
	stack_samples_turn(fixture->samples, 1);
	add_stack(fixture, 5);
	assert_int_equal(fixture->n_asked, 1);
	stack_samples_turn(fixture->samples, 2);
	add_stack(fixture, 5);
	assert_int_equal(fixture->n_asked, 1);
	assert_int_equal(stack_samples_lost(fixture->samples), 1);
	/* The one that is being unwound has its areas still. */
	fixture->answers[0] = (struct unwind_answer){ .number = fixture->asked.number,
						      .n_frames = 2,
						      .addresses = { 0x1234, 0x5678 } };
	fixture->n_answers = 1;
	assert_int_equal(stack_samples_take(fixture->samples, fixture->snapshot), 0);
	assert_int_equal(fixture->snapshot->sampled[0].context->n_places, 2);
}

static void malformed_records_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct stack_sample_record stack = stack_of(5);
	struct code_area_record area = { .areas_id = 5, .start = 1, .end = 2 };

	assert_int_equal(stack_samples_add_area(fixture->samples, &area, sizeof(area) - 1),
			 -EBADMSG);
	area.number = CODE_AREAS_MAX;
	assert_int_equal(stack_samples_add_area(fixture->samples, &area, sizeof(area)), -EBADMSG);
	area = (struct code_area_record){ .start = 2, .end = 2 };
	assert_int_equal(stack_samples_add_area(fixture->samples, &area, sizeof(area)), -EBADMSG);
	assert_int_equal(stack_samples_add_stack(fixture->samples, &stack, sizeof(stack) - 1),
			 -EBADMSG);
	stack.length = sizeof(stack.stack) + 1;
	assert_int_equal(stack_samples_add_stack(fixture->samples, &stack, sizeof(stack)),
			 -EBADMSG);
	stack = stack_of(5);
	stack.n_registers = STACK_SAMPLE_REGISTERS + 1;
	assert_int_equal(stack_samples_add_stack(fixture->samples, &stack, sizeof(stack)),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_stack_comes_back_as_its_call_path, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_code_ends_the_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_lost_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_generations_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_records_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
