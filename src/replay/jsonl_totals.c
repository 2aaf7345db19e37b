// SPDX-License-Identifier: GPL-2.0-only
#include "replay/jsonl_totals.h"

#include <stdlib.h>

void jsonl_totals_init(struct jsonl_totals *totals)
{
	table_init(&totals->rows, offsetof(struct row_totals, row), sizeof(struct row *));
	table_init(&totals->processes, offsetof(struct process_totals, process),
		   sizeof(struct process *));
}

static void free_row(void *value)
{
	struct row_totals *totals = value;

	if (totals)
		free(totals->causes);
	free(totals);
}

void jsonl_totals_clear(struct jsonl_totals *totals)
{
	table_clear_values(&totals->rows, free_row);
	table_clear_values(&totals->processes, free);
	jsonl_totals_init(totals);
}

/* Adds the value, of this size and all zero but for its key. NULL: out of memory. */
static void *add(struct table *table, size_t size, const void *key)
{
	void **value = calloc(1, size);

	if (!value)
		return NULL;
	*value = (void *)key;
	if (table_add(table, value) < 0) {
		free(value);
		return NULL;
	}
	return value;
}

struct row_totals *jsonl_totals_row(struct jsonl_totals *totals, const struct row *row)
{
	return table_get(&totals->rows, &row) ?: add(&totals->rows, sizeof(struct row_totals), row);
}

struct process_totals *jsonl_totals_process(struct jsonl_totals *totals,
					    const struct process *process)
{
	return table_get(&totals->processes, &process) ?:
		       add(&totals->processes, sizeof(struct process_totals), process);
}

void jsonl_totals_drop_ended(struct jsonl_totals *totals, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		if (!process->ended)
			continue;
		for (const struct row *row = process->rows; row; row = row->next)
			free_row(table_remove(&totals->rows, &row));
		free(table_remove(&totals->processes, &process));
	}
}
