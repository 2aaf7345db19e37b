/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Prometheus servers that scrape, and what each has seen. Prometheus' rate() does not know what
 * a series had counted at its first sample. So a server that scrapes regularly gets a new counter
 * as 0 once, and with its value from then on.
 */
#ifndef FAULTMAP_READERS_H
#define FAULTMAP_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two servers, some agents, a person's. One more takes the place of the one that was gone
 * longest. */
#define READERS_MAX 8

struct reader {
	uint64_t id;   /* 0: none */
	uint64_t tick; /* that its last scrape showed */
	uint64_t came_ns;
};

struct readers {
	struct reader readers[READERS_MAX];
};

/* To be called when a server scrapes. True if it also did in the last five minutes: *ret_tick is
 * the tick that it saw. id 0: a client that is not remembered; always false. now_ns: a monotonic
 * clock. */
bool readers_come(struct readers *readers, uint64_t id, uint64_t tick, uint64_t now_ns,
		  uint64_t *ret_tick);
/* The tick that all who still come have seen; UINT64_MAX when nobody does. */
uint64_t readers_seen(const struct readers *readers, uint64_t now_ns);

#endif
