// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"

/* Larger numbers are people (login.defs(5)), and users that systemd makes for a while. */
#define SYSTEM_UID_MAX 999

/* Users. --------------------------------------------------------------------------------------- */

static bool has_effective(unsigned int capability)
{
	return !capng_get_caps_process() && capng_have_capability(CAPNG_EFFECTIVE, capability);
}

static bool may_become_others(void)
{
	return has_effective(CAP_SETUID) && has_effective(CAP_SETGID);
}

/* A number is a user with only the group of that number, whether the database has it or not. */
static bool find_number(struct privileges_user *user, const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (*name < '0' || *name > '9' || *end || number >= UINT32_MAX)
		return false;
	user->uid = (uid_t)number;
	user->gid = (gid_t)number;
	return true;
}

static bool find_name(struct privileges_user *user, const char *name)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;

	if (strlen(name) >= sizeof(user->name) ||
	    getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) || !found)
		return false;
	strcpy(user->name, name);
	user->uid = found->pw_uid;
	user->gid = found->pw_gid;
	return true;
}

static int find_wanted(struct privileges_user *user, const char *name, struct error *error)
{
	char shown[128];

	if (find_name(user, name) || find_number(user, name))
		return 0;
	text_escape_to(shown, sizeof(shown), name);
	return error_set(error, EINVAL, "--user: there is no user \"%s\" on this system", shown);
}

/* Reads /etc/passwd only, where packages put their users: NSS modules would stay in memory, some
 * 600 KiB, for nothing. */
static bool find_system_user(struct privileges_user *user, const char *name)
{
	autofclose FILE *file = fopen("/etc/passwd", "re");
	struct passwd *found;

	while (file && (found = fgetpwent(file))) {
		if (strcmp(found->pw_name, name) != 0)
			continue;
		snprintf(user->name, sizeof(user->name), "%s", name);
		user->uid = found->pw_uid;
		user->gid = found->pw_gid;
		return user->uid && user->uid <= SYSTEM_UID_MAX;
	}
	return false;
}

/* Root's default. */
static void find_default(struct privileges_user *user)
{
	struct privileges_user found = {};

	if (!find_system_user(&found, PRIVILEGES_DEFAULT_USER))
		user->why = "there is no system user " PRIVILEGES_DEFAULT_USER;
	else if (!may_become_others())
		user->why = "it lacks CAP_SETUID and CAP_SETGID";
	else
		*user = found;
	user->stays_root = user->why;
}

int privileges_find(struct privileges_user *ret_user, const char *name, struct error *error)
{
	struct privileges_user user = { .uid = geteuid(), .gid = getegid() };
	int result = name ? find_wanted(&user, name, error) : 0;

	if (result)
		return result;
	if (!name && !user.uid)
		find_default(&user);
	user.is_other = user.uid != geteuid();
	if (user.is_other && !may_become_others())
		return error_set(error, EPERM,
				 "--user %s: becoming another user takes CAP_SETUID and "
				 "CAP_SETGID; start it as root, or as that user",
				 name);
	*ret_user = user;
	return 0;
}

int privileges_check(const char *name, struct error *error)
{
	struct privileges_user user = {};

	return find_wanted(&user, name, error);
}

/* Capabilities. -------------------------------------------------------------------------------- */

static const struct {
	unsigned int need;
	unsigned int capability;
} kept[] = {
	/* Where the process has more capabilities than its reader. /proc/PID/statm never asks. */
	{ PRIVILEGE_READ_EXE, CAP_SYS_PTRACE },
	/* Once their descriptors are open, maps, iterators and BPF_PROG_TEST_RUN ask for no
	 * capability only since Linux 5.19 (mainline c8644cd0efe7, __sys_bpf()). */
	{ PRIVILEGE_CALL_BPF, CAP_BPF },
	{ PRIVILEGE_READ_FILES, CAP_DAC_READ_SEARCH },
	{ PRIVILEGE_WRITE_FILES, CAP_DAC_OVERRIDE },
	{ PRIVILEGE_OPEN_PERF, CAP_PERFMON },
	{ PRIVILEGE_OPEN_PERF_3, CAP_SYS_ADMIN },
};

/* Without CAP_SETPCAP the bounding set stays, and no_new_privs makes it idle. */
static int drop_bounding_set(void)
{
	if (!has_effective(CAP_SETPCAP))
		return 0;
	for (unsigned int capability = 0; capability <= (unsigned int)CAP_LAST_CAP; capability++) {
		/* EINVAL: this kernel does not know the last ones. */
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL)
			return -errno;
	}
	return 0;
}

/* The kernel takes the effective ones away, and without PR_SET_KEEPCAPS those that are permitted,
 * too. */
static int become(const struct privileges_user *user)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return -errno;
	if (*user->name ? initgroups(user->name, user->gid) : setgroups(0, NULL))
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return -errno;
	return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) ? -errno : 0;
}

/* The ambient set cannot hold what is not inheritable: it is empty, too. */
static int disable_all(void)
{
	if (capng_get_caps_process())
		return -EIO;
	for (unsigned int capability = 0; capability <= (unsigned int)CAP_LAST_CAP; capability++)
		capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_INHERITABLE, capability);
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

int privileges_suspend(const struct privileges_user *user, struct error *error)
{
	int result = drop_bounding_set();

	if (result)
		return error_set(error, -result, "giving up the bounding set: %s",
				 strerror(-result));
	result = user->is_other ? become(user) : 0;
	if (result)
		return error_set(error, -result, "becoming user %u: %s", (unsigned int)user->uid,
				 strerror(-result));
	result = disable_all();
	return result ? error_set(error, -result, "giving up capabilities: %s", strerror(-result)) :
			0;
}

static int keep_needed(unsigned int needs)
{
	bool has[ARRAY_SIZE(kept)];

	if (capng_get_caps_process())
		return -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		has[i] = needs & kept[i].need &&
			 capng_have_capability(CAPNG_PERMITTED, kept[i].capability);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				     kept[i].capability);
	}
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

int privileges_drop(unsigned int needs, struct error *error)
{
	int result = keep_needed(needs);

	if (!result && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		result = -errno;
	return result ? error_set(error, -result, "giving up capabilities: %s", strerror(-result)) :
			0;
}
