/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's table of rows as user space maps it (bpf/table.bpf.h): keys, counts and stalls by
 * index, which of them moved, and the lists of free indexes. Private to collect/. It makes no
 * system call but to open. The caller says which indexes are in use; 0 is none.
 */
#ifndef FAULTMAP_ROW_TABLE_H
#define FAULTMAP_ROW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "bpf/abi.h"

struct row_table;

/* What it is made of: descriptors of maps, which it only uses to open, and variables that outlive
 * it. */
struct row_table_parts {
	uint32_t rows;      /* indexes 1 to this */
	uint32_t latencies; /* likewise */
	uint32_t key_size;  /* of struct row_key: with the context or without */
	int keys_fd, values_fd, moved_fd, latencies_fd, shares_fd, forget_fd;
	int causes_fd;         /* as many as latencies; -1: stalls have no causes */
	int free_rows_fd;      /* lines, or before Linux 6.1 a queue */
	int free_latencies_fd; /* -1 before Linux 6.1: a row's latency has the row's index */
	struct free_list *free_rows, *free_latencies;
	uint32_t *filling_told;
};

/* Maps all of it, and puts every index into its list. 0 or a negative errno with the error set. */
int row_table_open(struct row_table **ret_table, const struct row_table_parts *parts,
		   struct error *error);
void row_table_close(struct row_table *table);

uint32_t row_table_size(const struct row_table *table);
/* Rows that programs have taken and row_table_give has not given back. */
uint32_t row_table_used(const struct row_table *table);
/* The same of latencies, in rows' terms: of row_table_size() of them. */
uint32_t row_table_latencies_used(const struct row_table *table);

/* The next index from *cursor on that has moved; 0 at the end. */
uint32_t row_table_next_moved(const struct row_table *table, uint32_t *cursor);
bool row_table_has_moved(const struct row_table *table, uint32_t index);
/* Sets or clears its mark. What is read after that includes all that was counted before. */
void row_table_set_moved(struct row_table *table, uint32_t index, bool moved);

/* A copy; its context is 0 where keys have none. */
struct row_key row_table_key(const struct row_table *table, uint32_t index);
const struct row_value *row_table_value(const struct row_table *table, uint32_t index);
/* NULL where the row has no stalls. */
const struct latency *row_table_latency(const struct row_table *table, uint32_t index);

/* The causes of these; NULL if they are not known. */
const struct stall_causes *row_table_causes(const struct row_table *table, uint32_t index);

/* The list that the program forget_rows works off. At most FORGET_MAX. */
void row_table_set_forget(struct row_table *table, const uint32_t *indexes, uint32_t count);
/* True if forget_rows has taken out the row at this place of the list. */
bool row_table_has_forgotten(const struct row_table *table, uint32_t place);

/* Clears the row and makes its index free. No program may work with it any more. 0 or a negative
 * errno. */
int row_table_give(struct row_table *table, uint32_t index);
/* Lets the programs report again that the table is filling. */
void row_table_listen(struct row_table *table);

#endif
