/* SPDX-License-Identifier: GPL-2.0-only */
/* One fault of a guarded thread, as `guard` reports it. */
#ifndef FAULTMAP_GUARD_FAULT_H
#define FAULTMAP_GUARD_FAULT_H

#include <time.h>

#include "model/context.h"

struct guard_fault {
	struct timespec ts; /* when it was known how it ended */
	uint32_t tgid, tid;
	uint64_t start_ns; /* of the process */
	const char *comm;  /* raw bytes, as the next two */
	const char *thread;
	const char *mapping;
	uint64_t map_start, map_end, address;
	const char *kind, *access, *mode;
	const char *outcome;           /* "minor", "major" or "denied" */
	uint64_t latency_ns;           /* 0: not known */
	const uint64_t *by_cause;      /* STALL_CAUSE_COUNT of them; NULL: not told apart */
	const struct context *context; /* the code, and its callers where they are known; or NULL */
};

/* What guarded threads did so far. */
struct guard_totals {
	uint64_t minor, major, denied;
	uint64_t gup; /* faults without an exception, counted by process: the thread is not known */
	uint64_t lost; /* faults of guarded threads that found no room in the ring */
};

#endif
