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

/* NULL when out of memory. */
struct sink_recent *sink_recent_new(void);
void sink_recent_free(struct sink_recent *recent);
int sink_recent_tick(struct sink_recent *recent, const struct snapshot *snapshot,
		     struct error *error);
extern const struct sink_ops sink_recent_ops;

/* What the last tick added; NULL before the first. */
struct sink_profile *sink_recent_last(const struct sink_recent *recent);
/* A profile of the last so many seconds, to be freed. It keeps the samples with the most faults;
 * the rest is in one without code. Sampled call paths are those of the whole minute. NULL when out
 * of memory. */
struct sink_profile *sink_recent_profile(const struct sink_recent *recent, unsigned int seconds,
					 size_t samples_max);

#endif
