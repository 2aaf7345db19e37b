/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `guard`: tells the kernel side who is guarded, and reads its ring of their faults. Private to
 * collect/. Borrows the kernel, names and contexts, which have to live longer.
 */
#ifndef FAULTMAP_COLLECT_GUARD_H
#define FAULTMAP_COLLECT_GUARD_H

#include "collect/collector_kernel.h"
#include "collect/contexts.h"
#include "collect/names.h"

struct guard;

/* Tells the programs who is guarded; to be called before they attach. 0 or a negative errno with
 * the error set; -ESRCH: there is no such unit. */
int guard_new(struct guard **ret_guard, struct kernel *kernel, const struct names *names,
	      const struct contexts *contexts, const struct guard_options *options,
	      struct error *error);
/* NULL is fine. */
void guard_free(struct guard *guard);
int guard_fd(const struct guard *guard);
/* As collector_guard_read() and collector_guard_find(); the caller holds the reader's lock. */
int guard_read(struct guard *guard, collector_guard_fn callback, void *context,
	       struct error *error);
int guard_find(struct guard *guard, struct error *error);
uint64_t guard_lost(const struct guard *guard);

#endif
