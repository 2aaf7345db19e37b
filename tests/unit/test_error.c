// SPDX-License-Identifier: GPL-2.0-only
/* error_set, and what log.c makes of a text on stderr. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"

static void set_formats_and_negates(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(error_set(&error, ENOENT, "cannot open %s: %d", "x", 7), -ENOENT);
	assert_string_equal(error.text, "cannot open x: 7");
}

static void set_cuts_at_the_buffer(void **state)
{
	struct error error;
	char text[2 * sizeof(error.text)];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(error_set(&error, E2BIG, "%s", text), -E2BIG);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
	assert_memory_equal(error.text, text, sizeof(error.text) - 1);
}

static void set_without_error_gives_the_number(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, EPERM, "%s", "nobody reads this"), -EPERM);
}

/* What was written to stderr since capture_start. */
struct capture {
	int saved_fd;
	int read_fd;
};

static void capture_start(struct capture *capture)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	capture->saved_fd = dup(STDERR_FILENO);
	assert_true(capture->saved_fd >= 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	capture->read_fd = fds[0];
}

static void capture_end(struct capture *capture, char *text, size_t size)
{
	ssize_t n = read(capture->read_fd, text, size - 1);

	dup2(capture->saved_fd, STDERR_FILENO);
	close(capture->saved_fd);
	close(capture->read_fd);
	text[n > 0 ? n : 0] = '\0';
}

static void log_prefixes_and_ends_lines(void **state)
{
	struct capture capture;
	char text[256];

	(void)state;
	capture_start(&capture);
	log_error("cannot do %d", 1);
	log_warning("no %s", "perf events");
	capture_end(&capture, text, sizeof(text));
	assert_string_equal(text, "faultmap: cannot do 1\nfaultmap: warning: no perf events\n");
}

static void log_keeps_a_message_on_one_line(void **state)
{
	struct capture capture;
	char text[256];

	(void)state;
	capture_start(&capture);
	log_error("cannot open a\nfaultmap: all is well\x1b[31m\x7f\n");
	capture_end(&capture, text, sizeof(text));
	assert_string_equal(text, "faultmap: cannot open a?faultmap: all is well?[31m?\n");
}

static void log_drops_what_is_above_the_level(void **state)
{
	struct capture capture;
	char text[256];

	(void)state;
	assert_int_equal(log_get_level(), LOG_LEVEL_WARNING);
	capture_start(&capture);
	log_info("not at the start");
	log_set_level(LOG_LEVEL_INFO);
	log_info("at -v");
	log_debug("not at -v");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("at -v -v\n\tin two lines\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("not when only errors count");
	log_set_level(LOG_LEVEL_WARNING);
	capture_end(&capture, text, sizeof(text));
	assert_string_equal(text, "faultmap: at -v\nfaultmap: at -v -v\n\tin two lines\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_formats_and_negates),
		cmocka_unit_test(set_cuts_at_the_buffer),
		cmocka_unit_test(set_without_error_gives_the_number),
		cmocka_unit_test(log_prefixes_and_ends_lines),
		cmocka_unit_test(log_keeps_a_message_on_one_line),
		cmocka_unit_test(log_drops_what_is_above_the_level),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
