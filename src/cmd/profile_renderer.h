/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the answers of /debug/pprof/faults and /flame.html on a thread of its own: on a busy machine
 * one takes a second, in which ticks and scrapes go on. The thread reads ticks that do not change any
 * more (sink/recent_profile.h), and holds the lock of the names for one name at a time.
 */
#ifndef FAULTMAP_PROFILE_RENDERER_H
#define FAULTMAP_PROFILE_RENDERER_H

#include <stddef.h>

#include "base/loop.h"
#include "sink/recent_profile.h"

enum profile_format { PROFILE_PPROF, PROFILE_FLAME };

struct profile_renderer;

/* Names the places of a profile; called on the thread. 0 or -ENOMEM. */
typedef int (*profile_name_fn)(void *context, struct sink_profile *profile);
/* On the loop: an answer is ready. All who wait for one must ask again within this call. */
typedef void (*profile_again_fn)(void *context);

/* Starts the thread. The loop has to live until profile_renderer_leave(). 0 or a negative errno. */
int profile_renderer_new(struct profile_renderer **ret_renderer, struct loop *loop,
			 profile_name_fn name, void *name_context, profile_again_fn again,
			 void *again_context);
/* Leaves the loop, and waits for the thread. NULL is fine. */
void profile_renderer_free(struct profile_renderer *renderer);
/* After each tick: answers made before are out of date. */
void profile_renderer_tick(struct profile_renderer *renderer);
/* A copy of the answer for the last so many seconds, allocated with malloc. 0; -EINPROGRESS: it is
 * being made, ask again when `again` is called; -EBUSY: too many are being made; or -ENOMEM. */
int profile_renderer_get(struct profile_renderer *renderer, const struct sink_recent *recent,
			 enum profile_format format, unsigned int seconds, char **ret_bytes,
			 size_t *ret_size);

#endif
