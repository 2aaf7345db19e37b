/* SPDX-License-Identifier: GPL-2.0-only */
/* Following processes that run already: those that were named, and what they have started. */
#ifndef FAULTMAP_ATTACH_H
#define FAULTMAP_ATTACH_H

#include "base/error.h"
#include "collect/collector_kernel.h"

/* Lets the kernel side count options->attach and, if asked for, their descendants, which it finds
 * in /proc. To be called after all is attached, so that no child is missed. 0 or a negative errno
 * with the error set. */
int attach_processes(struct kernel *kernel, const struct collector_options *options,
		     struct error *error);

#endif
