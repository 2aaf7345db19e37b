// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The same programs for kernels before Linux 6.1: see compat.bpf.h. */
#define OLD_KERNEL 1
#include "faultmap.bpf.c"
