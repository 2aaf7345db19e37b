// SPDX-License-Identifier: GPL-2.0-only
#include "collect/rows.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "collect/rows_data.h"

/* What `now` has gained since `before`; largest stalls are those since attach. */
static void subtract(struct stalls_read *now, const struct stalls_read *before)
{
	now->latency.count -= before->latency.count;
	now->latency.sum_ns -= before->latency.sum_ns;
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		now->latency.buckets[i] -= before->latency.buckets[i];
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		now->causes.count[i] -= before->causes.count[i];
		now->causes.sum_ns[i] -= before->causes.sum_ns[i];
	}
	now->causes.refaults -= before->causes.refaults;
}

/* Keeps what the row at this index has counted since it was last read. 0 or a negative errno. */
static int keep_left(struct rows *rows, uint32_t index)
{
	struct slot *slot = &rows->slots[index];
	struct left_row left = { .key = row_table_key(rows->table, index),
				 .extent = row_table_value(rows->table, index)->extent,
				 .largest = row_table_value(rows->table, index)->largest };
	struct stalls_read stalls;

	if (slot->is_dead) {
		rows_read_dead(rows, index);
		return 0;
	}
	if (!rows_has_news(rows, index, &left.gained))
		return 0;
	if (rows_copy_stalls(rows, index, &stalls)) {
		if (slot->stalls)
			subtract(&stalls, slot->stalls);
		left.stalls = malloc(sizeof(stalls));
		if (!left.stalls)
			return -ENOMEM;
		*left.stalls = stalls;
	}
	if (!rows_add_left(&rows->left, &left))
		return 0;
	free(left.stalls);
	return -ENOMEM;
}

static int free_slot(struct rows *rows, uint32_t index)
{
	struct slot *slot = &rows->slots[index];
	bool is_due = slot->is_due;

	if (slot->row && slot->row->kernel_index == index)
		slot->row->kernel_index = 0;
	free(slot->stalls);
	*slot = (struct slot){ .is_due = is_due };
	rows->n_freed++;
	return row_table_give(rows->table, index);
}

/* No program is at work with the retired rows any more: their last counts are read, and they are
 * free. */
static int free_retired(struct rows *rows)
{
	int result = rows->n_retired ? kernel_quiesce(rows->kernel) : 0;

	if (result)
		return result == -EAGAIN ? 0 : result;
	while (!result && rows->n_retired) {
		uint32_t index = rows->retired[rows->n_retired - 1];

		result = keep_left(rows, index);
		if (result) /* tried again after the next tick, which empties the list */
			return result == -ENOMEM ? 0 : result;
		rows->n_retired--;
		result = free_slot(rows, index);
	}
	return result;
}

/* Which rows may be taken out. */
enum haste {
	HASTE_NONE,  /* those that have stood still for some ticks */
	HASTE_SOME,  /* those that have not moved since the hand was here last */
	HASTE_GREAT, /* within a tick any */
};

/* Without haste: ticks for which a row has to stand still before it is taken out. */
#define IDLE_TICKS 2

/*
 * A row that has moved may be taken out if it has not moved again when the hand comes round. Within
 * a tick its mark stays: if its process is reported as ended in this tick, the next one would be
 * too late to read it. Within a tick it may be taken out at once, if need be: its counts are read
 * at the tick's end.
 */
static bool may_go_moved(struct rows *rows, uint32_t index, enum haste haste)
{
	if (rows->is_reading)
		return haste == HASTE_GREAT;
	row_table_set_moved(rows->table, index, false);
	rows_put_due(rows, index);
	return false;
}

static bool may_go(struct rows *rows, uint32_t index, enum haste haste)
{
	struct slot *slot = &rows->slots[index];
	bool has_moved = row_table_has_moved(rows->table, index);

	if (slot->state == SLOT_FREE && has_moved)
		slot->state = SLOT_LIVE;
	if (slot->state != SLOT_LIVE)
		return false;
	if (slot->is_dead)
		return true;
	if (haste == HASTE_NONE)
		return !has_moved && rows->tick - slot->tick >= IDLE_TICKS;
	return !has_moved || may_go_moved(rows, index, haste);
}

/* Goes round once and retires rows; at most `wanted`. 0 or a negative errno. */
static int retire_once(struct rows *rows, size_t wanted, enum haste haste)
{
	uint32_t size = row_table_size(rows->table);
	size_t first = rows->n_retired, n_forgotten;
	int result;

	for (uint32_t i = 0; i < size && rows->n_retired - first < wanted; i++) {
		rows->hand = rows->hand % size + 1;
		if (may_go(rows, rows->hand, haste)) {
			rows->slots[rows->hand].state = SLOT_RETIRED;
			rows->retired[rows->n_retired++] = rows->hand;
		}
	}
	result = kernel_forget_rows(rows->kernel, rows->retired + first, rows->n_retired - first,
				    &n_forgotten);
	while (rows->n_retired > first + n_forgotten)
		rows->slots[rows->retired[--rows->n_retired]].state = SLOT_LIVE;
	return result;
}

static uint32_t used_of(const struct rows *rows)
{
	uint32_t used = row_table_used(rows->table);
	uint32_t latencies = row_table_latencies_used(rows->table);

	return used > latencies ? used : latencies;
}

bool rows_has_reserve(const struct rows *rows)
{
	uint32_t size = row_table_size(rows->table);

	return size - row_table_used(rows->table) >= ROWS_IN_RESERVE(size);
}

/* How many rows to take out until no more than `goal` are in use, and of latencies, where half are, no
 * more than a quarter. */
static size_t surplus_of(const struct rows *rows, uint32_t goal)
{
	uint32_t size = row_table_size(rows->table), used = row_table_used(rows->table);
	uint32_t latencies = row_table_latencies_used(rows->table);
	size_t surplus = used > goal ? used - goal : 0;

	if (latencies > size / 2)
		surplus = max_of(surplus, latencies - size / 4);
	return surplus > rows->n_retired ? surplus - rows->n_retired : 0;
}

/*
 * Rows that move come back at once, and that costs more than to read them. So of these a hurry takes
 * out no more than brings the reserve back, and half as much again.
 */
static int make_room(struct rows *rows, bool hurry)
{
	uint32_t size = row_table_size(rows->table);
	uint32_t goal = size - ROWS_IN_RESERVE(size) - ROWS_IN_RESERVE(size) / 2;
	uint64_t n_freed = rows->n_freed;
	int result = free_retired(rows);

	if (!result && surplus_of(rows, size / 4))
		result = retire_once(rows, surplus_of(rows, size / 4), HASTE_NONE);
	for (int round = 0; !result && hurry && round < 2; round++)
		if (surplus_of(rows, goal))
			result = retire_once(rows, surplus_of(rows, goal),
					     round ? HASTE_GREAT : HASTE_SOME);
	if (!result)
		result = free_retired(rows);
	/* Programs may have taken meanwhile what was given back: then they tell at once, and there is
	 * another round. */
	if (rows->n_freed != n_freed ||
	    (rows_has_reserve(rows) && row_table_latencies_used(rows->table) <= size / 2))
		row_table_listen(rows->table);
	return result;
}

int rows_make_room(struct rows *rows)
{
	return make_room(rows, true);
}

static void mark_dead(struct slot *slot)
{
	slot->row = NULL;
	slot->is_dead = true;
}

/* Several indexes may belong to one "[other]" row, which does not know which: checks all
 * indexes. */
static void mark_folded_dead(struct rows *rows)
{
	for (uint32_t i = 1; i <= row_table_size(rows->table); i++)
		if (rows->slots[i].row && rows->slots[i].row->process->ended)
			mark_dead(&rows->slots[i]);
}

static void mark_ended(struct rows *rows)
{
	const struct snapshot *snapshot = rows->snapshot;
	bool has_folded = false;

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];
		const struct row *row = process->ended ? process->rows : NULL;

		for (; row; row = row->next) {
			if (row->kernel_index)
				mark_dead(&rows->slots[row->kernel_index]);
			has_folded |= row->mapping_class == MAPPING_OTHER;
		}
	}
	if (has_folded)
		mark_folded_dead(rows);
}

int rows_release_ended(struct rows *rows, bool is_filling)
{
	uint32_t size = row_table_size(rows->table), used;

	mark_ended(rows);
	used = used_of(rows);
	if (used <= size / 2 && !rows->n_retired && !is_filling)
		return 0;
	return make_room(rows, is_filling || !rows_has_reserve(rows) || used > size / 4 * 3);
}
