/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel says of one of our BPF programs: made by the collector, shown by sinks. */
#ifndef FAULTMAP_PROGRAM_STATS_H
#define FAULTMAP_PROGRAM_STATS_H

#include <stdint.h>

/* More than there are programs in bpf/. */
#define PROGRAMS_MAX 32

struct program_stats {
	const char *name; /* "page_fault_user"; lives as long as the collector */
	/* Counted while kernel.bpf_stats_enabled is set, else they stand still. */
	uint64_t runs;
	uint64_t run_ns;
	/* Runs that did not take place because another one was under way on that CPU. Always
	 * counted. */
	uint64_t missed;
};

#endif
