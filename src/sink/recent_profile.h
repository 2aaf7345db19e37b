/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults by code of the last minute, tick by tick, so that a profile of the last seconds can be
 * made at once when a scraper asks for it. It is a sink.
 */
#ifndef FAULTMAP_RECENT_PROFILE_H
#define FAULTMAP_RECENT_PROFILE_H

#include "sink/sink_profile.h"

#define RECENT_SECONDS 60

struct sink_recent;
struct sink_recent_part;

/* NULL when out of memory. */
struct sink_recent *sink_recent_new(void);
void sink_recent_free(struct sink_recent *recent);
int sink_recent_tick(struct sink_recent *recent, const struct snapshot *snapshot,
		     struct error *error);
extern const struct sink_ops sink_recent_ops;

/* What the last tick added; NULL before the first. */
struct sink_profile *sink_recent_last(const struct sink_recent *recent);
/* A picture of the last so many seconds: it holds ticks, which do not change, also after the sink has
 * dropped them. Made and freed on the loop, also after the sink. NULL when out of memory. */
struct sink_recent_part *sink_recent_part(const struct sink_recent *recent, unsigned int seconds);
void sink_recent_part_free(struct sink_recent_part *part);
/* Makes one profile of it, to be freed. The samples with the most faults stay; the rest is in one
 * sample without code. Sampled call paths are those of the whole minute. On any thread. NULL when
 * out of memory. */
struct sink_profile *sink_recent_part_profile(const struct sink_recent_part *part,
					      size_t samples_max);

#endif
