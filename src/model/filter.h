/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chooses processes: makes a snapshot that has only these, as if there were no others. Processes
 * and rows in it are the original snapshot's; the filter owns only the lists. Its totals are those
 * of the chosen processes.
 */
#ifndef FAULTMAP_FILTER_H
#define FAULTMAP_FILTER_H

#include <stdbool.h>

#include "base/options.h"
#include "model/snapshot.h"

/* Of each list that is not empty one pattern has to match; * and ? as in a shell. */
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

/* True when no filter is given. */
bool filter_is_empty(const struct filter_options *options);
/* Borrows the options. NULL when out of memory. */
struct filter *filter_new(const struct filter_options *options);
void filter_free(struct filter *filter);
/* The snapshot of the processes that match. It is the filter's, and valid until the next call. Give
 * it each snapshot once, in order. NULL: out of memory. */
const struct snapshot *filter_apply(struct filter *filter, const struct snapshot *snapshot);
/* Some process has matched so far. */
bool filter_has_matched(const struct filter *filter);

#endif
