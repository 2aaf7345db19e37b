// SPDX-License-Identifier: GPL-2.0-only
/* Which groups and mappings have series, at the end of each tick. */
#include "metrics/groups.h"

/* Series that a group may need as it grows: six kinds, stalls, five causes of them, all else. It
 * comes in if there is room for these. */
#define GROUP_ROOM 24
/* The most groups that may be in cool-down at once. At that number no group has to make room. */
#define MAX_OUT 1024
/* The most mappings that get or lose series in one tick for those of other groups, to bound the
 * time. */
#define MAX_MAPPING_CHANGES 256
/* A mapping has at most three severities. */
#define MAPPING_ROOM 3
/* This many groups get the buckets of their histograms before any mapping gets series. */
#define FIRST_BUCKETS 5
/* Percent of all series that groups may have if mappings want some too; and with the groups that
 * stand still. packaging/prometheus/README.md has the measurement. */
#define GROUPS_PERCENT 60
#define GROUPS_PERCENT_LEAVING 75
/* The same without mappings. */
#define GROUPS_PERCENT_ALONE 85
/* Percent of all series that mappings that stand still may have; at that number no mapping has to
 * make room. */
#define LEAVING_PERCENT 5

/* The series of groups, neither mappings' nor buckets. */
struct use {
	size_t live, leaving;
};

static struct use measure_groups(struct groups *groups)
{
	struct use use = { .live = groups->cost(groups->other) };

	for (size_t i = 0; i < groups->n_groups; i++) {
		struct group *group = groups->groups[i];

		if (!group->counts)
			continue;
		group->n_series = groups->cost(group);
		if (group->has_buckets && group->counts->stalls.count)
			group->n_series -= GROUP_BUCKETS;
		*(group->left_tick ? &use.leaving : &use.live) += group->n_series;
	}
	return use;
}

/* The score; less for a group without processes, which makes room first. */
static double worth(const struct group *group)
{
	return group->members ? group->score : group->score / 4;
}

static struct group *weakest_shown(const struct groups *groups)
{
	struct group *weakest = NULL;

	for (size_t i = 0; i < groups->n_groups; i++)
		if (group_counts_itself(groups->groups[i]) &&
		    (!weakest || worth(groups->groups[i]) < worth(weakest)))
			weakest = groups->groups[i];
	return weakest;
}

static struct group *strongest_hidden(const struct groups *groups)
{
	struct group *strongest = NULL;

	for (size_t i = 0; i < groups->n_groups; i++)
		if (!groups->groups[i]->counts && !groups_is_out(groups, groups->groups[i]) &&
		    (!strongest || groups->groups[i]->score > strongest->score))
			strongest = groups->groups[i];
	return strongest;
}

static struct group *first_to_leave(const struct groups *groups)
{
	struct group *first = NULL;

	for (size_t i = 0; i < groups->n_groups; i++)
		if (groups->groups[i]->left_tick &&
		    (!first || groups->groups[i]->left_tick < first->left_tick))
			first = groups->groups[i];
	return first;
}

/* Has it a counter that a reader has not seen yet? */
static bool is_unseen(const struct groups *groups, const struct group *group)
{
	const uint64_t *births = (const uint64_t *)group->births;

	for (size_t i = 0; i < sizeof(*group->births) / sizeof(*births); i++)
		if (births[i] > groups->seen_tick)
			return true;
	return group->mappings.rest_born[0] > groups->seen_tick ||
	       group->mappings.rest_born[1] > groups->seen_tick ||
	       group->mappings.rest_born[2] > groups->seen_tick;
}

/* The group makes room: it stands still from now on. */
static void leave(struct groups *groups, struct group *group, struct use *use)
{
	group->left_tick = groups->tick;
	group->is_unseen = is_unseen(groups, group);
	group->leave_until_ns = groups->now_ns + LEAVE_NS;
	use->live -= group->n_series;
	group->n_series = groups->cost(group); /* what it holds now is other's */
	if (group->has_buckets && group->counts->stalls.count)
		group->n_series -= GROUP_BUCKETS;
	use->leaving += group->n_series;
	groups->n_shown--;
	groups->groups_evicted++;
}

static void end(struct groups *groups, struct group *group, struct use *use)
{
	use->leaving -= group->n_series;
	groups_end(groups, group);
}

/* Has everybody seen the last values of one that stands still? */
static bool was_seen(const struct groups *groups, struct group *group)
{
	if (group->left_tick > groups->seen_tick)
		return group->leave_until_ns <= groups->now_ns;
	if (!group->is_unseen)
		return true;
	group->is_unseen = false;
	group->left_tick = groups->tick;
	return false;
}

static void end_who_was_seen(struct groups *groups, struct use *use)
{
	for (size_t i = 0; i < groups->n_groups; i++)
		if (groups->groups[i]->left_tick && was_seen(groups, groups->groups[i]))
			end(groups, groups->groups[i], use);
}

/* A group that had to make room because it had grown comes back only when there is room for all its
 * series. */
static size_t room_for(const struct group *group)
{
	return group->n_series > GROUP_ROOM ? group->n_series : GROUP_ROOM;
}

/* Below `most`, with those that stand still. */
static void make_room(struct groups *groups, struct use *use, size_t room, size_t most)
{
	struct group *group;

	while (use->live > room && (group = weakest_shown(groups)))
		leave(groups, group, use);
	while (use->live + use->leaving > most && (group = first_to_leave(groups)))
		end(groups, group, use);
}

/* Shows the groups with the highest scores, in place of groups with less than half of their score,
 * so that two similar ones do not take turns. The place is free once every reader has seen the last
 * values of the weaker one. */
static void let_in(struct groups *groups, struct use *use, size_t room, size_t most,
		   struct timespec now)
{
	struct group *weakest, *strongest;

	while ((strongest = strongest_hidden(groups))) {
		size_t wanted = room_for(strongest);

		if (use->live + wanted <= room && use->live + use->leaving + wanted <= most) {
			if (groups_show(groups, strongest, groups->top_mappings, now))
				return;
			use->live += wanted;
			continue;
		}
		weakest = weakest_shown(groups);
		if (!weakest || strongest->score <= 2 * worth(weakest) ||
		    use->leaving >= most - room || groups->n_out >= MAX_OUT)
			return;
		leave(groups, weakest, use);
		if (groups->seen_tick == UINT64_MAX) /* nobody has to see it */
			end(groups, weakest, use);
	}
}

/* Returns how many series groups have, those that stand still included. */
static size_t choose_groups(struct groups *groups, struct timespec now)
{
	size_t room = groups->limit *
		      (groups->top_mappings ? GROUPS_PERCENT : GROUPS_PERCENT_ALONE) / 100;
	size_t most = groups->top_mappings ? groups->limit * GROUPS_PERCENT_LEAVING / 100 :
					     groups->limit;
	struct use use = measure_groups(groups);

	end_who_was_seen(groups, &use);
	make_room(groups, &use, room, most);
	let_in(groups, &use, room, most, now);
	groups->group_room = use.live < room && use.live + use.leaving < most ?
				     (room - use.live < most - use.live - use.leaving ?
					      room - use.live :
					      most - use.live - use.leaving) /
					     GROUP_ROOM :
				     0;
	return use.live + use.leaving;
}

static struct group *group_of_weakest_mapping(const struct groups *groups)
{
	struct mapping_series *weakest = NULL;
	struct group *of = NULL;

	for (size_t i = 0; i < groups->n_groups; i++) {
		struct mapping_series *series;

		if (groups->groups[i]->left_tick)
			continue;
		series = top_mappings_weakest(&groups->groups[i]->mappings);
		if (series && (!weakest || series->score < weakest->score)) {
			weakest = series;
			of = groups->groups[i];
		}
	}
	return of;
}

/* Of the groups that have not all the series of mappings that they may have. */
static struct group *group_of_strongest_mapping(const struct groups *groups)
{
	struct mapping_series *strongest = NULL;
	struct group *of = NULL;

	for (size_t i = 0; i < groups->n_groups; i++) {
		struct top_mappings *top = &groups->groups[i]->mappings;
		struct mapping_series *series = !groups->groups[i]->left_tick &&
								top->n_shown < top->max_shown ?
							top_mappings_strongest(top) :
							NULL;

		if (series && (!strongest || series->score > strongest->score)) {
			strongest = series;
			of = groups->groups[i];
		}
	}
	return of;
}

static void evict_weakest_mapping(struct groups *groups, struct group *group)
{
	top_mappings_evict(&group->mappings, top_mappings_weakest(&group->mappings));
	groups->mappings_evicted++;
}

static void end_mappings(struct groups *groups, bool is_urgent)
{
	for (size_t i = 0; i < groups->n_groups; i++)
		top_mappings_end(&groups->groups[i]->mappings, is_urgent,
				 groups->mapping_faults_ended);
}

static struct use measure_mappings(struct groups *groups)
{
	struct use use = {};

	for (size_t i = 0; i < groups->n_groups; i++) {
		struct group *group = groups->groups[i];

		group->n_mapping_series = group->counts ? groups->mapping_cost(group) : 0;
		use.live += group->n_mapping_series;
		for (size_t j = 0; j < group->mappings.n_slots; j++)
			use.leaving += group->mappings.slots[j].left_tick ? 1 : 0;
	}
	return use;
}

/* Has the strong one's candidate twice the score of the weak one's series? */
static bool is_better(const struct group *strong, const struct group *weak)
{
	return top_mappings_strongest(&strong->mappings)->score >
	       2 * top_mappings_weakest(&weak->mappings)->score;
}

/* As many as there may be. */
static struct use cut_mappings(struct groups *groups, size_t limit)
{
	struct use use = measure_mappings(groups);
	struct group *weak;

	if (use.live <= limit)
		return use;
	end_mappings(groups, true);
	use = measure_mappings(groups);
	while (use.live > limit && (weak = group_of_weakest_mapping(groups))) {
		evict_weakest_mapping(groups, weak);
		top_mappings_end(&weak->mappings, true, groups->mapping_faults_ended);
		use.live -= weak->n_mapping_series;
		weak->n_mapping_series = groups->mapping_cost(weak);
		use.live += weak->n_mapping_series;
	}
	return use;
}

/* Shows the mappings with the highest scores, in free places or in place of mappings with less than
 * half of their score. Returns how many series mappings have. */
static size_t choose_mappings(struct groups *groups, size_t limit)
{
	struct use use;

	end_mappings(groups, false);
	use = cut_mappings(groups, limit);
	for (size_t i = 0; i < MAX_MAPPING_CHANGES; i++) {
		struct group *strong = group_of_strongest_mapping(groups);
		struct group *weak = group_of_weakest_mapping(groups);

		if (!strong)
			break;
		if (use.live + MAPPING_ROOM <= limit) {
			top_mappings_show(&strong->mappings, groups->since);
			use.live -= strong->n_mapping_series;
			strong->n_mapping_series = groups->mapping_cost(strong);
			use.live += strong->n_mapping_series;
			continue;
		}
		if (!weak || !is_better(strong, weak) ||
		    use.leaving >= 1 + limit * LEAVING_PERCENT / 100)
			break;
		evict_weakest_mapping(groups, weak);
		use.leaving++;
		if (groups->seen_tick == UINT64_MAX) {
			top_mappings_end(&weak->mappings, true, groups->mapping_faults_ended);
			use.live -= weak->n_mapping_series;
			weak->n_mapping_series = groups->mapping_cost(weak);
			use.live += weak->n_mapping_series;
		}
	}
	return use.live;
}

/* Within each group: a stronger mapping takes the place of a weaker one. */
static void replace_mappings(struct groups *groups)
{
	for (size_t i = 0; i < groups->n_groups; i++)
		if (!groups->groups[i]->left_tick)
			groups->mappings_evicted +=
				top_mappings_replace(&groups->groups[i]->mappings, groups->since);
}

/* The group of the highest score without, or of the lowest with buckets. */
static struct group *find_for_buckets(const struct groups *groups, bool has_buckets)
{
	struct group *found = NULL;

	for (size_t i = 0; i < groups->n_groups; i++) {
		struct group *group = groups->groups[i];

		if (!group->counts || !group->counts->stalls.count ||
		    group->has_buckets != has_buckets || (group->left_tick && !has_buckets))
			continue;
		if (!found ||
		    (has_buckets ? group->score < found->score : group->score > found->score))
			found = group;
	}
	return found;
}

/* Uses the series that are left for buckets, for the groups with the most faults first. */
static void choose_buckets(struct groups *groups, size_t left)
{
	size_t allowed = left / GROUP_BUCKETS, n = 0;
	struct group *weak, *strong;

	for (size_t i = 0; i < groups->n_groups; i++)
		n += groups->groups[i]->has_buckets && groups->groups[i]->counts &&
		     groups->groups[i]->counts->stalls.count;
	for (; n > allowed && (weak = find_for_buckets(groups, true)); n--)
		weak->has_buckets = false;
	for (size_t i = 0; i < groups->n_groups; i++) {
		strong = find_for_buckets(groups, false);
		weak = find_for_buckets(groups, true);
		if (!strong)
			return;
		if (n >= allowed) {
			if (!weak || strong->score <= 2 * weak->score)
				return;
			weak->has_buckets = false;
			n--;
		}
		strong->has_buckets = true;
		n++;
	}
}

static void sum_hidden(struct groups *groups)
{
	struct group_gauges sum = {};

	for (size_t i = 0; i < groups->n_groups; i++) {
		const struct group *group = groups->groups[i];

		if (group_counts_itself(group))
			continue;
		sum.processes += group->gauges.processes;
		sum.vsz_bytes += group->gauges.vsz_bytes;
		sum.rss_bytes += group->gauges.rss_bytes;
	}
	groups->other->gauges = sum;
}

static void note_birth(uint64_t *birth, uint64_t count, uint64_t tick)
{
	if (count && !*birth)
		*birth = tick;
}

/* Which counters this tick is the first to show. */
static void note_births(const struct groups *groups, struct group *group)
{
	const struct group_counts *counts = group->counts;
	struct group_births *births = group->births;

	if (!counts)
		return;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			note_birth(&births->faults[kind][severity], counts->faults[kind][severity],
				   groups->tick);
	note_birth(&births->cow, counts->cow_pages, groups->tick);
	note_birth(&births->stalls, counts->stalls.count, groups->tick);
	note_birth(&births->refaults, counts->causes.refaults, groups->tick);
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		note_birth(&births->causes[cause], counts->causes.sum_ns[cause], groups->tick);
	group->mappings.tick = groups->tick;
	group->mappings.seen_tick = groups->seen_tick;
	top_mappings_note_births(&group->mappings);
}

static void note_all_births(struct groups *groups)
{
	for (size_t i = 0; i < groups->n_groups; i++)
		note_births(groups, groups->groups[i]);
	note_births(groups, groups->other);
}

void groups_choose(struct groups *groups, size_t limit, struct timespec now)
{
	size_t used, first = groups->top_mappings ? FIRST_BUCKETS * GROUP_BUCKETS : 0;

	groups->limit = limit;
	groups_drop_unknown(groups);
	note_all_births(groups);
	used = choose_groups(groups, now);
	replace_mappings(groups);
	used += choose_mappings(groups, limit > used + first ? limit - used - first : 0);
	choose_buckets(groups, limit > used ? limit - used : 0);
	sum_hidden(groups);
	note_all_births(groups); /* of mappings that came in */
	groups->since = now;
}
