/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which processes are looked at: a snapshot with these alone, as if there were no others. What it
 * shows is the snapshot's own; the filter owns only the lists. Its totals are those of the processes
 * that it shows.
 */
#ifndef FAULTMAP_FILTER_H
#define FAULTMAP_FILTER_H

#include <stdbool.h>

#include "base/options.h"
#include "model/snapshot.h"

/* Of each kind that is given, one has to match; * and ? as in a shell. */
struct filter_options {
	struct option_list comm;
	struct option_list exe;    /* the path, or its last component */
	struct option_list unit;   /* with or without .service; or the container */
	struct option_list cgroup; /* the path, and what is below */
	struct option_list uid;    /* numbers, or names */
};

/* One of the patterns is the name of the unit of this cgroup path, with or without .service, or its
 * container's id. */
bool filter_matches_unit(const struct option_list *list, const char *cgroup);

struct filter;

/* True when nothing is asked for. */
bool filter_is_empty(const struct filter_options *options);
/* Borrows the options. NULL when out of memory. */
struct filter *filter_new(const struct filter_options *options);
void filter_free(struct filter *filter);
/* The snapshot of those that match; it is the filter's, and stays until the next one. Each snapshot
 * once, in order. NULL: out of memory. */
const struct snapshot *filter_apply(struct filter *filter, const struct snapshot *snapshot);
/* Some process has matched so far. */
bool filter_has_matched(const struct filter *filter);

#endif
