// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "golden.h"
#include "picture.h"
#include "sink/sink_table.h"
#include "stall.h"
#include "base/util.h"

/* A small host: what was there before the interval. */
static void picture_before(struct snapshot *snapshot)
{
	struct process *init = add_process(snapshot, 1, "systemd", 160 * MIB, 12 * MIB);
	struct process *db = add_process(snapshot, 412, "postgres", 2048 * MIB, 700 * MIB);
	struct process *job = add_process(snapshot, 977, "cc1", 90 * MIB, 40 * MIB);

	db->cgroup = job->cgroup = snapshot_intern(snapshot, "/system.slice/db.service");
	add_row(snapshot, init, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 30, 0);
	add_row(snapshot, db, 2, "/dev/zero (deleted)", "rw-s", KIND_SHMEM, ACCESS_WRITE,
		1024 * MIB, 100, 0);
	add_row(snapshot, job, 3, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, 8 * MIB, 40, 0);
	db->minor += 1000; /* from before faultmap came */
	snapshot->totals = (struct totals){ .entries = 171, .minor = 170, .denied = 1 };
	seal(snapshot, 0);
}

/* What the interval of two seconds brought. */
static void picture_after(struct snapshot *snapshot)
{
	struct process *db, *job, *odd;

	snapshot_begin(snapshot);
	db = snapshot_find_process(snapshot, 412, 412000);
	job = snapshot_find_process(snapshot, 977, 977000);
	add_row(snapshot, db, 2, "/dev/zero (deleted)", "rw-s", KIND_SHMEM, ACCESS_WRITE,
		1024 * MIB, 5100, 0);
	add_row(snapshot, db, 4, "/var/lib/postgresql/base/16384/2619", "r--p", KIND_FILE_MAP,
		ACCESS_READ, 16 * MIB, 3, 2);
	add_row(snapshot, job, 3, "[anon]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, 8 * MIB, 400,
		0);
	job->ended = true;
	odd = add_process(snapshot, 1203, "w\033[31m\xff", 3 * MIB, MIB);
	odd->uid = 3999999999;
	odd->cgroup = snapshot_intern(snapshot, "");
	add_row(snapshot, odd, 5, "/tmp/日本語\n", "r-xp", KIND_FILE_MAP, ACCESS_EXEC, MIB, 1, 0);
	add_row(snapshot, odd, 0, "", "", KIND_DENIED_UNMAPPED, ACCESS_WRITE, 0, 0, 0)->now.denied =
		4;
	snapshot->totals = (struct totals){
		.entries = 5541, .minor = 5534, .major = 2, .denied = 5, .gup = 12, .map_full = 1
	};
	seal(snapshot, 1);
}

static void tick(struct sink_table *sink, const struct snapshot *snapshot)
{
	struct error error;

	assert_int_equal(sink_table_tick(sink, snapshot, &error), 0);
}

/* The table of the interval, after the baseline passed by. */
static char *print_table(struct sink_table_options options, struct snapshot *snapshot)
{
	char *text = NULL;
	size_t size;
	FILE *memory = options.stream = open_memstream(&text, &size);
	struct sink_table *sink = sink_table_new(&options);

	picture_before(snapshot);
	tick(sink, snapshot);
	picture_after(snapshot);
	tick(sink, snapshot);
	/* The next interval is empty: what ended has become a sum. */
	snapshot_begin(snapshot);
	seal(snapshot, 2);
	tick(sink, snapshot);
	fclose(memory);
	sink_table_free(sink);
	return text;
}

static void assert_table(struct sink_table_options options, const char *golden)
{
	struct snapshot *snapshot = snapshot_new();
	autofree char *text = print_table(options, snapshot);

	assert_golden(golden, text);
	snapshot_free(snapshot);
}

static void by_process(void **state)
{
	(void)state;
	assert_table((struct sink_table_options){ .by = BY_PROCESS,
						  .sort = SORT_FAULTS,
						  .show_all = true },
		     "top_process.txt");
}

static void by_mapping(void **state)
{
	(void)state;
	assert_table((struct sink_table_options){ .by = BY_MAPPING,
						  .sort = SORT_FAULTS,
						  .show_all = true },
		     "top_mapping.txt");
}

static void by_kind(void **state)
{
	(void)state;
	assert_table((struct sink_table_options){ .by = BY_KIND, .sort = SORT_FAULTS },
		     "top_kind.txt");
}

static void by_cgroup(void **state)
{
	(void)state;
	assert_table((struct sink_table_options){ .by = BY_CGROUP, .sort = SORT_FAULTS },
		     "top_cgroup.txt");
}

/* The processes of a unit are one line, whatever cgroups it has. */
static void by_unit(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	struct sink_table *sink = sink_table_new(&(struct sink_table_options){
		.by = BY_UNIT, .sort = SORT_FAULTS, .stream = memory });
	const char *cgroups[] = { "/system.slice/db.service", "/system.slice/db.service/worker",
				  "/system.slice/cron.service", "" };

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		struct process *process = add_process(snapshot, 100 + i, "x", MIB, MIB);

		process->cgroup = snapshot_intern(snapshot, cgroups[i]);
		add_row(snapshot, process, 1 + i, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
			MIB, 10 << i, 0);
	}
	seal(snapshot, 1);
	tick(sink, snapshot);
	fclose(memory);
	assert_golden("top_unit.txt", text);
	free(text);
	sink_table_free(sink);
	snapshot_free(snapshot);
}

static void sorted_by_denied_shows_denied(void **state)
{
	(void)state;
	assert_table((struct sink_table_options){ .by = BY_PROCESS,
						  .sort = SORT_DENIED,
						  .show_all = true },
		     "top_sort_denied.txt");
}

static void rows_left_out_are_summed_and_lines_fit(void **state)
{
	(void)state;
	assert_table((struct sink_table_options){ .by = BY_MAPPING,
						  .sort = SORT_NAME,
						  .rows = 2,
						  .width = 80 },
		     "top_rows.txt");
}

/* A terminal of 80 columns, and one of 132: less and more columns, and no line is wider. */
static void screens_fit(void **state)
{
	static const struct {
		enum grouping_by by;
		unsigned int width;
		const char *golden;
	} screens[] = {
		{ BY_PROCESS, 80, "top_process_80.txt" },
		{ BY_PROCESS, 132, "top_process_132.txt" },
		{ BY_MAPPING, 80, "top_mapping_80.txt" },
		{ BY_MAPPING, 132, "top_mapping_132.txt" },
		{ BY_UNIT, 80, "top_unit_80.txt" },
		{ BY_ROW, 132, "top_row_132.txt" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(screens); i++)
		assert_table((struct sink_table_options){ .by = screens[i].by,
							  .sort = SORT_COST,
							  .width = screens[i].width },
			     screens[i].golden);
}

/* A snapshot with stalls, and with faults that found no room in the kernel's table. */
static void assert_stalled_table(struct sink_table_options options, const char *golden)
{
	struct snapshot *snapshot = snapshot_new();
	struct process *db, *other;
	struct row *row;
	autofree char *text = NULL;
	size_t size;
	FILE *memory = options.stream = open_memstream(&text, &size);
	struct sink_table *sink = sink_table_new(&options);

	snapshot_begin(snapshot);
	db = add_process(snapshot, 412, "postgres", 2048 * MIB, 700 * MIB);
	row = add_row(snapshot, db, 1, "/base", "r--p", KIND_FILE_MAP, ACCESS_READ, MIB, 1, 1);
	stall(row, 10000000); /* before the interval */
	seal(snapshot, 0);
	tick(sink, snapshot);
	snapshot_begin(snapshot);
	add_row(snapshot, db, 1, "/base", "r--p", KIND_FILE_MAP, ACCESS_READ, MIB, 3, 2);
	stall_for(row, STALL_DISK, 5000000);
	stall_for(row, STALL_CPU, 1000000);
	add_row(snapshot, add_process(snapshot, 977, "cc1", 90 * MIB, 40 * MIB), 2, "[heap]",
		"rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 4, 0);
	other = snapshot_process(snapshot, 0, 0, NULL);
	strcpy(other->comm, "other");
	add_row(snapshot, other, 0, "[other]", "", KIND_COW, ACCESS_UNKNOWN, 0, 7, 0);
	other->minor = 0; /* the kernel counts nothing for nobody */
	snapshot->totals = (struct totals){ .entries = 17, .minor = 14, .major = 2, .map_full = 7 };
	seal(snapshot, 1);
	tick(sink, snapshot);
	/* Where nothing stalls any more the column stays. */
	snapshot_begin(snapshot);
	seal(snapshot, 2);
	tick(sink, snapshot);
	fclose(memory);
	assert_golden(golden, text);
	sink_table_free(sink);
	snapshot_free(snapshot);
}

static void stalls_have_a_column(void **state)
{
	(void)state;
	assert_stalled_table((struct sink_table_options){ .by = BY_PROCESS,
							  .sort = SORT_FAULTS,
							  .show_all = true },
			     "top_stall.txt");
	assert_stalled_table((struct sink_table_options){ .by = BY_MAPPING,
							  .sort = SORT_STALL,
							  .show_all = true },
			     "top_stall_mapping.txt");
	assert_stalled_table((struct sink_table_options){ .by = BY_CGROUP, .sort = SORT_FAULTS },
			     "top_stall_cgroup.txt");
}

/* Below the table, or in its object; only of the interval, and where they are wanted. */
static void findings_are_shown(void **state)
{
	static const struct {
		enum tally_format format;
		bool has_findings;
		const char *want, *want_none;
	} cases[] = {
		{ TALLY_TEXT, true, "\nfindings, see faultmap-findings(7): cow-storm work[100]\n",
		  NULL },
		{ TALLY_TEXT, false, NULL, "finding" },
		{ TALLY_JSON, true, "\"findings\":[{\"finding\":\"cow-storm\",", NULL },
		{ TALLY_JSON, false, NULL, "finding" },
		{ TALLY_CSV, true, NULL, "finding" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct snapshot *snapshot = snapshot_new();
		char *text = NULL;
		size_t size;
		FILE *memory = open_memstream(&text, &size);
		struct sink_table *sink = sink_table_new(
			&(struct sink_table_options){ .format = cases[i].format,
						      .has_findings = cases[i].has_findings,
						      .page_size = 4096,
						      .stream = memory });

		add_row(snapshot, add_process(snapshot, 100, "work", MIB, MIB), 1, "[anon]", "rw-p",
			KIND_COW, ACCESS_WRITE, 256 * MIB, 20000, 0);
		seal(snapshot, 1);
		tick(sink, snapshot);
		fclose(memory);
		if (cases[i].want && !strstr(text, cases[i].want))
			fail_msg("case %zu: %s", i, text);
		if (cases[i].want_none)
			assert_null(strstr(text, cases[i].want_none));
		free(text);
		sink_table_free(sink);
		snapshot_free(snapshot);
	}
}

/* The word that stands first on the lines below the titles. */
static void assert_order(enum tally_sort sort, const char *const pids[4])
{
	struct snapshot *snapshot = snapshot_new();
	struct sink_table_options options = { .by = BY_PROCESS, .sort = sort, .show_all = true };
	autofree char *text = print_table(options, snapshot);
	char *line = strstr(text, "PID");

	for (size_t i = 0; i < 4; i++) {
		line = strchr(line, '\n') + 1;
		line += strspn(line, " ");
		assert_memory_equal(line, pids[i], strlen(pids[i]));
		assert_int_equal(line[strlen(pids[i])], ' ');
	}
	snapshot_free(snapshot);
}

static void each_sort_orders_its_column(void **state)
{
	(void)state;
	assert_order(SORT_FAULTS, (const char *[]){ "412", "977", "1203", "1" });
	assert_order(SORT_MINOR, (const char *[]){ "412", "977", "1203", "1" });
	assert_order(SORT_MAJOR, (const char *[]){ "412", "977", "1203", "1" });
	assert_order(SORT_DENIED, (const char *[]){ "1203", "412", "977", "1" });
	assert_order(SORT_PAGES, (const char *[]){ "412", "977", "1203", "1" });
	assert_order(SORT_RSS, (const char *[]){ "412", "977", "1", "1203" });
	assert_order(SORT_VSZ, (const char *[]){ "412", "1", "977", "1203" });
	assert_order(SORT_PID, (const char *[]){ "1", "412", "977", "1203" });
	assert_order(SORT_NAME, (const char *[]){ "977", "412", "1", "1203" });
}

static void a_view_sorts_by_what_it_has(void **state)
{
	(void)state;
	for (int by = BY_PROCESS; by <= BY_ROW; by++)
		for (int sort = SORT_STALL; sort <= SORT_COST; sort++) {
			bool is_place = by == BY_MAPPING || by == BY_ROW;
			bool has_pid = by == BY_PROCESS || by == BY_THREAD || is_place;
			bool has_memory = !is_place && by != BY_FILE && by != BY_KIND &&
					  by != BY_THREAD;
			bool want = sort == SORT_PID                     ? has_pid :
				    sort == SORT_RSS || sort == SORT_VSZ ? has_memory :
									   true;

			assert_int_equal(grouping_can_sort(by, sort), want);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_process),
		cmocka_unit_test(by_mapping),
		cmocka_unit_test(by_kind),
		cmocka_unit_test(by_cgroup),
		cmocka_unit_test(by_unit),
		cmocka_unit_test(sorted_by_denied_shows_denied),
		cmocka_unit_test(rows_left_out_are_summed_and_lines_fit),
		cmocka_unit_test(screens_fit),
		cmocka_unit_test(findings_are_shown),
		cmocka_unit_test(stalls_have_a_column),
		cmocka_unit_test(each_sort_orders_its_column),
		cmocka_unit_test(a_view_sorts_by_what_it_has),
	};

	return cmocka_run_group_tests_name("sink_table", tests, NULL, NULL);
}
