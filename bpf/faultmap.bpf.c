// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * All BPF programs as one object. Not linked from five: the linker of Debian 12's libbpf cannot
 * join objects that call the same kfunc, as READ() in compat.bpf.h does.
 */
#include "fault.bpf.c"
#include "stall.bpf.c"
#include "life.bpf.c"
#include "populate.bpf.c"
#include "collect.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
