/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What collector_load.c, which takes the programs into the kernel and out again, and
 * collector_kernel.c and guard.c, which work with them meanwhile, have in common. Private to these.
 */
#ifndef FAULTMAP_COLLECTOR_KERNEL_DATA_H
#define FAULTMAP_COLLECTOR_KERNEL_DATA_H

#include <bpf/libbpf.h>

#include "collect/collector_kernel.h"
#include "collect/hooks.h"
#include "collect/map_sizes.h"
#include "collect/refault_watch.h"
#include "faultmap.skel.h"

struct kernel {
	struct faultmap_bpf *skeleton;
	struct ring_buffer *ring;
	struct ring_buffer *samples; /* of stacks; NULL: none are copied */
	uint32_t sample_every;       /* 0: none */
	kernel_record_fn on_record;
	void *on_record_context;
	struct hooks *hooks;
	size_t n_cpus;
	struct map_sizes sizes;
	struct perf_events *perf_events; /* NULL where they are not allowed */
	bool counts_others;              /* they count more processes than the programs */
	bool has_causes;                 /* stalls have */
	bool perf_refused;               /* on a CPU that came later: told once */
	int swaps_fd;                    /* /proc/swaps, while no swap area was seen; else -1 */
	bool watches_refaults;           /* the hook for them comes and goes */
	struct refault_watch refault_watch;
	struct cpu_state *cpu_states;
	size_t cpu_states_size;
	struct row_table *rows;
	const struct bpf_program *walk;    /* walk_tasks, if it is loaded */
	const struct walk_list *walk_list; /* what it finds, mapped; else NULL */
};

/* Of walk_tasks: a listing, its generation, and where to go on. It gives enum tasks_told. */
#define WALK_ARGUMENTS 4

/* Runs a program once, with its arguments: 0 or more, what it returned, or a negative errno. */
int kernel_run(const struct bpf_program *program, uint64_t arguments[], uint32_t count);
/* Closes the runs of a CPU, which may be offline: enum flush_result, or a negative errno. */
int kernel_flush_cpu(const struct kernel *kernel, size_t number);
/* Attaches the hook that swap needs and ends the watch for it, once there is a swap area. 0 or a
 * negative errno. */
int kernel_attach_swap_hook(struct kernel *kernel, struct refusal *ret_refusal);

#endif
