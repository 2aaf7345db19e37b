/* SPDX-License-Identifier: GPL-2.0-only */
/* What sink_summary.c (prints) and sink_summary_data.c (collects) share; nobody else includes
 * it. */
#ifndef FAULTMAP_SINK_SUMMARY_DATA_H
#define FAULTMAP_SINK_SUMMARY_DATA_H

#include "model/latency.h"
#include "sink/sink_summary.h"
#include "base/interned.h"
#include "base/table.h"

/* A mapping that has this part of all pages, so that there are at most 20, and is worth a look at
 * all (1 MiB in small pages), is a line of its own. */
#define LARGE_PART 20
#define LARGE_PAGES 256

/* Faults of one mapping, or of all mappings of that name that have no place of their own. */
struct place {
	/* identity: must stay first, it is the hash key; no padding */
	uint64_t mapping_id; /* 0: merged */
	const char *name;    /* the summary's own; equal names share one */
	char perms[5];
	uint8_t kind, access, mode;

	struct place *merged; /* where a mapping's own place goes when it is given up */
	uint64_t tgid;
	uint64_t map_start, map_end;
	uint64_t n_processes; /* of a merged one: that have a mapping of this name */
	struct fault_counts counts;
	struct stalls stalls;
};
#define PLACE_KEY_SIZE offsetof(struct place, merged)
_Static_assert(PLACE_KEY_SIZE == 24 || sizeof(void *) != 8, "place key has no padding");

/* A followed process, as it was last seen. */
struct person {
	/* identity: must stay first, it is the hash key */
	uint64_t start_ns;
	uint64_t tgid;

	char comm[COMM_LEN];
	uint64_t vsz_bytes, rss_bytes; /* peaks */
	uint64_t minor, major, gup;
	struct fault_counts counts; /* in its rows */
	struct stalls stalls;
	uint32_t by_kind[KIND_COUNT]; /* faults */
	bool ended;
	struct table seen; /* the merged places that count this process, while it lives */
};
#define PERSON_KEY_SIZE offsetof(struct person, comm)

struct sink_summary {
	struct sink_summary_options options;
	struct table own;    /* places of one mapping */
	struct table merged; /* places of one name */
	struct place other;  /* faults for which there was no place */
	uint64_t n_pages;    /* of all places */
	uint64_t n_homeless; /* faults in no process: losses_is_other */
	struct table people;
	struct person rest; /* sums of those that are no longer kept one by one */
	uint64_t n_rest;
	struct interned names;
	struct totals totals;
};

/* True when more than one process ran. */
bool sink_summary_has_several(const struct sink_summary *summary);
/* From now on only the few large mappings have a place of their own. 0 or -ENOMEM. */
int sink_summary_thin(struct sink_summary *summary);
/* The sum of all processes, and what a sum takes of one. */
struct person sink_summary_people_sum(const struct sink_summary *summary);
void sink_summary_person_sum(struct person *sum, const struct person *more);
/* The values of the table in order, to be freed; NULL when out of memory. */
void *sink_summary_sorted_values(const struct table *table,
				 int (*compare)(const void *, const void *));
/* The busiest first; equal ones in the order in which they were born. */
int sink_summary_compare_people(const void *left, const void *right);

static inline bool has_faults(const struct fault_counts *counts)
{
	return counts->minor + counts->major + counts->denied + counts->pages > 0;
}

static inline void place_add(struct place *sum, const struct place *more)
{
	counts_add(&sum->counts, &more->counts);
	stalls_add(&sum->stalls, &more->stalls);
}

#endif
