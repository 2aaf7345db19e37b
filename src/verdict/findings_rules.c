// SPDX-License-Identifier: GPL-2.0-only
/* What figures come to: all rules and thresholds. Each has a section in faultmap-findings(7). */
#include "verdict/findings_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"

/* The thresholds. Less is there in every program, and no change would be noticed. ---------------- */

/* Of memory: 64 MiB take some 20 ms to fault in, the least that somebody sees. */
#define MANY_BYTES (64UL << 20)
/* Times the peak of what was resident: allocators return and take again up to twice of it when a
 * program goes through phases; four times is a loop. */
#define TIMES_AGAIN 4
/* Of stalls: 100 ms is what a person notices, and ... */
#define LONG_NS 100000000UL
/* ... a twentieth of the run what is worth a change. */
#define WALL_SHARE 20
/* Of major faults: a cold start of any program has dozens. */
#define MANY_MAJOR 256
/* Of denied faults: a crash has one, a test of a guard page a few. */
#define MANY_DENIED 1000

/* Of that, a part that is touched: less than a twentieth is no headroom, but a mistake or a trick. */
#define RESERVED_SHARE 20
/* Of memory that is filled page by page where huge pages could do: 65,536 faults, 100 ms or more. */
#define MANY_SMALL (256UL << 20)
/* Of a mapping that huge pages fit into: beyond, what is no multiple of 2 MiB is a thirtieth. */
#define LARGE_MAPPING (64UL << 20)
/* Of stacks of threads: a pool has as many as CPUs or clients, some hundred at most. */
#define MANY_STACKS 512
/* Of memory that is populated: some 100 ms that the caller stands still. */
#define MANY_POPULATED (256UL << 20)
/* Of relocated pages: fewer take no 2 ms of a start. */
#define MANY_RELOCATED 2048

/* Rules. --------------------------------------------------------------------------------------- */

static bool is_long(const struct rule_context *context, uint64_t stall_ns)
{
	return stall_ns >= LONG_NS && stall_ns >= context->wall_ns / WALL_SHARE;
}

static bool faults_again(const struct subject *subject, const struct rule_context *context,
			 struct finding *finding)
{
	uint64_t bytes = subject->zero_faults * context->page_size;
	char faulted[TEXT_SIZE_LEN], resident[TEXT_SIZE_LEN];

	if (!subject->peak_rss || bytes < MANY_BYTES || bytes / TIMES_AGAIN <= subject->peak_rss)
		return false;
	finding->cost_ns = subject->zero_ns;
	finding->cost_bytes = bytes - subject->peak_rss;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s were touched for the first time, where at most %s were resident: the same "
		 "memory %" PRIu64 " times",
		 text_bytes(faulted, bytes), text_bytes(resident, subject->peak_rss),
		 bytes / subject->peak_rss);
	return true;
}

/* A page that was read first is the zero page: its copy comes from no fork. */
static bool copies_after_fork(const struct subject *subject, const struct rule_context *context,
			      struct finding *finding)
{
	uint64_t copies = subject->cow_faults > subject->zero_reads ?
				  subject->cow_faults - subject->zero_reads :
				  0;
	uint64_t bytes = copies * context->page_size;
	char copied[TEXT_SIZE_LEN];

	if (bytes < MANY_BYTES || subject->mapping[0] != '[')
		return false;
	finding->cost_ns = subject->cow_ns;
	finding->cost_bytes = bytes;
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s were copied, page by page, because another process shared them after a fork",
		 text_bytes(copied, bytes));
	return true;
}

static bool reads_cold_file(const struct subject *subject, const struct rule_context *context,
			    struct finding *finding)
{
	char count[TEXT_COUNT_LEN];

	/* The others are of thrash and of slow-handler. */
	if (subject->mapping[0] != '/' || subject->major < MANY_MAJOR ||
	    subject->again_major >= MANY_MAJOR || !is_long(context, subject->major_ns) ||
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
	char count[TEXT_COUNT_LEN];

	if (!is_long(context, subject->swap_ns))
		return false;
	finding->cost_ns = subject->swap_ns;
	finding->cost_bytes = subject->swap_faults * context->page_size;
	snprintf(finding->seen, sizeof(finding->seen), "%s faults brought memory back from swap",
		 text_count(count, subject->swap_faults));
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

/* A mapping of which single pages came from the disk more than once on the whole. */
static bool reads_again(const struct subject *subject, const struct rule_context *context,
			struct finding *finding)
{
	char count[TEXT_COUNT_LEN], pages[TEXT_COUNT_LEN], cgroup[64];

	if (subject->mapping[0] != '/' || subject->again_major < MANY_MAJOR ||
	    !is_long(context, subject->major_ns))
		return false;
	finding->cost_ns = subject->major_ns;
	finding->cost_bytes = subject->again_major * context->page_size;
	text_escape_to(cgroup, sizeof(cgroup), subject->cgroup ?: "");
	snprintf(finding->seen, sizeof(finding->seen),
		 "%s major faults where there are %s pages: what was read is evicted and read "
		 "again; its cgroup is %s",
		 text_count(count, subject->again_major), text_count(pages, subject->again_pages),
		 cgroup[0] ? cgroup : "not known");
	return true;
}

/* What was touched before anybody looked is not known. */
static bool reserves_too_much(const struct subject *subject, const struct rule_context *context,
			      struct finding *finding)
{
	uint64_t touched = subject->zero_pages * context->page_size;
	char reserved[TEXT_SIZE_LEN], shown[TEXT_SIZE_LEN];

	if (!subject->is_whole || strcmp(subject->mapping, "[anon]") != 0 ||
	    subject->map_bytes < MANY_RESERVED || touched >= subject->map_bytes / RESERVED_SHARE)
		return false;
	snprintf(finding->seen, sizeof(finding->seen),
		 "a mapping of %s that may be written to, and %s of such memory was ever touched",
		 text_bytes(reserved, subject->map_bytes), text_bytes(shown, touched));
	return true;
}

/* The same memory again and again is another finding's. */
static bool lacks_huge_pages(const struct subject *subject, const struct rule_context *context,
			     struct finding *finding)
{
	uint64_t bytes = subject->zero_faults * context->page_size;
	char filled[TEXT_SIZE_LEN], mapping[TEXT_SIZE_LEN], count[TEXT_COUNT_LEN];

	if (subject->mapping[0] != '[' || bytes < MANY_SMALL ||
	    subject->map_bytes < LARGE_MAPPING || !is_long(context, subject->zero_ns) ||
	    !subject->peak_rss || bytes / TIMES_AGAIN > subject->peak_rss)
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

static bool is_populated(const struct subject *subject, const struct rule_context *context,
			 struct finding *finding)
{
	uint64_t bytes = subject->gup * context->page_size;
	char shown[TEXT_SIZE_LEN], count[TEXT_COUNT_LEN];

	if (bytes < MANY_POPULATED)
		return false;
	finding->cost_bytes = bytes;
	snprintf(finding->seen, sizeof(finding->seen),
		 "the kernel filled %s (%s pages) without a fault while the caller stood still: "
		 "MAP_POPULATE, mlock, or a device's buffer",
		 text_bytes(shown, bytes), text_count(count, subject->gup));
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

const struct rule findings_rules[] = {
	{ "again", OF_PROCESS, faults_again, "likely",
	  "keep freed memory: GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824:"
	  "glibc.malloc.mmap_threshold=1073741824, or fewer madvise(MADV_DONTNEED)" },
	{ "cow-storm", OF_MAPPING, copies_after_fork, "likely",
	  "fork before memory is filled, use posix_spawn or vfork for programs, or write less "
	  "while the child lives" },
	{ "cold-file", OF_MAPPING, reads_cold_file, "certain",
	  "read it ahead: madvise(MADV_WILLNEED) or MADV_POPULATE_READ, or read the file once "
	  "before" },
	{ "lock-convoy", OF_PROCESS, waits_for_lock, "certain",
	  "map and unmap less while other threads fault: pool memory, raise malloc's mmap "
	  "threshold" },
	{ "swap-in", OF_PROCESS, waits_for_swap, "certain",
	  "give it memory: raise memory.high or memory.max, or keep it in with mlock(2) or "
	  "memory.low" },
	{ "slow-handler", OF_PROCESS, waits_for_handler, "certain",
	  "answer sooner: more handler threads, larger UFFDIO_COPY, or fill or read ahead" },
	{ "denied-mechanism", OF_PROCESS, is_denied_often, "certain",
	  "nothing, if a garbage collector or a debugger means it; else look at what handles "
	  "SIGSEGV" },
	{ "thrash", OF_MAPPING, reads_again, "certain",
	  "raise memory.high or memory.max of that cgroup, or give the machine memory; else use less "
	  "of the file at a time, or protect it with memory.low" },
	{ "reserved", OF_MAPPING, reserves_too_much, "likely",
	  "ask for less, or map it with PROT_NONE or MAP_NORESERVE; nothing unless "
	  "vm.overcommit_memory is 2 or ulimit -v is set" },
	{ "huge-pages", OF_MAPPING, lacks_huge_pages, "likely",
	  "madvise(MADV_HUGEPAGE), or always in /sys/kernel/mm/transparent_hugepage/enabled; map it "
	  "at a multiple of 2 MiB; malloc: GLIBC_TUNABLES=glibc.malloc.hugetlb=1" },
	{ "compaction", OF_PROCESS, waits_for_compaction, "certain",
	  "defer or defer+madvise in /sys/kernel/mm/transparent_hugepage/defrag, or reserve huge pages "
	  "at boot (hugetlb)" },
	{ "thread-stacks", OF_PROCESS, has_many_stacks, "likely",
	  "keep threads in a pool; bound the arenas of malloc that come with them: "
	  "MALLOC_ARENA_MAX=2" },
	{ "populate", OF_PROCESS, is_populated, "likely",
	  "populate from several threads (MADV_POPULATE_WRITE) or while it already serves, in huge "
	  "pages, or only what is used" },
	{ "relocations", OF_ALL, is_relocated_often, "certain",
	  "start fewer processes, or cheaper ones: link statically without PIE (-static -no-pie), "
	  "load fewer libraries, keep one process as a server" },
	{ "numa-hints", OF_PROCESS, is_hinted, "likely",
	  "bind it: numactl --cpunodebind --membind; or kernel.numa_balancing=0" },
};

const size_t findings_n_rules = ARRAY_SIZE(findings_rules);
