/* SPDX-License-Identifier: GPL-2.0-only */
/* What sink_table.c (lines) and sink_table_columns.c (columns) share; nobody else includes it. */
#ifndef FAULTMAP_SINK_TABLE_DATA_H
#define FAULTMAP_SINK_TABLE_DATA_H

#include "sink/grid.h"
#include "sink/sink_table.h"
#include "base/interned.h"
#include "base/table.h"

/* Users whose names are kept: beyond (a host with one uid per container) the number is shown. */
#define MAX_USERS 256
#define USER_LEN 32

/* One line of the table: a thing and all that was counted for it. */
struct line {
	uint64_t key; /* a process, mapping id, kind, cgroup or unit string: what the view is by */
	const struct process *process; /* NULL: several */
	const char *name;
	uint64_t map_bytes;
	uint64_t n_processes;
	uint64_t vsz_bytes, rss_bytes;
	struct fault_counts delta;
	struct fault_counts total;
	uint64_t stalled_ns;       /* in this interval */
	const struct row *hottest; /* in this interval */
};

struct user {
	uint32_t uid;
	char name[USER_LEN];
};

struct sink_table {
	struct sink_table_options options;
	struct user users[MAX_USERS];
	size_t n_users;
	uint64_t n_printed;                  /* tables */
	bool has_latency;                    /* some row ever had: the column stays from then on */
	struct fault_counts ended_processes; /* the kernel's totals of processes that are gone */
	struct fault_counts ended_kinds[KIND_COUNT];

	/* of the table being printed */
	const struct snapshot *snapshot;
	struct table lines;
	struct interned units; /* the names of BY_UNIT's lines */
	bool out_of_memory;
};

enum shown { SHOWN_ALWAYS, SHOWN_WHEN_SORTED, SHOWN_WITH_LATENCY, SHOWN_NEVER };

/* The one description of a column: title, place, cells and order. */
struct column {
	struct grid_column grid;
	unsigned int views;
	enum shown shown;
	int sort; /* enum table_sort that this column answers, or SORT_NONE */
	bool ascending;
	void (*cell)(struct sink_table *sink, const struct line *line, struct grid *grid);
	uint64_t (*value)(const struct line *line); /* NULL: by name */
};

/* The column that answers the order; NULL where the view has none. */
const struct column *sink_table_column_for(enum table_by by, enum table_sort sort);
/* A grid of the columns that the view shows, and one line of it. The grid is NULL: no memory. */
struct grid *sink_table_new_grid(const struct sink_table *sink);
void sink_table_put(struct sink_table *sink, const struct line *line, struct grid *grid);

static inline uint64_t faults_of(const struct fault_counts *counts)
{
	return counts->minor + counts->major;
}

#endif
