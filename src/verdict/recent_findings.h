/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The findings of late, for what shows them while it goes on: those of the last window that is over.
 * Takes every snapshot once, as a sink does.
 */
#ifndef FAULTMAP_RECENT_FINDINGS_H
#define FAULTMAP_RECENT_FINDINGS_H

#include "verdict/findings.h"

struct recent_findings;

/* window_ns 0: each interval is one. NULL when out of memory. */
struct recent_findings *recent_findings_new(uint64_t page_size, uint64_t window_ns);
/* NULL is fine. */
void recent_findings_free(struct recent_findings *recent);

/* 0, or -ENOMEM with the error set. */
int recent_findings_tick(struct recent_findings *recent, const struct snapshot *snapshot,
			 struct error *error);
extern const struct sink_ops recent_findings_ops;
/* Of the last window, the costliest first; stays until the next tick. *ret_window_ns (may be NULL)
 * is how long it was; 0: none is over yet. */
const struct finding *recent_findings_list(const struct recent_findings *recent, size_t *ret_count,
					   uint64_t *ret_window_ns);

#endif
