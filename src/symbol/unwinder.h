/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the call paths of copied stacks by the unwind tables of each file of code (.eh_frame). Such
 * files are not trusted: they are read in a process of its own, which lives as long as the
 * unwinder. If it crashes on a file it is started again, and only the call paths are lost that it
 * was asked for. The stacks are in memory that both share, and go nowhere else.
 */
#ifndef FAULTMAP_UNWINDER_H
#define FAULTMAP_UNWINDER_H

#include "base/unwind.h"
#include "symbol/keeper.h"

struct unwinder;

/* To be called early: the process inherits what is open now. It opens no file, so it may give up
 * everything else. `rights`: as keeper_start() takes them. 0, -ENOTSUP in a build without symbols,
 * or another negative errno. */
int unwinder_new(struct unwinder **ret_unwinder, const struct keeper_rights *rights);
void unwinder_free(struct unwinder *unwinder);
/* As others see it; lives as long as the unwinder. One thread at a time may call it. */
const struct unwinding *unwinder_interface(struct unwinder *unwinder);

#endif
