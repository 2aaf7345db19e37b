/* SPDX-License-Identifier: GPL-2.0-only */
/* What `guard` says, as JSON lines. Each returns as sink_jsonl_tick. */
#ifndef FAULTMAP_GUARD_LINES_H
#define FAULTMAP_GUARD_LINES_H

#include "model/guard_fault.h"
#include "model/snapshot.h"
#include "sink/sink_jsonl.h"

int guard_lines_fault(struct sink_jsonl *sink, const struct guard_fault *fault,
		      struct error *error);
/* The process has faults since the tick before that had no exception. */
int guard_lines_gup(struct sink_jsonl *sink, const struct process *process, struct error *error);
/* The last line. */
int guard_lines_end(struct sink_jsonl *sink, const struct guard_totals *totals, uint64_t wall_ns,
		    struct error *error);

#endif
