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

struct row_totals *jsonl_totals_row(struct jsonl_totals *totals, const struct row *row)
{
	const struct row_totals none = { .row = row };

	return table_get(&totals->rows, &row) ?: table_add_copy(&totals->rows, &none, sizeof(none));
}

struct process_totals *jsonl_totals_process(struct jsonl_totals *totals,
					    const struct process *process)
{
	const struct process_totals none = { .process = process };

	return table_get(&totals->processes, &process) ?:
		       table_add_copy(&totals->processes, &none, sizeof(none));
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
