// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "model/grouping.h"
#include "picture.h"
#include "stall.h"

/* A shell that started two workers of one program, one of which has ended. */
static struct snapshot *picture(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *shell, *worker;

	snapshot_begin(snapshot);
	shell = add_process(snapshot, 100, "sh", 4 * MIB, 2 * MIB);
	shell->ppid = 1;
	add_row(snapshot, shell, 1, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 10, 0);
	for (uint32_t i = 0; i < 2; i++) {
		worker = add_process(snapshot, 101 + i, "python3", 40 * MIB, 20 * MIB);
		worker->ppid = 100;
		worker->cgroup = snapshot_intern(snapshot, "/system.slice/work.service/x");
		worker->exe = snapshot_intern(snapshot, "/usr/bin/python3.11");
		add_row(snapshot, worker, 10 + i, "/lib/libc.so", "r-xp", KIND_FILE_MAP,
			ACCESS_EXEC, MIB, 20, 1);
		add_row(snapshot, worker, 20 + i, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
			64 * MIB, 1000, 0);
		add_row(snapshot, worker, 30 + i, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
			MIB, 5, 0);
		worker->minor += 7;
		worker->gup += 7;
		worker->ended = i == 1;
	}
	seal(snapshot, 1);
	return snapshot;
}

struct expected {
	enum grouping_by by;
	const char *name; /* of the first */
	size_t count;
	uint64_t faults, n_processes;
};

static void assert_first(const struct expected *want, bool sums_up)
{
	const struct grouping_options options = { .by = want->by, .sums_up = sums_up };
	const struct tallies_view view = { .sort = SORT_FAULTS };
	struct grouping *grouping = grouping_new(&options);
	struct snapshot *snapshot = picture();
	struct tallies tallies;

	assert_int_equal(grouping_add(grouping, snapshot), 0);
	assert_int_equal(grouping_tallies(grouping, &view, &tallies), 0);
	assert_string_equal(tallies.list[0]->name, want->name);
	assert_int_equal(tallies.count, want->count);
	assert_int_equal(tally_faults(tallies.list[0]), want->faults);
	assert_int_equal(tallies.list[0]->n_processes, want->n_processes);
	/* Nothing is lost, whatever it is grouped by; GUP is of processes alone. */
	assert_int_equal(tallies.total.counts.minor, 10 + 2 * 1025);
	assert_int_equal(tallies.total.counts.major, 2);
	assert_int_equal(tallies.total.gup, grouping_is_of_processes(want->by) ? 14 : 0);
	tallies_clear(&tallies);
	snapshot_free(snapshot);
	grouping_free(grouping);
}

/* Every word of --by, of one snapshot and summed up. */
static void each_word_has_its_lines(void **state)
{
	static const struct expected table[] = {
		{ BY_PROCESS, "python3", 3, 1033, 1 },
		{ BY_MAPPING, "[anon]", 4, 1000, 1 },
		{ BY_FILE, "[anon]", 2, 2010, 2 },
		{ BY_KIND, "demand_zero", 2, 2010, 2 },
		{ BY_UNIT, "work.service", 2, 2066, 2 },
		{ BY_CGROUP, "/system.slice/work.service/x", 2, 2066, 2 },
		{ BY_COMM, "python3", 2, 2066, 2 },
		{ BY_EXE, "/usr/bin/python3.11", 2, 2066, 2 },
		{ BY_UID, "root", 1, 2076, 3 },
		{ BY_PARENT, "sh[100]", 2, 2066, 2 },
		{ BY_THREAD, "python3[101]", 3, 1026, 1 },
		{ BY_ROW, "[anon]", 4, 1000, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		for (int sums_up = 0; sums_up <= 1; sums_up++)
			assert_first(&table[i], sums_up);
}

/* As the metrics call their groups. */
static void without_its_file_a_program_has_its_name(void **state)
{
	const struct process named = { .comm = "sh", .exe = "" }, nameless = { .exe = "" };
	char text[64];

	(void)state;
	assert_string_equal(grouping_process_name(BY_EXE, &named, text, sizeof(text)), "[sh]");
	assert_string_equal(grouping_process_name(BY_EXE, &nameless, text, sizeof(text)),
			    "[unnamed]");
}

/* The words are those of the enum, in its order: options go by the index. */
static void words_are_in_order(void **state)
{
	(void)state;
	assert_string_equal(grouping_words[BY_ROW], "row");
	assert_null(grouping_words[BY_ROW + 1]);
	assert_string_equal(tally_sort_words[SORT_NAME], "name");
	assert_null(tally_sort_words[SORT_COST]);
}

static void kinds_have_gup_among_them(void **state)
{
	struct tally tally = {
		.gup = 70,
		.by_kind = { [KIND_FILE_MAP] = 60, [KIND_COW] = 100, [KIND_DENIED_BUS] = 1 }
	};
	char text[128];

	(void)state;
	tally_kinds(&tally, text, sizeof(text));
	assert_string_equal(text, "denied_bus 1, cow 100, gup 70, ...");
	tally = (struct tally){ .by_kind = { [KIND_COW] = 3 } };
	tally_kinds(&tally, text, sizeof(text));
	assert_string_equal(text, "cow");
	tally_kinds(&tally, text, 2);
	assert_string_equal(text, "c");
}

/* Where few faults were timed, what they took is not what it cost. */
static void cost_is_stall_where_it_is_known(void **state)
{
	const struct tallies_view view = { .sort = SORT_COST };

	(void)state;
	for (int all = 0; all <= 1; all++) {
		const struct grouping_options options = { .by = BY_KIND };
		struct grouping *grouping = grouping_new(&options);
		struct snapshot *snapshot = snapshot_new();
		struct process *process = add_process(snapshot, 1, "x", MIB, MIB);
		struct tallies tallies;
		struct row *row;

		row = add_row(snapshot, process, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO,
			      ACCESS_WRITE, MIB, 10, 0);
		for (int i = 0; all && i < 10; i++)
			stall(row, 100);
		if (all) /* one stall stands for all that a call has populated */
			stall(add_row(snapshot, process, 3, "[anon]", "rw-p", KIND_POPULATE,
				      ACCESS_WRITE, MIB, 1000, 0),
			      300);
		stall(add_row(snapshot, process, 2, "/f", "r--p", KIND_FILE_MAP, ACCESS_READ, MIB,
			      1, 0),
		      5000);
		seal(snapshot, 1);
		assert_int_equal(grouping_add(grouping, snapshot), 0);
		assert_int_equal(grouping_tallies(grouping, &view, &tallies), 0);
		assert_string_equal(tallies.list[0]->name, all ? "file_map" : "demand_zero");
		tallies_clear(&tallies);
		snapshot_free(snapshot);
		grouping_free(grouping);
	}
}

/* A thousand processes that each read something are a number, what was refused is a line. */
static void majors_fill_no_more_than_a_screen(void **state)
{
	const struct grouping_options options = { .by = BY_PROCESS };
	const struct tallies_view view = { .sort = SORT_FAULTS };
	struct grouping *grouping = grouping_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct tallies tallies;
	struct process *process;
	bool found = false;

	(void)state;
	process = add_process(snapshot, 1, "x", MIB, MIB);
	add_row(snapshot, process, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 100000,
		0);
	for (uint32_t i = 2; i < 1000; i++) {
		process = add_process(snapshot, i, "x", MIB, MIB);
		add_row(snapshot, process, i, "/f", "r--p", KIND_FILE_MAP, ACCESS_READ, MIB, 0, 1);
	}
	add_row(snapshot, process, 0, "[unmapped]", "", KIND_DENIED_UNMAPPED, ACCESS_READ, 0, 0, 0)
		->now.denied = 1;
	seal(snapshot, 1);
	assert_int_equal(grouping_add(grouping, snapshot), 0);
	assert_int_equal(grouping_tallies(grouping, &view, &tallies), 0);
	assert_int_equal(tallies.shown, 40);
	assert_int_equal(tallies.rest.counts.major, 998 - 39);
	for (size_t i = 0; i < tallies.shown; i++)
		found |= tallies.list[i]->counts.denied == 1;
	assert_true(found);
	tallies_clear(&tallies);
	snapshot_free(snapshot);
	grouping_free(grouping);
}

/* Small mappings of two processes, of several names: each name is of two processes. */
static void processes_of_a_name_are_counted_once_each(void **state)
{
	static const char *const names[] = { "/a", "/b", "/c", "/d" };
	const struct grouping_options options = { .by = BY_MAPPING };
	const struct tallies_view view = { .sort = SORT_NAME };
	struct grouping *grouping = grouping_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct tallies tallies;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct process *process = add_process(snapshot, 101 + i, "x", MIB, MIB);

		for (uint64_t n = 0; n < 2 * ARRAY_SIZE(names); n++)
			add_row(snapshot, process, 1 + i * 100 + n, names[n / 2], "r--p",
				KIND_FILE_MAP, ACCESS_READ, MIB, 10, 0);
	}
	seal(snapshot, 1);
	assert_int_equal(grouping_add(grouping, snapshot), 0);
	assert_int_equal(grouping_tallies(grouping, &view, &tallies), 0);
	assert_int_equal(tallies.count, ARRAY_SIZE(names));
	for (size_t i = 0; i < tallies.count; i++) {
		assert_string_equal(tallies.list[i]->name, names[i]);
		assert_int_equal(tallies.list[i]->n_mappings, 4);
		assert_int_equal(tallies.list[i]->n_processes, 2);
	}
	tallies_clear(&tallies);
	snapshot_free(snapshot);
	grouping_free(grouping);
}

static void add_thread(struct snapshot *snapshot, struct process *process, uint32_t tid)
{
	struct context *context = context_new(0);
	struct row like = { .mapping_id = tid, .context_id = tid };
	struct row *row = snapshot_row_like(snapshot, process, &like, NULL);

	assert_non_null(context);
	assert_non_null(row);
	context->has_thread = true;
	context->tid = tid;
	snprintf(context->thread, sizeof(context->thread), "worker%u", tid % 10);
	row_set_context(row, context);
	context_drop(context);
	row->now.minor = 10;
}

/* Threads for which there was no room are a line, which has no thread's name. */
static void threads_beyond_the_room_are_others(void **state)
{
	const struct grouping_options options = { .by = BY_THREAD,
						  .sums_up = true,
						  .max_tallies = 4 };
	const struct tallies_view view = { .sort = SORT_FAULTS, .show_all = true };
	struct grouping *grouping = grouping_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 100, "server", MIB, MIB);
	struct tallies tallies;

	(void)state;
	for (uint32_t tid = 101; tid <= 120; tid++)
		add_thread(snapshot, process, tid);
	seal(snapshot, 1);
	assert_int_equal(grouping_add(grouping, snapshot), 0);
	assert_int_equal(grouping_tallies(grouping, &view, &tallies), 0);
	assert_int_equal(tallies.count, 4 + 1);
	assert_string_equal(tallies.list[0]->name, "(other)");
	assert_int_equal(tallies.list[0]->counts.minor, 160);
	assert_int_equal(tallies.total.counts.minor, 200);
	tallies_clear(&tallies);
	snapshot_free(snapshot);
	grouping_free(grouping);
}

/* A log may have any number of names over time: memory for them is bounded, the sums are right. */
static void names_are_bounded(void **state)
{
	const struct grouping_options options = { .by = BY_FILE,
						  .sums_up = true,
						  .max_names = 10 * (64 + strlen("/file-00")) };
	const struct tallies_view view = { .sort = SORT_FAULTS, .show_all = true };
	struct grouping *grouping = grouping_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct tallies tallies;
	char name[32];

	(void)state;
	for (uint32_t i = 0; i < 50; i++) {
		struct process *process;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100 + i, "x", MIB, MIB);
		snprintf(name, sizeof(name), "/file-%02u", i);
		add_row(snapshot, process, 1 + i, name, "r--p", KIND_FILE_MAP, ACCESS_READ, MIB, 10,
			0);
		process->ended = true;
		seal(snapshot, 1 + i);
		assert_int_equal(grouping_add(grouping, snapshot), 0);
	}
	assert_int_equal(grouping_tallies(grouping, &view, &tallies), 0);
	assert_int_equal(tallies.count, 10 + 1);
	assert_string_equal(tallies.list[0]->name, "...");
	assert_int_equal(tallies.list[0]->counts.minor, 400);
	assert_int_equal(tallies.list[0]->n_processes, 40);
	assert_int_equal(tallies.total.counts.minor, 500);
	tallies_clear(&tallies);
	snapshot_free(snapshot);
	grouping_free(grouping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_has_its_lines),
		cmocka_unit_test(without_its_file_a_program_has_its_name),
		cmocka_unit_test(words_are_in_order),
		cmocka_unit_test(kinds_have_gup_among_them),
		cmocka_unit_test(cost_is_stall_where_it_is_known),
		cmocka_unit_test(majors_fill_no_more_than_a_screen),
		cmocka_unit_test(processes_of_a_name_are_counted_once_each),
		cmocka_unit_test(threads_beyond_the_room_are_others),
		cmocka_unit_test(names_are_bounded),
	};

	return cmocka_run_group_tests_name("grouping", tests, NULL, NULL);
}
