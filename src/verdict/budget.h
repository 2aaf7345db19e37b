/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Budgets: what a command may fault at most, and what it did. A budget is a list of terms,
 *
 *	FIGURE[KEY=PATTERN,...]<=LIMIT/STEP
 *
 * in which only FIGURE and LIMIT are required. A budget takes every snapshot once, as a sink does,
 * and its caller reports each mark. The time between two marks is a phase, with the first one's name.
 *
 * In a term without mapping and kind, minor and major are the kernel's own counters of the processes
 * (getrusage), which include faults without an exception (GUP). In other terms rows are summed.
 */
#ifndef FAULTMAP_BUDGET_H
#define FAULTMAP_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/sink.h"

enum budget_figure {
	BUDGET_MINOR,
	BUDGET_MAJOR,
	BUDGET_DENIED,
	BUDGET_FAULTS, /* minor, major and denied */
	BUDGET_BYTES,  /* that the faults mapped */
	BUDGET_STALL,  /* ns, of all threads together */
	BUDGET_FIGURES,
};

/* The result of a term, at the end. */
struct budget_result {
	const char *text; /* the term as it was given */
	enum budget_figure figure;
	const char *phase; /* NULL: of all */
	const char *step;  /* NULL: not by step */
	uint64_t limit, seen;
	uint64_t n_steps, worst_step; /* how many steps; which one had `seen`, from 1 */
	bool is_broken;
	bool is_unmeasured; /* its phase or step never began: counts as broken */
	/* Where most of `seen` comes from: raw bytes. mapping NULL: nothing was seen. */
	const char *comm, *mapping, *kind;
	uint64_t worst;
};

/* More terms than anybody writes. */
#define BUDGET_TERMS_MAX 64

struct budget;

/* NULL when out of memory. */
struct budget *budget_new(uint64_t page_size);
/* NULL is fine. */
void budget_free(struct budget *budget);
/* Terms with commas between them. 0, -EINVAL or -ENOMEM with the error set. */
int budget_add(struct budget *budget, const char *text, struct error *error);
/* The same from a file: terms on lines, # begins a comment. 0 or a negative errno with the error
 * set. */
int budget_add_file(struct budget *budget, const char *path, struct error *error);
/* Terms that name no phase apply to this one only. 0 or -ENOMEM. */
int budget_set_phase(struct budget *budget, const char *phase);

size_t budget_count(const struct budget *budget);
/* Whether a term is about time, so that every fault has to be timed. */
bool budget_wants_times(const struct budget *budget);
/* Whether a term names a phase or step, so that marks are needed. */
bool budget_wants_marks(const struct budget *budget);

/* As the tick of a sink. 0, or -ENOMEM with the error set. */
int budget_tick(struct budget *budget, const struct snapshot *snapshot, struct error *error);
extern const struct sink_ops budget_ops; /* frees nothing: the budget stays its maker's */
/* A mark: the phase ends at the last snapshot, and `name` begins. 0 or -ENOMEM. */
int budget_mark(struct budget *budget, const char *name);

/* After the last snapshot; number < budget_count(). Borrows from the budget. */
struct budget_result budget_result(const struct budget *budget, size_t number);
/* Faults so far without a time, or in no row: terms of time, mapping or kind do not count them. */
uint64_t budget_lacks(const struct budget *budget);
/* How many terms are broken. */
size_t budget_broken(const struct budget *budget);

/* The figure's name, as "minor", and its unit: "faults", "bytes" or "ns". Static. */
const char *budget_figure_name(enum budget_figure figure);
const char *budget_unit(enum budget_figure figure);
/* The result in one line, without a newline: what was allowed, what was seen, where most of it was.
 * Escaped. Returns buffer. */
char *budget_describe(const struct budget_result *result, char *buffer, size_t size);

#endif
