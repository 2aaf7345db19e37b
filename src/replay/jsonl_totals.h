/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running totals that each row and process had in its last line, which those of the next line
 * are compared with. The snapshot knows nothing of them.
 */
#ifndef FAULTMAP_JSONL_TOTALS_H
#define FAULTMAP_JSONL_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "model/snapshot.h"

struct row_totals {
	const struct row *row; /* the hash key; only compared */
	bool is_known;         /* false: of no line so far */
	bool has_stalls;       /* the next two are known */
	uint64_t stalls, stalled_ns;
	uint64_t counts[4];          /* minor, major, denied, pages */
	struct cause_counts *causes; /* NULL: not known */
};

struct process_totals {
	const struct process *process; /* the hash key; only compared */
	bool is_known;
	uint64_t minor, major, gup;
};

struct jsonl_totals {
	struct table rows;
	struct table processes;
};

void jsonl_totals_init(struct jsonl_totals *totals);
/* Forgets all. */
void jsonl_totals_clear(struct jsonl_totals *totals);
/* Of this row or process, to be brought up to date; not known where there were none. NULL: out of
 * memory. */
struct row_totals *jsonl_totals_row(struct jsonl_totals *totals, const struct row *row);
struct process_totals *jsonl_totals_process(struct jsonl_totals *totals,
					    const struct process *process);
/* Forgets those of the processes that have ended, and of their rows: the next snapshot_begin()
 * frees them. */
void jsonl_totals_drop_ended(struct jsonl_totals *totals, const struct snapshot *snapshot);

#endif
