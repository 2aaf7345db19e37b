/* SPDX-License-Identifier: GPL-2.0-only */
/* What verdict/ finds, as JSON lines. */
#ifndef FAULTMAP_VERDICT_LINES_H
#define FAULTMAP_VERDICT_LINES_H

#include "sink/sink_jsonl.h"
#include "verdict/budget.h"
#include "verdict/findings.h"
#include "verdict/phases.h"

/* The member `phases` of a run line. */
void verdict_lines_phases(struct json_line *line, const struct phase *phases, size_t count);

/* A mark, and what happened since the one before; is_exact: the writer waited for it. Returns as
 * sink_jsonl_tick. */
int verdict_lines_mark(struct sink_jsonl *sink, const char *name, const struct phase *since,
		       bool is_exact, struct error *error);
/* A line for each term. As above. */
int verdict_lines_budget(struct sink_jsonl *sink, const struct budget *budget, struct error *error);
/* A line for each, which are of so much time. As above. */
int verdict_lines_findings(struct sink_jsonl *sink, const struct finding *findings, size_t count,
			   uint64_t wall_ns, struct error *error);
/* The members of a finding, as every JSON has them. */
void verdict_lines_put_finding(struct json_line *line, const struct finding *finding);

#endif
