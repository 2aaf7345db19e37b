/* SPDX-License-Identifier: GPL-2.0-only */
/* What a daemon gives up once its programs are attached. */
#ifndef FAULTMAP_PRIVILEGES_H
#define FAULTMAP_PRIVILEGES_H

#include <stdbool.h>

#include "error.h"

/*
 * Gives up every capability but those that open files (of a daemon that root has started: its log and
 * its certificates may be other users'), and the way back: ambient, inheritable and, where CAP_SETPCAP
 * is there, bounding set; no_new_privs. With reads_exe, CAP_SYS_PTRACE stays. Of this thread and of those it starts from now on.
 * 0 or a negative errno with the error set.
 */
int privileges_drop(bool reads_exe, struct error *error);

#endif
