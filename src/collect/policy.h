/* SPDX-License-Identifier: GPL-2.0-only */
/* Which policy may have refused something: what the machine shows of its policies, in words. */
#ifndef FAULTMAP_POLICY_H
#define FAULTMAP_POLICY_H

#include <stdbool.h>
#include <stddef.h>

/* "EPERM"; "error 524" where it has no name. Lives as long as the buffer. */
const char *policy_errno_name(int why, char buffer[16]);

/* The likely reason for this errno of a system call, as "lockdown is integrity"; never empty.
 * is_verified: the call involves the verifier, which may have refused. */
void policy_describe(int why, bool is_verified, char *text, size_t size);

/* A number in a file of /proc/sys; -1: cannot be read. */
int policy_sysctl(const char *path);

#endif
