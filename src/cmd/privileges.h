/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands that run long give up privileges once their programs are attached: they become another
  * user, and drop capabilities.
 *
 * privileges_find (a person's mistake) -> [all that needs privileges] -> privileges_suspend ->
 * [what still works without?] -> privileges_drop
 *
 * Before there are threads: capabilities are each thread's own.
 */
#ifndef FAULTMAP_PRIVILEGES_H
#define FAULTMAP_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Whom root becomes unless told otherwise, if it is a system user: what packages make for a
 * service. */
#define PRIVILEGES_DEFAULT_USER "faultmap"

struct privileges_user {
	char name[64];
	uid_t uid;
	gid_t gid;
	bool is_other;   /* than the one that runs us */
	bool stays_root; /* though nobody has said so */
	const char *why; /* if it does */
};

/*
 * Who `name` is: of the user database, or a number; NULL stands for the default user where root
 * runs us, else for who does. 0, or -EINVAL for somebody who is not there, -EPERM for another user
 * without CAP_SETUID and CAP_SETGID, with the error set.
 */
int privileges_find(struct privileges_user *ret_user, const char *name, struct error *error);
/* For an option table. */
int privileges_check(const char *name, struct error *error);

#define USER_OPTION(config, member)                                                                 \
	{                                                                                           \
		.name = "user", .argument = "NAME",                                                 \
		.help = "if root starts it: become this user once all is attached; with \"root\"\n" \
			"stay root (default: the system user faultmap, if there is one)",           \
		.type = OPTION_STRING, .offset = offsetof(config, member),                          \
		.check = privileges_check                                                           \
	}

/* What goes on after the start that takes a capability. */
enum {
	PRIVILEGE_READ_EXE = 1,     /* /proc/PID/exe of others: CAP_SYS_PTRACE */
	PRIVILEGE_CALL_BPF = 2,     /* bpf(2) before Linux 5.19: CAP_BPF */
	PRIVILEGE_READ_FILES = 4,   /* that this user may not: CAP_DAC_READ_SEARCH */
	PRIVILEGE_WRITE_FILES = 8,  /* or directories: CAP_DAC_OVERRIDE */
	PRIVILEGE_OPEN_PERF = 16,   /* perf events on all CPUs: CAP_PERFMON */
	PRIVILEGE_OPEN_PERF_3 = 32, /* with kernel.perf_event_paranoid at 3: CAP_SYS_ADMIN */
};

/*
 * Becomes the user, with its groups, and disables all capabilities, but keeps them permitted: so
 * the caller can try what fails without them. Clears the bounding set (with CAP_SETPCAP only), the
 * inheritable and the ambient set. 0 or a negative errno with the error set.
 */
int privileges_suspend(const struct privileges_user *user, struct error *error);
/* Gives up every capability but those that `needs` names, of which those that were there have
 * effect again; sets no_new_privs. 0 or a negative errno with the error set. */
int privileges_drop(unsigned int needs, struct error *error);

#endif
