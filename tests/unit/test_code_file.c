// SPDX-License-Identifier: GPL-2.0-only
/* Which file a process's path means: one in its own root, or ours if it is the same file. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "own_code.h"
#include "symbol/code_file.h"
#include "symbol/symbolizer.h"

/* Everybody may read it, and it is in the root of every system. */
#define PATH "/etc/passwd"
#define NOBODY 65534

static char own_path[4096];

/* A process that waits, in an empty root directory of its own if that is wanted; 0: it may not. */
static pid_t start(bool is_elsewhere)
{
	char directory[] = "/tmp/faultmap-code-file.XXXXXX";
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_non_null(mkdtemp(directory));
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if a test fails */
		byte = !is_elsewhere || (!chroot(directory) && !chdir("/"));
		if (write(ready[1], &byte, 1) == 1 && byte)
			pause();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	rmdir(directory);
	if (byte)
		return pid;
	waitpid(pid, NULL, 0);
	return 0;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool opens(const char *path, pid_t tgid)
{
	autoclose int fd = code_file_open(path, (uint32_t)tgid);

	return fd >= 0;
}

/* The same for somebody who may not look into roots of other users' processes. */
static bool opens_for_nobody(const char *path, pid_t tgid)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		char root[64];

		snprintf(root, sizeof(root), "/proc/%d/root/.", tgid);
		if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0 || !access(root, F_OK))
			_exit(2);
		_exit(opens(path, tgid));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status);
}

static void it_is_the_one_in_its_root(void **state)
{
	pid_t here = start(false), elsewhere = start(true);

	(void)state;
	assert_true(opens(PATH, here));
	if (elsewhere)
		assert_false(opens(PATH, elsewhere));
	end(here);
	if (elsewhere)
		end(elsewhere);
}

/* In a chroot it does not: mountinfo lacks the mount that its root is in. */
static bool mountinfo_has(const char *path)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096], point[4096];
	bool is_there = false;

	assert_non_null(mounts);
	while (fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*u %*u %*s %*s %4095s", point) == 1 &&
		    !strncmp(point, path, strlen(point)))
			is_there = true;
	fclose(mounts);
	return is_there;
}

static void where_the_root_is_closed_mounts_tell(void **state)
{
	pid_t here = start(false), elsewhere = start(true);

	(void)state;
	if (!elsewhere) { /* not root */
		end(here);
		skip();
	}
	assert_true(opens_for_nobody(PATH, here));
	assert_false(opens_for_nobody(PATH, elsewhere));
	end(here);
	end(elsewhere);
}

/* A process that waits, in a mount namespace of its own: at `point` it has first what is there, and
 * then an empty file system over that. 0: it may not. */
static pid_t start_with_mount(const char *point)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = !unshare(CLONE_NEWNS) &&
		       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		       !mount(point, point, NULL, MS_BIND, NULL) &&
		       !mount("none", point, "tmpfs", 0, NULL);
		if (write(ready[1], &byte, 1) == 1 && byte)
			pause();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	if (byte)
		return pid;
	waitpid(pid, NULL, 0);
	return 0;
}

/* The last mount of those at one place counts, and none whose name only begins as the path does. */
static void what_is_mounted_over_is_not_ours(void **state)
{
	static const struct {
		const char *point, *directory;
		bool is_ours;
	} cases[] = { { "a", "a", false }, { "a b", "a b", false }, { "a", "ab", true } };
	char above[] = "/tmp/faultmap-code-file.XXXXXX", command[64];
	bool has_skipped = false;

	(void)state;
	assert_non_null(mkdtemp(above));
	assert_int_equal(chmod(above, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char point[64], directory[64], path[80];
		pid_t pid;
		int fd;

		snprintf(point, sizeof(point), "%s/%s", above, cases[i].point);
		snprintf(directory, sizeof(directory), "%s/%s", above, cases[i].directory);
		snprintf(path, sizeof(path), "%s/file", directory);
		mkdir(point, 0755);
		mkdir(directory, 0755);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		close(fd);
		pid = start_with_mount(point);
		has_skipped |= !pid;
		if (!pid)
			continue;
		assert_int_equal(opens(path, pid), cases[i].is_ours);
		assert_int_equal(opens_for_nobody(path, pid),
				 cases[i].is_ours && mountinfo_has(path));
		end(pid);
	}
	snprintf(command, sizeof(command), "rm -r %s", above);
	assert_int_equal(system(command), 0);
	if (has_skipped)
		skip();
}

static void of_one_that_is_gone_it_is_ours(void **state)
{
	pid_t gone = start(false);

	(void)state;
	end(gone);
	assert_true(opens(PATH, gone));
	assert_true(opens(PATH, 0));
	assert_int_equal(chdir("/"), 0); /* from here it would be found */
	assert_false(opens("etc/passwd", 0));
	assert_false(opens("etc/passwd", getpid()));
	assert_false(opens("/dev/zero", 0));
	assert_false(opens("/nonexistent", 0));
}

/* Nor by the process that reads the files: it would take ours. */
static void code_of_another_root_has_no_name_of_ours(void **state)
{
	struct symbolizer *symbolizer = symbolizer_new(NULL, NULL);
	struct symbol symbol = { .file = own_path, .offset = offset_of((uintptr_t)opens) };
	pid_t elsewhere = start(true);

	(void)state;
	if (elsewhere) {
		symbolizer_see(symbolizer, own_path, (uint32_t)elsewhere);
		symbolizer_find(symbolizer, &symbol, 1);
		assert_null(symbol.function);
		assert_int_equal(symbol.is_gone, symbolizer_is_built());
		end(elsewhere);
	}
	symbols_clear(&symbol, 1);
	symbolizer_free(symbolizer);
	if (!elsewhere)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_one_in_its_root),
		cmocka_unit_test(where_the_root_is_closed_mounts_tell),
		cmocka_unit_test(what_is_mounted_over_is_not_ours),
		cmocka_unit_test(of_one_that_is_gone_it_is_ours),
		cmocka_unit_test(code_of_another_root_has_no_name_of_ours),
	};

	assert_true(readlink("/proc/self/exe", own_path, sizeof(own_path) - 1) > 0);
	return cmocka_run_group_tests_name("code_file", tests, NULL, NULL);
}
