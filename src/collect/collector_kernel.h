/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel half as the collector sees it: BPF objects loaded and attached, and their maps read.
 * Private to collector*.c. Owns every descriptor; kernel_close takes everything out of the kernel.
 */
#ifndef FAULTMAP_COLLECTOR_KERNEL_H
#define FAULTMAP_COLLECTOR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "collect/collector.h"
#include "collect/collector_perf.h"
#include "collect/features.h"
#include "collect/row_table.h"

struct kernel;

/* Opens, loads and attaches everything but what the kernel refuses, which `features` shows
 * afterwards. 0, or a negative errno with the error set if it refuses something that is needed. */
int kernel_open(struct kernel **ret_kernel, const struct collector_options *options,
		struct feature_set *features, struct collector_info *info, struct error *error);
void kernel_close(struct kernel *kernel);

/* The per-CPU states: *ret_count of them, mapped read-only, living as long as the kernel. */
const struct cpu_state *kernel_cpu_states(const struct kernel *kernel, size_t *ret_count);

/* STALL_PATHS_MAX of them, which live as long. */
const struct stall_path *kernel_stall_paths(const struct kernel *kernel);

/* Whether faults without an exception are told apart: rows of KIND_POPULATE, cpu_state.gup. */
bool kernel_has_populate(const struct kernel *kernel);

/* What the kernel's own perf events have counted; -ENODATA where there are none. */
int kernel_perf_counts(struct kernel *kernel, struct perf_counts *ret_counts);

/* What the kernel says of each program that is loaded; at most max. Returns how many. */
size_t kernel_programs(const struct kernel *kernel, struct program_stats *programs, size_t max);

/* Attaches the hook on refaults when it is needed, and detaches it when not. Once per tick. */
void kernel_watch_refaults(struct kernel *kernel);
/* Tells the programs whether any mapping may get huge pages: may change at any time. */
void kernel_watch_huge_pages(struct kernel *kernel);
/* Closes the open run of each CPU that has one. 0 or a negative errno. */
int kernel_flush(struct kernel *kernel);
/*
 * Closes open runs and waits until every program that was at work with a row has ended: by an
 * interrupt on each CPU, which comes between programs. 0, -EAGAIN where one is still at work, or a
 * negative errno. membarrier(MEMBARRIER_CMD_GLOBAL) would do, too, but waits for a grace period:
 * 0.1 to 12 ms against microseconds.
 */
int kernel_quiesce(struct kernel *kernel);
/* Takes the keys of these rows out of the hash, so that no program finds them any more. Moves the
 * indexes of those that are out to the front, *ret_count of them, also after an error. 0 or a
 * negative errno. */
int kernel_forget_rows(struct kernel *kernel, uint32_t *indexes, size_t count, size_t *ret_count);
/* The kernel's. */
struct row_table *kernel_rows(const struct kernel *kernel);

/* Callbacks return 0, or a negative errno that ends the walk with it. Records live only
 * meanwhile. */
typedef int (*kernel_record_fn)(void *context, const struct record *record, size_t size);

/*
 * Calls back for each process that has changed since the last listing or is ending, and in a new
  * generation for every process, with a struct task_record of type RECORD_PROCESS. Or, if
  * kernel_lists_all(), for each task, with type 0. Counts stamped faults that have ended. 0 or a
  * negative errno.
 */
int kernel_each_task(struct kernel *kernel, uint64_t listing, uint64_t generation,
		     kernel_record_fn callback, void *context);
bool kernel_lists_all(const struct kernel *kernel);
/* What is in the ring now, with the callback that kernel_on_record set. */
void kernel_on_record(struct kernel *kernel, kernel_record_fn callback, void *context);
int kernel_drain(struct kernel *kernel);
/* The same during a callback for a stack: reads only names and contexts. */
int kernel_drain_names(struct kernel *kernel);
/* Readable when the ring is half full. */
int kernel_fd(const struct kernel *kernel);

/* true: only the stack of each n-th fault is copied. */
void kernel_set_stacks_wait(struct kernel *kernel, bool wait);
/* Names of former generations will be sent again when they are next seen. */
void kernel_set_names_generation(struct kernel *kernel, uint32_t generation);
/* From now on this process counts, too: options->attach. 0 or a negative errno. */
int kernel_follow(struct kernel *kernel, pid_t tgid);
void kernel_unfollow(struct kernel *kernel, uint32_t tgid, uint64_t start_ns);

#endif
