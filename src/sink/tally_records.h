/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tallies for programs: CSV (RFC 4180, with a line of titles), or one JSON object. Both have the
 * same fields whatever the tallies are of, and numbers in base units.
 */
#ifndef FAULTMAP_TALLY_RECORDS_H
#define FAULTMAP_TALLY_RECORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/grouping.h"
#include "verdict/findings.h"

enum tally_format { TALLY_TEXT, TALLY_CSV, TALLY_JSON };

struct tally_records_view {
	enum grouping_by by;
	uint64_t page_size;
	uint64_t interval_ns;           /* that was added up */
	struct timespec ts;             /* its end */
	bool has_titles;                /* CSV: the line of titles first */
	bool has_findings;              /* JSON: there is a member of them, which may be empty */
	const struct finding *findings; /* borrowed */
	size_t n_findings;
};

/* A line for each tally that is shown, then `(rest)` where there is one: those of several processes
 * have pid 0. 0 or -ENOMEM; write errors stay in the stream. */
int tally_records_csv(const struct tally_records_view *view, const struct tallies *tallies,
		      FILE *stream);
/* {"rec":"table","by":...,"lines":[...],"rest":{...},"total":{...},"findings":[...]} on a line. As above. */
int tally_records_json(const struct tally_records_view *view, const struct tallies *tallies,
		       FILE *stream);

#endif
