/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A filter of system calls (seccomp) for processes that run long or that read files of strangers.
 * It is an allow list: an attacker who exploits a bug in faultmap or in a library cannot start a
 * program, make a network connection, trace another process or load a BPF program.
 *
 * A call that is not in the list fails with ENOSYS, as on a kernel that lacks it, so that a newer
 * libc falls back to an older call. The process is not killed: one unexpected call by the next
 * version of a library must not end a service. Only calls of another architecture (x32, i386) kill
 * it, since faultmap never makes any.
 */
#ifndef FAULTMAP_SANDBOX_H
#define FAULTMAP_SANDBOX_H

#include "base/options.h"

enum sandbox {
	SANDBOX_DAEMON,  /* reads maps, serves clients, opens files again */
	SANDBOX_ROTATE,  /* daemon --jsonl-max: the same, and puts files aside */
	SANDBOX_WATCH,   /* log, top: the same, and perf events for CPUs that come online */
	SANDBOX_RENAME,  /* guard, log --jsonl-max: the same, and files get other names */
	SANDBOX_SCREEN,  /* top on a terminal: the same, and the terminal */
	SANDBOX_REPLAY,  /* as report, and the loop and the terminal */
	SANDBOX_CONNECT, /* top --connect: the same, and connections to anywhere, and threads */
	SANDBOX_REPORT,  /* opens files to read, or gets them; no sockets, no threads, no bpf() */
	SANDBOX_UNWIND,  /* works on what it is sent, and asks for files: opens none */
	SANDBOX_FIND,    /* opens files to read, and passes them on */
	SANDBOX_FETCH, /* the same, makes connections to anywhere, and keeps what comes in files */
};

/*
 * Puts the filter in force for this process and all of its threads, for good; sets no_new_privs.
 * Does nothing in a build with sanitizers, which make calls of all sorts, or if `disabled` names
 * the feature "seccomp". 0, or a negative errno if the kernel does not take the filter.
 */
int sandbox_enter(enum sandbox sandbox, const struct option_list *disabled);

/* As sandbox_enter(), with a warning if the kernel does not take the filter. */
void sandbox_try(enum sandbox sandbox, const struct option_list *disabled);

#endif
