/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the kernel's functions, as /proc/kallsyms shows them to who may see its addresses
 * (CAP_SYSLOG, unless kernel.kptr_restrict and kernel.perf_event_paranoid allow it: see
 * kallsyms_show_value(), kernel/ksyms_common.c). That is decided as the file is opened, so it is opened at
 * the start, and read once, when the first name is asked for.
 */
#ifndef FAULTMAP_KERNEL_NAMES_H
#define FAULTMAP_KERNEL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands for code of the kernel that has no name here. */
#define KERNEL_NAME_NONE "[kernel]"

struct kernel_names;

/* Whether the file at `path` shows addresses to this process. */
bool kernel_names_are_shown(const char *path);

/* Opens the file, which need not be there; "/proc/kallsyms" unless `path` names another. NULL when
 * out of memory. */
struct kernel_names *kernel_names_new(const char *path);
void kernel_names_free(struct kernel_names *names);
/* The function that has this address, "ext4_read_folio [ext4]" in a module. Valid as long as `names`.
 * KERNEL_NAME_NONE: not known. */
const char *kernel_names_find(struct kernel_names *names, uint64_t address);

/*
 * The names of a path of return addresses, and of a first one that is none if `is_exact`, into `ret_names`,
 * which has room for all. Leaves out what the scheduler has at the beginning of a task that sleeps.
 * Returns how many there are: one, KERNEL_NAME_NONE, where none is known; 0 for an empty path.
 */
size_t kernel_names_of_path(struct kernel_names *names, const uint64_t *addresses, size_t count,
			    bool is_exact, const char **ret_names);

#endif
