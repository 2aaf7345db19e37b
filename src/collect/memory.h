/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel memory of the maps. It is charged to the cgroup in which faultmap starts. If the limit
 * of that cgroup is too low, the kernel kills faultmap or fails BPF_PROG_LOAD with ENOMEM; neither
 * tells the user why, so the limit is checked first.
 */
#ifndef FAULTMAP_MEMORY_H
#define FAULTMAP_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct bpf_object;
struct process;

/* What all maps of an object that is loaded take, as their fdinfo tells (all of it since Linux 6.4,
 * bpf_map_show_fdinfo()); 0 where it does not. */
uint64_t memory_of_maps(const struct bpf_object *object);
/* What they will take, before it is loaded: the kernel's own sums (kernel/bpf:
 * array_map_mem_usage(), htab_map_mem_usage(), ringbuf_map_mem_usage()), which are within a
 * percent on Linux 6.18. */
uint64_t memory_needed_by_maps(const struct bpf_object *object, size_t n_cpus);

/*
 * The lowest memory limit that holds for this process, in bytes: of its cgroup or of one above, of
 * version 2 (memory.max) or 1 (memory.limit_in_bytes), as far as /sys/fs/cgroup shows them.
 * UINT64_MAX: there is none. The path of the file is in `file`.
 */
uint64_t memory_limit(char *file, size_t size);
/* The same for another process: findings_limit_fn. Of one that has ended only its cgroup of version 2
 * is known, while that is there. */
uint64_t memory_limit_of(const struct process *process, char *file, size_t size);

/* 0, or -ENOMEM with the error set where loading cannot go well below that limit. Before anything
 * is loaded. */
int memory_check(const struct bpf_object *object, size_t n_cpus, struct error *error);

#endif
