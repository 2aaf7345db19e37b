// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/groups.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "model/latency.h"
#include "model/losses.h"
#include "model/stall_causes.h"
#include "base/util.h"
#include "metrics/public_names.h"

/* For the score, faults of this many seconds ago count half, or a little less. */
#define MEMORY_SECONDS 600.0
/* How often a process that faults is checked again: an exec may keep the comm and still change what
 * a rule depends on. */
#define LOOK_AGAIN_NS 30000000000ULL

/* A process, as long as it lives. */
struct member {
	uint64_t start_ns; /* with tgid: the key */
	uint32_t tgid;
	uint32_t uid;
	char comm[COMM_LEN];
	const char *cgroup; /* only compared: the snapshot's while the process has it; so are ... */
	const char *exe, *command;
	uint64_t looked_ns; /* at what /proc has of it; as groups.now_ns */
	uint64_t rules_turn;
	struct group *group;
};
#define MEMBER_KEY_SIZE offsetof(struct member, uid)

static int compare_groups(const void *left, const void *right)
{
	return strcmp(((const struct group *)left)->label, ((const struct group *)right)->label);
}

static void keep_node(void *group)
{
	(void)group; /* the array owns it */
}

static void group_free(struct group *group)
{
	if (!group)
		return;
	top_mappings_clear(&group->mappings);
	free(group->counts);
	free(group->births);
	free((void *)group->unit);
	free(group->pod);
	free(group);
}

static struct group *group_new(const struct group_label *label)
{
	size_t size = strlen(label->text) + 1;
	struct group *group = calloc(1, sizeof(*group) + size);
	struct unit_name *unit = label->unit.runtime ? malloc(sizeof(*unit)) : NULL;
	struct pod *pod = label->unit.pod_uid[0] ? malloc(sizeof(*pod)) : NULL;

	if (!group || (label->unit.runtime && !unit) || (label->unit.pod_uid[0] && !pod)) {
		free(group);
		free(unit);
		free(pod);
		return NULL;
	}
	group->label = memcpy(group->text, label->text, size);
	if (unit)
		*unit = label->unit;
	if (pod)
		*pod = label->pod;
	group->unit = unit;
	group->pod = pod;
	return group;
}

int groups_show(struct groups *groups, struct group *group, size_t top_mappings,
		struct timespec since)
{
	group->counts = calloc(1 + RECENT_BLOCKS, sizeof(*group->counts));
	group->births = calloc(1, sizeof(*group->births));
	if (!group->counts || !group->births || top_mappings_init(&group->mappings, top_mappings)) {
		free(TAKE_PTR(group->counts));
		free(TAKE_PTR(group->births));
		return -ENOMEM;
	}
	group->births->group = groups->tick;
	group->created = since;
	groups->n_shown += group != groups->other;
	return 0;
}

static void add_counts(struct group_counts *sum, const struct group_counts *more)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			sum->faults[kind][severity] += more->faults[kind][severity];
	sum->pages += more->pages;
	sum->cow_pages += more->cow_pages;
	latency_add(&sum->stalls, &more->stalls);
	causes_add(&sum->causes, &more->causes);
	sum->accounted_minor += more->accounted_minor;
	sum->accounted_major += more->accounted_major;
}

/* What the group did of late counts for `other` on the page at /. The counts of `other` stay, so
 * what they were when each block began is lowered. */
static void keep_recent(struct groups *groups, const struct group *group)
{
	for (int i = 1; i <= RECENT_BLOCKS; i++) {
		struct group_counts *then = &groups->other->counts[i];

		for (int kind = 0; kind < KIND_COUNT; kind++)
			for (int severity = 0; severity < SEVERITY_COUNT; severity++)
				then->faults[kind][severity] -=
					group->counts[0].faults[kind][severity] -
					group->counts[i].faults[kind][severity];
		then->stalls.sum_ns -= group->counts[0].stalls.sum_ns -
				       group->counts[i].stalls.sum_ns;
		then->stalls.count -= group->counts[0].stalls.count - group->counts[i].stalls.count;
		for (int j = 0; j < LATENCY_BUCKETS; j++)
			then->stalls.buckets[j] -= group->counts[0].stalls.buckets[j] -
						   group->counts[i].stalls.buckets[j];
	}
}

void groups_end(struct groups *groups, struct group *group)
{
	keep_recent(groups, group);
	add_counts(&groups->ended, group->counts);
	for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
		uint64_t *ended = &groups->mapping_faults_ended[severity];

		*ended += group->mappings.rest[severity];
		for (size_t i = 0; i < group->mappings.n_slots; i++)
			*ended += group->mappings.slots[i].faults[severity];
	}
	top_mappings_clear(&group->mappings);
	free(TAKE_PTR(group->counts));
	free(TAKE_PTR(group->births));
	group->has_buckets = false;
	group->left_tick = 0;
	group->out_until_ns = groups->now_ns + STAY_OUT_NS;
	groups->n_out++;
}

int groups_init(struct groups *groups, enum group_by group_by, const char *pod_logs,
		size_t top_mappings, group_cost_fn cost, group_cost_fn mapping_cost,
		struct timespec created)
{
	*groups = (struct groups){ .group_by = group_by,
				   .top_mappings = top_mappings,
				   .cost = cost,
				   .mapping_cost = mapping_cost,
				   .since = created };
	table_init(&groups->members, 0, MEMBER_KEY_SIZE);
	groups->other = group_new(&(struct group_label){ .text = "other" });
	groups->pod_names = pod_names_new(pod_logs);
	if (!groups->other || !groups->pod_names ||
	    groups_show(groups, groups->other, 0, created)) {
		groups_clear(groups);
		return -ENOMEM;
	}
	groups->other->has_buckets = true;
	groups->seen_tick = UINT64_MAX;
	return 0;
}

int groups_hide_private(struct groups *groups)
{
	if (!groups->public_names)
		groups->public_names = public_names_new();
	return groups->public_names ? 0 : -ENOMEM;
}

void groups_set_rules(struct groups *groups, struct group_rules *rules)
{
	groups->rules = rules;
	groups->rules_turn++;
}

const char *groups_shown_name(const struct groups *groups, const char *name)
{
	return !groups->public_names ||
			       public_names_has(groups->public_names, name, groups->now_ns) ?
		       name :
		       PRIVATE_NAME;
}

void groups_clear(struct groups *groups)
{
	table_clear_values(&groups->members, free);
	tdestroy(groups->by_label, keep_node);
	for (size_t i = 0; i < groups->n_groups; i++)
		group_free(groups->groups[i]);
	free(groups->groups);
	group_free(groups->other);
	public_names_free(groups->public_names);
	pod_names_free(groups->pod_names);
	*groups = (struct groups){};
}

static int reserve(struct groups *groups)
{
	size_t wanted = groups->capacity ? groups->capacity * 2 : 64;
	struct group **grown;

	if (groups->n_groups < groups->capacity)
		return 0;
	grown = realloc(groups->groups, wanted * sizeof(struct group *));
	if (!grown)
		return -ENOMEM;
	groups->groups = grown;
	groups->capacity = wanted;
	return 0;
}

/* Finds the group, or makes it; `other` if there is no memory, or if the name is "other". */
static struct group *group_of(struct groups *groups, const struct process *process)
{
	const struct group_labels labels = { groups->group_by, groups->rules, groups->pod_names,
					     groups->public_names, groups->now_ns };
	struct group_label label;
	struct group key, *group;
	struct group **found;

	if (losses_is_other(process))
		return groups->other;
	group_label_of(&label, &labels, process);
	if (!strcmp(label.text, groups->other->label))
		return groups->other;
	key.label = label.text;
	found = tfind(&key, &groups->by_label, compare_groups);
	if (found)
		return *found;
	if (reserve(groups))
		return groups->other;
	group = group_new(&label);
	if (!group || !tsearch(group, &groups->by_label, compare_groups)) {
		group_free(group);
		return groups->other;
	}
	groups->groups[groups->n_groups++] = group;
	if (groups->group_room && !groups_show(groups, group, groups->top_mappings, groups->since))
		groups->group_room--;
	return group;
}

const struct group *groups_find(const struct groups *groups, const char *label)
{
	struct group key = { .label = label };
	struct group **found;

	if (!strcmp(label, groups->other->label))
		return groups->other;
	found = tfind(&key, &groups->by_label, compare_groups);
	return found ? *found : NULL;
}

/* Rules look at what may change without a sign, and the kubelet may come late with a pod's name. */
static bool is_stale(const struct groups *groups, const struct member *member)
{
	const struct pod *pod = member->group->pod;

	if (groups->group_by == GROUP_BY_POD && pod && pod_has_name(pod) &&
	    !strncmp(member->group->label, POD_WITHOUT_NAME, strlen(POD_WITHOUT_NAME)))
		return true;
	return (group_rules_use(groups->rules, RULE_EXE) ||
		group_rules_use(groups->rules, RULE_CMDLINE)) &&
	       groups->now_ns - member->looked_ns >= LOOK_AGAIN_NS;
}

static bool is_same(const struct groups *groups, const struct member *member,
		    const struct process *process)
{
	if (member->cgroup != process->cgroup || member->uid != process->uid ||
	    member->exe != process->exe || member->command != process->command ||
	    strcmp(member->comm, process->comm) != 0)
		return false;
	/* /proc has nothing of a process that has ended. */
	return process->ended ||
	       (member->rules_turn == groups->rules_turn && !is_stale(groups, member));
}

/* The group that the process is in now: exec, setuid and the like may have moved it. */
static struct group *group_of_member(struct groups *groups, const struct process *process)
{
	struct member key = { .start_ns = process->start_ns, .tgid = process->tgid };
	struct member *member = table_get(&groups->members, &key);
	struct group *group;

	if (member && is_same(groups, member, process))
		return member->group;
	group = group_of(groups, process);
	if (!member)
		member = table_add_copy(&groups->members, &key, sizeof(key));
	if (!member)
		return groups->other;
	if (member->group)
		member->group->members--;
	member->group = group;
	group->members++;
	member->uid = process->uid;
	member->cgroup = process->cgroup;
	member->exe = process->exe;
	member->command = process->command;
	member->looked_ns = groups->now_ns;
	member->rules_turn = groups->rules_turn;
	memcpy(member->comm, process->comm, sizeof(member->comm));
	return group;
}

/* Rows of a process come mostly one after the other. */
static struct group *group_at_hand(struct groups *groups, const struct process *process)
{
	if (groups->at_hand != process) {
		groups->group_at_hand = group_of_member(groups, process);
		groups->at_hand = process;
	}
	return groups->group_at_hand;
}

static void remove_member(struct groups *groups, const struct process *process)
{
	struct member key = { .start_ns = process->start_ns, .tgid = process->tgid };
	struct member *member = table_remove(&groups->members, &key);

	if (member)
		member->group->members--;
	free(member);
}

/* The counts that are shown for it. */
static struct group_counts *counts_of(struct groups *groups, struct group *group)
{
	return group_counts_itself(group) ? group->counts : groups->other->counts;
}

/* The running block becomes the one before. */
static void begin_block_of(struct group *group)
{
	group->moved[1] = group->moved[0];
	group->moved[0] = (struct group_moved){};
	if (!group->counts)
		return;
	group->counts[2] = group->counts[1];
	group->counts[1] = group->counts[0];
	top_mappings_begin_block(&group->mappings);
}

static void begin_block(struct groups *groups)
{
	for (size_t i = 0; i < groups->n_groups; i++)
		begin_block_of(groups->groups[i]);
	begin_block_of(groups->other);
}

void groups_begin(struct groups *groups, const struct snapshot *snapshot)
{
	double seconds = (double)snapshot->interval_ns / 1e9;
	double keep = MEMORY_SECONDS / (MEMORY_SECONDS + seconds);

	groups->now_ns += snapshot->interval_ns;
	groups->tick++;
	groups->at_hand = NULL;
	for (int i = recent_begin(&groups->recent, snapshot); i > 0; i--)
		begin_block(groups);
	for (size_t i = 0; i < groups->n_groups; i++) {
		struct group *group = groups->groups[i];

		/* The kubelet names a container when it has started. */
		if (group->pod && (!*group->pod->name || !*group->pod->container))
			pod_names_find(groups->pod_names, group->unit, groups->now_ns, group->pod);
		group->gauges = (struct group_gauges){};
		group->score *= keep;
		top_mappings_begin(&group->mappings, keep, groups->now_ns);
	}
}

void groups_row(struct groups *groups, const struct row *row, const struct fault_counts *delta)
{
	struct group *group = group_at_hand(groups, row->process);
	struct group_counts *counts = counts_of(groups, group);
	enum fault_kind kind = row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN;
	const uint64_t faults[SEVERITY_COUNT] = { [SEVERITY_MINOR] = delta->minor,
						  [SEVERITY_MAJOR] = delta->major,
						  [SEVERITY_DENIED] = delta->denied };

	for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
		counts->faults[kind][severity] += faults[severity];
		group->moved[0].faults[severity] += faults[severity];
	}
	counts->pages += delta->pages;
	counts->cow_pages += kind == KIND_COW ? delta->pages : 0;
	if (latency_moved(row)) {
		struct latency_counts stalls = latency_delta(row);

		latency_add(&counts->stalls, &stalls);
		group->moved[0].stall_ns += stalls.sum_ns;
	}
	if (causes_are_told(row)) {
		struct cause_counts causes = causes_delta(row);

		causes_add(&counts->causes, &causes);
	}
	group->score += (double)(delta->minor + delta->denied + delta->major * WEIGHT_OF_MAJOR);
	if (groups->top_mappings)
		top_mappings_count(group_counts_itself(group) ? &group->mappings :
								&groups->other->mappings,
				   groups_shown_name(groups, row->mapping), faults);
}

void groups_process(struct groups *groups, const struct process *process)
{
	struct group *group = group_of_member(groups, process);
	struct group_counts *counts = counts_of(groups, group);

	counts->accounted_minor += process->minor - process->minor_before;
	counts->accounted_major += process->major - process->major_before;
	if (process->ended) {
		remove_member(groups, process);
		return;
	}
	if (losses_is_other(process))
		return;
	group->gauges.processes++;
	group->gauges.vsz_bytes += process->vsz_bytes;
	group->gauges.rss_bytes += process->rss_bytes;
}

bool groups_is_out(const struct groups *groups, const struct group *group)
{
	return group->out_until_ns > groups->now_ns;
}

static void add_moved(struct group *sum, const struct group *group)
{
	for (int i = 0; i < RECENT_BLOCKS; i++) {
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			sum->moved[i].faults[severity] += group->moved[i].faults[severity];
		sum->moved[i].stall_ns += group->moved[i].stall_ns;
	}
}

void groups_drop_unknown(struct groups *groups)
{
	size_t kept = 0;

	groups->n_out = 0;
	for (size_t i = 0; i < groups->n_groups; i++) {
		struct group *group = groups->groups[i];

		groups->n_out += groups_is_out(groups, group);
		if (group->members || group->counts || groups_is_out(groups, group)) {
			groups->groups[kept++] = group;
			continue;
		}
		add_moved(groups->other, group);
		tdelete(group, &groups->by_label, compare_groups);
		group_free(group);
	}
	groups->n_groups = kept;
}
