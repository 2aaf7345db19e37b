// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "golden.h"
#include "picture.h"
#include "sink/sink_summary.h"
#include "stall.h"
#include "base/util.h"

static char *print(struct sink_summary *summary, const char *const *command, int wait_status)
{
	struct sink_summary_run run = { .command = command,
					.wait_status = wait_status,
					.wall_ns = 1234567890 };
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	assert_int_equal(sink_summary_print(summary, &run, memory), 0);
	fclose(memory);
	return text;
}

static void add_tick(struct sink_summary *summary, struct snapshot *snapshot, uint64_t tick)
{
	seal(snapshot, tick);
	assert_int_equal(sink_summary_tick(summary, snapshot, NULL), 0);
}

/* The first line and "unexplained" are of all processes, not only of those that fill a page: a
 * hundred, of which some lack their lines in the log, and others have faults in no row. */
static void sums_are_of_all_processes(void **state)
{
	const char *command[] = { "x", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_MAPPING };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct sink_summary_totals totals;
	autofree char *text = NULL;

	(void)state;
	add_tick(summary, snapshot, 0);
	snapshot_begin(snapshot);
	for (uint32_t i = 1; i <= 100; i++) {
		struct process *process = add_process(snapshot, i, "x", MIB, MIB);

		add_row(snapshot, process, i, "/f", "r--p", KIND_FILE_MAP, ACCESS_READ, MIB, 10, 0);
		process->minor = i % 2 ? 0 : 11;
		process->ended = process->accounted = true;
	}
	add_tick(summary, snapshot, 1);
	totals = sink_summary_totals(summary);
	assert_int_equal(totals.processes, 100);
	assert_int_equal(totals.minor, 50 * 10 + 50 * 11);
	text = print(summary, command, 0);
	assert_non_null(strstr(text, ": 1,050 minor, "));
	assert_non_null(strstr(text, "unexplained: 50 "));
	sink_summary_free(summary);
	snapshot_free(snapshot);
}

/* One process that maps 512 MiB, in three ticks, as the demo does. */
static void one_process(void **state)
{
	const char *command[] = { "python3", "tests/workload/touch.py", "512", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_ROW };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *process;
	autofree char *text = NULL;

	(void)state;
	add_tick(summary, snapshot, 0);
	snapshot_begin(snapshot);
	process = add_process(snapshot, 4242, "python3", 30 * MIB, 9 * MIB);
	add_row(snapshot, process, 9, "/usr/bin/python3.11", "r-xp", KIND_FILE_MAP, ACCESS_EXEC,
		3 * MIB, 60, 0);
	add_row(snapshot, process, 8, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, 512 * MIB,
		65536, 0);
	add_tick(summary, snapshot, 1);
	snapshot_begin(snapshot);
	add_row(snapshot, process, 8, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, 512 * MIB,
		131072, 0);
	add_row(snapshot, process, 7, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 17, 0);
	add_row(snapshot, process, 6, "[stack]", "rw-p", KIND_STACK_GROWTH, ACCESS_WRITE, 132 << 10,
		3, 0);
	add_row(snapshot, process, 9, "/usr/bin/python3.11", "r-xp", KIND_FILE_MAP, ACCESS_EXEC,
		3 * MIB, 60, 1);
	process->gup = 4;
	process->minor += 4;
	process->peak_vsz_bytes = 542 * MIB;
	process->peak_rss_bytes = 521 * MIB;
	process->ended = true;
	add_tick(summary, snapshot, 2);
	snapshot_begin(snapshot);
	add_tick(summary, snapshot, 3);
	text = print(summary, command, 0);
	assert_golden("run_one_process.txt", text);
	snapshot_free(snapshot);
	sink_summary_free(summary);
}

/* A process with faults of its own number, born in this tick. */
static struct process *add_child(struct snapshot *snapshot, uint32_t tgid, const char *comm,
				 uint64_t minor)
{
	struct process *process = add_process(snapshot, tgid, comm, 4 * MIB, 2 * MIB);

	add_row(snapshot, process, tgid * 16 + 1, "/usr/lib/libc.so.6", "r-xp", KIND_FILE_MAP,
		ACCESS_EXEC, 2 * MIB, minor, 1);
	/* Two mappings of one name: one process still. */
	add_row(snapshot, process, tgid * 16 + 2, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
		MIB, 5, 0);
	add_row(snapshot, process, tgid * 16 + 3, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
		MIB, 5, 0);
	return process;
}

/* A shell, alone at first, and 50 children over several ticks, killed in the end. */
static void picture_of_many(struct sink_summary *summary)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *shell;

	add_tick(summary, snapshot, 0);
	snapshot_begin(snapshot);
	shell = add_child(snapshot, 100, "sh", 70);
	add_tick(summary, snapshot, 1);
	for (uint32_t i = 0; i < 50; i++) {
		snapshot_begin(snapshot);
		add_child(snapshot, 101 + i, i % 2 ? "true" : "ec\tho", 10 + i)->ended = true;
		add_row(snapshot, shell, 1603, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
			MIB, 5 + i, 0);
		add_tick(summary, snapshot, 2 + i);
	}
	snapshot_begin(snapshot);
	snapshot->totals.map_full = 3;
	add_row(snapshot, shell, 9999, "", "", KIND_DENIED_UNMAPPED, ACCESS_WRITE, 0, 0, 0)
		->now.denied = 1;
	shell->ended = true;
	add_tick(summary, snapshot, 52);
	snapshot_free(snapshot);
}

/* minor of picture_of_many: the shell's 70 + 5 + 54, each child's 10 + i + 10. */
#define MANY_MINOR (70 + 5 + 54 + 50 * 20 + 49 * 50 / 2)
#define MANY_MAJOR 51

static void many_processes(void **state)
{
	const char *command[] = { "sh", "-c", "for i in 1 2; do 'a\033'; done", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_ROW };
	struct sink_summary *summary = sink_summary_new(&options);
	struct sink_summary_totals totals;
	autofree char *text = NULL;

	(void)state;
	picture_of_many(summary);
	totals = sink_summary_totals(summary);
	assert_int_equal(totals.processes, 51);
	assert_int_equal(totals.minor, MANY_MINOR);
	assert_int_equal(totals.major, MANY_MAJOR);
	text = print(summary, command, SIGSEGV);
	assert_golden("run_many_processes.txt", text);
	sink_summary_free(summary);
}

/* Its counters were read before its last 7 faults, its rows after. Of a process whose last counters
 * are known, more in its rows is an error, which is shown. */
static void rows_of_what_runs_are_ahead_of_its_counters(void **state)
{
	const char *command[] = { "sh", NULL };

	for (int is_whole = 0; is_whole < 2; is_whole++) {
		const struct sink_summary_options options = { .page_size = 4096, .by = BY_ROW };
		struct sink_summary *summary = sink_summary_new(&options);
		struct snapshot *snapshot = snapshot_new();
		struct process *process = add_child(snapshot, 100, "sh", 70);
		autofree char *text = NULL;

		(void)state;
		process->minor -= 7;
		process->ended = process->accounted = is_whole;
		add_tick(summary, snapshot, 1);
		assert_int_equal(sink_summary_totals(summary).minor, 80);
		text = print(summary, command, 0);
		assert_int_equal(strstr(text, "-7 ") != NULL, is_whole);
		snapshot_free(snapshot);
		sink_summary_free(summary);
	}
}

/* A process that becomes another program is one process, under its last name. */
static void exec_is_no_other_process(void **state)
{
	const struct sink_summary_options options = { .page_size = 4096, .by = BY_PROCESS };
	const char *command[] = { "sh", NULL };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *process;
	autofree char *text = NULL;

	(void)state;
	process = add_child(snapshot, 100, "sh", 70);
	add_tick(summary, snapshot, 1);
	snapshot_begin(snapshot);
	strcpy(process->comm, "sleep");
	add_row(snapshot, process, 1601, "/usr/lib/libc.so.6", "r-xp", KIND_FILE_MAP, ACCESS_EXEC,
		2 * MIB, 75, 1);
	add_tick(summary, snapshot, 2);
	assert_int_equal(sink_summary_totals(summary).processes, 1);
	assert_int_equal(sink_summary_totals(summary).minor, 85);
	text = print(summary, command, 0);
	assert_non_null(strstr(text, "file_map 76, demand_zero 10  sleep\n"));
	snapshot_free(snapshot);
	sink_summary_free(summary);
}

/* One mapping with most of the pages is not lost among those of its name. */
static void a_large_mapping_stands_alone(void **state)
{
	const char *command[] = { "sh", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_ROW };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *child;
	autofree char *text = NULL;

	(void)state;
	add_child(snapshot, 100, "sh", 70);
	child = add_child(snapshot, 101, "python3", 300);
	add_row(snapshot, child, 7, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, 512 * MIB,
		131072, 0);
	child->ended = true;
	add_tick(summary, snapshot, 1);
	text = print(summary, command, 0);
	assert_golden("run_large_mapping.txt", text);
	snapshot_free(snapshot);
	sink_summary_free(summary);
}

/* With next to no room the lines are fewer and the sums the same. */
static void full_tables_keep_the_sums(void **state)
{
	const char *command[] = { "sh", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_ROW,
						.max_tallies = 1,
						.max_processes = 4 };
	struct sink_summary *summary = sink_summary_new(&options);
	struct sink_summary_totals totals;
	autofree char *text = NULL;

	(void)state;
	picture_of_many(summary);
	totals = sink_summary_totals(summary);
	assert_int_equal(totals.processes, 51);
	assert_int_equal(totals.minor, MANY_MINOR);
	assert_int_equal(totals.major, MANY_MAJOR);
	text = print(summary, command, 3 << 8);
	assert_golden("run_full_tables.txt", text);
	sink_summary_free(summary);
}

/* 60 mappings: those that have 95 % of it shown, or all; the total is the same. */
static void rows_beyond_the_page(void **state)
{
	const char *command[] = { "x", NULL };
	char want[64];

	(void)state;
	for (int show_all = 0; show_all <= 1; show_all++) {
		struct sink_summary_options options = {
			.page_size = 4096, .sort = SORT_COST, .by = BY_ROW, .show_all = show_all
		};
		struct sink_summary *summary = sink_summary_new(&options);
		struct snapshot *snapshot = snapshot_new();
		struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
		autofree char *text = NULL;

		for (uint64_t i = 1; i <= 60; i++)
			add_row(snapshot, process, i, "[anon]", "rw-p", KIND_DEMAND_ZERO,
				ACCESS_WRITE, MIB, i, 0);
		add_tick(summary, snapshot, 1);
		text = print(summary, command, 0);
		/* The 13 smallest: 1 + ... + 13. */
		snprintf(want, sizeof(want), "%7u      0   364K", 91);
		assert_int_equal(strstr(text, want) && strstr(text, "(13 more)"), !show_all);
		snprintf(want, sizeof(want), "  1,830      0   7.2M");
		assert_non_null(strstr(text, want));
		snapshot_free(snapshot);
		sink_summary_free(summary);
	}
}

/* Where faults slept for no cause that is known: by function, whoever called it, four of them. */
static void functions_that_slept_have_a_line(void **state)
{
	static const char *const paths[][2] = {
		{ "shmem_falloc_wait", "shmem_fault" },
		{ "shmem_falloc_wait", "other" },
		{ "b_wait", "b" },
		{ "c_wait", "c" },
		{ "d_wait", "d" },
		{ "e_wait", "e" },
	};
	struct sink_summary_options options = { .page_size = 4096, .by = BY_MAPPING };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 100, "cat", 4 * MIB, 2 * MIB);
	const char *command[] = { "cat", NULL };
	autofree char *text = NULL;
	struct slept_path *path;

	(void)state;
	stall_for(add_row(snapshot, process, 1, "[shm]", "rw-s", KIND_SHMEM, ACCESS_WRITE, MIB, 2,
			  0),
		  STALL_UNKNOWN, 40000000);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		path = snapshot_slept_path(snapshot, paths[i], 2);
		path->now = (struct slept_counts){ 1, (6 - i) * 1000000, 1000000 };
	}
	path = snapshot_slept_path(snapshot, NULL, 0);
	path->now = (struct slept_counts){ 1, 20000000, 20000000 };
	add_tick(summary, snapshot, 1);
	text = print(summary, command, 0);
	assert_non_null(strstr(text,
			       "\nstalled: unknown 40ms\n"
			       "unknown: asleep in [kernel] 20ms, shmem_falloc_wait 11ms, b_wait "
			       "4.0ms,\n  c_wait 3.0ms, 2 more\n"));
	snapshot_free(snapshot);
	sink_summary_free(summary);
}

/* What stalls were for: one line for all, and the worst of each line where that was no work. */
static void causes_have_a_line_and_a_column(void **state)
{
	const char *command[] = { "cat", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_MAPPING };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 100, "cat", 4 * MIB, 2 * MIB);
	struct row *row;
	autofree char *text = NULL;

	(void)state;
	row = add_row(snapshot, process, 1, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB,
		      1, 2);
	stall_for(row, STALL_CPU, 4000);
	stall_for(row, STALL_DISK, 200000000);
	stall_for(row, STALL_RUNQUEUE, 40000000);
	row = add_row(snapshot, process, 2, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB,
		      2, 0);
	stall_for(row, STALL_CPU, 5000);
	stall_for(row, STALL_LOCK, 4000);
	add_tick(summary, snapshot, 1);
	text = print(summary, command, 0);
	assert_golden("run_causes.txt", text);
	sink_summary_free(summary);
	snapshot_free(snapshot);
}

/* A few pages were evicted long ago on any machine: memory is not short for that. */
static void few_refaults_are_not_mentioned(void **state)
{
	const char *command[] = { "cat", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_MAPPING };

	(void)state;
	for (uint64_t refaults = 255; refaults <= 256; refaults++) {
		struct sink_summary *summary = sink_summary_new(&options);
		struct snapshot *snapshot = snapshot_new();
		struct row *row = add_row(snapshot, add_process(snapshot, 100, "cat", MIB, MIB), 1,
					  "/data", "r--s", KIND_FILE_MAP, ACCESS_READ, MIB, 0, 20);
		autofree char *text = NULL;

		stall_for(row, STALL_DISK, 20000000);
		row->latency->causes->now.refaults = refaults;
		add_tick(summary, snapshot, 1);
		text = print(summary, command, 0);
		assert_int_equal(
			strstr(text,
			       "\nrefaults: 256 pages (1.0M) came back that had been evicted: memory is "
			       "short,\n  or was when they left; this is no cold start\n") != NULL,
			refaults == 256);
		assert_int_equal(strstr(text, "refaults") != NULL, refaults == 256);
		sink_summary_free(summary);
		snapshot_free(snapshot);
	}
}

/* Averages over all ticks, the longest of all, merged by name; and faults in no process. */
static void stalls_and_other(void **state)
{
	const char *command[] = { "make", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_ROW };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *one, *two, *other;
	struct row *heap;
	autofree char *text = NULL;

	(void)state;
	one = add_process(snapshot, 100, "make", 4 * MIB, 2 * MIB);
	two = add_process(snapshot, 101, "cc", 4 * MIB, 2 * MIB);
	stall(add_row(snapshot, one, 1, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 0,
		      1),
	      3400000);
	stall(add_row(snapshot, two, 2, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 1,
		      0),
	      1000);
	heap = add_row(snapshot, two, 3, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 2,
		       0);
	stall(heap, 700);
	stall(heap, 800);
	add_row(snapshot, one, 4, "[stack]", "rw-p", KIND_STACK_GROWTH, ACCESS_WRITE, MIB, 2, 0);
	add_tick(summary, snapshot, 1);
	snapshot_begin(snapshot);
	stall(add_row(snapshot, two, 2, "/lib/libc.so", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 2,
		      0),
	      2000);
	/* 5 of one's faults found no room: the kernel counted them, so they look like GUP there. */
	other = snapshot_process(snapshot, 0, 0, NULL);
	strcpy(other->comm, "other");
	add_row(snapshot, other, 0, "[other]", "", KIND_COW, ACCESS_UNKNOWN, 0, 5, 0);
	other->minor = 0;
	one->minor += 5;
	one->gup += 5;
	snapshot->totals.map_full = 5;
	one->ended = two->ended = true;
	add_tick(summary, snapshot, 2);
	assert_int_equal(sink_summary_totals(summary).processes, 2);
	text = print(summary, command, 0);
	assert_golden("run_stalls.txt", text);
	snapshot_free(snapshot);
	sink_summary_free(summary);
}

/* A mapping that is counted in slices has one row all the same, with the largest extent. */
static void slices_are_one_place(void **state)
{
	const char *command[] = { "x", NULL };
	struct sink_summary_options options = { .page_size = 4096,
						.sort = SORT_COST,
						.by = BY_ROW };
	struct sink_summary *summary = sink_summary_new(&options);
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
	autofree char *text = NULL;

	(void)state;
	for (uint32_t slice = 1; slice <= 4; slice++) {
		struct row *row = snapshot_slice_row(snapshot, process, 5, slice, KIND_DEMAND_ZERO,
						     ACCESS_WRITE, MODE_USER, NULL);

		row->mapping = snapshot_intern(snapshot, "[heap]");
		strcpy(row->perms, "rw-p");
		row->map_start = 0x555500000000;
		/* It had grown when the second slice faulted, and faulted in the first no more. */
		row->map_end = row->map_start + (slice == 2 ? 64 : 2) * MIB;
		row->slice_start = row->map_start + (slice - 1) * MIB;
		row->slice_end = row->slice_start + MIB;
		row->now.minor = row->now.pages = slice * 10;
		process->minor += slice * 10;
	}
	add_tick(summary, snapshot, 1);
	text = print(summary, command, 0);
	assert_non_null(strstr(text, "    100      0   400K  demand_zero  write   rw-p    64M  "
				     "555500000000  [heap]\n"));
	snapshot_free(snapshot);
	sink_summary_free(summary);
}

/* What is alike is one line, the costliest first: by name, kind, process, program; on narrow and
 * wide screens. */
static void alike_is_one_line(void **state)
{
	const char *command[] = { "sh", NULL };
	static const struct {
		enum grouping_by by;
		unsigned int width;
		const char *golden;
	} pictures[] = {
		{ BY_MAPPING, 0, "run_by_mapping.txt" },
		{ BY_MAPPING, 132, "run_by_mapping_wide.txt" },
		{ BY_KIND, 80, "run_by_kind.txt" },
		{ BY_PROCESS, 80, "run_by_process.txt" },
		{ BY_PROCESS, 132, "run_by_process_132.txt" },
		{ BY_COMM, 80, "run_by_comm.txt" },
		{ BY_FILE, 80, "run_by_file.txt" },
		{ BY_UNIT, 132, "run_by_unit_132.txt" },
		{ BY_UID, 80, "run_by_uid.txt" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pictures); i++) {
		struct sink_summary_options options = { .page_size = 4096,
							.sort = SORT_COST,
							.by = pictures[i].by,
							.width = pictures[i].width };
		struct sink_summary *summary = sink_summary_new(&options);
		autofree char *text = NULL;

		picture_of_many(summary);
		text = print(summary, command, 0);
		assert_golden(pictures[i].golden, text);
		sink_summary_free(summary);
	}
}

/* Names, each with fewer faults than the one before; the last two are the ones that matter. */
static void picture_of_names(struct sink_summary *summary, unsigned int n_names)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *process = add_process(snapshot, 7, "x", 100 * MIB, MIB);
	char name[32];

	for (unsigned int i = 0; i < n_names; i++) {
		snprintf(name, sizeof(name), "/file%u", i);
		add_row(snapshot, process, i + 1, name, "r--p", KIND_FILE_MAP, ACCESS_READ, MIB,
			1000 / (i + 1) + 10, 0);
	}
	add_row(snapshot, process, 1001, "/cold", "r--p", KIND_FILE_MAP, ACCESS_READ, MIB, 0, 1);
	add_row(snapshot, process, 1002, "/cut", "r--p", KIND_FILE_MAP, ACCESS_READ, MIB, 1, 0);
	add_row(snapshot, process, 1002, "/cut", "r--p", KIND_DENIED_BUS, ACCESS_READ, MIB, 0, 0)
		->now.denied = 1;
	add_tick(summary, snapshot, 1);
	snapshot_free(snapshot);
}

static void nothing_that_matters_is_hidden(void **state)
{
	const char *command[] = { "x", NULL };

	(void)state;
	for (unsigned int n_names = 1; n_names < 400; n_names += 7) {
		struct sink_summary_options options = { .page_size = 4096,
							.by = BY_MAPPING,
							.sort = SORT_COST };
		struct sink_summary *summary = sink_summary_new(&options);
		autofree char *text = NULL;
		unsigned long long total = 0, rest = 0;
		const char *more;

		picture_of_names(summary, n_names);
		text = print(summary, command, 0);
		assert_non_null(strstr(text, "/cold\n"));
		assert_non_null(strstr(text, "/cut\n"));
		assert_non_null(strstr(text, "denied: 1 denied_bus: "));
		more = strstr(text, " more)\n");
		for (unsigned int i = 0; i < n_names; i++)
			total += 1000 / (i + 1) + 10;
		for (; more && more[-1] != '\n'; more--)
			;
		if (more)
			rest = strtoull(more, NULL, 10); /* below 1,000, or the test says no */
		assert_true(rest * 20 <= total + 3);
		assert_true(!more || !memchr(more, ',', 8));
		sink_summary_free(summary);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_of_all_processes),
		cmocka_unit_test(one_process),
		cmocka_unit_test(many_processes),
		cmocka_unit_test(exec_is_no_other_process),
		cmocka_unit_test(rows_of_what_runs_are_ahead_of_its_counters),
		cmocka_unit_test(a_large_mapping_stands_alone),
		cmocka_unit_test(full_tables_keep_the_sums),
		cmocka_unit_test(rows_beyond_the_page),
		cmocka_unit_test(few_refaults_are_not_mentioned),
		cmocka_unit_test(functions_that_slept_have_a_line),
		cmocka_unit_test(causes_have_a_line_and_a_column),
		cmocka_unit_test(stalls_and_other),
		cmocka_unit_test(slices_are_one_place),
		cmocka_unit_test(alike_is_one_line),
		cmocka_unit_test(nothing_that_matters_is_hidden),
	};

	return cmocka_run_group_tests_name("sink_summary", tests, NULL, NULL);
}
