// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/recent_findings.h"

#include <errno.h>
#include <stdlib.h>

struct recent_findings {
	uint64_t page_size, window_ns;
	struct findings *now; /* of the window that goes on */
	uint64_t now_ns;      /* how long it has */
	struct findings *last;
	uint64_t last_ns;
	const struct finding *list; /* the last one's */
	size_t count;
};

struct recent_findings *recent_findings_new(uint64_t page_size, uint64_t window_ns)
{
	struct recent_findings *recent = calloc(1, sizeof(*recent));

	if (!recent)
		return NULL;
	recent->page_size = page_size;
	recent->window_ns = window_ns;
	recent->now = findings_new(page_size);
	if (recent->now)
		return recent;
	free(recent);
	return NULL;
}

void recent_findings_free(struct recent_findings *recent)
{
	if (!recent)
		return;
	findings_free(recent->now);
	findings_free(recent->last);
	free(recent);
}

/* The window is over. 0 or -ENOMEM. */
static int turn(struct recent_findings *recent)
{
	struct findings *next = findings_new(recent->page_size);
	int result = next ? findings_end(recent->now, recent->now_ns, &recent->list,
					 &recent->count) :
			    -ENOMEM;

	if (result < 0) {
		recent->count = 0; /* the list is as it was left */
		findings_free(next);
		return result;
	}
	findings_free(recent->last);
	recent->last = recent->now;
	recent->last_ns = recent->now_ns;
	recent->now = next;
	recent->now_ns = 0;
	return 0;
}

int recent_findings_tick(struct recent_findings *recent, const struct snapshot *snapshot,
			 struct error *error)
{
	int result = findings_tick(recent->now, snapshot, error);

	if (result || !snapshot->tick)
		return result;
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
