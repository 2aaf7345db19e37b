/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings of one group that have series of their own: those with the most faults of late. As
 * many again are watched as candidates, so that memory is bounded however many mappings there are.
 * A series counts from its start. One that has to make room stands still until every reader has
 * seen its last value, and then ends. The mapping `other` counts what no series counts, when it
 * happens: it never takes over the counts of a series, so that rate() is right.
 */
#ifndef FAULTMAP_TOP_MAPPINGS_H
#define FAULTMAP_TOP_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "metrics/recent.h"

enum severity { SEVERITY_MINOR, SEVERITY_MAJOR, SEVERITY_DENIED, SEVERITY_COUNT };
extern const char *const severity_names[SEVERITY_COUNT];

/* A series that ended does not come back for this time: Prometheus takes a series that is gone for
 * five minutes for ended, so that the new one is not seen as the old one going down. */
#define STAY_OUT_NS 300000000000

/* A series that stands still ends after so long even if a reader has not come again. */
#define LEAVE_NS 240000000000

/* What weighs how much in "the most": a major fault costs about a hundred times a minor one. */
#define WEIGHT_OF_MAJOR 100

struct mapping_series {
	uint64_t hash; /* of the mapping's name: its identity. 0: an empty slot */
	double score;  /* faults, those of ten minutes ago for less */
	bool shown;
	uint64_t left_tick; /* the tick from which on it stands still; 0: it does not */
	bool is_unseen;     /* readers have not seen all of its counters: they need two scrapes */
	uint64_t out_until_ns; /* after its end: neither shown nor forgotten before this */
	char *label;           /* owned; NULL where there was no memory */
	struct timespec created;
	uint64_t born[SEVERITY_COUNT]; /* the tick that showed each first; 0: none */
	uint64_t faults[SEVERITY_COUNT];
	uint64_t fresh[SEVERITY_COUNT]; /* of one that is not shown, in this tick */
	uint64_t then[RECENT_BLOCKS]
		     [SEVERITY_COUNT]; /* faults when this block began, and the one before */
};

struct top_mappings {
	struct mapping_series *slots; /* owned */
	size_t n_slots;
	size_t n_shown;
	size_t max_shown;
	uint64_t now_ns;          /* by a clock that only ticks */
	uint64_t tick, seen_tick; /* as struct groups has them */
	/* The mapping other. */
	uint64_t rest[SEVERITY_COUNT];
	uint64_t rest_born[SEVERITY_COUNT];
};

/* max_shown 0: none, ever. 0 or -ENOMEM. */
int top_mappings_init(struct top_mappings *top, size_t max_shown);
void top_mappings_clear(struct top_mappings *top);

/* The time since the last tick makes all that was less: score *= keep. */
void top_mappings_begin(struct top_mappings *top, double keep, uint64_t now_ns);
/* A block of what is recent begins: recent.h. */
void top_mappings_begin_block(struct top_mappings *top);
void top_mappings_count(struct top_mappings *top, const char *mapping,
			const uint64_t faults[SEVERITY_COUNT]);
/* At the end of a tick, gives the strongest candidate a series, which has what it has counted in
 * this tick, that is since `since`: no scrape has seen that in other. False when there is none, or
 * no place. */
bool top_mappings_show(struct top_mappings *top, struct timespec since);
/* The same for each that has twice what the weakest with a series has, in its place. Returns how
 * many were put out. */
size_t top_mappings_replace(struct top_mappings *top, struct timespec since);
/* The one with the least score; NULL when none is shown. */
struct mapping_series *top_mappings_weakest(const struct top_mappings *top);
/* The one with the highest score that may have a series; NULL when there is none. */
struct mapping_series *top_mappings_strongest(const struct top_mappings *top);
/* It stands still from this tick on. */
void top_mappings_evict(struct top_mappings *top, struct mapping_series *series);
/* Ends the series that stand still and that all readers have seen so, or that stand so long that
 * nobody waits for them; is_urgent: all that stand still. Adds what they had counted. */
void top_mappings_end(struct top_mappings *top, bool is_urgent, uint64_t ended[SEVERITY_COUNT]);
/* Notes which counters this tick is the first to show. */
void top_mappings_note_births(struct top_mappings *top);

/* Is it on /metrics, moving or not? */
static inline bool mapping_is_exposed(const struct mapping_series *series)
{
	return series->shown || series->left_tick;
}

#endif
