// SPDX-License-Identifier: GPL-2.0-only
/* Which names of files anybody may see, by the modes of the directories on the way. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "metrics/public_names.h"

struct fixture {
	struct public_names *names;
	char top[64];
	char path[256];
};

static const char *path_of(struct fixture *fixture, const char *name)
{
	snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->top, name);
	return fixture->path;
}

static void make_directory(struct fixture *fixture, const char *name, mode_t mode)
{
	assert_int_equal(mkdir(path_of(fixture, name), 0700), 0);
	assert_int_equal(chmod(fixture->path, mode), 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	fixture->names = public_names_new();
	strcpy(fixture->top, "/tmp/faultmap-public.XXXXXX");
	assert_non_null(mkdtemp(fixture->top));
	assert_int_equal(chmod(fixture->top, 0755), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	public_names_free(fixture->names);
	snprintf(command, sizeof(command), "rm -rf %s", fixture->top);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

static bool is_public(struct fixture *fixture, const char *name)
{
	return public_names_has(fixture->names, path_of(fixture, name), 1);
}

static void what_is_no_file_is_public(void **state)
{
	static const char *const names[] = {
		"[heap]",    "[stack]",       "[anon]",        "[anon:jemalloc]",         "[other]",
		"[unnamed]", "/memfd:buffer", "/SYSV00000000", "anon_inode:[perf_event]", ""
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!public_names_has(fixture->names, names[i], 1))
			fail_msg("private: %s", names[i]);
	}
	assert_false(public_names_has(fixture->names, ".../end of a long path", 1));
}

/* The directory that has the name counts, and all above it; neither the file's own mode nor whether
 * it is there still. */
static void directories_tell(void **state)
{
	struct fixture *fixture = *state;

	make_directory(fixture, "open", 0755);
	make_directory(fixture, "open/deep", 0755);
	make_directory(fixture, "closed", 0700);
	make_directory(fixture, "closed/deep", 0755);
	make_directory(fixture, "unlisted", 0711);
	make_directory(fixture, "group", 0750);
	make_directory(fixture, "listed", 0744);
	assert_int_equal(symlink("open", path_of(fixture, "link")), 0);
	assert_true(is_public(fixture, "file"));
	assert_true(is_public(fixture, "open/file"));
	assert_true(is_public(fixture, "open/deep/file (deleted)"));
	assert_false(is_public(fixture, "closed/file"));
	assert_false(is_public(fixture, "closed/deep/file"));
	assert_false(is_public(fixture, "unlisted/file"));
	assert_false(is_public(fixture, "group/file"));
	assert_false(is_public(fixture, "listed/file"));
	assert_false(is_public(fixture, "link/file")); /* the kernel tells names without links */
	assert_false(is_public(fixture, "nowhere/file"));
	assert_false(is_public(fixture, "open/../closed/file"));
	assert_true(public_names_has(fixture->names, "/vmlinuz", 1));
}

static void libraries_are_public(void **state)
{
	struct fixture *fixture = *state;
	char line[4096], path[4096];
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int n = 0;

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %4000s", path) != 1 ||
		    !strstr(path, "/libc.so.6"))
			continue;
		assert_true(public_names_has(fixture->names, path, 1));
		n++;
	}
	fclose(maps);
	assert_true(n > 0);
}

static void an_answer_holds_for_minutes(void **state)
{
	const uint64_t minute = 60 * 1000000000ULL;
	struct fixture *fixture = *state;
	char name[256];

	make_directory(fixture, "directory", 0755);
	strcpy(name, path_of(fixture, "directory/file"));
	assert_true(public_names_has(fixture->names, name, 1));
	assert_int_equal(chmod(path_of(fixture, "directory"), 0700), 0);
	assert_true(public_names_has(fixture->names, name, 9 * minute));
	assert_false(public_names_has(fixture->names, name, 11 * minute));
	assert_int_equal(chmod(path_of(fixture, "directory"), 0755), 0);
	assert_false(public_names_has(fixture->names, name, 11 * minute + 1));
	assert_true(public_names_has(fixture->names, name, 13 * minute));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_no_file_is_public),
		TEST(directories_tell),
		TEST(libraries_are_public),
		TEST(an_answer_holds_for_minutes),
	};

	return cmocka_run_group_tests_name("public_names", tests, NULL, NULL);
}
