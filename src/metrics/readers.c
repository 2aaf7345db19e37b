// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/readers.h"

/* Prometheus takes a series that is gone for so long for ended. */
#define GONE_NS 300000000000

static bool is_here(const struct reader *reader, uint64_t now_ns)
{
	return reader->id && now_ns - reader->came_ns < GONE_NS;
}

bool readers_come(struct readers *readers, uint64_t id, uint64_t tick, uint64_t now_ns,
		  uint64_t *ret_tick)
{
	struct reader *place = &readers->readers[0];
	bool was_here;

	if (!id)
		return false;
	for (size_t i = 0; i < READERS_MAX; i++) {
		struct reader *reader = &readers->readers[i];

		if (reader->id == id) {
			place = reader;
			break;
		}
		if (!reader->id || (place->id && reader->came_ns < place->came_ns))
			place = reader;
	}
	was_here = place->id == id && is_here(place, now_ns);
	*ret_tick = place->tick;
	*place = (struct reader){ id, tick, now_ns };
	return was_here;
}

uint64_t readers_seen(const struct readers *readers, uint64_t now_ns)
{
	uint64_t seen = UINT64_MAX;

	for (size_t i = 0; i < READERS_MAX; i++)
		if (is_here(&readers->readers[i], now_ns) && readers->readers[i].tick < seen)
			seen = readers->readers[i].tick;
	return seen;
}
