/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that are followed from the middle of their life on: those that were named, and what they
 * have started. */
#ifndef FAULTMAP_ATTACH_H
#define FAULTMAP_ATTACH_H

#include "base/error.h"
#include "collect/collector_kernel.h"

/* Lets the kernel side count options->attach and, if asked for, their descendants, by /proc. After
 * all is attached, so that no child comes between. 0 or a negative errno with the error set. */
int attach_processes(struct kernel *kernel, const struct collector_options *options,
		     struct error *error);

#endif
