/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watches whether the machine has refaults: evicted pages that come back. The hook that tells which
 * fault brings them back also runs four times for each page that is mapped, and takes 130 to 250 ns
 * of a first touch of 2,700. So it is attached only while there are many, but for full detail of
 * chosen processes, which has it from the first fault on. A few come back on any machine.
 */
#ifndef FAULTMAP_REFAULT_WATCH_H
#define FAULTMAP_REFAULT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct refault_watch {
	int fd;            /* /proc/vmstat; negative: nothing is known */
	uint64_t count;    /* at the last look */
	uint64_t base;     /* as the current minute began */
	uint64_t began_ns; /* CLOCK_MONOTONIC, when that was */
	uint64_t last_ns;  /* when a minute was last seen to have many; 0: never */
};

/* Begins to watch. If /proc/vmstat cannot be read, refault_watch_look() always says yes. */
void refault_watch_open(struct refault_watch *watch);
/* Closes the file. */
void refault_watch_close(struct refault_watch *watch);
/* How many in a minute are many: with fewer no finding says anything of refaults (MANY_MAJOR in
 * src/verdict/findings_rules.c). */
#define REFAULTS_MANY 256

/* True when many pages came back in this minute, or in one that is less than a minute ago. */
bool refault_watch_look(struct refault_watch *watch, uint64_t now_ns);
/* Pages that came back since boot, of files and from swap, as the text of /proc/vmstat has it. */
uint64_t refault_watch_parse(const char *text);

#endif
