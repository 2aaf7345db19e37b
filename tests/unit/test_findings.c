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
#include "model/ledger.h"
#include "picture.h"
#include "stall.h"
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
	uint64_t size;    /* of the mapping; 0: 256 MiB */
	uint64_t largest; /* that it ever was; 0: not known */
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
	/* It was larger before; a window that moves over a file reads each page once. */
	{ "cold-file", "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 200 * MS,
	  .wall_ns = SECOND, .size = MIB, .largest = 2 * MIB },
	{ "cold-file", "/data/x", KIND_FILE_MAP, ACCESS_READ, 0, 300, 0, MIB, STALL_DISK, 200 * MS,
	  .wall_ns = SECOND, .size = MIB, .largest = UINT64_C(1) << 62 },
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
	/* The same memory again and again is told once. */
	{ "again", "[heap]", KIND_DEMAND_ZERO, ACCESS_WRITE, 65536, 0, 0, 50 * MIB, STALL_CPU,
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
	{ "populate", "[anon]", KIND_POPULATE, ACCESS_WRITE, 65000, .rss = 256 * MIB, .gup = 536 },
	{ NULL, "[anon]", KIND_POPULATE, ACCESS_WRITE, 65000, .rss = 256 * MIB, .gup = 535 },
	/* Timed: little that took long, and much that did not; a small share of a long run. */
	{ "populate", "[anon]", KIND_POPULATE, ACCESS_WRITE, 1000, 0, 0, 256 * MIB, STALL_CPU,
	  100 * MS, .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_POPULATE, ACCESS_WRITE, 200000, 0, 0, 800 * MIB, STALL_CPU, 99 * MS,
	  .wall_ns = SECOND },
	{ NULL, "[anon]", KIND_POPULATE, ACCESS_WRITE, 200000, 0, 0, 800 * MIB, STALL_CPU, 200 * MS,
	  .wall_ns = 5 * SECOND },
	{ "populate", "[anon]", KIND_POPULATE, ACCESS_WRITE, 200000, 0, 0, 800 * MIB, STALL_CPU,
	  99 * MS, .gup = 65536 },
	/* A cold file that is populated is not read by major faults. */
	{ "populate", "/data/x", KIND_POPULATE, ACCESS_READ, 0, 300, 0, MIB, STALL_UNKNOWN,
	  150 * MS, .wall_ns = SECOND },
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
	struct findings *findings = findings_new(4096, NULL);
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
	row->largest = ledger_size_code(one->largest);
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
	struct findings *findings = findings_new(4096, NULL);
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

/* Whose malloc it is comes from the names of mappings and of code, and from where Go has its heap.
 */
static void each_allocator_is_recognised(void **state)
{
	static const struct {
		const char *mapping; /* that the process has beside its memory; NULL: none */
		uint64_t at;         /* where its memory is; 0: anywhere */
		const char *memory, *seen, *advice;
	} cases[] = {
		{ NULL, 0, "[anon]", "times; most of it in mappings", "mmap_threshold" },
		{ "/usr/lib/x86_64-linux-gnu/libc.so.6", 0, "[heap]", "malloc is of glibc",
		  ".trim_threshold=1073741824" },
		{ "/usr/lib/x86_64-linux-gnu/libc.so.6", 0, "[anon]", "malloc is of glibc",
		  "mmap_threshold" },
		{ "/lib/ld-musl-x86_64.so.1", 0, "[anon]", "malloc is of musl", "another malloc" },
		{ "/usr/lib/libjemalloc.so.2", 0, "[anon]", "malloc is of jemalloc",
		  "dirty_decay_ms" },
		{ "[anon:jemalloc_pg]", 0, "[anon]", "malloc is of jemalloc", "dirty_decay_ms" },
		{ "/usr/lib/libtcmalloc_minimal.so.4", 0, "[anon]", "malloc is of tcmalloc",
		  "TCMALLOC_RELEASE_RATE" },
		{ "/usr/lib/libmimalloc.so.2", 0, "[anon]", "malloc is of mimalloc",
		  "PURGE_DELAY" },
		{ "/usr/lib/jvm/lib/server/libjvm.so", 0, "[anon]", "malloc is of Java", "-Xms" },
		{ "/usr/lib/libc.so.6", 0xc000000000, "[anon]", "malloc is of Go", "GOGC" },
		{ "[anon: Go: heap]", 0, "[anon]", "malloc is of Go", "GOGC" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings *findings = findings_new(4096, NULL);
		struct snapshot *snapshot = snapshot_new();
		const struct finding *list;
		struct process *process;
		struct error error;
		struct row *row;
		size_t count;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", 600 * MIB, 20 * MIB);
		/* What every process has is no sign of another's malloc. */
		if (cases[i].mapping)
			add_row(snapshot, process, 2, "/usr/lib/libc.so.6", "r-xp", KIND_FILE_MAP,
				ACCESS_READ, MIB, 1, 0);
		if (cases[i].mapping)
			add_row(snapshot, process, 3, cases[i].mapping, "r-xp", KIND_FILE_MAP,
				ACCESS_READ, MIB, 1, 0);
		row = add_row(snapshot, process, 1, cases[i].memory, "rw-p", KIND_DEMAND_ZERO,
			      ACCESS_WRITE, 64 * MIB, 65536, 0);
		if (cases[i].at) {
			row->map_start = cases[i].at;
			row->map_end = cases[i].at + 64 * MIB;
		}
		seal(snapshot, 1);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
		assert_int_equal(count, 1);
		if (!strstr(list[0].seen, cases[i].seen) ||
		    !strstr(list[0].advice, cases[i].advice))
			fail_msg("case %zu: %s; do: %s", i, list[0].seen, list[0].advice);
		assert_int_equal(list[0].cost_bytes, (256 - 20) * MIB);
		snapshot_free(snapshot);
		findings_free(findings);
	}
}

/* By who forked whom: a child of the same name, also where others lived longer; else the parent. What a child copies
 * may have come to its parent in huge pages; another process's are not split. */
static void a_copy_has_its_fork(void **state)
{
	static const struct {
		const char *child_comm;
		bool is_child; /* who copies */
		bool has_ended;
		const char *want;
		unsigned int huge; /* who has huge pages */
	} cases[] = {
		{ "work", false, true, ": work[100] forked work[101], which ended after 1.5s", 0 },
		{ "work", false, false, ": work[100] forked work[101], which still lives", 0 },
		{ "work", true, true, ": work[100] forked work[101], which ended after 1.5s", 100 },
		{ "sh", false, true, ": work[100] forked sh[101], which ended after 1.5s", 102 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings *findings = findings_new(4096, NULL);
		struct snapshot *snapshot = snapshot_new();
		struct process *parent, *child, *other;
		const struct finding *list;
		struct error error;
		size_t count;

		snapshot_begin(snapshot);
		parent = add_process(snapshot, 100, "work", 600 * MIB, 90 * MIB);
		child = add_process(snapshot, 101, cases[i].child_comm, 600 * MIB, 90 * MIB);
		other = add_process(snapshot, 102, "sh", MIB, MIB);
		child->ppid = other->ppid = 100;
		child->accounted = other->accounted = true;
		child->ended = cases[i].has_ended;
		child->lifetime_ns = cases[i].has_ended ? 1500 * MS : 0;
		other->ended = true;
		other->lifetime_ns = strcmp(cases[i].child_comm, "sh") ? 9000 * MS : MS;
		add_row(snapshot, cases[i].is_child ? child : parent, 1, "[anon]", "rw-p", KIND_COW,
			ACCESS_WRITE, 256 * MIB, 20000, 0);
		if (cases[i].huge)
			add_row(snapshot, cases[i].huge == 100 ? parent : other, 1, "[anon]",
				"rw-p", KIND_HUGE_ZERO, ACCESS_WRITE, 256 * MIB, 40, 0);
		seal(snapshot, 1);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
		assert_int_equal(count, 1);
		if (!strstr(list[0].seen, cases[i].want) ||
		    !strstr(list[0].seen, "; huge pages there were split") !=
			    (cases[i].huge != 100))
			fail_msg("case %zu: %s", i, list[0].seen);
		snapshot_free(snapshot);
		findings_free(findings);
	}
}

static uint64_t limit_of_100(const struct process *process, char *file, size_t size)
{
	if (process->tgid != 100)
		return UINT64_MAX;
	snprintf(file, size, "/sys/fs/cgroup/x/memory.max");
	return 16 * MIB;
}

/* Refaults of a file that is larger than what may be resident: no page came twice by the count of
 * faults alone. Without a limit and without reclaim it was evicted long ago: then it is cold. */
static void refaults_below_a_limit_are_thrash(void **state)
{
	static const struct {
		uint32_t pid;
		bool has_ended;
		enum stall_cause cause;
		const char *want, *seen;
	} cases[] = {
		{ 100, false, STALL_DISK, "thrash",
		  "its limit is 16M (/sys/fs/cgroup/x/memory.max)" },
		{ 100, true, STALL_DISK, "thrash",
		  "its limit is 16M (/sys/fs/cgroup/x/memory.max)" },
		{ 101, false, STALL_RECLAIM, "thrash", "brought back 300 pages" },
		{ 101, false, STALL_DISK, "cold-file", "read the file" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings *findings = findings_new(4096, limit_of_100);
		struct snapshot *snapshot = snapshot_new();
		const struct finding *list;
		struct error error;
		struct process *process;
		struct row *row;
		size_t count;

		snapshot_begin(snapshot);
		process = add_process(snapshot, cases[i].pid, "work", MIB, MIB);
		process->ended = cases[i].has_ended;
		row = add_row(snapshot, process, 1, "/data/x", "r--s", KIND_FILE_MAP, ACCESS_READ,
			      256 * MIB, 0, 300);
		stall_for(row, cases[i].cause, 200 * MS);
		row->latency->causes->now.refaults = 300;
		seal(snapshot, 1);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
		assert_int_equal(count, 1);
		if (strcmp(list[0].name, cases[i].want) || !strstr(list[0].seen, cases[i].seen))
			fail_msg("case %zu: %s: %s", i, list[0].name, list[0].seen);
		snapshot_free(snapshot);
		findings_free(findings);
	}
}

/* Mappings at multiples of 64 MiB, which are no larger: 32 of them, and not 31; other ones are
 * none, nor those of another malloc. */
static void arenas_are_counted(void **state)
{
	static const struct {
		unsigned int arenas;
		uint64_t at, size, pages;
		bool is_found;
		const char *library;
		enum fault_mode mode;
	} cases[] = {
		{ 32, 0, 4 * MIB, 600, true, "/usr/lib/libc.so.6", MODE_USER },
		{ 31, 0, 4 * MIB, 600, false, "/usr/lib/libc.so.6", MODE_USER },
		{ 32, 0, 4 * MIB, 400, false, "/usr/lib/libc.so.6", MODE_USER },
		{ 32, 32 * MIB, 4 * MIB, 600, false, "/usr/lib/libc.so.6", MODE_USER },
		{ 32, 0, 65 * MIB, 600, false, "/usr/lib/libc.so.6", MODE_USER },
		{ 32, 0, 4 * MIB, 600, true, "/usr/lib/jvm/libjvm.so", MODE_USER },
		{ 32, 0, 4 * MIB, 600, false, "/usr/lib/libjemalloc.so.2", MODE_USER },
		{ 32, 0, 4 * MIB, 600, false, "/usr/lib/libc.so.6", MODE_KERNEL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings *findings = findings_new(4096, NULL);
		struct snapshot *snapshot = snapshot_new();
		const struct finding *list;
		struct process *process;
		struct error error;
		size_t count;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", MIB, 400 * MIB);
		add_row(snapshot, process, 1000, cases[i].library, "r-xp", KIND_FILE_MAP,
			ACCESS_READ, MIB, 1, 0);
		for (unsigned int j = 0; j < cases[i].arenas; j++) {
			struct row *row = add_row(snapshot, process, 1 + j, "[anon]", "rw-p",
						  KIND_DEMAND_ZERO, ACCESS_WRITE, MIB,
						  cases[i].pages, 0);

			row->map_start = 0x7f0000000000 + j * 128 * MIB + cases[i].at;
			row->map_end = row->map_start + cases[i].size;
			row->mode = (uint8_t)cases[i].mode;
			/* One that was only read adds none. */
			row = add_row(snapshot, process, 1 + j, "[anon]", "rw-p", KIND_DEMAND_ZERO,
				      ACCESS_READ, MIB, 1, 0);
			row->map_start = 0x7f0000000000 + j * 128 * MIB + cases[i].at;
			row->map_end = row->map_start + cases[i].size;
		}
		seal(snapshot, 1);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
		if (count != cases[i].is_found || (count && strcmp(list[0].name, "arenas")))
			fail_msg("case %zu: %zu findings", i, count);
		snapshot_free(snapshot);
		findings_free(findings);
	}
}

/* Each has a stack of its own: 512 of them, and not 511. */
static void threads_are_counted_by_their_stacks(void **state)
{
	(void)state;
	for (unsigned int threads = 511; threads <= 512; threads++) {
		struct findings *findings = findings_new(4096, NULL);
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

static void copy_much(struct snapshot *snapshot, uint32_t pid)
{
	add_row(snapshot, add_process(snapshot, pid, "work", MIB, MIB), pid, "[anon]", "rw-p",
		KIND_COW, ACCESS_WRITE, 256 * MIB, 20000, 0);
}

/* What others do later is no reason to forget it; but there are no more than anybody reads. */
static void each_process_has_its_own(void **state)
{
	struct recent_findings *recent = recent_findings_new(4096, 0, 1000 * SECOND, NULL);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	struct error error;
	size_t count;

	(void)state;
	for (uint32_t tick = 1; tick <= 40; tick++) {
		snapshot_begin(snapshot);
		copy_much(snapshot, 100 + tick);
		copy_much(snapshot, 200 + tick);
		seal(snapshot, tick);
		assert_int_equal(recent_findings_tick(recent, snapshot, &error), 0);
		list = recent_findings_list(recent, &count, NULL);
		assert_int_equal(count, 2 * tick < 64 ? 2 * tick : 64);
		assert_int_equal(list[0].pid % 100, tick); /* the newest */
	}
	snapshot_free(snapshot);
	recent_findings_free(recent);
}

/* Rows of two mappings, neither of which is long; and of two causes. */
static void stalls_add_up(void **state)
{
	static const struct {
		const char *want;
		enum fault_kind kind;
		enum stall_cause causes[2];
	} cases[] = {
		{ "swap-in", KIND_SWAP_IN, { STALL_SWAP, STALL_SWAP } },
		{ "numa-hints", KIND_NUMA_HINT, { STALL_CPU, STALL_CPU } },
		{ "lock-convoy", KIND_FILE_MAP, { STALL_LOCK, STALL_LOCK } },
		{ "slow-handler", KIND_FILE_MAP, { STALL_REMOTE, STALL_USERFAULTFD } },
		{ NULL, KIND_FILE_MAP, { STALL_LOCK, STALL_USERFAULTFD } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings *findings = findings_new(4096, NULL);
		struct snapshot *snapshot = snapshot_new();
		const struct finding *list;
		struct process *process;
		struct error error;
		size_t count;

		snapshot_begin(snapshot);
		process = add_process(snapshot, 100, "work", MIB, MIB);
		for (uint64_t j = 0; j < 2; j++)
			stall_for(add_row(snapshot, process, 1 + j, j ? "[anon]" : "/data/x",
					  "rw-p", cases[i].kind, ACCESS_READ, MIB, 10, 0),
				  cases[i].causes[j], 60 * MS);
		seal(snapshot, 1);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
		if (count != !!cases[i].want || (count && strcmp(list[0].name, cases[i].want)))
			fail_msg("case %zu: %zu findings", i, count);
		if (count)
			assert_int_equal(list[0].cost_ns, 120 * MS);
		snapshot_free(snapshot);
		findings_free(findings);
	}
}

/* Relocations before the first tick, or the one before, are not of this one. */
static void relocations_are_of_each_tick(void **state)
{
	struct findings *findings = findings_new(4096, NULL);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	struct error error;
	struct row *row;
	size_t count;

	(void)state;
	for (uint64_t tick = 1; tick <= 3; tick++) {
		snapshot_begin(snapshot);
		row = add_row(snapshot, add_process(snapshot, 100, "work", MIB, MIB), 1,
			      "/lib/x.so", "rw-p", KIND_FILE_COW, ACCESS_WRITE, 256 * MIB,
			      650 * tick, 50 * tick);
		stall_for(row, STALL_CPU, 50 * MS);
		seal(snapshot, tick);
		assert_int_equal(findings_tick(findings, snapshot, &error), 0);
		assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
		assert_int_equal(count, tick == 3); /* 1400 are not enough */
	}
	assert_string_equal(list[0].name, "relocations");
	assert_int_equal(list[0].cost_bytes, 2100 * 4096);
	assert_int_equal(list[0].cost_ns, 150 * MS);
	snapshot_free(snapshot);
	findings_free(findings);
}

/* What stalls longest is first, and what has no stalls at the end; "[other]" is nobody. */
/* What is left of `kept` MiB in two parts of one name; true: there is a finding. */
static bool finds_unused(uint64_t kept, uint64_t unused, uint64_t wall_ns)
{
	struct findings *findings = findings_new(4096, NULL);
	const struct finding *list;
	size_t count;
	bool is_found;

	for (int i = 0; i < 2; i++)
		assert_int_equal(findings_note_unused(findings, 100, "work", "[anon]",
						      kept * MIB / 2, unused * MIB / 2),
				 0);
	assert_int_equal(findings_note_unused(findings, 101, "other", "[anon]", kept * MIB, 0), 0);
	assert_int_equal(findings_end(findings, wall_ns, &list, &count), 0);
	is_found = count == 1 && !strcmp(list[0].name, "unused") && list[0].pid == 100 &&
		   !strcmp(list[0].comm, "work") && list[0].cost_bytes == unused * MIB;
	assert_int_equal(count, is_found);
	findings_free(findings);
	return is_found;
}

static void memory_that_nobody_touches_is_unused(void **state)
{
	(void)state;
	assert_true(finds_unused(128, 64, SECOND));
	/* Less; less than half; too short a look. */
	assert_false(finds_unused(120, 62, SECOND));
	assert_false(finds_unused(256, 126, SECOND));
	assert_false(finds_unused(128, 128, SECOND - 1));
}

static void the_costliest_is_first(void **state)
{
	static const char *const want[] = { "lock-convoy", "swap-in", "cow-storm" };
	struct findings *findings = findings_new(4096, NULL);
	struct snapshot *snapshot = snapshot_new();
	const struct finding *list;
	struct error error;
	size_t count;

	(void)state;
	snapshot_begin(snapshot);
	stall_for(add_row(snapshot, add_process(snapshot, 100, "swap", MIB, MIB), 1, "[anon]",
			  "rw-p", KIND_SWAP_IN, ACCESS_READ, MIB, 0, 100),
		  STALL_SWAP, 150 * MS);
	stall_for(add_row(snapshot, add_process(snapshot, 101, "lock", MIB, MIB), 2, "[anon]",
			  "rw-p", KIND_DEMAND_ZERO, ACCESS_WRITE, MIB, 10, 0),
		  STALL_LOCK, 200 * MS);
	copy_much(snapshot, 102);
	add_row(snapshot, add_process(snapshot, 0, "other", 0, 0), 3, "[other]", "rw-p", KIND_COW,
		ACCESS_WRITE, MIB, 20000, 0);
	seal(snapshot, 1);
	assert_int_equal(findings_tick(findings, snapshot, &error), 0);
	assert_int_equal(findings_end(findings, SECOND, &list, &count), 0);
	assert_int_equal(count, ARRAY_SIZE(want));
	for (size_t i = 0; i < count; i++)
		assert_string_equal(list[i].name, want[i]);
	snapshot_free(snapshot);
	findings_free(findings);
}

/* Ten processes do the same: three say it. */
static void of_each_name_the_costliest_are_listed(void **state)
{
	struct findings *findings = findings_new(4096, NULL);
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
		cmocka_unit_test(each_allocator_is_recognised),
		cmocka_unit_test(a_copy_has_its_fork),
		cmocka_unit_test(refaults_below_a_limit_are_thrash),
		cmocka_unit_test(arenas_are_counted),
		cmocka_unit_test(threads_are_counted_by_their_stacks),
		cmocka_unit_test(each_process_has_its_own),
		cmocka_unit_test(stalls_add_up),
		cmocka_unit_test(relocations_are_of_each_tick),
		cmocka_unit_test(memory_that_nobody_touches_is_unused),
		cmocka_unit_test(the_costliest_is_first),
		cmocka_unit_test(of_each_name_the_costliest_are_listed),
	};

	return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
