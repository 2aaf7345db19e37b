/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes: the kernel's counters of each, its identity, and when it has ended. At each tick the
  * kernel reports those that have changed or are ending; all of them now and then, and when one is
  * missing. Private to collect/. Fills the snapshot's processes; kernel, snapshot and names are
  * borrowed and must outlive it.
 */
#ifndef FAULTMAP_TASKS_H
#define FAULTMAP_TASKS_H

#include <stdint.h>

#include "collect/collector_kernel.h"
#include "collect/names.h"
#include "model/snapshot.h"

struct tasks;

/* NULL when out of memory. What is born from now on has all its faults accounted.
 * free_is_last: exit records do not say all, as the hook comes before exit_mm() (Linux 6.16 on),
 * and free records do. */
struct tasks *tasks_new(struct kernel *kernel, struct snapshot *snapshot, struct names *names,
			bool free_is_last);
/* What to read from /proc for each process when it is first reported and when its comm has changed:
 * its file, and its command line. If it has ended by then neither is known. */
void tasks_want(struct tasks *tasks, bool exe, bool command);
void tasks_free(struct tasks *tasks);

/* First in a tick. Reads the counters, and ends processes that are gone and whose exit record came
 * before. 0 or a negative errno. */
int tasks_list(struct tasks *tasks, uint64_t tick_ns);
/* Remembers an exit or free record. 0 or -ENOMEM. */
int tasks_keep_ended(struct tasks *tasks, const struct task_record *record);
/* After tasks_list() and after the ring was read: applies those records. 0 or a negative errno. */
int tasks_apply_ended(struct tasks *tasks);
/* For the last tick: a process that was reaped has ended, with what its exit record had counted,
 * even if the record with its last counters has not come. */
void tasks_lose_patience(struct tasks *tasks);

/* Makes VSZ and RSS of a process that lives what ps shows, from statm where its record did not say
 * it (rss_way.h). To be called at the end of each tick. */
void tasks_settle_memory(struct tasks *tasks, struct process *process);

/* Exit records for which there was no room here. */
uint64_t tasks_exits_lost(const struct tasks *tasks);
/* Processes whose cgroup's path did not come. */
uint64_t tasks_cgroups_lost(const struct tasks *tasks);

/* Sets the counters, never below what was shown. */
void tasks_raise_counters(struct process *process, uint64_t minor, uint64_t major);

#endif
