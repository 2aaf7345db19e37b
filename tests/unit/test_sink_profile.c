// SPDX-License-Identifier: GPL-2.0-only
/* Faults by code: added up over ticks, filtered, and as lines and tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "sink/profile_output.h"

struct fixture {
	struct snapshot *snapshot;
	struct sink_profile *profile;
	unsigned int n_files;
};

static void count_file(void *context, const char *file, uint32_t tgid)
{
	struct fixture *fixture = context;

	assert_string_equal(file, "/bin/program");
	assert_int_equal(tgid, 9);
	fixture->n_files++;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct sink_profile_options options = { .kind = -1,
						.on_file = count_file,
						.context = fixture };

	fixture->snapshot = snapshot_new();
	fixture->profile = sink_profile_new(&options);
	assert_non_null(fixture->profile);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	sink_profile_free(fixture->profile);
	snapshot_free(fixture->snapshot);
	free(fixture);
	return 0;
}

/* A row of the process 9 whose code is these offsets, the instruction first, up to a 0. */
static struct row *add_row(struct fixture *fixture, uint64_t mapping_id, enum fault_kind kind,
			   const uint64_t *offsets)
{
	struct process *process = snapshot_process(fixture->snapshot, 9, 1000, NULL);
	struct row like = { .mapping_id = mapping_id, .kind = kind, .context_id = mapping_id };
	struct row *row = snapshot_row_like(fixture->snapshot, process, &like, NULL);
	struct context *context;
	size_t count = 0;

	strcpy(process->comm, "pro;gram");
	row->mapping = snapshot_intern(fixture->snapshot, "[heap]");
	while (offsets[count])
		count++;
	context = context_new(count);
	for (size_t i = 0; i < count; i++)
		context_set_place(context, i,
				  (struct code_place){ .file = snapshot_intern(fixture->snapshot,
									       "/bin/program"),
						       .offset = offsets[i],
						       .in_file = true });
	context->has_code = context->has_stack = true;
	context_set_stack_id(context);
	row_set_context(row, context);
	context_drop(context);
	return row;
}

static void tick(struct fixture *fixture)
{
	snapshot_seal(fixture->snapshot, (struct timespec){ 1, 0 }, 1000000000);
	fixture->snapshot->tick++;
	assert_int_equal(sink_profile_tick(fixture->profile, fixture->snapshot, NULL), 0);
	snapshot_begin(fixture->snapshot);
}

/* Places of these offsets get these names. */
static void name(struct fixture *fixture, uint64_t offset, const char *function)
{
	struct profile_place **places;
	size_t count;

	assert_int_equal(sink_profile_places(fixture->profile, &places, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (places[i]->offset == offset)
			places[i]->function = strdup(function);
	free(places);
}

static void assert_prints(struct fixture *fixture, const char *want,
			  int (*print)(struct sink_profile *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_true(sink_profile_name_places(fixture->profile) >= 0);
	assert_int_equal(print(fixture->profile, stream), 0);
	fclose(stream);
	assert_string_equal(text, want);
	free(text);
}

static int print_folded(struct sink_profile *profile, FILE *stream)
{
	return profile_folded_print(profile, WEIGHT_FAULTS, stream);
}

static int print_table(struct sink_profile *profile, FILE *stream)
{
	return profile_table_print(profile, &(struct profile_table_options){ .rows = 2 }, stream);
}

/* main() calls touch(), which has two instructions that fault, and itself. */
static void fill(struct fixture *fixture)
{
	static const uint64_t here[] = { 0x110, 0x20, 0 }, there[] = { 0x120, 0x20, 0 },
			      recursive[] = { 0x110, 0x130, 0x20, 0 }, bare[] = { 0x500, 0 };

	for (int i = 1; i <= 2; i++) { /* two ticks of the same */
		add_row(fixture, 1, KIND_DEMAND_ZERO, here)->now.minor = 10 * i;
		add_row(fixture, 2, KIND_DEMAND_ZERO, there)->now.minor = 5 * i;
		add_row(fixture, 3, KIND_DEMAND_ZERO, recursive)->now.minor = 2 * i;
		tick(fixture);
	}
	add_row(fixture, 4, KIND_COW, bare)->now.denied = 1;
	tick(fixture);
	name(fixture, 0x110, "touch");
	name(fixture, 0x120, "touch");
	name(fixture, 0x130, "touch");
	name(fixture, 0x20, "main");
}

static void paths_have_what_was_added_up(void **state)
{
	struct fixture *fixture = *state;

	fill(fixture);
	assert_int_equal(fixture->n_files, 1);
	assert_prints(fixture,
		      "pro:gram;main;touch;[heap] (demand_zero) 20\n"
		      "pro:gram;main;touch;[heap] (demand_zero) 10\n"
		      "pro:gram;main;touch;touch;[heap] (demand_zero) 4\n"
		      "pro:gram;program+0x500;[heap] (cow) 1\n",
		      print_folded);
}

/* Of a recursion each fault is the function's once. */
static void functions_have_their_own_and_what_they_called(void **state)
{
	struct fixture *fixture = *state;

	fill(fixture);
	assert_prints(fixture,
		      "FAULTS  SELF%  CALLERS  CALL%  FUNCTION       WHERE    MOSTLY\n"
		      "    34   97.1       34   97.1  touch          program  demand_zero [heap]\n"
		      "     1    2.9        1    2.9  program+0x500  program  cow [heap]\n"
		      "(1 more functions, 0.0 % of the faults; --all shows them)\n"
		      "whole stacks: 97.1 % of the faults, 35 in all\n",
		      print_table);
}

static void what_is_not_wanted_is_left_out(void **state)
{
	struct fixture *fixture = *state;
	struct sink_profile_options options = { .kind = KIND_COW };

	sink_profile_free(fixture->profile);
	fixture->profile = sink_profile_new(&options);
	fill(fixture);
	assert_prints(fixture, "pro:gram;program+0x500;[heap] (cow) 1\n", print_folded);
}

/* Of a just-in-time compiler's code the address says nothing without the process. */
static void addresses_are_of_their_process(void **state)
{
	struct snapshot *snapshot = ((struct fixture *)*state)->snapshot;
	struct sink_profile *profile =
		sink_profile_new(&(struct sink_profile_options){ .kind = -1 });
	struct profile_sample **samples;
	size_t count;

	for (uint32_t tgid = 9; tgid <= 10; tgid++) {
		struct process *process = snapshot_process(snapshot, tgid, 1000, NULL);
		struct row like = { .mapping_id = tgid, .context_id = tgid };
		struct row *row = snapshot_row_like(snapshot, process, &like, NULL);
		struct context *context = context_new(1);

		row->mapping = snapshot_intern(snapshot, "[anon]");
		row->now.minor = 1;
		context_set_place(context, 0,
				  (struct code_place){ .file = row->mapping, .offset = 0x7000 });
		context->has_code = true;
		context_set_stack_id(context);
		row_set_context(row, context);
		context_drop(context);
	}
	snapshot_seal(snapshot, (struct timespec){ 1, 0 }, 1000000000);
	assert_int_equal(sink_profile_tick(profile, snapshot, NULL), 0);
	assert_int_equal(sink_profile_samples(profile, WEIGHT_FAULTS, &samples, &count), 0);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(samples[i]->stack->places[0]->tgid, samples[i]->tgid);
		assert_string_equal(samples[i]->stack->places[0]->map,
				    samples[i]->tgid == 9 ? "perf-9.map" : "perf-10.map");
	}
	free(samples);
	sink_profile_free(profile);
}

/* The call path of a fault of the process 9. */
static void add_sampled(struct fixture *fixture, const char *mapping, const uint64_t *offsets)
{
	struct row *row = add_row(fixture, 99, KIND_COW, offsets);
	struct sampled_path path = { .start_ns = 1000,
				     .tgid = 9,
				     .mapping = snapshot_intern(fixture->snapshot, mapping),
				     .context = row->context };

	assert_int_equal(snapshot_add_sampled(fixture->snapshot, &path), 0);
}

/* Of an instruction without callers: in the same mapping, or else in any; no fault is lost. */
static void sampled_paths_share_the_faults_out(void **state)
{
	static const uint64_t bare[] = { 0x110, 0 }, other[] = { 0x500, 0 },
			      by_main[] = { 0x110, 0x20, 0 }, by_work[] = { 0x110, 0x30, 0x20, 0 };
	struct fixture *fixture = *state;

	add_row(fixture, 1, KIND_DEMAND_ZERO, bare)->now.minor = 7;
	add_row(fixture, 2, KIND_COW, bare)->now.minor = 1;
	add_row(fixture, 3, KIND_COW, other)->now.minor = 5;
	add_sampled(fixture, "[heap]", by_main);
	add_sampled(fixture, "[heap]", by_work);
	add_sampled(fixture, "[heap]", by_work);
	add_sampled(fixture, "[anon]", by_main);
	tick(fixture);
	name(fixture, 0x110, "touch");
	name(fixture, 0x30, "work");
	name(fixture, 0x20, "main");
	assert_prints(fixture,
		      "pro:gram;main;work;touch;[heap] (demand_zero, sampled) 5\n"
		      "pro:gram;program+0x500;[heap] (cow) 5\n"
		      "pro:gram;main;touch;[heap] (demand_zero, sampled) 2\n"
		      "pro:gram;main;work;touch;[heap] (cow, sampled) 1\n",
		      print_folded);
	/* and again: they are made anew */
	assert_prints(
		fixture,
		"FAULTS  SELF%  CALLERS  CALL%  FUNCTION       WHERE    MOSTLY\n"
		"     8   61.5        8   61.5  touch          program  demand_zero [heap]\n"
		"     5   38.5        5   38.5  program+0x500  program  cow [heap]\n"
		"(2 more functions, 0.0 % of the faults; --all shows them)\n"
		"whole stacks: 61.5 % of the faults, 13 in all\n"
		"sampled: 61.5 % of the faults are distributed over call paths that were sampled\n",
		print_table);
}

/* The kernel's part stands above the program's, whether that is its own or was sampled. */
static void the_kernels_part_is_above(void **state)
{
	static const uint64_t bare[] = { 0x110, 0 }, by_main[] = { 0x110, 0x20, 0 },
			      whole[] = { 0x140, 0x20, 0 };
	static const char *const kernel[] = { "copy", "sys_read" };
	struct fixture *fixture = *state;
	struct row *rows[] = { add_row(fixture, 1, KIND_COW, bare),
			       add_row(fixture, 2, KIND_COW, whole) };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i]->now.minor = 3 - i;
		assert_int_equal(context_set_kernel(rows[i]->context, kernel, 2), 0);
		rows[i]->context->is_whole = i;
		context_set_stack_id(rows[i]->context);
	}
	add_row(fixture, 3, KIND_COW, bare)->now.minor = 1;
	add_sampled(fixture, "[heap]", by_main);
	tick(fixture);
	name(fixture, 0x110, "touch");
	name(fixture, 0x140, "walk");
	name(fixture, 0x20, "main");
	assert_prints(fixture,
		      "pro:gram;main;touch;sys_read_[k];copy_[k];[heap] (cow, sampled) 3\n"
		      "pro:gram;main;walk;sys_read_[k];copy_[k];[heap] (cow) 2\n"
		      "pro:gram;main;touch;[heap] (cow, sampled) 1\n",
		      print_folded);
	assert_prints(
		fixture,
		"FAULTS  SELF%  CALLERS  CALL%  FUNCTION  WHERE     MOSTLY\n"
		"     5   83.3        5   83.3  copy      [kernel]  cow [heap]\n"
		"     1   16.7        4   66.7  touch     program   cow [heap]\n"
		"(3 more functions, 0.0 % of the faults; --all shows them)\n"
		"whole stacks: 100.0 % of the faults, 6 in all\n"
		"sampled: 66.7 % of the faults are distributed over call paths that were sampled\n",
		print_table);
}

/* Where the mapping has no path of its own, those of others stand for it. */
static void paths_of_other_mappings_do(void **state)
{
	static const uint64_t bare[] = { 0x110, 0 }, by_main[] = { 0x110, 0x20, 0 };
	struct fixture *fixture = *state;

	add_row(fixture, 1, KIND_DEMAND_ZERO, bare)->now.minor = 3;
	add_sampled(fixture, "[stack]", by_main);
	tick(fixture);
	name(fixture, 0x110, "touch");
	name(fixture, 0x20, "main");
	assert_prints(fixture, "pro:gram;main;touch;[heap] (demand_zero, sampled) 3\n",
		      print_folded);
}

/* What frame pointers say is exact: it stays. */
static void whole_stacks_are_not_shared_out(void **state)
{
	static const uint64_t whole[] = { 0x110, 0x20, 0 }, other[] = { 0x110, 0x30, 0 };
	struct fixture *fixture = *state;

	add_row(fixture, 1, KIND_DEMAND_ZERO, whole)->now.minor = 3;
	add_sampled(fixture, "[heap]", other);
	tick(fixture);
	name(fixture, 0x110, "touch");
	name(fixture, 0x20, "main");
	assert_prints(fixture, "pro:gram;main;touch;[heap] (demand_zero) 3\n", print_folded);
}

/* In the page no text may end the script element that it is in. */
static void the_page_holds_any_name(void **state)
{
	struct fixture *fixture = *state;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	fill(fixture);
	name(fixture, 0x500, "</script><script>\"\\\n");
	assert_true(sink_profile_name_places(fixture->profile) >= 0);
	assert_int_equal(profile_flame_print(fixture->profile, WEIGHT_FAULTS, stream), 0);
	fclose(stream);
	assert_non_null(strstr(text, "\\u003c/script\\u003e\\u003cscript\\u003e\\u0022"));
	assert_null(strstr(text, "</script><script>\""));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths_have_what_was_added_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(functions_have_their_own_and_what_they_called,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_wanted_is_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses_are_of_their_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sampled_paths_share_the_faults_out, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_kernels_part_is_above, set_up, tear_down),
		cmocka_unit_test_setup_teardown(paths_of_other_mappings_do, set_up, tear_down),
		cmocka_unit_test_setup_teardown(whole_stacks_are_not_shared_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_page_holds_any_name, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
