/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a process beside the sums of its rows: how much of it was resident, which malloc
 * it uses, which process shares its memory after a fork, and its limit of memory.
 */
#ifndef FAULTMAP_FINDINGS_PROCESS_H
#define FAULTMAP_FINDINGS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "model/snapshot.h"
#include "verdict/findings.h"

/* Which allocator it uses, as its mappings tell. */
enum allocator {
	ALLOCATOR_UNKNOWN, /* no mapping tells */
	ALLOCATOR_GLIBC,   /* the C library's, if there is no other */
	ALLOCATOR_MUSL,
	ALLOCATOR_JEMALLOC,
	ALLOCATOR_TCMALLOC,
	ALLOCATOR_MIMALLOC,
	ALLOCATOR_GO,
	ALLOCATOR_JAVA,
	ALLOCATOR_COUNT,
};

/* The fork after which memory is shared. */
struct shared_fork {
	uint32_t parent, child; /* 0: not known */
	char parent_comm[COMM_LEN], child_comm[COMM_LEN];
	bool has_ended; /* the child */
	uint64_t lived_ns;
};

struct resident {
	uint64_t tgid, start_ns;           /* identity: must stay first, it is the hash key */
	uint64_t peak_rss, populated;      /* bytes, pages */
	bool is_whole;                     /* seen since it was born */
	char cgroup[FINDING_SEEN_LEN / 2]; /* cut if longer */
	enum allocator allocator;
	size_t n_rows; /* of its rows, how many were searched for the allocator */
	struct shared_fork fork;
	bool has_asked_limit;
	uint64_t limit_bytes; /* UINT64_MAX: none, or not known */
	char limit_file[96];
};

struct residents {
	struct table table;
	findings_limit_fn limit_of; /* NULL: limits are not known */
	bool has_living;            /* a fork whose child has not ended */
};

void residents_init(struct residents *residents, findings_limit_fn limit_of);
void residents_clear(struct residents *residents);
/* Takes the interval. 0 or -ENOMEM. */
int residents_tick(struct residents *residents, const struct snapshot *snapshot);
/* NULL: nothing is known. */
const struct resident *residents_find(const struct residents *residents, uint64_t tgid,
				      uint64_t start_ns);

#endif
