/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens files with processes' code safely: others choose these paths, and what is there. */
#ifndef FAULTMAP_CODE_FILE_H
#define FAULTMAP_CODE_FILE_H

#include <stdint.h>

/* The regular file at this path in the root of the process: its symbolic links stay there. Before
 * Linux 5.6 an absolute one leads to a file of ours. A descriptor, or -1: there is none. */
int code_file_open_in_root(const char *path, uint32_t tgid);
/* The same. Where we may not look into its root, the file of this path in ours, if mountinfo says
 * that it is the same one, and is not too long; where the process is gone, or 0, that one anyhow. Code of a container
 * whose process is gone may so be taken for that of our own file. */
int code_file_open(const char *path, uint32_t tgid);

/* The time that the loop spends on opening files, all zero at first. */
struct code_file_budget {
	uint64_t second_ns; /* when the current second began */
	uint64_t spent_ns;
};
/* As code_file_open(); -EAGAIN if this second's budget is used up: mountinfo may be long. */
int code_file_open_in_time(struct code_file_budget *budget, const char *path, uint32_t tgid);

#endif
