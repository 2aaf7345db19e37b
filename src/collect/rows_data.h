/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rows.c, which reads the kernel's rows into the snapshot, and rows_room.c, which takes rows
 * out of the kernel's table, have in common. Private to these two.
 */
#ifndef FAULTMAP_ROWS_DATA_H
#define FAULTMAP_ROWS_DATA_H

#include "collect/rows.h"

/* The stalls of a row, as the kernel's table has them. */
struct stalls_read {
	struct latency latency;
	bool has_causes;
	struct stall_causes causes;
};

/* What is known of the row at an index of the kernel's table. */
enum slot_state {
	SLOT_FREE, /* as far as is known: a program may have taken it, but it has not moved yet */
	SLOT_LIVE, /* it is in the hash */
	SLOT_RETIRED, /* taken out of the hash, but a program may still work with it */
};
#define SLOT_PAGES_BITS 40
struct slot {
	struct row *row;            /* NULL: not found yet, or its process is gone */
	struct stalls_read *stalls; /* as last read; NULL where it has none */
	/* As last read. In 32 bits, which may wrap: that takes an hour. Pages of huge faults would take
	 * seconds, and have more. */
	uint32_t minor, major, denied;
	uint32_t tick; /* in which that was */
	uint64_t pages : SLOT_PAGES_BITS;
	uint64_t state : 2;   /* enum slot_state */
	uint64_t is_dead : 1; /* its process was reported as ended */
	uint64_t is_due : 1;  /* in rows->due */
};
/* There are 32,768 of them and more. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct slot) == 40, "size of struct slot");

/* What a row had counted when it was taken out. */
struct left_row {
	struct row_key key;
	struct extent extent;
	uint16_t largest; /* as in struct row_value */
	struct fault_counts gained;
	uint32_t tick; /* in which its process was not known; 0: not asked yet */
	struct stalls_read *stalls;
};

struct left_rows {
	struct left_row *rows;
	size_t count;
	size_t capacity;
};

struct rows {
	struct kernel *kernel;
	struct row_table *table;
	struct snapshot *snapshot;
	const struct names *names;
	const struct contexts *contexts;
	struct slot *slots; /* by index */
	/* To be read at the next tick even without a mark: a count may not have been visible yet
	 * when the mark was cleared. */
	uint32_t *due;
	size_t n_due;
	uint32_t *due_now; /* of this tick */
	uint32_t *retired;
	size_t n_retired;
	uint64_t n_freed; /* indexes given back */
	struct left_rows left;
	size_t n_read; /* in this tick */
	uint32_t hand; /* the index from which rows to take out are looked for, round and round */
	uint32_t tick;
	uint64_t skipped_faults;
	uint64_t names_lost;
	uint64_t contexts_lost;
	bool has_said_folded;
	bool is_reading; /* a tick is: what is taken out is read at its end */
};

/* Whether the row at this index has counted anything since it was last read; what, goes to
 * ret_gained. */
bool rows_has_news(const struct rows *rows, uint32_t index, struct fault_counts *ret_gained);
/* The row's stalls as they are now; false where it has none. */
bool rows_copy_stalls(const struct rows *rows, uint32_t index, struct stalls_read *ret_stalls);
/* Whether the programs have the rows in reserve that they can fill while nobody makes room. */
bool rows_has_reserve(const struct rows *rows);
/* The row will be read at the next tick even without a mark. */
void rows_put_due(struct rows *rows, uint32_t index);
/* Counts what comes late for a process that was reported as ended. */
void rows_read_dead(struct rows *rows, uint32_t index);
/* Appends a copy. 0, or -ENOMEM where there is no room. */
int rows_add_left(struct left_rows *list, const struct left_row *left);

#endif
