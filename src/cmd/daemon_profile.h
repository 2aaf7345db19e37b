/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's profile of code: /debug/pprof/faults. */
#ifndef FAULTMAP_DAEMON_PROFILE_H
#define FAULTMAP_DAEMON_PROFILE_H

#include "base/loop.h"
#include "cmd/unwinding.h"
#include "model/sink.h"

struct daemon_profile;

/* Adds its sink, which is the sinks' to free; `disabled` is borrowed. 0 or a negative errno with the
 * error set. To be made while what is open belongs to nobody else: it has a process of its own. */
int daemon_profile_new(struct daemon_profile **ret_profile, const struct option_list *disabled,
		       struct sinks *sinks, struct error *error);
/* NULL is fine. */
void daemon_profile_free(struct daemon_profile *profile);
/* Takes names as they come, on the loop, which has to live as long. 0 or a negative errno. */
int daemon_profile_watch(struct daemon_profile *profile, struct loop *loop);
/* After each tick: asks for the names of what is new. */
void daemon_profile_tick(struct daemon_profile *profile);
/* A profile for pprof of the last so many seconds, as Parca and Pyroscope take it. 0 or -ENOMEM. */
int daemon_profile_render(struct daemon_profile *profile, unsigned int seconds, char **ret_bytes,
			  size_t *ret_size);

#endif
