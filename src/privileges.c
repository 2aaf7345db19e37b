// SPDX-License-Identifier: GPL-2.0-only
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "util.h"

/*
 * Reading maps, iterators and BPF_PROG_TEST_RUN ask for no capability once their descriptors are open
 * (since Linux 5.19: kernel/bpf/syscall.c, __sys_bpf()), nor does /proc/PID/statm.
 */
static const unsigned int kept[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE };

/* /proc/PID/exe asks for CAP_SYS_PTRACE where the process has more capabilities than its reader. */
static bool is_kept(unsigned int capability, bool reads_exe)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (kept[i] == capability)
			return capability != CAP_SYS_PTRACE || reads_exe;
	}
	return false;
}

/* Without CAP_SETPCAP the bounding set stays, and no_new_privs makes it idle. */
static int drop_bounding_set(bool reads_exe)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	for (unsigned int capability = 0; capability <= (unsigned int)CAP_LAST_CAP; capability++) {
		/* EINVAL: this kernel does not know the last ones. */
		if (!is_kept(capability, reads_exe) &&
		    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL)
			return -errno;
	}
	return 0;
}

static int drop_others(bool reads_exe)
{
	bool has[ARRAY_SIZE(kept)];

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		has[i] = is_kept(kept[i], reads_exe) &&
			 capng_have_capability(CAPNG_EFFECTIVE, kept[i]);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
	}
	/* The ambient set cannot hold what is not inheritable: it is empty now. */
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

int privileges_drop(bool reads_exe, struct error *error)
{
	int result = capng_get_caps_process() ? -EIO : 0;

	if (!result)
		result = drop_bounding_set(reads_exe);
	if (!result)
		result = drop_others(reads_exe);
	if (!result && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		result = -errno;
	if (result < 0)
		return error_set(error, -result, "giving up capabilities: %s", strerror(-result));
	return 0;
}
