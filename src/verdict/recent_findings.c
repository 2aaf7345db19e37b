// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/recent_findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Of all names and windows: more than anybody reads. */
#define LIST_MAX 64

struct recent_findings {
	uint64_t page_size, window_ns, keep_ns;
	findings_limit_fn limit_of;
	struct findings *now;          /* of the current window */
	uint64_t now_ns;               /* how long that has been */
	uint64_t last_ns;              /* how long the last one was */
	struct finding list[LIST_MAX]; /* owns the mappings; newer ones come first */
	size_t count, n_new;           /* n_new: of the last window */
	bool has_turned;               /* a window ended with the last tick */
};

struct recent_findings *recent_findings_new(uint64_t page_size, uint64_t window_ns,
					    uint64_t keep_ns, findings_limit_fn limit_of)
{
	struct recent_findings *recent = calloc(1, sizeof(*recent));

	if (!recent)
		return NULL;
	recent->page_size = page_size;
	recent->window_ns = window_ns;
	recent->keep_ns = keep_ns;
	recent->limit_of = limit_of;
	recent->now = findings_new_small(page_size, limit_of);
	if (recent->now)
		return recent;
	free(recent);
	return NULL;
}

static void clear(struct finding *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((char *)list[i].mapping);
}

void recent_findings_free(struct recent_findings *recent)
{
	if (!recent)
		return;
	findings_free(recent->now);
	clear(recent->list, recent->count);
	free(recent);
}

/* 0, or -ENOMEM with the old findings kept. */
static int begin_window(struct recent_findings *recent)
{
	struct findings *next = findings_new_small(recent->page_size, recent->limit_of);

	if (!next)
		return -ENOMEM;
	findings_free(recent->now);
	recent->now = next;
	recent->now_ns = 0;
	return 0;
}

int recent_findings_reset(struct recent_findings *recent)
{
	clear(recent->list, recent->count);
	recent->count = recent->n_new = 0;
	recent->last_ns = 0;
	return begin_window(recent);
}

/* 0, or -ENOMEM with nothing in the list. */
static int copy(struct finding *list, size_t *ret_count, const struct finding *from, size_t count)
{
	*ret_count = 0;
	for (size_t i = 0; i < count && i < LIST_MAX; i++) {
		list[i] = from[i];
		list[i].mapping = from[i].mapping ? strdup(from[i].mapping) : NULL;
		if (from[i].mapping && !list[i].mapping) {
			clear(list, i);
			return -ENOMEM;
		}
		list[i].age_ns = 0;
	}
	*ret_count = count < LIST_MAX ? count : LIST_MAX;
	return 0;
}

static bool is_same(const struct finding *left, const struct finding *right)
{
	return left->name == right->name && left->pid == right->pid &&
	       !left->mapping == !right->mapping &&
	       (!left->mapping || !strcmp(left->mapping, right->mapping));
}

/* Adds earlier findings that are not too old and not among the new ones. */
static void keep(const struct recent_findings *recent, struct finding *list, size_t *count)
{
	size_t n_new = *count;

	for (size_t i = 0; i < recent->count; i++) {
		const struct finding *old = &recent->list[i];
		bool is_wanted = old->age_ns <= recent->keep_ns && *count < LIST_MAX;

		for (size_t j = 0; j < n_new && is_wanted; j++)
			is_wanted = !is_same(old, &list[j]);
		if (is_wanted)
			list[(*count)++] = *old;
		else
			free((char *)old->mapping);
	}
}

/* Ends the window. 0 or -ENOMEM. */
static int turn(struct recent_findings *recent)
{
	struct finding list[LIST_MAX];
	const struct finding *found;
	size_t count;
	int result = findings_end(recent->now, recent->now_ns, &found, &count);

	if (!result)
		result = copy(list, &count, found, count);
	if (result)
		return result;
	recent->n_new = count;
	keep(recent, list, &count);
	memcpy(recent->list, list, count * sizeof(*list));
	recent->count = count;
	recent->last_ns = recent->now_ns;
	recent->has_turned = true;
	return begin_window(recent);
}

int recent_findings_tick(struct recent_findings *recent, const struct snapshot *snapshot,
			 struct error *error)
{
	int result = findings_tick(recent->now, snapshot, error);

	recent->has_turned = false;
	if (result || !snapshot->tick)
		return result;
	for (size_t i = 0; i < recent->count; i++)
		recent->list[i].age_ns += snapshot->interval_ns;
	recent->now_ns += snapshot->interval_ns;
	if (recent->now_ns < recent->window_ns)
		return 0;
	return turn(recent) < 0 ? error_set(error, ENOMEM, "looking for findings: out of memory") :
				  0;
}

static int tick_it(void *sink, const struct snapshot *snapshot, struct error *error)
{
	return recent_findings_tick(sink, snapshot, error);
}

static void free_it(void *sink)
{
	recent_findings_free(sink);
}

const struct sink_ops recent_findings_ops = { "recent_findings", tick_it, free_it };

const struct finding *recent_findings_list(const struct recent_findings *recent, size_t *ret_count,
					   uint64_t *ret_window_ns)
{
	*ret_count = recent->count;
	if (ret_window_ns)
		*ret_window_ns = recent->last_ns;
	return recent->list;
}

const struct finding *recent_findings_new_ones(const struct recent_findings *recent,
					       size_t *ret_count, uint64_t *ret_window_ns)
{
	*ret_count = recent->has_turned ? recent->n_new : 0;
	*ret_window_ns = recent->last_ns;
	return recent->list;
}
