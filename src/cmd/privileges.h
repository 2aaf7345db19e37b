/* SPDX-License-Identifier: GPL-2.0-only */
/* What a daemon gives up once its programs are attached. */
#ifndef FAULTMAP_PRIVILEGES_H
#define FAULTMAP_PRIVILEGES_H

#include "base/error.h"

/* What the daemon still does that takes a capability. */
enum {
	PRIVILEGE_READ_EXE = 1, /* /proc/PID/exe: CAP_SYS_PTRACE stays */
	PRIVILEGE_CALL_BPF = 2, /* bpf(2) before Linux 5.19: CAP_BPF stays */
};

/*
 * Gives up every capability but those that open files (of a daemon that root has started: its log
 * and its certificates may be other users'), and the way back: ambient, inheritable and, where
 * CAP_SETPCAP is there, bounding set; no_new_privs. `needs` are those of the above. Of this thread
 * and of those it starts from now on. 0 or a negative errno with the error set.
 */
int privileges_drop(unsigned int needs, struct error *error);

#endif
