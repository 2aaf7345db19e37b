/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes: what the kernel has counted of each, who it is, and when it has ended. At each tick
 * the kernel tells of those that have moved, and of those that are ending; of all of them now and
 * then, and when one is missed. Private to collect/. Fills the snapshot's processes; kernel,
 * snapshot and names are borrowed and must outlive it.
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
/* What is read from /proc of each process, when it is first told of and when its comm has changed:
 * which file it runs, and its command line. Of who has ended by then neither is known. */
void tasks_want(struct tasks *tasks, bool exe, bool command);
void tasks_free(struct tasks *tasks);

/* First in a tick. Reads the counters, and ends who is gone and had its exit record before. 0 or a
 * negative errno. */
int tasks_list(struct tasks *tasks, uint64_t tick_ns);
/* Remembers an exit or free record. 0 or -ENOMEM. */
int tasks_keep_ended(struct tasks *tasks, const struct task_record *record);
/* After tasks_list and after the ring: takes those records. 0 or a negative errno. */
int tasks_apply_ended(struct tasks *tasks);

/* Exit records for which there was no room here. */
uint64_t tasks_exits_lost(const struct tasks *tasks);
/* Processes whose cgroup's path did not come. */
uint64_t tasks_cgroups_lost(const struct tasks *tasks);

/* Sets the counters, never below what was shown. */
void tasks_raise_counters(struct process *process, uint64_t minor, uint64_t major);

#endif
