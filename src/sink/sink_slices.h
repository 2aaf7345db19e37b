/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `run --slices` prints: a strip for each mapping that shows where along it the faults were.
 * The sink copies what it needs of every snapshot (sink_slices_tick), as the summary does. What
 * does not fit is summed up.
 */
#ifndef FAULTMAP_SINK_SLICES_H
#define FAULTMAP_SINK_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/sink.h"

struct sink_slices_options {
	uint64_t page_size;
	uint64_t slice_bytes; /* as the collector was told */
	uint64_t slices_max;
	bool is_automatic; /* nobody asked for slice_bytes */
	bool utf8;         /* the strip is made of block elements, else of ASCII */
	bool show_all;     /* every mapping rather than the busiest */
	size_t max_slices; /* kept. 0: the default */
};

struct sink_slices;

/* NULL when out of memory. */
struct sink_slices *sink_slices_new(const struct sink_slices_options *options);
void sink_slices_free(struct sink_slices *slices);

/* 0, or -ENOMEM with the error set. */
int sink_slices_tick(struct sink_slices *slices, const struct snapshot *snapshot,
		     struct error *error);
extern const struct sink_ops sink_slices_ops;
/* 0 or -ENOMEM; write errors stay in the stream (ferror). */
int sink_slices_print(struct sink_slices *slices, FILE *stream);

#endif
