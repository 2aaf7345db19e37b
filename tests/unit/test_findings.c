// SPDX-License-Identifier: GPL-2.0-only
/* Each finding by what must trigger it, and by what comes close and must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "picture.h"
#include "stall.h"
#include "sink/finding_text.h"
#include "verdict/recent_findings.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* One row, as it stands when all is over. */
struct one {
	const char *want; /* NULL: no finding */
	const char *mapping;
	enum fault_kind kind;
	enum fault_access access;
	uint64_t minor, major, denied;
	uint64_t rss;
	enum stall_cause cause;
	uint64_t stall_ns;
	uint64_t reads; /* demand_zero by reading, in the same mapping */
	uint64_t wall_ns;
	uint64_t size; /* of the mapping; 0: 256 MiB */
	uint64_t gup;
	bool is_whole, is_of_all;
};

static const struct one table[] = {
	{ "again", "[heap]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65536, .rss = 50 * MIB },
	/* All touched once; three times as much as is resident; a small loop. */
	{ NULL, "[heap]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65536, .rss = 256 * MIB },
	{ NULL, "[heap]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65536, .rss = 65 * MIB },
	{ NULL, "[heap]", KIND_DEMAND_ZERO, ACCESS_WRITE, 15000, .rss = MIB },
	{ "cow-storm", "[anon]", KIND_COW, ACCESS_WRITE, 20000, .rss = 90 * MIB },
	/* Read first: copies of the zero page. Relocations. A small fork. */
	{ NULL, "[anon]", KIND_COW, ACCESS_WRITE, 20000, .rss = 90 * MIB, .reads = 20000 },
	{ NULL, "/usr/lib/libx.so", KIND_COW, ACCESS_WRITE, 20000, .rss = 90 * MIB },
	{ NULL, "[anon]", KIND_COW, ACCESS_WRITE, 16000, .rss = 90 * MIB },
	{ "cold-file", "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 200 * MS,
	  .wall_ns = SECOND },
	/* A few; fast ones; a small share of a long run. */
	{ NULL, "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 200, 0, MIB, STALL_DISK, 200 * MS,
	  .wall_ns = SECOND },
	{ NULL, "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 90 * MS,
	  .wall_ns = SECOND },
	{ NULL, "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 200 * MS,
	  .wall_ns = 10 * SECOND },
	{ "lock-convoy", "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 100, 0, 0, MIB, STALL_LOCK,
	  150 * MS, .wall_ns = SECOND },
	/* As long, but at work. */
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 100, 0, 0, MIB, STALL_CPU, 150 * MS,
	  .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 100, 0, 0, MIB, STALL_LOCK, 80 * MS,
	  .wall_ns = SECOND },
	{ "swap-in", "[anon]", KIND_SWAP_IN, ACCESS_READ, 0, 100, 0, MIB, STALL_SWAP, 150 * MS,
	  .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_SWAP_IN, ACCESS_READ, 0, 100, 0, MIB, STALL_SWAP, 50 * MS,
	  .wall_ns = SECOND },
	{ "slow-handler", "[anon]", KIND_USERFAULTFD, ACCESS_READ, 10, 0, 0, MIB, STALL_USERFAULTFD,
	  150 * MS, .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_USERFAULTFD, ACCESS_READ, 10, 0, 0, MIB, STALL_USERFAULTFD, 50 * MS,
	  .wall_ns = SECOND },
	{ "denied-mechanism", "[anon]", KIND_DENIED_ACCESS, ACCESS_WRITE, 0, 0, 1000, MIB,
	  .wall_ns = SECOND },
	/* Each page came once, by its own fault; and not long. */
	{ "thrash", "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 200 * MS,
	  .wall_ns = SECOND, .size = MIB },
	{ "cold-file", "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 200 * MS,
	  .wall_ns = SECOND, .size = 300 * 4096 },
	{ NULL, "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 90 * MS,
	  .wall_ns = SECOND, .size = MIB },
	{ "reserved", "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 100, .rss = MIB, .size = 2048 * MIB,
	  .is_whole = true },
	/* Smaller; more touched; seen from the middle on; a file. */
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 100, .rss = MIB, .size = 1000 * MIB,
	  .is_whole = true },
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 27000, .rss = 120 * MIB,
	  .size = 2048 * MIB, .is_whole = true },
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 100, .rss = MIB, .size = 2048 * MIB },
	{ NULL, "/data/x", KIND_FILE_MAP, ACCESS_READ, 100, .rss = MIB, .size = 2048 * MIB,
	  .is_whole = true },
	{ "huge-pages", "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65536, 0, 0, 256 * MIB, STALL_CPU,
	  150 * MS, .wall_ns = SECOND },
	/* Less; fast; many small mappings; already huge. */
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65000, 0, 0, 256 * MIB, STALL_CPU,
	  150 * MS, .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65536, 0, 0, 256 * MIB, STALL_CPU,
	  90 * MS, .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65536, 0, 0, 256 * MIB, STALL_CPU,
	  150 * MS, .size = 32 * MIB },
	{ NULL, "[anon]", KIND_HUGE_ZERO, ACCESS_WRITE, 65536, 0, 0, 256 * MIB, STALL_CPU, 150 * MS,
	  .wall_ns = SECOND },
	{ "compaction", "[anon]", KIND_HUGE_ZERO, ACCESS_WRITE, 20, 0, 0, 256 * MIB,
	  STALL_COMPACTION, 150 * MS, .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_HUGE_ZERO, ACCESS_WRITE, 20, 0, 0, 256 * MIB, STALL_COMPACTION,
	  90 * MS, .wall_ns = SECOND },
	{ "populate", "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 20, .rss = 256 * MIB,
	  .gup = 65536 },
	{ NULL, "[anon]", KIND_DEMAND_ZERO, ACCESS_WRITE, 20, .rss = 256 * MIB, .gup = 65535 },
	{ "relocations", "/lib/x.so", KIND_FILE_COW, ACCESS_WRITE, 2048, 0, 0, MIB, STALL_CPU,
	  150 * MS, .is_of_all = true },
	{ NULL, "/lib/x.so", KIND_FILE_COW, ACCESS_WRITE, 2047, 0, 0, MIB, STALL_CPU, 150 * MS,
	  .wall_ns = SECOND },
	{ NULL, "/lib/x.so", KIND_FILE_COW, ACCESS_WRITE, 2048, 0, 0, MIB, STALL_CPU, 90 * MS,
	  .wall_ns = SECOND },
	{ "numa-hints", "[anon]", KIND_NUMA_HINT, ACCESS_READ, 300, 0, 0, MIB, STALL_CPU, 150 * MS,
	  .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_NUMA_HINT, ACCESS_READ, 300, 0, 0, MIB, STALL_CPU, 90 * MS,
	  .wall_ns = SECOND },
	/* A file system of a process: no matter how many, and the disk has no part in it. */
	{ "slow-handler", "/fuse/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_REMOTE,
	  150 * MS, .wall_ns = SECOND },
	{ NULL, "/fuse/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_REMOTE, 90 * MS,
	  .wall_ns = SECOND },
	/* A crash. */
	{ NULL, "[anon]", KIND_DENIED_ACCESS, ACCESS_WRITE, 0, 0, 1, MIB, .wall_ns = SECOND },
};

static void assert_finding(const struct one *one)
{
	struct findings *findings = findings_new(4096);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	struct process *process;
	struct error error;
	struct row *row;
	size_t count;

	snapshot_begin(snapshot);
	process = add_process(snapshot, 100, "work", 600 * MIB + one->size, one->rss);
	row = add_row(snapshot, process, 1, one->mapping, "rw-p", one->kind, one->access,
		      one->size ?: 256 * MIB, one->minor, one->major);
	row->now.denied = one->denied;
	if (one->stall_ns)
		stall_for(row, one->cause, one->stall_ns);
	if (one->reads)
		add_row(snapshot, process, 1, one->mapping, "rw-p", KIND_DEMAND_ZERO, ACCESS_READ,
			256 * MIB, one->reads, 0);
	process->ended = true;
	process->gup = one->gup;
	process->accounted = one->is_whole;
	seal(snapshot, 1);
	assert_int_equal(findings_tick(findings, snapshot, &error), 0);
	assert_int_equal(findings_end(findings, one->wall_ns ?: SECOND, &list, &count), 0);
	if (count != !!one->want || (count && strcmp(list[0].name, one->want)))
		fail_msg("row %td: %zu findings, %s", one - table, count,
			 count ? list[0].name : "");
	if (count) {
		assert_int_equal(list[0].pid, one->is_of_all ? 0 : 100);
		assert_string_equal(list[0].comm, one->is_of_all ? "" : "work");
		assert_true(strlen(list[0].seen) > 20 &&
			    strlen(list[0].seen) < FINDING_SEEN_LEN - 1);
		assert_true(*list[0].advice && *list[0].sure);
	}
	snapshot_free(snapshot);
	findings_free(findings);
}

static void each_has_what_triggers_it_and_what_does_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_finding(&table[i]);
}

/* What was resident when it was most counts, not what was at the end. */
static void the_peak_is_of_all_ticks(void **state)
{
	struct findings *findings = findings_new(4096);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	struct process *process;
	struct error error;
	size_t count;

	(void)state;
	for (uint64_t tick = 1; tick <= 2; tick++) {
		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", 600 * MIB, MIB);
		process->rss_bytes = process->peak_rss_bytes = (tick == 1 ? 256 : 1) * MIB;
		add_row(snapshot, process, 1, "[heap]", "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE,
			256 * MIB, 65536, 0);
		seal(snapshot, tick);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
	}
	assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
	assert_int_equal(count, 0);
	snapshot_free(snapshot);
	findings_free(findings);
}

/* Each has a stack of its own: 512 of them, and not 511. */
static void threads_are_counted_by_their_stacks(void **state)
{
	(void)state;
	for (unsigned int threads = 511; threads <= 512; threads++) {
		struct findings *findings = findings_new(4096);
		struct snapshot *snapshot = snapshot_new();
		const struct finding *list;
		struct process *process;
		struct error error;
		char name[32];
		size_t count;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", MIB, MIB);
		for (unsigned int i = 0; i < threads; i++) {
			snprintf(name, sizeof(name), "[stack:%u]", 1000 + i);
			add_row(snapshot, process, 1 + i, name, "rw-p", KIND_DEMAND_ZERO,
				ACCESS_WRITE, 8 * MIB, 3, 0);
			add_row(snapshot, process, 1 + i, name, "rw-p", KIND_DEMAND_ZERO,
				ACCESS_READ, 8 * MIB, 1, 0);
		}
		seal(snapshot, 1);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
		assert_int_equal(count, threads == 512);
		if (count) {
			assert_string_equal(list[0].name, "thread-stacks");
			assert_int_equal(list[0].cost_bytes, 512UL * 4 * 4096);
		}
		snapshot_free(snapshot);
		findings_free(findings);
	}
}

/* Windows of two intervals: of the first nothing is told before it is over, of the second what it had. */
static void recent_ones_are_of_the_last_window(void **state)
{
	struct recent_findings *recent = recent_findings_new(4096, 3 * SECOND, 0);
	struct snapshot *snapshot = snapshot_new();
	static const size_t want[] = { 0, 0, 1, 1, 0, 0 };
	struct error error;
	char line[128];

	(void)state;
	for (uint64_t tick = 0; tick < ARRAY_SIZE(want); tick++) {
		const struct finding *list;
		struct process *process;
		uint64_t window_ns;
		size_t count;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", MIB, MIB);
		add_row(snapshot, process, 1, "[anon]", "rw-p", KIND_COW, ACCESS_WRITE, 256 * MIB,
			tick < 2 ? 10000 * tick : 30000, 0);
		seal(snapshot, tick);
		assert_int_equal(recent_findings_tick(recent, snapshot, &error), 0);
		list = recent_findings_list(recent, &count, &window_ns);
		assert_int_equal(count, want[tick]);
		assert_int_equal(window_ns, tick < 2 ? 0 : 4 * SECOND);
		assert_string_equal(finding_text_line(list, count, line, sizeof(line)),
				    count ? "cow-storm work[100]" : "");
	}
	snapshot_free(snapshot);
	recent_findings_free(recent);
}

/* A window of each interval, in the first of which there is a finding; it is kept for five seconds, and
 * told as new once. */
static void what_was_found_is_kept_for_a_while(void **state)
{
	struct recent_findings *recent = recent_findings_new(4096, 0, 5 * SECOND);
	struct snapshot *snapshot = snapshot_new();
	struct error error;
	uint64_t window_ns;
	size_t count;

	(void)state;
	for (uint64_t tick = 1; tick <= 6; tick++) {
		const struct finding *list;

		snapshot_begin(snapshot);
		add_row(snapshot, add_process(snapshot, 100, "work", MIB, MIB), 1, "[anon]", "rw-p",
			KIND_COW, ACCESS_WRITE, 256 * MIB, tick < 3 ? 20000 : 40000, 0);
		seal(snapshot, tick);
		assert_int_equal(recent_findings_tick(recent, snapshot, &error), 0);
		list = recent_findings_new_ones(recent, &count, &window_ns);
		assert_int_equal(count, tick == 1 || tick == 3);
		assert_int_equal(window_ns, 2 * SECOND);
		list = recent_findings_list(recent, &count, NULL);
		assert_int_equal(count, tick < 6);
		if (!count)
			continue;
		/* Found again it is new again. */
		assert_int_equal(list[0].age_ns, (tick < 3 ? tick - 1 : tick - 3) * 2 * SECOND);
		assert_string_equal(list[0].mapping, "[anon]");
	}
	assert_int_equal(recent_findings_reset(recent), 0);
	recent_findings_list(recent, &count, &window_ns);
	assert_int_equal(count + window_ns, 0);
	snapshot_free(snapshot);
	recent_findings_free(recent);
}

/* Ten processes do the same: three say it. */
static void of_a_kind_the_costliest_are_told(void **state)
{
	struct findings *findings = findings_new(4096);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	struct error error;
	size_t count;

	(void)state;
	snapshot_begin(snapshot);
	for (uint32_t i = 0; i < 10; i++) {
		struct process *process = add_process(snapshot, 100 + i, "work", MIB, MIB);

		add_row(snapshot, process, 1 + i, "[anon]", "rw-p", KIND_COW, ACCESS_WRITE,
			256 * MIB, 20000 + i, 0);
	}
	seal(snapshot, 1);
	assert_int_equal(findings_tick(findings, snapshot, &error), 0);
	assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
	assert_int_equal(count, FINDINGS_OF_A_KIND);
	assert_int_equal(list[0].pid, 109);
	assert_int_equal(list[0].cost_bytes, 20009 * 4096);
	snapshot_free(snapshot);
	findings_free(findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_what_triggers_it_and_what_does_not),
		cmocka_unit_test(the_peak_is_of_all_ticks),
		cmocka_unit_test(what_was_found_is_kept_for_a_while),
		cmocka_unit_test(threads_are_counted_by_their_stacks),
		cmocka_unit_test(recent_ones_are_of_the_last_window),
		cmocka_unit_test(of_a_kind_the_costliest_are_told),
	};

	return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
