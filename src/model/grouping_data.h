/* SPDX-License-Identifier: GPL-2.0-only */
/* What grouping.c (adds) and tallies.c (lists) share; nobody else includes it. */
#ifndef FAULTMAP_GROUPING_DATA_H
#define FAULTMAP_GROUPING_DATA_H

#include "base/interned.h"
#include "base/table.h"
#include "base/users.h"
#include "model/grouping.h"

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
};

/* Adds the tally to the one of its name, of its process or of none, and frees it. 0 or -ENOMEM. */
int grouping_fold(struct grouping *grouping, struct tally *tally, bool keeps_process);
/* Merges small tallies of the same name. 0 or -ENOMEM. */
int grouping_fold_small(struct grouping *grouping);

#endif
