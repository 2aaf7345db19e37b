/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call paths of stacks that were copied, by what each file of code says of its frames (.eh_frame).
 * Such files are strangers': they are read in a process of its own, which lives as long as the
 * unwinder does, may die of one, and is then made again. What that costs is the call paths that it
 * was asked for. The stacks are in memory that both share, and go nowhere else.
 */
#ifndef FAULTMAP_UNWINDER_H
#define FAULTMAP_UNWINDER_H

#include "base/unwind.h"

struct unwinder;

/* To be made early: its process has what is open now, and the rights of now. `confine` is called in
 * it, where it gives up all but what is open: it opens no file. NULL: nothing. 0, -ENOTSUP in a
 * build without symbols, or another negative errno. */
int unwinder_new(struct unwinder **ret_unwinder, void (*confine)(const void *context),
		 const void *context);
void unwinder_free(struct unwinder *unwinder);
/* As others see it; lives as long as the unwinder. One thread at a time may call it. */
const struct unwinding *unwinder_interface(struct unwinder *unwinder);

#endif
