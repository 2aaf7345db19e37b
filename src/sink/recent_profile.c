// SPDX-License-Identifier: GPL-2.0-only
#include "sink/recent_profile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

/* Ticks that are kept, even if they are shorter than a second; and samples in all of them: 200 bytes
 * each, plus call paths. */
#define TICKS_MAX 120
#define SAMPLES_MAX 50000

/* Never changes once it is made, so that a thread may read it. */
struct tick {
	unsigned int holders; /* counted on the loop only */
	struct sink_profile *profile;
	uint64_t duration_ns;
	size_t n_samples;
};

struct sink_recent {
	struct tick *ticks[TICKS_MAX]; /* the oldest first */
	size_t count;
	size_t n_samples;
};

struct sink_recent_part {
	size_t n; /* how many of the last ones count; older ones only add call paths */
	size_t count;
	struct tick *ticks[TICKS_MAX];
};

struct sink_recent *sink_recent_new(void)
{
	return calloc(1, sizeof(struct sink_recent));
}

static void drop_tick(struct tick *tick)
{
	if (--tick->holders)
		return;
	sink_profile_free(tick->profile);
	free(tick);
}

static void drop_oldest(struct sink_recent *recent)
{
	recent->n_samples -= recent->ticks[0]->n_samples;
	drop_tick(recent->ticks[0]);
	recent->count--;
	for (size_t i = 0; i < recent->count; i++)
		recent->ticks[i] = recent->ticks[i + 1];
}

void sink_recent_free(struct sink_recent *recent)
{
	while (recent && recent->count)
		drop_oldest(recent);
	free(recent);
}

/* How many ticks, from the newest on, are within the last `seconds` seconds. */
static size_t ticks_of(const struct sink_recent *recent, uint64_t seconds)
{
	uint64_t left_ns = seconds * 1000000000ULL + 500000000ULL; /* a tick may be a bit late */
	size_t n = 0;

	while (n < recent->count && recent->ticks[recent->count - 1 - n]->duration_ns <= left_ns)
		left_ns -= recent->ticks[recent->count - 1 - n++]->duration_ns;
	return n;
}

int sink_recent_tick(struct sink_recent *recent, const struct snapshot *snapshot,
		     struct error *error)
{
	struct sink_profile *profile =
		sink_profile_new(&(struct sink_profile_options){ .kind = -1 });
	struct tick *tick = profile ? malloc(sizeof(*tick)) : NULL;
	int result = tick ? sink_profile_tick(profile, snapshot, error) :
			    error_set(error, ENOMEM, "adding up code: out of memory");

	if (result) {
		sink_profile_free(profile);
		free(tick);
		return result;
	}
	*tick = (struct tick){ 1, profile, snapshot->interval_ns, sink_profile_count(profile) };
	if (recent->count == TICKS_MAX)
		drop_oldest(recent);
	recent->ticks[recent->count++] = tick;
	recent->n_samples += tick->n_samples;
	while (recent->count > 1 && (recent->n_samples > SAMPLES_MAX ||
				     ticks_of(recent, RECENT_SECONDS) < recent->count))
		drop_oldest(recent);
	return 0;
}

SINK_OPS(recent);

struct sink_profile *sink_recent_last(const struct sink_recent *recent)
{
	return recent->count ? recent->ticks[recent->count - 1]->profile : NULL;
}

struct sink_recent_part *sink_recent_part(const struct sink_recent *recent, unsigned int seconds)
{
	struct sink_recent_part *part = malloc(sizeof(*part));

	if (!part)
		return NULL;
	part->n = ticks_of(recent, seconds);
	part->count = recent->count;
	for (size_t i = 0; i < part->count; i++) {
		part->ticks[i] = recent->ticks[i];
		part->ticks[i]->holders++;
	}
	return part;
}

void sink_recent_part_free(struct sink_recent_part *part)
{
	for (size_t i = 0; part && i < part->count; i++)
		drop_tick(part->ticks[i]);
	free(part);
}

struct sink_profile *sink_recent_part_profile(const struct sink_recent_part *part,
					      size_t samples_max)
{
	struct sink_profile *whole = sink_profile_new(&(struct sink_profile_options){ .kind = -1 });
	int result = whole ? 0 : -ENOMEM;

	for (size_t i = 0; i < part->count && !result; i++)
		result = sink_profile_merge(whole, part->ticks[i]->profile,
					    i + part->n >= part->count);
	if (!result)
		result = sink_profile_cut(whole, samples_max);
	if (!result)
		return whole;
	sink_profile_free(whole);
	return NULL;
}
