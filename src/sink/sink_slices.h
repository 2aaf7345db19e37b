/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `run --slices` prints: a strip per mapping that shows where along it the faults were. The sink
 * takes every snapshot (slices_add) into copies of its own, as the summary does. What does not fit goes
 * to a sum.
 */
#ifndef FAULTMAP_SINK_SLICES_H
#define FAULTMAP_SINK_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/snapshot.h"

struct slices_options {
	uint64_t page_size;
	uint64_t slice_bytes; /* as the collector was told */
	uint64_t slices_max;
	bool is_automatic; /* nobody asked for slice_bytes */
	bool utf8;         /* the strip is made of block elements, else of ASCII */
	bool show_all;     /* every mapping rather than the busiest */
	size_t max_slices; /* kept. 0: the default */
};

struct slices;

/* NULL when out of memory. */
struct slices *slices_new(const struct slices_options *options);
void slices_free(struct slices *slices);

/* Takes a sealed snapshot; each one once, in order. 0 or -ENOMEM. */
int slices_add(struct slices *slices, const struct snapshot *snapshot);
/* 0 or -ENOMEM; write errors stay in the stream (ferror). */
int slices_print(struct slices *slices, FILE *stream);

#endif
