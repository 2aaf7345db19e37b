/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The perf software events page-faults-major and page-faults-minor. The completion program is
 * attached to them; and they are the kernel's own count of completed faults, which is complete, and
 * with which rows are compared. Also the event page-faults, for the entry program where there is no
 * tracepoint for it. Private to collector*.c.
 */
#ifndef FAULTMAP_COLLECTOR_PERF_H
#define FAULTMAP_COLLECTOR_PERF_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct perf_counts {
	/* Completed faults since perf_events_start, of what is watched. */
	uint64_t minor;
	uint64_t major;
	bool has_minor;
	/* All for which the attached programs should have run. */
	uint64_t completed;
	/* CPUs that are online and have no event: it was refused when they came. What faults there
	 * is in no figure above. */
	unsigned int cpus_missing;
};

struct perf_events;

/* Where an error is set here, its text says on what and in which call, and the result is the
 * reason: "fault_end (perf_event/page-faults-major): perf_event_open". */

/*
 * Attaches the program on each CPU that is online; perf_events_renew() follows those that come and
 * go. Without `minor` (as in fast detail) minor faults are not counted: the event costs each of
 * them some 100 ns, with a period that hardly ever ends. `follow`: counted are this process's
 * children from now on, with theirs, each in an event that it inherits; else all processes. A
 * negative errno with the error set.
 */
int perf_events_open(struct perf_events **ret_events, size_t n_cpus, bool follow,
		     const struct bpf_program *program, bool minor, struct error *error);
/* Attaches the program to fault entry, page-faults. Last of all, so that nothing is seen to begin
 * without an end. A negative errno with the error set. */
int perf_events_open_entry(struct perf_events *events, const struct bpf_program *program,
			   struct error *error);
void perf_events_free(struct perf_events *events);

/* At each tick, before perf_events_read: reads the CPUs' counts, closes what ended with a CPU that
 * went offline and opens it where one came online. A negative errno with the error of the first
 * that could not be opened; the others count on. */
int perf_events_renew(struct perf_events *events, struct error *error);

/* From here on it counts. With `follow`: before the first child. */
int perf_events_start(struct perf_events *events);
/* 0 or a negative errno. */
int perf_events_read(const struct perf_events *events, struct perf_counts *ret_counts);

#endif
