/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the two figures in a struct task_record is the RSS that ps and /proc/PID/statm show.
 * Since Linux 6.2 the kernel's counters hold back a part per CPU. /proc left that out
 * (percpu_counter_read_positive()) until 82241a83cd15 in Linux 6.16, which stable releases have
 * too, so no version tells: both figures are compared with statm, until enough processes agree.
 * From then on statm need not be opened.
 */
#ifndef FAULTMAP_RSS_WAY_H
#define FAULTMAP_RSS_WAY_H

#include <stdint.h>

enum rss_way {
	RSS_BY_STATM, /* not known, or the kernel lets nobody read the parts */
	RSS_READ,     /* without what CPUs hold back */
	RSS_SUMMED,   /* with it */
};

/* All 0 at first. */
struct rss_votes {
	uint32_t read; /* processes whose statm was this figure and not the other */
	uint32_t summed;
	uint32_t both; /* figures were equal, and right */
	enum rss_way way;
};

/* One process's figures, in pages; summed may be RSS_UNKNOWN. Those that changed between the record
 * and statm agree with neither, and do not count. */
void rss_vote(struct rss_votes *votes, uint64_t read, uint64_t summed, uint64_t statm);

#endif
