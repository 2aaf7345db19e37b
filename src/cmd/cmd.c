// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/cmd.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/* The longest help, and all that check says, have half of it. */
#define STDOUT_SIZE 32768

/* Until the program ends: stdout's buffer. */
static char stdout_buffer[STDOUT_SIZE];

/* libbpf uses most of the stack: with 64 KiB most commands ended by SIGSEGV, with 96 none. */
#define LEAST_STACK (256 * 1024)

static enum log_level level_of(unsigned int verbose)
{
	unsigned int most = LOG_LEVEL_DEBUG - LOG_LEVEL_WARNING;

	return LOG_LEVEL_WARNING + (verbose < most ? verbose : most);
}

void cmd_set_verbosity(unsigned int verbose)
{
	log_set_level(level_of(verbose));
}

void cmd_buffer_stdout(void)
{
	setvbuf(stdout, stdout_buffer, _IOFBF, sizeof(stdout_buffer));
}

int cmd_write_stdout(const char *text, size_t size)
{
	int failure;

	errno = 0;
	if (fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0)
		return EXIT_DONE;
	failure = errno;
	__fpurge(stdout);
	clearerr(stdout);
	if (failure == EPIPE)
		return EXIT_DONE;
	log_error("cannot write to standard output: %s", strerror(failure));
	return EXIT_FAILED;
}

/* Prints a message if the stack is small: a program that runs out of it just ends by SIGSEGV. */
static bool has_stack(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur >= LEAST_STACK)
		return true;
	log_error("the stack may have %llu KiB, and faultmap may need %d: raise the limit "
		  "(ulimit -s, LimitSTACK= in a unit)",
		  (unsigned long long)limit.rlim_cur / 1024, LEAST_STACK / 1024);
	return false;
}

bool cmd_begin(const struct command *command, void *config, int argc, char *argv[],
	       int *ret_operand, int *ret_status)
{
	const struct common_options *common = config;
	struct error error;

	if (options_parse(command->spec, config, argc, argv, ret_operand, &error) < 0) {
		log_error("%s", error.text);
		*ret_status = EXIT_USAGE;
		return false;
	}
	cmd_set_verbosity(common->verbose);
	if (common->help) {
		cmd_buffer_stdout();
		options_print_help(command->spec, stdout);
		*ret_status = EXIT_DONE;
		return false;
	}
	if (!has_stack()) {
		*ret_status = EXIT_FAILED;
		return false;
	}
	return true;
}

int cmd_status_of(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
	case -ENOTSUP: /* EOPNOTSUPP is the same number on Linux */
	case -ENOSYS:
		return EXIT_CANNOT_RUN;
	default:
		return EXIT_FAILED;
	}
}

unsigned int cmd_terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long width;

	if (!isatty(fd))
		return 0;
	width = columns ? strtol(columns, NULL, 10) : 0;
	if (width > 0 && width <= UINT16_MAX)
		return (unsigned int)width;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
