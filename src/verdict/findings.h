/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings: what was seen, what it costs and what to do about it. Takes every snapshot once, as a
 * sink does. Rules and thresholds are in findings_rules.c; each rule has a section in
 * faultmap-findings(7).
 */
#ifndef FAULTMAP_FINDINGS_H
#define FAULTMAP_FINDINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/sink.h"

#define FINDING_SEEN_LEN 320
/* Of one name: the costliest ones; more would say the same. */
#define FINDINGS_OF_A_KIND 3

struct finding {
	const char *name; /* "again": the section of the manual page. Static */
	uint64_t pid;     /* 0: of several processes */
	char comm[COMM_LEN];
	const char *mapping; /* raw bytes, owned by the findings; NULL: all mappings */
	char seen[FINDING_SEEN_LEN];
	uint64_t cost_ns;    /* how long threads stood still for it; 0: not known */
	uint64_t cost_bytes; /* 0: none, or not known */
	const char *advice;  /* the setting or the call. Static */
	const char *sure;    /* "certain" or "likely". Static */
	const char *phase;   /* that has most of it, raw bytes, borrowed; NULL: there are none */
	double phase_share;  /* how much of it: 0 to 1 */
	uint64_t age_ns;     /* how long ago its window ended; 0 unless recent_findings keep it */
};

struct findings;

/* The lowest limit of memory that holds for a process, or did as long as it lived, in bytes, and the
 * file that says so; UINT64_MAX: none, or not known. */
typedef uint64_t (*findings_limit_fn)(const struct process *process, char *file, size_t size);

/* limit_of: NULL where limits are not known, as in a log. NULL when out of memory. */
struct findings *findings_new(uint64_t page_size, findings_limit_fn limit_of);
/* The same in half the memory, for a daemon: from 1,024 rows on, small ones are merged, so that many
 * threads of one process may not be seen. */
struct findings *findings_new_small(uint64_t page_size, findings_limit_fn limit_of);
/* After the last snapshot, before findings_end(): how much memory of this name a process has, and how
 * much of that was not touched. Adds up. 0 or -ENOMEM. */
int findings_note_unused(struct findings *findings, uint32_t tgid, const char *comm,
			 const char *mapping, uint64_t resident_bytes, uint64_t unused_bytes);
/* NULL is fine. */
void findings_free(struct findings *findings);

/* 0, or -ENOMEM with the error set. */
int findings_tick(struct findings *findings, const struct snapshot *snapshot, struct error *error);
extern const struct sink_ops findings_ops;
/* After the last snapshot, wall_ns after the first: lists the findings, the costliest first.
 * *ret_list is borrowed. 0 or -ENOMEM. */
int findings_end(struct findings *findings, uint64_t wall_ns, const struct finding **ret_list,
		 size_t *ret_count);

#endif
