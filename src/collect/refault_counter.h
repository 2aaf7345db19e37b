/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel's counters of a memory cgroup have refaults. Once that is known, the BPF programs
 * read them off there, and need no hook that runs at each page that is mapped: bpf/refault.bpf.h.
 * The place differs between kernels and no BTF tells it, so it is looked for by the figures that
 * memory.stat has. Private to collector*.c.
 */
#ifndef FAULTMAP_REFAULT_COUNTER_H
#define FAULTMAP_REFAULT_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_program;

/* Finds it by `program`, find_refault_counter, which keeps it for the other programs. False where
 * memory.stat cannot be read, or has too few refaults for its figures to be told from others: to be
 * tried again when there are more. */
bool refault_counter_find(const struct bpf_program *program);

/* What memory.stat's text says of the cgroup and those below it: pages that came back from swap and
 * of files. False: it does not say. */
bool refault_counter_parse(const char *text, uint64_t *ret_anon, uint64_t *ret_file);

#endif
