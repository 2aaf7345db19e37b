/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts the command of `run --user`. posix_spawn() cannot change the user. */
#ifndef FAULTMAP_CHILD_USER_H
#define FAULTMAP_CHILD_USER_H

#include <sys/types.h>

#include "cmd/privileges.h"

struct child_descriptor;

/* As child_start() says, with the child's number in *ret_pid. 0 or a negative errno; no child is
 * left then. */
int child_start_as(char *const command[], const struct privileges_user *user,
		   const struct child_descriptor *extra, pid_t *ret_pid);

#endif
