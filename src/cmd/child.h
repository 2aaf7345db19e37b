/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts the command of `run` as a shell would: found in PATH, with our descriptors 0 to 2, no
 * signal blocked, and the signal dispositions that main.c changed restored. */
#ifndef FAULTMAP_CHILD_H
#define FAULTMAP_CHILD_H

#include <sys/types.h>

#include "base/error.h"
#include "cmd/privileges.h"

/* A descriptor of ours that the child has under this number. */
struct child_descriptor {
	int fd;
	int number;
};

/* Starts it as `user`, with its groups and its HOME, USER and LOGNAME; NULL: as the user of
 * faultmap. `extra` may be NULL. The child runs when this returns 0. *ret_pidfd is readable when it
 * has ended; close it, and reap the child. A negative errno with the error set when it could not be
 * started: no child is left. */
int child_start(char *const command[], const struct privileges_user *user,
		const struct child_descriptor *extra, pid_t *ret_pid, int *ret_pidfd,
		struct error *error);

/* The exit status with which a shell reports this error of child_start. */
int child_status_of(int result);

#endif
