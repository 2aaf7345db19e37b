/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the kernel's rows that moved into the snapshot, and takes rows out of the kernel's table so
 * that there is always room for those that move. Private to collect/. Owns what it keeps beside the
 * kernel's table; kernel, snapshot, names and contexts are borrowed and must outlive it.
 *
 * A row that is taken out leaves its last counts here, and the next tick adds them to the snapshot:
 * nothing changes a snapshot between two ticks, for the sinks may look at it.
 */
#ifndef FAULTMAP_ROWS_H
#define FAULTMAP_ROWS_H

#include "collect/collector_kernel.h"
#include "collect/contexts.h"
#include "collect/names.h"
#include "model/snapshot.h"

struct rows;

/* NULL when out of memory. */
struct rows *rows_new(struct kernel *kernel, struct snapshot *snapshot, const struct names *names,
		      const struct contexts *contexts);
void rows_free(struct rows *rows);

/* Reads what moved into the snapshot. Open runs are flushed, and tasks and records read. 0 or a
 * negative errno. */
int rows_tick(struct rows *rows, uint64_t tick);
/* Faults that this tick left for the next one: their process was born after the tasks were
 * listed. */
uint64_t rows_skipped_faults(const struct rows *rows);

/* Rows whose mapping's name had not come when they were read. */
uint64_t rows_names_lost(const struct rows *rows);
/* Rows whose context had not. */
uint64_t rows_contexts_lost(const struct rows *rows);

/* Takes out the rows of processes that have ended, once the snapshot has them, and those that stand
 * still if the table is half full; what moves, too, if the programs have no reserve (ROWS_IN_RESERVE)
 * or reported that the table fills (is_filling). 0 or a negative errno. */
int rows_release_ended(struct rows *rows, bool is_filling);
/* Between two ticks, when the programs tell that the table is filling. 0 or a negative errno. */
int rows_make_room(struct rows *rows);
/* Within a tick, a part of which may take longer than the programs need to fill the table: makes
 * room if they have no reserve. Leaves the snapshot alone. 0 or a negative errno. */
int rows_make_room_in_tick(struct rows *rows);

/* Sets the row's counts, which never go down, and adds the increase to the totals. */
void rows_set_counts(struct snapshot *snapshot, struct row *row, struct fault_counts counts);

#endif
