/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a process beside the sums of its rows: how much of it was resident, which malloc
 * it has, with whom it shares memory after a fork, and how much memory it may have.
 */
#ifndef FAULTMAP_FINDINGS_PROCESS_H
#define FAULTMAP_FINDINGS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "model/snapshot.h"
#include "verdict/findings.h"

/* Who takes memory from the kernel, by what the process has mapped. */
enum allocator {
	ALLOCATOR_UNKNOWN, /* nothing of it was seen */
	ALLOCATOR_GLIBC,   /* the C library's, for want of another */
	ALLOCATOR_MUSL,
	ALLOCATOR_JEMALLOC,
	ALLOCATOR_TCMALLOC,
	ALLOCATOR_MIMALLOC,
	ALLOCATOR_GO,
	ALLOCATOR_JAVA,
	ALLOCATOR_COUNT,
};

/* A fork that shares the memory which was copied. */
struct shared_fork {
	uint32_t parent, child; /* 0: not known */
	char parent_comm[COMM_LEN], child_comm[COMM_LEN];
	bool has_ended; /* the child */
	uint64_t lived_ns;
};

struct resident {
	uint64_t tgid, start_ns; /* identity: must stay first, it is the hash key */
	uint64_t peak_rss, gup;
	bool is_whole;                     /* it was seen from its birth on */
	char cgroup[FINDING_SEEN_LEN / 2]; /* cut, where it is longer */
	enum allocator allocator;
	size_t n_rows; /* that were looked through for it */
	struct shared_fork fork;
	bool has_asked_limit;
	uint64_t limit_bytes; /* UINT64_MAX: none, or not known */
	char limit_file[96];
};

struct residents {
	struct table table;
	findings_limit_fn limit_of; /* NULL: nobody can say */
};

void residents_init(struct residents *residents, findings_limit_fn limit_of);
void residents_clear(struct residents *residents);
/* Takes the interval. 0 or -ENOMEM. */
int residents_tick(struct residents *residents, const struct snapshot *snapshot);
/* NULL: nothing is known. */
const struct resident *residents_find(const struct residents *residents, uint64_t tgid,
				      uint64_t start_ns);

#endif
