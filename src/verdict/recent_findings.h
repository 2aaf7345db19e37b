/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The findings of late, for what shows them while it goes on: those of the last window that is
 * over, and for some time those of the windows before. Takes every snapshot once, as a sink does.
 */
#ifndef FAULTMAP_RECENT_FINDINGS_H
#define FAULTMAP_RECENT_FINDINGS_H

#include "verdict/findings.h"

/* Of windows where people look on: as long as one looks at a screen before it changes again. */
#define RECENT_FINDINGS_WINDOW_NS 10000000000UL

struct recent_findings;

/* window_ns 0: each interval is one. keep_ns: how old what is kept may be when a window ends; 0:
 * only that window's are. limit_of: as findings_new(). NULL when out of memory. */
struct recent_findings *recent_findings_new(uint64_t page_size, uint64_t window_ns,
					    uint64_t keep_ns, findings_limit_fn limit_of);
/* NULL is fine. */
void recent_findings_free(struct recent_findings *recent);
/* Forgets all: what comes next is of another time. 0 or -ENOMEM. */
int recent_findings_reset(struct recent_findings *recent);

/* 0, or -ENOMEM with the error set. */
int recent_findings_tick(struct recent_findings *recent, const struct snapshot *snapshot,
			 struct error *error);
extern const struct sink_ops recent_findings_ops;
/* The last window's, the costliest first, then older ones; stays until the next tick.
 * *ret_window_ns (may be NULL) is how long it was; 0: none is over yet. */
const struct finding *recent_findings_list(const struct recent_findings *recent, size_t *ret_count,
					   uint64_t *ret_window_ns);
/* The same, but only those of a window that ended with the last tick. */
const struct finding *recent_findings_new_ones(const struct recent_findings *recent,
					       size_t *ret_count, uint64_t *ret_window_ns);

#endif
