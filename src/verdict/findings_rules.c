// SPDX-License-Identifier: GPL-2.0-only
/* The rules of findings, and their thresholds. Each rule has a section in faultmap-findings(7). */
#include "verdict/findings_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"

/* Thresholds. Below them a program is normal, and nobody would notice a change. ----------------- */

/* Of memory: 64 MiB take some 20 ms to fault in, the least that somebody notices. */
#define MANY_BYTES (64UL << 20)
/* Times the peak of resident memory: a program that goes through phases returns memory and takes it
 * again, up to twice; four times is a loop. */
#define TIMES_AGAIN 4
/* Of stalls: 100 ms is what a person notices, and ... */
#define LONG_NS 100000000UL
/* ... a twentieth of the run is worth a change. */
#define WALL_SHARE 20
/* Of major faults: a cold start of any program has dozens. */
#define MANY_MAJOR 256
/* Of denied faults: a crash has one, a test of a guard page a few. */
#define MANY_DENIED 1000

/* Of memory that is reserved and not touched: a machine of 16 GiB with strict overcommit notices
 * this much. */
#define MANY_RESERVED (1UL << 30)
/* The part of it that is touched: below a twentieth it is no headroom, but a mistake or a trick. */
#define RESERVED_SHARE 20
/* Of memory filled page by page where huge pages would fit: 65,536 faults, 100 ms or more. */
#define MANY_SMALL (256UL << 20)
/* Of a mapping that huge pages fit into: the part outside whole 2 MiB is below a thirtieth. */
#define LARGE_MAPPING (64UL << 20)
/* Of threads' stacks: a pool has one per CPU or client, some hundred at most. */
#define MANY_STACKS 512
/* Of malloc's arenas: glibc makes at most eight per CPU, and reserves 64 MiB for each. So many are
 * 2 GiB, and memory that is freed in one cannot be used from another. */
#define MANY_ARENAS 32
/* Of memory that is populated, where nothing tells how long that took: some 100 ms. */
#define MANY_POPULATED (256UL << 20)
/* Of relocated pages: fewer take less than 2 ms at a start. */
#define MANY_RELOCATED 2048

/* Of memory that is not touched: less than half of what a mapping has is what a program keeps for
 * its next peak. */
#define UNUSED_SHARE 2
/* Of the time for which it was watched: in less no program comes to all that it needs. */
#define LONG_LOOK_NS 1000000000UL

/* Rules. --------------------------------------------------------------------------------------- */

static bool is_long(const struct rule_context *context, uint64_t stall_ns)
{
	return stall_ns >= LONG_NS && stall_ns >= context->wall_ns / WALL_SHARE;
}

/* By enum allocator: its name, and the setting that makes it keep freed memory. Documented in mallopt(3),
 * jemalloc(3), by gperftools, mimalloc, Go's runtime package and java(1). */
static const struct {
	const char *name, *advice;
} allocators[ALLOCATOR_COUNT] = {
	[ALLOCATOR_UNKNOWN] = { NULL, NULL },
	[ALLOCATOR_GLIBC] = { "glibc", NULL },
	[ALLOCATOR_MUSL] = { "musl",
			     "musl's malloc has no setting for it: reuse buffers, or link another "
			     "malloc; or fewer madvise(MADV_DONTNEED)" },
	[ALLOCATOR_JEMALLOC] = { "jemalloc",
				 "keep freed memory longer: "
				 "MALLOC_CONF=dirty_decay_ms:60000,muzzy_decay_ms:60000" },
	[ALLOCATOR_TCMALLOC] = { "tcmalloc", "keep freed memory: TCMALLOC_RELEASE_RATE=0" },
	[ALLOCATOR_MIMALLOC] = { "mimalloc", "keep freed memory: MIMALLOC_PURGE_DELAY=-1" },
	[ALLOCATOR_GO] = { "Go",
			   "let the heap stay: GOGC=200 or more with GOMEMLIMIT, reuse buffers "
			   "(sync.Pool); no debug.FreeOSMemory()" },
	[ALLOCATOR_JAVA] = { "Java", "keep the heap's size: -Xms as large as -Xmx, and no "
				     "-XX:G1PeriodicGCInterval" },
};

/* glibc has a setting for the top of the heap, and another for large blocks. */
static const char *advice_of(const struct subject *subject)
{
	enum allocator allocator = subject->resident->allocator;

	if (allocator != ALLOCATOR_GLIBC)
		return allocators[allocator].advice;
	if (subject->heap_faults > subject->zero_faults / 2)
		return "keep the top of the heap: "
		       "GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824";
	return NULL;
}

static bool faults_again(const struct subject *subject, const struct rule_context *context,
			 struct finding *finding)
{
	uint64_t bytes = subject->zero_faults * context->page_size;
	const char *name = allocators[subject->resident->allocator].name;
	char faulted[TEXT_SIZE_LEN], resident[TEXT_SIZE_LEN];

	if (!subject->resident->peak_rss || bytes < MANY_BYTES ||
	    bytes / TIMES_AGAIN <= subject->resident->peak_rss)
		return false;
	finding->cost_ns = subject->zero_ns;
	finding->cost_bytes = bytes - subject->resident->peak_rss;
	finding->advice = advice_of(subject) ?: finding->advice;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s were touched for the first time, where at most %s were resident: the same "
		 "memory %" PRIu64 " times; %s%s%s",
		 text_bytes(faulted, bytes), text_bytes(resident, subject->resident->peak_rss),
		 bytes / subject->resident->peak_rss,
		 subject->heap_faults > subject->zero_faults / 2 ? "most of it in [heap]" :
								   "most of it in mappings",
		 name ? ", its malloc is of " : "", name ?: "");
	return true;
}

/* Which process forked which, and how long both shared memory; "" if that was not seen. */
static char *describe_fork(char *text, size_t size, const struct shared_fork *fork)
{
	char parent[4 * COMM_LEN], child[4 * COMM_LEN], lived[TEXT_DURATION_LEN];

	*text = '\0';
	if (!fork->child)
		return text;
	text_escape_to(parent, sizeof(parent), fork->parent_comm);
	text_escape_to(child, sizeof(child), fork->child_comm);
	snprintf(text, size, ": %s[%" PRIu32 "] forked %s[%" PRIu32 "], which %s%s", parent,
		 fork->parent, child, fork->child, fork->has_ended ? "ended after " : "still lives",
		 fork->has_ended ? text_duration(lived, fork->lived_ns) : "");
	return text;
}

/* A page that was read before it was written is the zero page: its copy is not due to a fork. */
static bool copies_after_fork(const struct subject *subject, const struct rule_context *context,
			      struct finding *finding)
{
	uint64_t copies = subject->cow_faults > subject->zero_reads ?
				  subject->cow_faults - subject->zero_reads :
				  0;
	uint64_t bytes = copies * context->page_size;
	char copied[TEXT_SIZE_LEN], fork[192];

	if (bytes < MANY_BYTES || subject->mapping[0] != '[')
		return false;
	finding->cost_ns = subject->cow_ns;
	finding->cost_bytes = bytes;
	snprintf(
		finding->seen, sizeof(finding->seen),
		"%s were copied, page by page, because another process shared them after a fork%s%s",
		text_bytes(copied, bytes),
		subject->huge_faults ? "; huge pages there were split" : "",
		describe_fork(fork, sizeof(fork), &subject->resident->fork));
	return true;
}

/* Whether pages were evicted and read again: there were more major faults than pages, or the kernel
 * counted refaults while memory was scarce. A file that was evicted long ago refaults as well. */
static bool is_evicted(const struct subject *subject)
{
	return subject->again_major >= MANY_MAJOR ||
	       (subject->refaults >= MANY_MAJOR &&
		(subject->resident->limit_bytes != UINT64_MAX || subject->by_cause[STALL_RECLAIM]));
}

/* Writes which limit of memory applies. Returns text. */
static char *describe_limit(char *text, size_t size, const struct resident *resident)
{
	char cgroup[96], bytes[TEXT_SIZE_LEN];

	if (resident->limit_bytes != UINT64_MAX) {
		text_escape_to(cgroup, sizeof(cgroup), resident->limit_file);
		snprintf(text, size, "its limit is %s (%s)",
			 text_bytes(bytes, resident->limit_bytes), cgroup);
	} else {
		text_escape_to(cgroup, sizeof(cgroup), resident->cgroup);
		snprintf(text, size, "its cgroup is %s", *cgroup ? cgroup : "not known");
	}
	return text;
}

static bool reads_cold_file(const struct subject *subject, const struct rule_context *context,
			    struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	/* What is read again is for "thrash", what a handler answers for "slow-handler". */
	if (subject->mapping[0] != '/' || subject->major < MANY_MAJOR || is_evicted(subject) ||
	    !is_long(context, subject->major_ns) ||
	    subject->by_cause[STALL_REMOTE] > subject->major_ns / 2)
		return false;
	finding->cost_ns = subject->major_ns;
	finding->cost_bytes = subject->major * context->page_size;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s major faults read the file from the disk, piece by piece",
		 text_count(count, subject->major));
	return true;
}

static bool waits_for_lock(const struct subject *subject, const struct rule_context *context,
			   struct finding *finding)
{
	uint64_t stall_ns = subject->by_cause[STALL_LOCK];
	char shown[TEXT_DURATION_LEN];

	if (!is_long(context, stall_ns))
		return false;
	finding->cost_ns = stall_ns;
	snprintf(finding->seen, sizeof(finding->seen),
		 "faults waited %s for the lock of the address space, which mmap, munmap and "
		 "mprotect hold",
		 text_duration(shown, stall_ns));
	return true;
}

static bool waits_for_swap(const struct subject *subject, const struct rule_context *context,
			   struct finding *finding)
{
	char count[TEXT_COUNT_LEN], ahead[TEXT_COUNT_LEN], limit[160];

	if (!is_long(context, subject->swap_ns))
		return false;
	finding->cost_ns = subject->swap_ns;
	finding->cost_bytes = subject->swap_faults * context->page_size;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s faults brought memory back from swap, %s of them what had been read ahead; %s",
		 text_count(count, subject->swap_faults), text_count(ahead, subject->swap_ahead),
		 describe_limit(limit, sizeof(limit), subject->resident));
	return true;
}

static bool waits_for_handler(const struct subject *subject, const struct rule_context *context,
			      struct finding *finding)
{
	uint64_t memory_ns = subject->by_cause[STALL_USERFAULTFD];
	uint64_t file_ns = subject->by_cause[STALL_REMOTE];
	char shown[TEXT_DURATION_LEN];

	if (!is_long(context, memory_ns + file_ns))
		return false;
	finding->cost_ns = memory_ns + file_ns;
	snprintf(finding->seen, sizeof(finding->seen),
		 "faults waited %s for the program that handles them, behind %s",
		 text_duration(shown, memory_ns + file_ns),
		 !file_ns   ? "userfaultfd" :
		 !memory_ns ? "a file system of a process or another machine (FUSE, NFS)" :
			      "userfaultfd and a file system of a process or another machine");
	return true;
}

static bool is_denied_often(const struct subject *subject, const struct rule_context *context,
			    struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	(void)context;
	if (subject->denied < MANY_DENIED)
		return false;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s faults were denied, and the process went on: it handles SIGSEGV or EFAULT",
		 text_count(count, subject->denied));
	return true;
}

/* A mapping whose pages were read from the disk more than once on average. */
static bool reads_again(const struct subject *subject, const struct rule_context *context,
			struct finding *finding)
{
	char count[TEXT_COUNT_LEN], other[TEXT_COUNT_LEN], limit[160];
	bool has_refaults = subject->refaults >= MANY_MAJOR;

	if (subject->mapping[0] != '/' || !is_evicted(subject) ||
	    !is_long(context, subject->major_ns))
		return false;
	finding->cost_ns = subject->major_ns;
	finding->cost_bytes = (has_refaults ? subject->refaults : subject->again_major) *
			      context->page_size;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s major faults %s%s%s: what was read is evicted and read again; %s",
		 text_count(count, has_refaults ? subject->major : subject->again_major),
		 has_refaults ? "brought back " : "where there are ",
		 text_count(other, has_refaults ? subject->refaults : subject->again_pages),
		 has_refaults ? " pages that had been evicted" : " pages",
		 describe_limit(limit, sizeof(limit), subject->resident));
	return true;
}

/* Only for a process seen since its birth: what it touched before is not known. */
static bool reserves_too_much(const struct subject *subject, const struct rule_context *context,
			      struct finding *finding)
{
	uint64_t touched = subject->zero_pages * context->page_size;
	char reserved[TEXT_SIZE_LEN], shown[TEXT_SIZE_LEN];

	if (!subject->resident->is_whole || strcmp(subject->mapping, "[anon]") != 0 ||
	    subject->map_bytes < MANY_RESERVED || touched >= subject->map_bytes / RESERVED_SHARE)
		return false;
	snprintf(finding->seen, sizeof(finding->seen),
		 "a mapping of %s that may be written to, and %s of such memory was ever touched",
		 text_bytes(reserved, subject->map_bytes), text_bytes(shown, touched));
	return true;
}

/* The same memory again and again is for "again". */
static bool lacks_huge_pages(const struct subject *subject, const struct rule_context *context,
			     struct finding *finding)
{
	uint64_t bytes = subject->zero_faults * context->page_size;
	char filled[TEXT_SIZE_LEN], mapping[TEXT_SIZE_LEN], count[TEXT_COUNT_LEN];

	if (subject->mapping[0] != '[' || bytes < MANY_SMALL ||
	    subject->map_bytes < LARGE_MAPPING || !is_long(context, subject->zero_ns) ||
	    !subject->resident->peak_rss || bytes / TIMES_AGAIN > subject->resident->peak_rss)
		return false;
	finding->cost_ns = subject->zero_ns;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s faults filled %s page by page, in a mapping of %s that huge pages fit into",
		 text_count(count, subject->zero_faults), text_bytes(filled, bytes),
		 text_bytes(mapping, subject->map_bytes));
	return true;
}

static bool waits_for_compaction(const struct subject *subject, const struct rule_context *context,
				 struct finding *finding)
{
	uint64_t stall_ns = subject->by_cause[STALL_COMPACTION];
	char shown[TEXT_DURATION_LEN];

	if (!is_long(context, stall_ns))
		return false;
	finding->cost_ns = stall_ns;
	snprintf(finding->seen, sizeof(finding->seen),
		 "faults spent %s moving other memory to make room for huge pages",
		 text_duration(shown, stall_ns));
	return true;
}

static bool has_many_stacks(const struct subject *subject, const struct rule_context *context,
			    struct finding *finding)
{
	uint64_t bytes = subject->stack_pages * context->page_size;
	char count[TEXT_COUNT_LEN], shown[TEXT_SIZE_LEN];

	if (subject->n_stacks < MANY_STACKS)
		return false;
	finding->cost_bytes = bytes;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s threads touched a stack of their own for the first time, %s in all",
		 text_count(count, subject->n_stacks), text_bytes(shown, bytes));
	return true;
}

/* Whether another allocator replaces the C library's malloc, whose arenas have 64 MiB. Java's own
 * code still uses that malloc. */
static bool has_other_malloc(const struct resident *resident)
{
	return resident->allocator > ALLOCATOR_GLIBC && resident->allocator != ALLOCATOR_JAVA;
}

static bool has_many_arenas(const struct subject *subject, const struct rule_context *context,
			    struct finding *finding)
{
	uint64_t bytes = subject->arena_pages * context->page_size;
	char count[TEXT_COUNT_LEN], touched[TEXT_SIZE_LEN], reserved[TEXT_SIZE_LEN];

	if (subject->n_arenas < MANY_ARENAS || bytes < MANY_BYTES ||
	    has_other_malloc(subject->resident))
		return false;
	finding->cost_bytes = bytes;
	snprintf(
		finding->seen, sizeof(finding->seen),
		"%s arenas of malloc for its threads were written to for the first time, %s in all; "
		"%s of address space are reserved for them",
		text_count(count, subject->n_arenas), text_bytes(touched, bytes),
		text_bytes(reserved, subject->n_arenas * ARENA_SIZE));
	return true;
}

static bool is_populated(const struct subject *subject, const struct rule_context *context,
			 struct finding *finding)
{
	uint64_t timed = min_of(subject->populated_timed, subject->populated);
	uint64_t untimed_bytes = (subject->populated - timed) * context->page_size;
	bool is_timed = is_long(context, subject->populate_ns);
	char shown[TEXT_SIZE_LEN], count[TEXT_COUNT_LEN], took[TEXT_DURATION_LEN];

	if (!is_timed && untimed_bytes < MANY_POPULATED)
		return false;
	finding->cost_ns = subject->populate_ns;
	finding->cost_bytes = subject->populated * context->page_size;
	snprintf(
		finding->seen, sizeof(finding->seen),
		"the kernel filled %s (%s pages) without a fault while the caller stood still%s%s: "
		"MAP_POPULATE, mlock, or a device's buffer%s",
		text_bytes(shown, finding->cost_bytes), text_count(count, subject->populated),
		subject->populate_ns ? " for " : "",
		subject->populate_ns ? text_duration(took, subject->populate_ns) : "",
		untimed_bytes < MANY_POPULATED ? "" :
		timed                          ? "; how long most of it took is not known" :
						 "; how long is not known");
	return true;
}

/* The clock stops with the last tick, and memory was watched a little longer. */
static bool leaves_unused(const struct subject *subject, const struct rule_context *context,
			  struct finding *finding)
{
	char unused[TEXT_SIZE_LEN], kept[TEXT_SIZE_LEN], watched[TEXT_DURATION_LEN];

	if (context->wall_ns < LONG_LOOK_NS || subject->unused_bytes < MANY_BYTES ||
	    subject->unused_bytes < subject->kept_bytes / UNUSED_SHARE)
		return false;
	finding->cost_bytes = subject->unused_bytes;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s of the %s there that are in memory were not touched in %s",
		 text_bytes(unused, subject->unused_bytes), text_bytes(kept, subject->kept_bytes),
		 text_duration(watched, context->wall_ns));
	return true;
}

static bool is_relocated_often(const struct subject *subject, const struct rule_context *context,
			       struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	if (subject->file_cow_faults < MANY_RELOCATED || !is_long(context, subject->file_cow_ns))
		return false;
	finding->cost_ns = subject->file_cow_ns;
	finding->cost_bytes = subject->file_cow_faults * context->page_size;
	snprintf(
		finding->seen, sizeof(finding->seen),
		"%s pages of programs and libraries were copied as their addresses were filled in, "
		"at the start of each process",
		text_count(count, subject->file_cow_faults));
	return true;
}

static bool is_hinted(const struct subject *subject, const struct rule_context *context,
		      struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	if (!is_long(context, subject->numa_ns))
		return false;
	finding->cost_ns = subject->numa_ns;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s faults asked which node uses a page (NUMA balancing), and moved some",
		 text_count(count, subject->numa_faults));
	return true;
}

#define BY(member) offsetof(struct subject, member)

const struct rule findings_rules[] = {
	{ "again", OF_PROCESS, faults_again, BY(zero_faults), "likely",
	  "keep freed memory: GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824:"
	  "glibc.malloc.mmap_threshold=1073741824, or fewer madvise(MADV_DONTNEED)" },
	{ "cow-storm", OF_MAPPING, copies_after_fork, BY(cow_faults), "likely",
	  "fork before memory is filled, use posix_spawn or vfork for programs, or write less "
	  "while the child lives" },
	{ "cold-file", OF_MAPPING, reads_cold_file, BY(major), "certain",
	  "read it ahead: madvise(MADV_WILLNEED) or MADV_POPULATE_READ, or read the file once "
	  "before" },
	{ "lock-convoy", OF_PROCESS, waits_for_lock, BY(by_cause[STALL_LOCK]), "certain",
	  "map and unmap less while other threads fault: pool memory, raise malloc's mmap "
	  "threshold" },
	{ "swap-in", OF_PROCESS, waits_for_swap, BY(swap_ns), "certain",
	  "give it memory: raise memory.high or memory.max, or keep it in with mlock(2) or "
	  "memory.low; else swap to zram, with vm.page-cluster=0" },
	{ "slow-handler", OF_PROCESS, waits_for_handler, BY(handler_ns), "certain",
	  "answer sooner: more handler threads, larger UFFDIO_COPY, or fill or read ahead" },
	{ "denied-mechanism", OF_PROCESS, is_denied_often, BY(denied), "certain",
	  "nothing, if a garbage collector or a debugger means it; else look at what handles "
	  "SIGSEGV" },
	{ "thrash", OF_MAPPING, reads_again, BY(major), "certain",
	  "raise memory.high or memory.max of that cgroup, or give the machine memory; else use less "
	  "of the file at a time, or protect it with memory.low" },
	{ "reserved", OF_MAPPING, reserves_too_much, BY(map_bytes), "likely",
	  "ask for less, or map it with PROT_NONE or MAP_NORESERVE; nothing unless "
	  "vm.overcommit_memory is 2 or ulimit -v is set" },
	{ "huge-pages", OF_MAPPING, lacks_huge_pages, BY(zero_faults), "likely",
	  "madvise(MADV_HUGEPAGE), or always in /sys/kernel/mm/transparent_hugepage/enabled; map it "
	  "at a multiple of 2 MiB; malloc: GLIBC_TUNABLES=glibc.malloc.hugetlb=1" },
	{ "compaction", OF_PROCESS, waits_for_compaction, BY(by_cause[STALL_COMPACTION]), "certain",
	  "defer or defer+madvise in /sys/kernel/mm/transparent_hugepage/defrag, or reserve huge pages "
	  "at boot (hugetlb)" },
	{ "thread-stacks", OF_PROCESS, has_many_stacks, BY(n_stacks), "likely",
	  "keep threads in a pool, as many as CPUs or clients" },
	{ "arenas", OF_PROCESS, has_many_arenas, BY(arena_pages), "likely",
	  "bound them: MALLOC_ARENA_MAX=4, or GLIBC_TUNABLES=glibc.malloc.arena_max=4; or keep "
	  "threads in a pool" },
	{ "populate", OF_PROCESS, is_populated, BY(populated), "likely",
	  "populate from several threads (MADV_POPULATE_WRITE) or while it already serves, in huge "
	  "pages, or only what is used" },
	{ "unused", OF_MAPPING, leaves_unused, BY(unused_bytes), "likely",
	  "fill less of it early, or as it is used; give back what stays unused: "
	  "madvise(MADV_DONTNEED), or MADV_PAGEOUT where there is swap" },
	{ "relocations", OF_ALL, is_relocated_often, BY(file_cow_faults), "certain",
	  "start fewer processes, or cheaper ones: link statically without PIE (-static -no-pie), "
	  "load fewer libraries, keep one process as a server" },
	{ "numa-hints", OF_PROCESS, is_hinted, BY(numa_faults), "likely",
	  "bind it: numactl --cpunodebind --membind; or kernel.numa_balancing=0" },
};

#undef BY

const size_t findings_n_rules = ARRAY_SIZE(findings_rules);
