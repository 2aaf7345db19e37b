/* SPDX-License-Identifier: GPL-2.0-only */
/* What budget.c (sums) and budget_parse.c (text) share; nobody else includes it. */
#ifndef FAULTMAP_BUDGET_DATA_H
#define FAULTMAP_BUDGET_DATA_H

#include "base/interned.h"
#include "base/table.h"
#include "verdict/budget.h"

/* What a term has counted for one process name, mapping and kind. */
struct budget_part {
	/* identity: must stay first, it is the hash key; texts are budget->names */
	const char *comm, *mapping;
	uint64_t kind; /* KIND_COUNT: no exception, no kind */

	uint64_t seen;
};

/* Beyond, a term still counts all faults, but may not know where most of them were. 64 KiB each. */
#define BUDGET_PARTS_MAX 1024

struct budget_term {
	char *text;
	enum budget_figure figure;
	char *process, *mapping, *kind, *unit, *phase,
		*step; /* patterns but the last two; or NULL */
	uint64_t limit;
	bool has_begun; /* its phase or step has had a snapshot */

	/* Of the current step, or of all. */
	uint64_t seen;
	struct table parts;
	/* Of the worst step before it. */
	uint64_t worst_seen, n_steps, worst_step;
	struct budget_part worst_part; /* mapping NULL: there is none */
};

struct budget {
	uint64_t page_size;
	struct budget_term terms[BUDGET_TERMS_MAX];
	size_t count;
	char *phase; /* the current one; NULL: "start" */
	struct interned names;
	struct totals totals; /* as of the last snapshot */
};

/* Reads one term into an empty one, which the caller clears, also on failure. 0, -EINVAL or
 * -ENOMEM with the error set. */
int budget_parse(struct budget_term *term, const char *text, struct error *error);

#endif
