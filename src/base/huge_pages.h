/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the kernel may put huge pages in place of ours. khugepaged does so with our mmap_lock held
 * for writing, and at nice 19: on a machine whose CPUs are busy each of our threads that faults waits
 * for it, for seconds on a slow one, while the kernel's table of rows fills.
 */
#ifndef BASE_HUGE_PAGES_H
#define BASE_HUGE_PAGES_H

/* From now on not, unless it was so already. What we execute inherits it (prctl(2),
 * PR_SET_THP_DISABLE). Where the kernel refuses, all stays as it is. */
void huge_pages_refuse(void);

/* As it was before huge_pages_refuse(): for a program of the user's, until that has been executed. */
void huge_pages_restore(void);

#endif
