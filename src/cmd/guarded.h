/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads -p PID[/TID]... of `guard`: the processes that the kernel side counts, and which of their
  * threads are guarded, the named ones or all of a process.
 */
#ifndef FAULTMAP_GUARDED_H
#define FAULTMAP_GUARDED_H

#include "base/options.h"
#include "collect/collector.h"

struct guarded {
	pid_t pids[ATTACH_MAX]; /* each once */
	size_t n_pids;
	pid_t tids[ATTACH_MAX];
	size_t n_tids;
	pid_t whole[ATTACH_MAX]; /* of pids: all of their threads */
	size_t n_whole;
};

/* 0, -EINVAL of what is no number, or -ESRCH of what does not run, with the error set. */
int guarded_read(struct guarded *ret_guarded, const struct option_list *list, struct error *error);

#endif
