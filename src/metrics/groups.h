/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The groups of processes that /metrics shows, and `other` for those that it has no room for. A
 * group that is shown counts from the moment when it got its series. A group that has to make room
 * stands still: from then on `other` counts what its processes do. When each reader has seen its
 * last value its series end, and their counts are added to `ended`. So no counter goes down or
 * jumps, and each fault moves one series when it happens: rate() is right. A group that comes back
 * begins at 0, and not before every reader has seen that it was gone (STAY_OUT_NS). Groups that are
 * not shown are otherwise known only while they have processes.
 *
 * A tick: groups_begin, groups_row for each row that moved, groups_process for each process, and
 * groups_choose (groups_choose.c), which brings the series below the limit.
 */
#ifndef FAULTMAP_GROUPS_H
#define FAULTMAP_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "metrics/group_label.h"
#include "model/snapshot.h"
#include "base/table.h"
#include "metrics/recent.h"
#include "metrics/top_mappings.h"

/* What only grows. */
struct group_counts {
	uint64_t faults[KIND_COUNT][SEVERITY_COUNT];
	uint64_t pages;
	uint64_t cow_pages; /* of these, those of the kind cow */
	struct latency_counts stalls;
	struct cause_counts causes;
	uint64_t accounted_minor, accounted_major; /* by the kernel */
};

/* The ticks that showed each counter first; 0: none yet. */
struct group_births {
	uint64_t group; /* of those that are always there */
	uint64_t faults[KIND_COUNT][SEVERITY_COUNT];
	uint64_t cow, stalls, refaults;
	uint64_t causes[STALL_CAUSE_COUNT];
};

/* What is true of the live processes at the last tick. */
struct group_gauges {
	uint64_t processes;
	uint64_t vsz_bytes;
	uint64_t rss_bytes;
};

/* What a group did in a block of time, shown or not, for the page at /. */
struct group_moved {
	uint64_t faults[SEVERITY_COUNT];
	uint64_t stall_ns;
};

struct group {
	const char *label;            /* in text[] */
	const struct unit_name *unit; /* of a container or pod; else NULL. Owned */
	struct pod *pod;              /* what that is called; NULL: it is in no pod. Owned */
	/* Owned; NULL: not shown, it counts in other. [0] is now, [1 + i] when block i began: all
	 * that is less than counts[RECENT_BLOCKS] is not recent. */
	struct group_counts *counts;
	struct group_births *births; /* owned; with counts */
	uint64_t left_tick;          /* the tick from which on it stands still; 0: it does not */
	bool is_unseen; /* readers have not seen all of its counters: they need two scrapes */
	uint64_t leave_until_ns; /* at the latest */
	bool has_buckets;        /* its histogram is shown with its buckets */
	struct timespec created; /* since when they count */
	struct top_mappings mappings;
	struct group_gauges gauges;
	struct group_moved moved[RECENT_BLOCKS]; /* [0] in the block that runs */
	double score;                            /* faults, those of ten minutes ago for less */
	uint64_t out_until_ns; /* after its series ended: neither shown nor forgotten before this */
	uint64_t members;      /* processes that are in it */
	size_t n_series; /* when groups_choose last saw it shown, neither its mappings' nor its
			  * histogram's buckets included */
	size_t n_mapping_series;
	char text[];
};

/* Buckets of a group's histogram that it can be shown without. */
#define GROUP_BUCKETS 6

/* How many series a group has at most, by the same code that prints them: cost without the mappings
 * that it shows, mapping_cost those alone. */
typedef size_t (*group_cost_fn)(const struct group *group);

struct groups {
	enum group_by group_by;
	struct group_rules *rules; /* NULL: none. Somebody else's */
	uint64_t rules_turn;       /* one more with other rules: all members are looked at again */
	size_t top_mappings;
	group_cost_fn cost, mapping_cost;
	struct public_names *public_names; /* NULL: all names are shown */
	struct pod_names *pod_names;

	struct group **groups; /* in the order of their birth, so that a scrape compresses well */
	size_t n_groups;
	size_t capacity;
	void *by_label;                /* tsearch(3) tree over them */
	struct table members;          /* which process is in which group */
	const struct process *at_hand; /* of this tick's rows, the last; NULL: none */
	struct group *group_at_hand;
	struct group *other; /* always shown, in neither of these */

	size_t limit; /* of series, as groups_choose was last told */
	size_t n_shown;
	size_t group_room;     /* how many more may come before the next groups_choose */
	uint64_t now_ns;       /* a clock that only ticks */
	struct recent recent;  /* what was of late */
	size_t n_out;          /* groups in cool-down: they may not come back yet */
	struct timespec since; /* the end of the tick before: from then on new ones count */
	uint64_t tick;         /* how many there were */
	/* Of what is counted, readers have seen at least what this tick left; UINT64_MAX: nobody
	 * reads. Whoever knows the readers sets it before groups_choose. */
	uint64_t seen_tick;
	uint64_t groups_evicted, mappings_evicted;
	/* What series had counted that have ended. */
	struct group_counts ended;
	uint64_t mapping_faults_ended[SEVERITY_COUNT];
};

/* True while the group counts for itself, false while `other` counts for it. */
static inline bool group_counts_itself(const struct group *group)
{
	return group->counts && !group->left_tick;
}

/* pod_logs: see pod_names_new(). 0 or -ENOMEM. */
int groups_init(struct groups *groups, enum group_by group_by, const char *pod_logs,
		size_t top_mappings, group_cost_fn cost, group_cost_fn mapping_cost,
		struct timespec created);
void groups_clear(struct groups *groups);
/* Names of files that not everybody may see are [private] from now on. Before the first row. 0 or
 * -ENOMEM. */
int groups_hide_private(struct groups *groups);

/* Takes these rules from now on, which have to stay until there are others; NULL: none. What groups
 * have counted stays theirs. */
void groups_set_rules(struct groups *groups, struct group_rules *rules);
/* A mapping's name as everybody may see it. */
const char *groups_shown_name(const struct groups *groups, const char *name);

void groups_begin(struct groups *groups, const struct snapshot *snapshot);
void groups_row(struct groups *groups, const struct row *row, const struct fault_counts *delta);
void groups_process(struct groups *groups, const struct process *process);
/* The one of this label, other too; NULL when there is none. */
const struct group *groups_find(const struct groups *groups, const char *label);
/* limit: the most series that all groups, `other` among them, may have together. */
void groups_choose(struct groups *groups, size_t limit, struct timespec now);

/* For groups_choose.c and groups.c. */

/* Lets the group in: from `since` on it counts for itself. 0 or -ENOMEM. */
int groups_show(struct groups *groups, struct group *group, size_t top_mappings,
		struct timespec since);
/* Its series end now. */
void groups_end(struct groups *groups, struct group *group);
/* Forgets groups without processes that are not shown and were not shown lately. What they did of
 * late counts for `other`. */
void groups_drop_unknown(struct groups *groups);
/* It must not come back yet. */
bool groups_is_out(const struct groups *groups, const struct group *group);

#endif
