/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recent findings, for live views: those of the last complete window of time, and for a while those
 * of earlier windows. Takes every snapshot once, as a sink does.
 */
#ifndef FAULTMAP_RECENT_FINDINGS_H
#define FAULTMAP_RECENT_FINDINGS_H

#include "verdict/findings.h"

/* The window for live views: a person can read the screen before it changes. */
#define RECENT_FINDINGS_WINDOW_NS 10000000000UL

struct recent_findings;

/* window_ns 0: each interval is a window. keep_ns: when a window ends, older findings are kept up to
 * this age; 0: none. limit_of: as findings_new(). NULL when out of memory. */
struct recent_findings *recent_findings_new(uint64_t page_size, uint64_t window_ns,
					    uint64_t keep_ns, findings_limit_fn limit_of);
/* NULL is fine. */
void recent_findings_free(struct recent_findings *recent);
/* Forgets all, as after a jump in a recording. 0 or -ENOMEM. */
int recent_findings_reset(struct recent_findings *recent);

/* 0, or -ENOMEM with the error set. */
int recent_findings_tick(struct recent_findings *recent, const struct snapshot *snapshot,
			 struct error *error);
extern const struct sink_ops recent_findings_ops;
/* Those of the last window, the costliest first, then older ones; valid until the next tick.
 * *ret_window_ns (may be NULL) is the window's length; 0: none has ended yet. */
const struct finding *recent_findings_list(const struct recent_findings *recent, size_t *ret_count,
					   uint64_t *ret_window_ns);
/* The same, but only of a window that ended with the last tick. */
const struct finding *recent_findings_new_ones(const struct recent_findings *recent,
					       size_t *ret_count, uint64_t *ret_window_ns);

#endif
