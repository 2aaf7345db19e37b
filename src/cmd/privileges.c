// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/util.h"

#define MAX_KEPT 4

struct kept {
	unsigned int capabilities[MAX_KEPT];
	size_t count;
};

/*
 * What opens files; and where `needs` says so, CAP_SYS_PTRACE: /proc/PID/exe asks for it where the
 * process has more capabilities than its reader; and CAP_BPF: once their descriptors are open,
 * maps, iterators and BPF_PROG_TEST_RUN ask for no capability only since Linux 5.19 (mainline
 * c8644cd0efe7, __sys_bpf()). /proc/PID/statm never does.
 */
static struct kept kept_for(unsigned int needs)
{
	struct kept kept = { { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH }, 2 };

	if (needs & PRIVILEGE_READ_EXE)
		kept.capabilities[kept.count++] = CAP_SYS_PTRACE;
	if (needs & PRIVILEGE_CALL_BPF)
		kept.capabilities[kept.count++] = CAP_BPF;
	return kept;
}

static bool is_kept(unsigned int capability, const struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++) {
		if (kept->capabilities[i] == capability)
			return true;
	}
	return false;
}

/* Without CAP_SETPCAP the bounding set stays, and no_new_privs makes it idle. */
static int drop_bounding_set(const struct kept *kept)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	for (unsigned int capability = 0; capability <= (unsigned int)CAP_LAST_CAP; capability++) {
		/* EINVAL: this kernel does not know the last ones. */
		if (!is_kept(capability, kept) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) &&
		    errno != EINVAL)
			return -errno;
	}
	return 0;
}

static int drop_others(const struct kept *kept)
{
	bool has[MAX_KEPT];

	for (size_t i = 0; i < kept->count; i++)
		has[i] = capng_have_capability(CAPNG_EFFECTIVE, kept->capabilities[i]);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < kept->count; i++) {
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				     kept->capabilities[i]);
	}
	/* The ambient set cannot hold what is not inheritable: it is empty now. */
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

int privileges_drop(unsigned int needs, struct error *error)
{
	const struct kept kept = kept_for(needs);
	int result = capng_get_caps_process() ? -EIO : 0;

	if (!result)
		result = drop_bounding_set(&kept);
	if (!result)
		result = drop_others(&kept);
	if (!result && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		result = -errno;
	if (result < 0)
		return error_set(error, -result, "giving up capabilities: %s", strerror(-result));
	return 0;
}
