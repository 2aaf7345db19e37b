/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Prometheus servers that scrape, and what each has seen. Prometheus' rate() does not know what
 * a series counted before its first sample. So who comes regularly sees a counter that is new as 0
 * once, and the truth from then on.
 */
#ifndef FAULTMAP_READERS_H
#define FAULTMAP_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pair of servers, some agents, a person's: one more takes the place of who was longest gone. */
#define READERS_MAX 8

struct reader {
	uint64_t id;   /* 0: none */
	uint64_t tick; /* that its last scrape showed */
	uint64_t came_ns;
};

struct readers {
	struct reader readers[READERS_MAX];
};

/* It scrapes now. True when it has been here in the last five minutes: *ret_tick is what it has
 * seen. id 0: somebody of whom nothing is kept; always false. now_ns: a clock that only ticks. */
bool readers_come(struct readers *readers, uint64_t id, uint64_t tick, uint64_t now_ns,
		  uint64_t *ret_tick);
/* The tick that all who still come have seen; UINT64_MAX when nobody does. */
uint64_t readers_seen(const struct readers *readers, uint64_t now_ns);

#endif
