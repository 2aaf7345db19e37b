/* SPDX-License-Identifier: GPL-2.0-only */
/* What findings.c (sums), findings_rules.c (rules) and findings_phases.c (where they lie) share;
 * nobody else includes it. */
#ifndef FAULTMAP_FINDINGS_DATA_H
#define FAULTMAP_FINDINGS_DATA_H

#include <stdbool.h>

#include "verdict/findings.h"
#include "verdict/findings_process.h"

/* The sums of one process in the mappings of one name. mapping NULL: in all its mappings; tgid 0 as
 * well: of all processes. */
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
	uint64_t again_major; /* major faults of those mappings that had more of them than pages */
	uint64_t again_pages; /* the pages of these mappings */
	uint64_t by_cause[STALL_CAUSE_COUNT];
	uint64_t map_bytes; /* of the largest writable mapping */
	uint64_t n_stacks;  /* mapping NULL: threads' stacks */
	uint64_t stack_pages;
	uint64_t heap_faults; /* of zero_faults: in [heap] */
	uint64_t refaults;
	uint64_t n_arenas; /* mappings that look like an arena of malloc */
	uint64_t arena_pages;
	uint64_t handler_ns; /* for userfaultfd and file systems of a process or another machine */
	uint64_t populated;  /* of the process; of them ... */
	uint64_t populated_timed;
	uint64_t populate_ns;              /* ... what took so long */
	uint64_t kept_bytes, unused_bytes; /* with --unused: resident, and not touched */
	const struct resident *resident;   /* of the process; never NULL */
};
#define SUBJECT_KEY_SIZE offsetof(struct subject, comm)

/* glibc reserves this much for a thread's arena, and aligns it to as much. */
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
	/* Whether the rule applies; sets seen and the costs. */
	bool (*holds)(const struct subject *subject, const struct rule_context *context,
		      struct finding *finding);
	/* The member of a subject, a uint64_t, that says how much of it there was. */
	size_t weight;
	const char *sure;
	const char *advice;
};

extern const struct rule findings_rules[];
extern const size_t findings_n_rules;

/* findings_end() with findings that the caller may add to. */
int findings_find(struct findings *findings, uint64_t wall_ns, struct finding **ret_list,
		  size_t *ret_count);
/* Adds up what there is by process and mapping, for findings_weight(). 0 or -ENOMEM. */
int findings_add_up(struct findings *findings);
/* How much of what another's finding is about is in these sums: faults, pages or nanoseconds, as its
 * rule says. */
uint64_t findings_weight(const struct findings *findings, const struct finding *finding);

#endif
