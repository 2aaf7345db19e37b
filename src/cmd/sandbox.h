/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A filter of system calls (seccomp) for what goes on long, and for what reads files of strangers:
 * an allow list, so that who takes the process over by a bug of ours or of a library can start no
 * program, open no connection, look into no other process and load no BPF program.
 *
 * What is not in the list does not exist (ENOSYS), as on an older kernel: a newer libc falls back
 * to a call that is. The process is not killed: a call that a library's next version makes must not
 * end a service, and one that is refused does no harm. Calls of another architecture (x32, i386) do
 * kill it: nothing of ours makes any.
 */
#ifndef FAULTMAP_SANDBOX_H
#define FAULTMAP_SANDBOX_H

#include "base/options.h"

enum sandbox {
	SANDBOX_DAEMON, /* reads maps, serves clients, opens files again */
	SANDBOX_WATCH,  /* log, top: the same, and perf events for CPUs that come online */
	SANDBOX_REPORT, /* opens files to read alone; no sockets, no threads, no bpf() */
};

/*
 * For this process and every thread that it has or starts, for good; sets no_new_privs. A build
 * with sanitizers has no filter, for they make calls of all sorts, and so has who disables the
 * feature "seccomp". 0, or a negative errno where the kernel takes no filter.
 */
int sandbox_enter(enum sandbox sandbox, const struct option_list *disabled);

/* As sandbox_enter(), which a kernel without filters makes a warning of: what is there has been
 * told by `check`. */
void sandbox_try(enum sandbox sandbox, const struct option_list *disabled);

#endif
