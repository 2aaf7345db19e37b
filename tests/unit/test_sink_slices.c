// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "golden.h"
#include "picture.h"
#include "sink/sink_slices.h"
#include "base/util.h"

#define AT 0x7f0000000000 /* a multiple of each size */

static const struct sink_slices_options sized = {
	.page_size = 4096, .slice_bytes = 2 * MIB, .slices_max = 1024, .utf8 = true
};
static const struct sink_slices_options automatic = {
	.page_size = 4096, .slice_bytes = 4096, .slices_max = 64, .is_automatic = true
};

/* The row of the slice of `size` bytes at `start`, with `minor` faults by now. */
static void add_slice(struct snapshot *snapshot, struct process *process, uint64_t id,
		      const char *mapping, uint64_t map_start, uint64_t map_end, uint64_t start,
		      uint64_t size, enum fault_kind kind, uint64_t minor)
{
	struct row *row = snapshot_slice_row(snapshot, process, id,
					     (uint32_t)(start / size * 64 + size / 4096), kind,
					     ACCESS_WRITE, MODE_USER, NULL);

	assert_non_null(row);
	row->mapping = snapshot_intern(snapshot, mapping);
	strcpy(row->perms, "rw-p");
	row->map_start = map_start;
	row->map_end = map_end;
	row->slice_start = start;
	row->slice_end = start + size;
	row->now.minor = minor;
}

static void take(struct sink_slices *slices, struct snapshot *snapshot, uint64_t tick)
{
	seal(snapshot, tick);
	assert_int_equal(sink_slices_tick(slices, snapshot, NULL), 0);
}

/* Not inlined: gcc 12 then takes what open_memstream gave for a pointer to the local variable. */
__attribute__((noinline)) static char *print(struct sink_slices *slices)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	assert_int_equal(sink_slices_print(slices, memory), 0);
	fclose(memory);
	return text;
}

/* A ramp from cold to hot, the kinds of a slice summed, faults of two ticks; and a mapping whose
 * first and last pages are all of it that lies in the first and last slice. */
static void picture(struct snapshot *snapshot, struct sink_slices *slices)
{
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);

	/* A row that is not split is no part of any strip. */
	add_row(snapshot, process, 9, "[unmapped]", "---p", KIND_DEMAND_ZERO, ACCESS_READ, 0, 5, 0);
	for (uint64_t i = 0; i < 10; i++)
		add_slice(snapshot, process, 1, "[anon]", AT, AT + 24 * MIB, AT + i * 2 * MIB,
			  2 * MIB, KIND_DEMAND_ZERO, i * i * 6);
	add_slice(snapshot, process, 1, "[anon]", AT, AT + 24 * MIB, AT + 22 * MIB, 2 * MIB,
		  KIND_DEMAND_ZERO, 1);
	take(slices, snapshot, 1);
	snapshot_begin(snapshot);
	add_slice(snapshot, process, 1, "[anon]", AT, AT + 24 * MIB, AT + 18 * MIB, 2 * MIB,
		  KIND_COW, 26);
	for (uint64_t i = 0; i < 3; i++)
		add_slice(snapshot, process, 2, "/a\nb", AT + 30 * MIB - 4096, AT + 32 * MIB + 8192,
			  AT + 28 * MIB + i * 2 * MIB, 2 * MIB, KIND_FILE_COW, i == 1 ? 256 : 1);
	take(slices, snapshot, 2);
}

static void check_picture(struct sink_slices_options options, const char *golden)
{
	struct sink_slices *slices = sink_slices_new(&options);
	struct snapshot *snapshot = snapshot_new();
	autofree char *text = NULL;

	picture(snapshot, slices);
	text = print(slices);
	assert_golden(golden, text);
	snapshot_free(snapshot);
	sink_slices_free(slices);
}

static void strips_of_blocks(void **state)
{
	(void)state;
	check_picture(sized, "slices_blocks.txt");
}

static void strips_of_ascii(void **state)
{
	(void)state;
	check_picture(automatic, "slices_ascii.txt");
}

/* The strip of the mapping, with its bars; to be freed. */
static char *strip_of(struct sink_slices *slices, const char *name)
{
	autofree char *text = print(slices);
	char *line = strtok(text, "\n");

	while (line && !strstr(line, name))
		line = strtok(NULL, "\n");
	assert_non_null(line);
	*(strrchr(line, '|') + 1) = '\0';
	return strdup(strchr(line, '|'));
}

/* A mapping that grew: small slices at first, larger ones later; cells are as large as these. */
static void slices_grow_with_their_mapping(void **state)
{
	struct sink_slices *slices = sink_slices_new(&automatic);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
	autofree char *strip = NULL;

	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		add_slice(snapshot, process, 1, "[heap]", AT, AT + 16384, AT + i * 4096, 4096,
			  KIND_DEMAND_ZERO, 1);
	take(slices, snapshot, 1);
	snapshot_begin(snapshot);
	add_slice(snapshot, process, 1, "[heap]", AT, AT + 65536, AT + 49152, 16384,
		  KIND_DEMAND_ZERO, 2);
	take(slices, snapshot, 2);
	strip = strip_of(slices, "[heap]");
	assert_string_equal(strip, "|@  +|");
	snapshot_free(snapshot);
	sink_slices_free(slices);
}

/* 200 slices: the cells of the strip are of four each. */
static void a_strip_has_64_cells_at_most(void **state)
{
	struct sink_slices *slices = sink_slices_new(&sized);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
	autofree char *strip = NULL;

	(void)state;
	for (uint64_t i = 4; i < 200; i++)
		add_slice(snapshot, process, 1, "[anon]", AT, AT + 400 * MIB, AT + i * 2 * MIB,
			  2 * MIB, KIND_DEMAND_ZERO, 512);
	take(slices, snapshot, 1);
	strip = strip_of(slices, "[anon]");
	assert_string_equal(strip, "| █████████████████████████████████████████████████|");
	snapshot_free(snapshot);
	sink_slices_free(slices);
}

/* Faults from before a mapping moved are no part of the strip, but of its sum. */
static void a_moved_mapping(void **state)
{
	struct sink_slices *slices = sink_slices_new(&sized);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
	autofree char *text = NULL;

	(void)state;
	add_slice(snapshot, process, 1, "[anon]", AT, AT + 4 * MIB, AT, 2 * MIB, KIND_DEMAND_ZERO,
		  70);
	take(slices, snapshot, 1);
	snapshot_begin(snapshot);
	add_slice(snapshot, process, 1, "[anon]", AT + 64 * MIB, AT + 68 * MIB, AT + 66 * MIB,
		  2 * MIB, KIND_DEMAND_ZERO, 512);
	take(slices, snapshot, 2);
	text = print(slices);
	assert_non_null(strstr(text, "  ELSEWHERE  "));
	assert_non_null(strstr(text, "     582  1.00  2.0M         70  7f0004000000  7f0004400000  "
				     "| █|"));
	snapshot_free(snapshot);
	sink_slices_free(slices);
}

/* A stack that grows by the fault: the row has the mapping as it was before. */
static void a_stack_grows_to_its_fault(void **state)
{
	struct sink_slices *slices = sink_slices_new(&automatic);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
	autofree char *strip = NULL;

	(void)state;
	add_slice(snapshot, process, 1, "[stack]", AT, AT + 8192, AT - 4096, 4096,
		  KIND_STACK_GROWTH, 1);
	take(slices, snapshot, 1);
	strip = strip_of(slices, "[stack]");
	assert_string_equal(strip, "|@  |");
	snapshot_free(snapshot);
	sink_slices_free(slices);
}

/* The sum of the first column. */
static unsigned int first_column(const char *text)
{
	unsigned int sum = 0;

	for (const char *line = strstr(text, "MAPPING\n"); line; line = strchr(line, '\n')) {
		unsigned int thousands, ones;
		int n = sscanf(strchr(line, '\n') + 1, " %u,%u", &thousands, &ones);

		line = strchr(line, '\n') + 1;
		if (n > 0)
			sum += n == 2 ? thousands * 1000 + ones : thousands;
	}
	return sum;
}

/* With next to no room, the least busy mappings become a sum; nothing is lost. */
static void full_tables_keep_the_sum(void **state)
{
	struct sink_slices_options options = sized;
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
	struct sink_slices *slices;
	autofree char *text = NULL;

	(void)state;
	options.max_slices = 8;
	slices = sink_slices_new(&options);
	for (uint64_t i = 1; i <= 100; i++) {
		add_slice(snapshot, process, i, i == 50 ? "[heap]" : "[anon]", AT + i * 8 * MIB,
			  AT + i * 8 * MIB + 2 * MIB, AT + i * 8 * MIB, 2 * MIB, KIND_DEMAND_ZERO,
			  i == 50 ? 5000 : 10);
		take(slices, snapshot, i);
		snapshot_begin(snapshot);
	}
	text = print(slices);
	assert_non_null(strstr(text, "   5,000  9.77  2.0M"));
	assert_int_equal(first_column(text), 5000 + 99 * 10);
	snapshot_free(snapshot);
	sink_slices_free(slices);
}

/* 30 mappings: 20 of them shown, or all. */
static void mappings_beyond_the_page(void **state)
{
	(void)state;
	for (int show_all = 0; show_all <= 1; show_all++) {
		struct sink_slices_options options = sized;
		struct snapshot *snapshot = snapshot_new();
		struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
		struct sink_slices *slices;
		autofree char *text = NULL;

		options.show_all = show_all;
		slices = sink_slices_new(&options);
		for (uint64_t i = 1; i <= 30; i++)
			add_slice(snapshot, process, i, "[anon]", AT + i * 4 * MIB,
				  AT + i * 4 * MIB + 2 * MIB, AT + i * 4 * MIB, 2 * MIB,
				  KIND_DEMAND_ZERO, i);
		take(slices, snapshot, 1);
		text = print(slices);
		/* The 10 least busy: 1 + ... + 10. */
		assert_int_equal(strstr(text, "\n      55  ") && strstr(text, "  (10 more)"),
				 !show_all);
		snapshot_free(snapshot);
		sink_slices_free(slices);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strips_of_blocks),
		cmocka_unit_test(strips_of_ascii),
		cmocka_unit_test(slices_grow_with_their_mapping),
		cmocka_unit_test(a_strip_has_64_cells_at_most),
		cmocka_unit_test(a_moved_mapping),
		cmocka_unit_test(a_stack_grows_to_its_fault),
		cmocka_unit_test(full_tables_keep_the_sum),
		cmocka_unit_test(mappings_beyond_the_page),
	};

	return cmocka_run_group_tests_name("sink_slices", tests, NULL, NULL);
}
