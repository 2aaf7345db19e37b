/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's profile of code: /debug/pprof/faults, and the flame graph of the page. */
#ifndef FAULTMAP_DAEMON_PROFILE_H
#define FAULTMAP_DAEMON_PROFILE_H

#include "base/loop.h"
#include "cmd/profile_renderer.h"
#include "cmd/unwinding.h"
#include "model/sink.h"

struct daemon_profile;

/* Adds its sink, which the sinks will free. Its worker process becomes the user. debuginfod: its
 * servers, or NULL; it and `disabled` are borrowed. To be called before other files are opened, as
 * the worker inherits what is open. 0 or a negative errno with the error set. */
int daemon_profile_new(struct daemon_profile **ret_profile, const struct privileges_user *user,
		       const char *debuginfod, const struct option_list *disabled,
		       struct sinks *sinks, struct error *error);
/* NULL is fine. */
void daemon_profile_free(struct daemon_profile *profile);
/* Takes names as they come, on the loop, until daemon_profile_leave(); `again` as
 * profile_renderer.h has it. 0 or a negative errno. */
int daemon_profile_watch(struct daemon_profile *profile, struct loop *loop, profile_again_fn again,
			 void *context);
/* Before the loop goes. NULL is fine. */
void daemon_profile_leave(struct daemon_profile *profile);
/* After each tick: asks for the names of new code. */
void daemon_profile_tick(struct daemon_profile *profile);
/* A profile of the last so many seconds: for pprof, as Parca and Pyroscope take it, or a page. As
 * profile_renderer_get(), while it watches. */
int daemon_profile_get(struct daemon_profile *profile, enum profile_format format,
		       unsigned int seconds, char **ret_bytes, size_t *ret_size);

#endif
