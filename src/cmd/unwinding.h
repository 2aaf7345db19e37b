/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that unwinds the stacks that --stacks copies, for the commands that watch. */
#ifndef FAULTMAP_UNWINDING_H
#define FAULTMAP_UNWINDING_H

#include "cmd/watch.h"
#include "symbol/build_ids.h"
#include "symbol/unwinder.h"

/* Confines a process that reads untrusted files to what it is sent. `disabled`: features that
 * --disable-feature names (struct option_list). */
void unwinding_confine(const void *disabled);
/* If the flags ask for it: makes it, before the collector, and says so in the collector's options.
 * `disabled` is borrowed. Where it cannot be made, there is a warning and it goes on without. To be
 * freed with unwinder_free() after the collector. */
void unwinding_open(struct unwinder **ret_unwinder, const struct watch_options *watch,
		    const struct option_list *disabled, struct collector_options *options);

/* The same of who tells the build ids of files of code. To be freed with build_ids_free() after the
 * collector and the sinks. */
void build_ids_open(struct build_ids **ret_build_ids, const struct watch_options *watch,
		    struct collector_options *options);

#endif
