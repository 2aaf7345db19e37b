/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all sinks have in common: each takes every sealed snapshot once, in order, and remembers for
 * itself what it needs of it. Beside `new`, `tick` and `free` a sink has functions of its own, for
 * what comes before the first tick and after the last.
 */
#ifndef FAULTMAP_SINK_H
#define FAULTMAP_SINK_H

#include <stddef.h>

#include "base/error.h"
#include "model/snapshot.h"

struct sink_ops {
	const char *name; /* "jsonl" */
	/* 0, or a negative errno with the error set: the sink stays usable. */
	int (*tick)(void *sink, const struct snapshot *snapshot, struct error *error);
	void (*free)(void *sink);
};

/* Defines sink_NAME_ops from sink_NAME_tick() and sink_NAME_free(). */
#define SINK_OPS(NAME)                                                         \
	static int NAME##_tick_it(void *sink, const struct snapshot *snapshot, \
				  struct error *error)                         \
	{                                                                      \
		return sink_##NAME##_tick(sink, snapshot, error);              \
	}                                                                      \
	static void NAME##_free_it(void *sink)                                 \
	{                                                                      \
		sink_##NAME##_free(sink);                                      \
	}                                                                      \
	const struct sink_ops sink_##NAME##_ops = { #NAME, NAME##_tick_it, NAME##_free_it }

/* More than any command has. */
#define SINKS_MAX 8

/* A command's sinks. All zero: none. */
struct sinks {
	struct {
		const struct sink_ops *ops;
		void *sink;
	} list[SINKS_MAX];
	size_t count;
};

/* Called with the result of a sink's tick: 0, or a negative errno with the reason. Returns 0 to go
 * on with the next sink, or the negative errno that sinks_tick() is to return. */
typedef int (*sinks_result_fn)(void *context, const void *sink, int result,
			       const struct error *why);

/* Adds the sink, which sinks_remove() or sinks_free() will free. No command has more than
 * SINKS_MAX. */
void sinks_add(struct sinks *sinks, const struct sink_ops *ops, void *sink);
/* Frees the sink; NULL is fine. */
void sinks_remove(struct sinks *sinks, const void *sink);
/* Gives the snapshot to each of them in the order in which they came. on_result: NULL for the first
 * failure to end it. 0 or a negative errno with the error set. */
int sinks_tick(const struct sinks *sinks, const struct snapshot *snapshot,
	       sinks_result_fn on_result, void *context, struct error *error);
/* Frees all of them. */
void sinks_free(struct sinks *sinks);

#endif
