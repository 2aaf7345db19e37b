/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A profile as people and tools read it. Each function is to be called after
  * sink_profile_name_places(), and returns 0 or a negative errno; the caller checks the stream for
  * errors (ferror).
 */
#ifndef FAULTMAP_PROFILE_OUTPUT_H
#define FAULTMAP_PROFILE_OUTPUT_H

#include <stdio.h>

#include "sink/sink_profile.h"

struct profile_table_options {
	enum profile_weight weight;
	size_t rows;        /* 0: all */
	unsigned int width; /* of the lines; 0: unlimited */
};

/* A line for each function: its own faults, and those with what it called. */
int profile_table_print(struct sink_profile *profile, const struct profile_table_options *options,
			FILE *stream);
/* A line for each call path, process and mapping: "comm;main;touch;[anon] (demand_zero) 12", the
 * caller first, as flamegraph.pl and speedscope read it. */
int profile_folded_print(struct sink_profile *profile, enum profile_weight weight, FILE *stream);
/* One page of HTML that needs nothing else. */
int profile_flame_print(struct sink_profile *profile, enum profile_weight weight, FILE *stream);
/* A profile.proto of pprof's, gzipped: faults, pages, bytes and stall; the weight is the default.
 * -E2BIG: before it was gzipped it was larger than bytes_max, unless that is 0. */
int profile_pprof_write(struct sink_profile *profile, enum profile_weight weight,
			uint64_t page_size, size_t bytes_max, FILE *stream);

#endif
