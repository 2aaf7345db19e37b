/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may have said no: what the machine tells of its own policies, in words. */
#ifndef FAULTMAP_POLICY_H
#define FAULTMAP_POLICY_H

#include <stdbool.h>
#include <stddef.h>

/* "EPERM"; "error 524" where it has no name. Lives as long as the buffer. */
const char *policy_errno_name(int why, char buffer[16]);

/* What may be behind this errno of a system call, in which the verifier may have had its say:
 * "lockdown is integrity". Never empty. */
void policy_describe(int why, bool is_verified, char *text, size_t size);

/* A number in a file of /proc/sys; -1: cannot be read. */
int policy_sysctl(const char *path);

#endif
