// SPDX-License-Identifier: GPL-2.0-only
#include "model/sink.h"

#include <assert.h>
#include <string.h>

void sinks_add(struct sinks *sinks, const struct sink_ops *ops, void *sink)
{
	assert(sinks->count < SINKS_MAX);
	sinks->list[sinks->count].ops = ops;
	sinks->list[sinks->count++].sink = sink;
}

void sinks_remove(struct sinks *sinks, const void *sink)
{
	for (size_t i = 0; i < sinks->count; i++) {
		if (sinks->list[i].sink != sink)
			continue;
		sinks->list[i].ops->free(sinks->list[i].sink);
		sinks->count--;
		memmove(&sinks->list[i], &sinks->list[i + 1],
			(sinks->count - i) * sizeof(sinks->list[0]));
		return;
	}
}

int sinks_tick(const struct sinks *sinks, const struct snapshot *snapshot,
	       sinks_result_fn on_result, void *context, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < sinks->count && !result; i++) {
		void *sink = sinks->list[i].sink;

		result = sinks->list[i].ops->tick(sink, snapshot, error);
		if (on_result)
			result = on_result(context, sink, result, error);
	}
	return result;
}

void sinks_free(struct sinks *sinks)
{
	while (sinks->count)
		sinks_remove(sinks, sinks->list[sinks->count - 1].sink);
}
