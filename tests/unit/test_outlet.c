// SPDX-License-Identifier: GPL-2.0-only
/* Readers that are slow, absent, or go away; what is written is read back byte by byte. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "sink/outlet.h"
#include "range.h"

struct fixture {
	char directory[64];
	char path[96];
	struct outlet *outlet;
	struct loop *loop;
	uint64_t n_queued;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	signal(SIGPIPE, SIG_IGN);
	strcpy(fixture->directory, "/tmp/faultmap-outlet-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/out", fixture->directory);
	assert_int_equal(loop_new(&fixture->loop), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	outlet_free(fixture->outlet);
	loop_free(fixture->loop);
	unlink(fixture->path);
	rmdir(fixture->directory);
	free(fixture);
	return 0;
}

/* Queues a numbered line of `size` bytes; what finds no room is lost. */
static int put(struct fixture *fixture, size_t size)
{
	char line[16384];
	int length = snprintf(line, sizeof(line), "%llu ", (unsigned long long)fixture->n_queued++);

	assert_true(size < sizeof(line));
	memset(line + length, 'x', size);
	if (!outlet_has_room(fixture->outlet)) {
		outlet_lose(fixture->outlet);
		return -EAGAIN;
	}
	assert_int_equal(outlet_add(fixture->outlet, line, size), 0);
	return outlet_end_line(fixture->outlet, false);
}

/*
 * Reads what is there; every line must be whole and come after the one before. Returns the lines.
 */
static uint64_t read_lines(int fd, size_t *ret_bytes)
{
	static char text[1 << 20];
	ssize_t length;
	uint64_t n = 0;
	size_t used = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((length = read(fd, text + used, sizeof(text) - used)) > 0)
		used += (size_t)length;
	for (size_t i = 0; i < used; i++)
		n += text[i] == '\n';
	assert_true(!used || text[used - 1] == '\n');
	*ret_bytes += used;
	return n;
}

static int quit(void *context)
{
	loop_quit(context);
	return 0;
}

/* A reader that stops gets whole lines only, what the queue holds comes when it goes on, and each
 * line was either read or counted as lost. */
/* What adds the parts may not look at what comes back: the line is lost as a whole all the same. */
static void line_without_one_of_its_parts_is_dropped(void **state)
{
	static char huge[33 * 1024 * 1024];
	struct fixture *fixture = *state;
	struct error error;

	assert_int_equal(outlet_open(&fixture->outlet, fixture->path, OUTLET_PERSIST, &error), 0);
	assert_int_equal(outlet_add(fixture->outlet, "{", 1), 0);
	assert_int_equal(outlet_add(fixture->outlet, huge, sizeof(huge)), -ENOMEM);
	assert_int_equal(outlet_add(fixture->outlet, "}", 1), 0);
	assert_int_equal(outlet_end_line(fixture->outlet, false), -ENOMEM);
	assert_int_equal(outlet_lost(fixture->outlet), 1);
	assert_int_equal(put(fixture, 10), 0);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	assert_int_equal(outlet_lost(fixture->outlet), 1);
}

static void stalled_pipe_loses_whole_lines(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	uint64_t n_read = 0, lost;
	size_t bytes = 0;
	int reader;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(outlet_open(&fixture->outlet, fixture->path, OUTLET_PERSIST, &error), 0);
	outlet_watch(fixture->outlet, fixture->loop);
	for (int i = 0; i < 10000; i++)
		put(fixture, 700 + (size_t)i % 100);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	lost = outlet_lost(fixture->outlet);
	assert_in_range(lost, 5000, 9900);
	assert_int_equal(outlet_untold(fixture->outlet), lost);

	n_read += read_lines(reader, &bytes);
	assert_in_range(n_read, 50, 100); /* 64 KiB */
	/* Half of the rest by the loop, while the reader reads; then the other way round. */
	assert_int_equal(loop_add_timer(fixture->loop, 20, quit, fixture->loop), 0);
	while (n_read < 1000) {
		assert_int_equal(loop_run(fixture->loop), 0);
		n_read += read_lines(reader, &bytes);
	}
	while (n_read + outlet_lost(fixture->outlet) < 10000) {
		assert_int_equal(outlet_flush(fixture->outlet), 0);
		n_read += read_lines(reader, &bytes);
	}
	assert_int_equal(n_read + lost, 10000);
	assert_int_equal(outlet_lost(fixture->outlet), lost);
	assert_int_equal(put(fixture, 10), 0);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	assert_int_equal(read_lines(reader, &bytes), 1);
	outlet_watch(fixture->outlet, NULL);
	close(reader);
}

static void drain_gives_up_on_a_reader_that_does_not_read(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	uint64_t n_read;
	size_t bytes = 0;
	int reader;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(outlet_open(&fixture->outlet, fixture->path, OUTLET_PERSIST, &error), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(put(fixture, 1000), 0);
	assert_int_equal(outlet_drain(fixture->outlet, 10), -EAGAIN);
	n_read = read_lines(reader, &bytes);
	assert_true(n_read > 0);
	assert_int_equal(n_read + outlet_lost(fixture->outlet), 200);
	assert_int_equal(outlet_drain(fixture->outlet, 10), 0);
	close(reader);
}

/* What a line told is told again when that line was lost itself. */
static void losses_are_in_the_next_line_that_gets_through(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	size_t bytes = 0;
	int reader;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(outlet_open(&fixture->outlet, fixture->path, OUTLET_PERSIST, &error), 0);
	outlet_lose(fixture->outlet);
	outlet_lose(fixture->outlet);
	assert_int_equal(outlet_add(fixture->outlet, "told", 4), 0);
	assert_int_equal(outlet_end_line(fixture->outlet, true), 0);
	assert_int_equal(outlet_untold(fixture->outlet), 0);
	close(reader);
	assert_int_equal(outlet_flush(fixture->outlet), -EPIPE);
	assert_int_equal(outlet_untold(fixture->outlet), 3);

	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(outlet_connect(fixture->outlet, &(bool){ false }), 0);
	assert_int_equal(outlet_add(fixture->outlet, "told", 4), 0);
	assert_int_equal(outlet_end_line(fixture->outlet, true), 0);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	close(reader);
	assert_int_equal(put(fixture, 10), 0);
	assert_int_equal(outlet_flush(fixture->outlet), -EPIPE);
	assert_int_equal(outlet_untold(fixture->outlet), 1);
	assert_int_equal(outlet_lost(fixture->outlet), 4);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(read_lines(reader, &bytes), 0);
	close(reader);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void socket_is_connected_to_again(void **state)
{
	struct fixture *fixture = *state;
	char target[128];
	struct error error;
	size_t bytes = 0;
	bool is_new = true;

	snprintf(target, sizeof(target), "unix:%s", fixture->path);
	assert_int_equal(outlet_open(&fixture->outlet, target, OUTLET_APPEND, &error), -ENOENT);
	assert_non_null(strstr(error.text, fixture->path));
	assert_int_equal(outlet_open(&fixture->outlet, target, OUTLET_PERSIST, &error), 0);
	assert_int_equal(outlet_connect(fixture->outlet, &is_new), -ENOENT);
	assert_false(is_new);
	for (int i = 0; i < 2; i++) {
		int listener = listen_at(fixture->path), reader;

		assert_int_equal(outlet_connect(fixture->outlet, &is_new), 0);
		assert_true(is_new);
		assert_int_equal(outlet_connect(fixture->outlet, &is_new), 0);
		assert_false(is_new);
		assert_int_equal(put(fixture, 10), 0);
		assert_int_equal(outlet_flush(fixture->outlet), 0);
		reader = accept(listener, NULL, NULL);
		assert_int_equal(read_lines(reader, &bytes), 1);
		close(reader);
		close(listener);
		assert_int_equal(put(fixture, 10), 0);
		assert_int_equal(outlet_flush(fixture->outlet), -EPIPE);
		assert_int_equal(outlet_connect(fixture->outlet, &is_new), -ECONNREFUSED);
		unlink(fixture->path);
	}
	assert_int_equal(outlet_lost(fixture->outlet), 2);
}

static void stalled_socket_has_whole_lines(void **state)
{
	struct fixture *fixture = *state;
	int listener = listen_at(fixture->path), reader;
	char target[128];
	struct error error;
	size_t bytes = 0;
	uint64_t n_read;

	snprintf(target, sizeof(target), "unix:%s", fixture->path);
	assert_int_equal(outlet_open(&fixture->outlet, target, OUTLET_PERSIST, &error), 0);
	reader = accept(listener, NULL, NULL);
	for (int i = 0; i < 3000; i++)
		put(fixture, 1500);
	assert_int_equal(outlet_drain(fixture->outlet, 10), -EAGAIN);
	n_read = read_lines(reader, &bytes);
	assert_in_range(n_read, 10, 2000);
	assert_int_equal(n_read + outlet_lost(fixture->outlet), 3000);
	close(reader);
	close(listener);
}

static void long_lines_go_in_pieces(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	size_t bytes = 0;
	int reader;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(outlet_open(&fixture->outlet, fixture->path, OUTLET_PERSIST, &error), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(put(fixture, 3000 + 4000 * i), 0);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	assert_int_equal(read_lines(reader, &bytes), 4);
	assert_int_equal(bytes, 4 * 3000 + 6 * 4000 + 4);
	close(reader);
}

static void file_is_begun_anew_after_a_rename(void **state)
{
	struct fixture *fixture = *state;
	char rotated[128];
	struct error error;
	struct stat status;
	bool is_new;

	snprintf(rotated, sizeof(rotated), "%s.1", fixture->path);
	assert_int_equal(outlet_open(&fixture->outlet, fixture->path, OUTLET_PERSIST, &error), 0);
	put(fixture, 99);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	assert_int_equal(rename(fixture->path, rotated), 0);
	put(fixture, 99);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	assert_int_equal(outlet_reopen(fixture->outlet, &is_new), 0);
	assert_true(is_new);
	put(fixture, 49);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	assert_int_equal(stat(rotated, &status), 0);
	assert_int_equal(status.st_size, 200);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_size, 50);
	unlink(rotated);

	/* Its place is gone: the old file stays. */
	unlink(fixture->path);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_int_equal(outlet_reopen(fixture->outlet, &is_new), -EISDIR);
	assert_false(is_new);
	put(fixture, 49);
	assert_int_equal(outlet_flush(fixture->outlet), 0);
	rmdir(fixture->path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(line_without_one_of_its_parts_is_dropped),
		TEST(stalled_pipe_loses_whole_lines),
		TEST(drain_gives_up_on_a_reader_that_does_not_read),
		TEST(losses_are_in_the_next_line_that_gets_through),
		TEST(socket_is_connected_to_again),
		TEST(stalled_socket_has_whole_lines),
		TEST(long_lines_go_in_pieces),
		TEST(file_is_begun_anew_after_a_rename),
	};

	return cmocka_run_group_tests_name("outlet", tests, NULL, NULL);
}
