/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the three BPF objects to load: the one for kernels before Linux 6.1; the one for the usual
 * switches, which are constants in it (SWITCHES in bpf/abi.h); or the one for all other cases.
 * Private to collector_load.c.
 */
#ifndef FAULTMAP_OBJECT_H
#define FAULTMAP_OBJECT_H

#include "collect/collector_kernel_data.h"

/*
 * Whether to take the object for kernels before Linux 6.1. It names no kernel function: libbpf
 * (1.1) searches the BTF of modules for one that vmlinux lacks, and fails where that is forbidden
 * (BPF_BTF_GET_NEXT_ID needs CAP_SYS_ADMIN), although the function is optional.
 */
bool object_is_old(const struct feature_set *features);

/* Opens the object and sets its switches. sample_every: of stacks, 0: none. The caller destroys the
 * skeleton. NULL with errno set. */
struct faultmap_bpf *object_open(const struct collector_options *options,
				 const struct feature_set *features, uint32_t sample_every);

#endif
