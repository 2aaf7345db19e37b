/* SPDX-License-Identifier: GPL-2.0-only */
/* What grouping.c (adds), grouping_names.c (names) and tallies.c (lists) share; nobody else includes it. */
#ifndef FAULTMAP_GROUPING_DATA_H
#define FAULTMAP_GROUPING_DATA_H

#include "base/interned.h"
#include "base/table.h"
#include "base/users.h"
#include "model/grouping.h"

/* A power of two; the rows of one process after the other have the same few libraries. */
#define NAMED_MAPPINGS 64

struct grouping {
	struct grouping_options options;
	struct table tallies;
	struct tally other;  /* names for which there was no room */
	struct tally folded; /* BY_PROCESS: the least busy processes that have ended */
	uint64_t n_folded;
	struct table seen;                 /* struct seen: which processes a tally has */
	bool has_several;                  /* processes had faults */
	uint64_t last_tgid, last_start_ns; /* of the process that was seen last; 0: none */
	size_t folds_from;                 /* so many tallies: see make_room() */
	bool is_thinned; /* tallies no longer know how many processes and mappings they have */
	struct interned names;
	size_t name_bytes; /* of these, with what they cost besides */
	struct users users;
	struct table parents;        /* BY_PARENT: comms by pid */
	const struct process *named; /* whose name is at hand */
	const char *name;
	struct {
		const char *text; /* the snapshot's, where equal texts share one */
		const char *name;
	} mappings[NAMED_MAPPINGS]; /* whose names are at hand, by their address */
};

/* Adds the tally to the one of its name, of its process or of none, and frees it. 0 or -ENOMEM. */
int grouping_fold(struct grouping *grouping, struct tally *tally, bool keeps_process);
/* Merges small tallies of the same name. 0 or -ENOMEM. */
int grouping_fold_small(struct grouping *grouping);

/* The grouping's copies of a name, which live as long as it; NULL: out of memory. Of what the process
 * is grouped by: */
const char *grouping_name(struct grouping *grouping, const struct process *process);
/* By process the group is the same for all names: an exec changes the name, not the process. */
const char *grouping_group_of_process(struct grouping *grouping, const struct process *process);
const char *grouping_group_of_row(struct grouping *grouping, const struct row *row);
/* "worker[1234]": the thread's current name, which may change, and its tid, which does not. */
const char *grouping_thread_name(struct grouping *grouping, const struct row *row);
/* The thread has a name that differs from its process's. */
bool grouping_thread_is_named(const struct row *row);
/* Remembers what the processes are called, for those that they start. 0 or -ENOMEM. */
int grouping_learn_parents(struct grouping *grouping, const struct snapshot *snapshot);

#endif
