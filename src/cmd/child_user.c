// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/child_user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "cmd/child.h"

/* NGROUPS_MAX is 65,536; directories give hundreds. */
#define GROUPS_MAX 4096
#define VARIABLE_LEN 4200

/* All that the child needs, made before it is there. */
struct start {
	char *const *command;
	const struct privileges_user *user;
	const struct child_descriptor *extra;
	gid_t groups[GROUPS_MAX];
	int n_groups;
	char **environment; /* owned; its strings are not */
	char home[VARIABLE_LEN], name[VARIABLE_LEN], logname[VARIABLE_LEN];
	volatile int failed; /* errno of the child, which shares our memory */
};

static void find_groups(struct start *start)
{
	const struct privileges_user *user = start->user;

	start->n_groups = 0;
	if (!*user->name)
		return;
	start->n_groups = GROUPS_MAX;
	if (getgrouplist(user->name, user->gid, start->groups, &start->n_groups) < 0)
		start->n_groups = GROUPS_MAX;
}

/* Whether the variable is one of those that the user has of its own. */
static bool is_own(const char *variable)
{
	static const char *const names[] = { "HOME=", "USER=", "LOGNAME=" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(variable, names[i], strlen(names[i])))
			return true;
	return false;
}

static int make_environment(struct start *start)
{
	const struct passwd *entry = getpwuid(start->user->uid);
	size_t count = 0;

	while (environ[count])
		count++;
	start->environment = calloc(count + 4, sizeof(*start->environment));
	if (!start->environment)
		return -ENOMEM;
	count = 0;
	for (char **variable = environ; *variable; variable++)
		if (!entry || !is_own(*variable))
			start->environment[count++] = *variable;
	if (!entry)
		return 0;
	snprintf(start->home, sizeof(start->home), "HOME=%s", entry->pw_dir);
	snprintf(start->name, sizeof(start->name), "USER=%s", entry->pw_name);
	snprintf(start->logname, sizeof(start->logname), "LOGNAME=%s", entry->pw_name);
	start->environment[count++] = start->home;
	start->environment[count++] = start->name;
	start->environment[count] = start->logname;
	return 0;
}

/* What set_attributes() in child.c asks of posix_spawn(). */
static void reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As posix_spawn_file_actions_adddup2(): of a number that it has already dup2(2) leaves FD_CLOEXEC. */
static bool give_descriptor(const struct child_descriptor *extra)
{
	if (extra->fd == extra->number)
		return !fcntl(extra->fd, F_SETFD, 0);
	return dup2(extra->fd, extra->number) >= 0;
}

/*
 * In the child, which shares our memory until exec. The system calls themselves: the C library's
 * setresuid() and its kin would change every thread of faultmap.
 */
static void become_and_exec(struct start *start)
{
	uid_t uid = start->user->uid;
	gid_t gid = start->user->gid;

	if ((!start->extra || give_descriptor(start->extra)) &&
	    !syscall(SYS_setgroups, start->n_groups, start->groups) &&
	    !syscall(SYS_setresgid, gid, gid, gid) && !syscall(SYS_setresuid, uid, uid, uid)) {
		reset_signals();
		execvpe(start->command[0], start->command, start->environment);
	}
	start->failed = errno;
	_exit(127);
}

int child_start_as(char *const command[], const struct privileges_user *user,
		   const struct child_descriptor *extra, pid_t *ret_pid)
{
	struct start *start = calloc(1, sizeof(*start));
	int result;
	pid_t pid;

	if (!start)
		return -ENOMEM;
	start->command = command;
	start->user = user;
	start->extra = extra;
	find_groups(start);
	result = make_environment(start);
	if (!result) {
		pid = vfork();
		if (!pid)
			become_and_exec(start);
		result = pid < 0 ? -errno : -start->failed;
		if (pid > 0 && result)
			waitpid(pid, NULL, 0);
		if (!result)
			*ret_pid = pid;
	}
	free(start->environment);
	free(start);
	return result;
}
