/* SPDX-License-Identifier: GPL-2.0-only */
/* What findings.c (who did what) and findings_rules.c (what that comes to) share; nobody else includes
 * it. */
#ifndef FAULTMAP_FINDINGS_DATA_H
#define FAULTMAP_FINDINGS_DATA_H

#include <stdbool.h>

#include "verdict/findings.h"
#include "verdict/findings_process.h"

/* All that one process did in the mappings of one name; or, mapping NULL, in all; or, tgid 0 as well,
 * all that anybody did. */
struct subject {
	/* identity: must stay first, it is the hash key */
	const char *mapping;
	uint64_t tgid, start_ns;

	char comm[COMM_LEN];
	uint64_t minor, major, denied;
	uint64_t zero_faults, zero_reads, cow_faults, swap_faults, file_cow_faults;
	uint64_t zero_pages; /* in private memory of its own */
	uint64_t
		huge_faults; /* that brought a huge page of it; of its parent's, too: note_huge() */
	uint64_t swap_ahead; /* of swap_faults: pages that had been read ahead */
	uint64_t cow_ns, major_ns, swap_ns, zero_ns, file_cow_ns, numa_ns, numa_faults;
	uint64_t again_major; /* of single mappings: major faults, ... */
	uint64_t again_pages; /* ... where they are more than these have pages */
	uint64_t by_cause[STALL_CAUSE_COUNT];
	uint64_t map_bytes; /* of the largest mapping that may be written to */
	uint64_t n_stacks;  /* mapping NULL: stacks of threads, and ... */
	uint64_t stack_pages;
	uint64_t heap_faults; /* of zero_faults: in [heap] */
	uint64_t refaults;
	uint64_t n_arenas; /* mappings that are as an arena of malloc, and ... */
	uint64_t arena_pages;
	const struct resident *resident; /* of the process; never NULL */
};
#define SUBJECT_KEY_SIZE offsetof(struct subject, comm)

/* Of glibc's arenas of threads: their reserved size, and what they begin at multiples of. */
#define ARENA_SIZE (64UL << 20)

/* What a rule is about. */
enum scope { OF_MAPPING, OF_PROCESS, OF_ALL };

/* Of the run. */
struct rule_context {
	uint64_t page_size, wall_ns;
};

struct rule {
	const char *name;
	enum scope scope;
	/* True: it is so; sets seen and the costs. */
	bool (*holds)(const struct subject *subject, const struct rule_context *context,
		      struct finding *finding);
	const char *sure;
	const char *advice;
};

extern const struct rule findings_rules[];
extern const size_t findings_n_rules;

#endif
