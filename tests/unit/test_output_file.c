// SPDX-License-Identifier: GPL-2.0-only
/* Output files in directories where other users may put links, FIFOs or files in their place; in other directories
 * links are followed as usual. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/output_file.h"

#define MALLORY 65534

struct fixture {
	char top[64];
	char path[256]; /* the last one of path_of */
	bool may_chown;
};

static const char *path_of(struct fixture *fixture, const char *name)
{
	snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->top, name);
	return fixture->path;
}

/* A file of five bytes. */
static void make_file(struct fixture *fixture, const char *name, uid_t owner, mode_t mode)
{
	int fd = open(path_of(fixture, name), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_equal(write(fd, "bytes", 5), 5);
	assert_int_equal(fchmod(fd, mode), 0);
	if (owner)
		assert_int_equal(fchown(fd, owner, owner), 0);
	close(fd);
}

static void make_link(struct fixture *fixture, const char *name, const char *target, uid_t owner)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", fixture->top, target);
	assert_int_equal(symlink(full, path_of(fixture, name)), 0);
	assert_int_equal(lchown(fixture->path, owner, owner), 0);
}

static void make_directory(struct fixture *fixture, const char *name, uid_t owner, mode_t mode)
{
	assert_int_equal(mkdir(path_of(fixture, name), 0700), 0);
	assert_int_equal(chmod(fixture->path, mode), 0);
	assert_int_equal(chown(fixture->path, owner, owner), 0);
}

static off_t size_of(struct fixture *fixture, const char *name)
{
	struct stat status;

	return stat(path_of(fixture, name), &status) ? -1 : status.st_size;
}

/* Opens to replace it, and closes; 0 or the negative errno. */
static int open_file(struct fixture *fixture, const char *name)
{
	int fd = output_file_open(path_of(fixture, name), O_TRUNC | O_NONBLOCK, 0600);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	strcpy(fixture->top, "/tmp/faultmap-output.XXXXXX");
	assert_non_null(mkdtemp(fixture->top));
	umask(0);
	fixture->may_chown = !chown(fixture->top, MALLORY, MALLORY) && !chown(fixture->top, 0, 0);
	if (!fixture->may_chown)
		return 0;
	make_directory(fixture, "private", 0, 0755);
	make_directory(fixture, "sticky", 0, 01777);
	make_directory(fixture, "sticky/mallory", MALLORY, 0755);
	make_directory(fixture, "sticky/ours", 0, 0755);
	make_file(fixture, "private/target", 0, 0600);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", fixture->top);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

/* Whose files these are takes CAP_CHOWN to arrange. */
#define NEEDS_CHOWN()              \
	if (!fixture->may_chown) { \
		skip();            \
		return;            \
	}

static void a_new_file_has_its_mode_whatever_the_umask(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;

	assert_int_equal(open_file(fixture, "new"), 0);
	assert_int_equal(stat(path_of(fixture, "new"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(open_file(fixture, "nowhere/new"), -ENOENT);
	assert_int_equal(open_file(fixture, "new/new"), -ENOTDIR);
	assert_int_equal(open_file(fixture, "new/"), -EISDIR);
	assert_int_equal(output_file_open("", 0, 0600), -ENOENT);
	assert_true(output_file_open("/dev/full", O_TRUNC, 0600) >= 0);
	assert_true(output_file_open("/dev/../dev//null", O_TRUNC, 0600) >= 0);
}

static void in_a_private_directory_it_is_as_open_has_it(void **state)
{
	struct fixture *fixture = *state;

	NEEDS_CHOWN();
	make_link(fixture, "private/link", "private/target", MALLORY);
	make_file(fixture, "private/theirs", MALLORY, 0666);
	assert_int_equal(link(path_of(fixture, "private/theirs"), "/tmp/faultmap-output-twin"), 0);
	unlink("/tmp/faultmap-output-twin");
	assert_int_equal(open_file(fixture, "private/link"), 0);
	assert_int_equal(size_of(fixture, "private/target"), 0);
	assert_int_equal(open_file(fixture, "private/theirs"), 0);
	assert_int_equal(size_of(fixture, "private/theirs"), 0);
	assert_false(output_file_is_shared(path_of(fixture, "private/target")));
}

static void where_everybody_writes_no_link_is_followed(void **state)
{
	struct fixture *fixture = *state;

	NEEDS_CHOWN();
	make_link(fixture, "sticky/link", "private/target", MALLORY);
	make_link(fixture, "sticky/dangling", "private/new", MALLORY);
	make_link(fixture, "sticky/directory", "private", MALLORY);
	make_link(fixture, "sticky/mallory/link", "private/target", MALLORY);
	assert_true(output_file_is_shared(path_of(fixture, "sticky/link")));
	assert_int_equal(open_file(fixture, "sticky/link"), -ELOOP);
	assert_int_equal(open_file(fixture, "sticky/dangling"), -ELOOP);
	assert_int_equal(open_file(fixture, "sticky/directory/target"), -ELOOP);
	assert_int_equal(open_file(fixture, "sticky/mallory/link"), -ELOOP);
	assert_int_equal(size_of(fixture, "private/target"), 5);
	assert_int_equal(size_of(fixture, "private/new"), -1);
	/* A directory of ours there, and our own link to one. */
	make_link(fixture, "sticky/our-link", "private", 0);
	assert_int_equal(open_file(fixture, "sticky/our-link/target"), 0);
	assert_int_equal(size_of(fixture, "private/target"), 0);
	assert_false(output_file_is_shared(path_of(fixture, "sticky/ours/new")));
}

static void in_a_shared_directory_another_users_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char twin[256];

	NEEDS_CHOWN();
	make_file(fixture, "sticky/theirs", MALLORY, 0666);
	make_file(fixture, "sticky/mallory/theirs", MALLORY, 0600);
	make_file(fixture, "sticky/everybodys", 0, 0666);
	make_file(fixture, "sticky/ours-before", 0, 0644);
	strcpy(twin, path_of(fixture, "private/target"));
	assert_int_equal(link(twin, path_of(fixture, "sticky/twin")), 0);
	assert_int_equal(open_file(fixture, "sticky/theirs"), -EPERM);
	assert_int_equal(open_file(fixture, "sticky/mallory/theirs"), -EPERM);
	assert_int_equal(open_file(fixture, "sticky/everybodys"), -EPERM);
	assert_int_equal(open_file(fixture, "sticky/twin"), -EPERM);
	assert_int_equal(size_of(fixture, "sticky/theirs"), 5);
	assert_int_equal(size_of(fixture, "sticky/everybodys"), 5);
	assert_int_equal(size_of(fixture, "private/target"), 5);
	assert_int_equal(open_file(fixture, "sticky/ours-before"), 0);
	assert_int_equal(size_of(fixture, "sticky/ours-before"), 0);
	assert_int_equal(open_file(fixture, "sticky/new"), 0);
}

static void nor_is_their_fifo(void **state)
{
	struct fixture *fixture = *state;
	int reader;

	NEEDS_CHOWN();
	assert_int_equal(mkfifo(path_of(fixture, "sticky/fifo"), 0644), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(open_file(fixture, "sticky/fifo"), 0);
	assert_int_equal(chown(path_of(fixture, "sticky/fifo"), MALLORY, MALLORY), 0);
	assert_int_equal(open_file(fixture, "sticky/fifo"), -EPERM);
	close(reader);
	/* Nor is its reader waited for. */
	assert_int_equal(output_file_open(path_of(fixture, "sticky/fifo"), O_TRUNC, 0600), -EPERM);
}

static void files_block_unless_asked_otherwise(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	NEEDS_CHOWN();
	fd = output_file_open(path_of(fixture, "sticky/new"), O_APPEND, 0600);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_has_its_mode_whatever_the_umask),
		TEST(in_a_private_directory_it_is_as_open_has_it),
		TEST(where_everybody_writes_no_link_is_followed),
		TEST(in_a_shared_directory_another_users_file_is_refused),
		TEST(nor_is_their_fifo),
		TEST(files_block_unless_asked_otherwise),
	};

	return cmocka_run_group_tests_name("output_file", tests, NULL, NULL);
}
