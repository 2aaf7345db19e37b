/* SPDX-License-Identifier: GPL-2.0-only */
/* Our own pages of files: the code and constants of the program and its libraries. */
#ifndef BASE_CLEAN_PAGES_H
#define BASE_CLEAN_PAGES_H

#include <stddef.h>

/*
 * Takes them out of our memory. For a process that has started and will run for long: what only its
 * start needed stays away (the BPF objects, set-up of libraries), what it uses again comes back with
 * a minor fault each from the page cache, where all of it stays. Leaves alone what may be written,
 * and each mapping with a page that differs from its file, resident or swapped out: relocations,
 * breakpoints and uprobes are private copies, which MADV_DONTNEED would lose (zap_pte_range(),
 * mm/memory.c). Returns how many bytes were resident of what it took; 0 where /proc/self/smaps
 * cannot be read.
 */
size_t clean_pages_release(void);

#endif
