// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <nss.h>
#endif

#include "cmd/cmd.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/text.h"
#include "base/util.h"
#include "base/version.h"

static const struct command *const commands[] = {
	&cmd_run,     &cmd_top,   &cmd_log,    &cmd_stacks, &cmd_report,
	&cmd_explain, &cmd_guard, &cmd_daemon, &cmd_check,
};

/* Fits a screen of 24 lines and 80 columns. */
static void print_usage(FILE *stream)
{
	fprintf(stream,
		"Usage: faultmap COMMAND [ARG...]\n"
		"       faultmap help [COMMAND] | version\n"
		"\n"
		"A system-wide page-fault profiler: who faults, where, and what kind of fault.\n"
		"\n"
		"Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stream, "  %-8s %s\n", commands[i]->spec->name, commands[i]->spec->summary);
	fprintf(stream,
		"\n"
		"Begin with:\n"
		"  faultmap top --once              who faults now\n"
		"  faultmap run -- COMMAND          where this command faults\n"
		"  faultmap run -p PID -d 10        where this process faults, for ten seconds\n"
		"  faultmap check                   what works on this machine\n"
		"\n"
		"`faultmap help COMMAND` explains a command and its flags.\n");
}

/*
 * If the parent has closed 0, 1 or 2, a BPF map or a socket would get that number, and our text
 * would be written to it. Opens /dev/null there: read-only, so that writing is still an error, and
 * CLOEXEC, so that the command of `run` finds it closed as we did.
 */
static void claim_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY | O_CLOEXEC) != fd)
			return; /* no /dev/null: go on as we are */
	}
}

/* Output that could not be written is a failure, unless the command has already reported one. */
static int check_stdout(int status)
{
	bool failed;

	if (status != EXIT_DONE)
		return status;
	errno = 0;
	failed = fflush(stdout) != 0;
	if (!failed && !ferror(stdout))
		return status;
	if (failed && errno == EPIPE) /* `faultmap help top | head`: the reader left early */
		return status;
	log_error("cannot write to standard output: %s",
		  failed && errno ? strerror(errno) : "an earlier write failed");
	return EXIT_FAILED;
}

static int fail_usage(const char *what, const char *argument)
{
	struct nearest nearest = {};
	char shown[128];

	text_escape_to(shown, sizeof(shown), argument);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		nearest_try(&nearest, argument, commands[i]->spec->name);
	nearest_try(&nearest, argument, "help");
	nearest_try(&nearest, argument, "version");
	if (nearest.word)
		log_error("unknown %s \"%s\"; did you mean %s? see faultmap --help", what, shown,
			  nearest.word);
	else
		log_error("unknown %s \"%s\"; see faultmap --help", what, shown);
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i]->spec->name))
			return commands[i];
	return NULL;
}

static bool is_word(const char *argument, const char *word, const char *flag, const char *letter)
{
	return !strcmp(argument, word) || !strcmp(argument, flag) || !strcmp(argument, letter);
}

static int help(const char *name)
{
	const struct command *command = name ? find_command(name) : NULL;

	if (name && !command)
		return fail_usage("command", name);
	if (command)
		options_print_help(command->spec, stdout);
	else
		print_usage(stdout);
	return EXIT_DONE;
}

static int dispatch(int argc, char *argv[])
{
	const struct command *command;

	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (is_word(argv[1], "help", "--help", "-h"))
		return help(argc > 2 ? argv[2] : NULL);
	if (is_word(argv[1], "version", "--version", "-V")) {
		printf("faultmap %s\n", FAULTMAP_VERSION);
		return EXIT_DONE;
	}
	command = find_command(argv[1]);
	if (command)
		return command->main(argc - 1, argv + 1);
	return fail_usage(argv[1][0] == '-' ? "flag" : "command", argv[1]);
}

/* A static binary would load the system's NSS modules into its own libc, which is another
 * version's. What libc has built in does: a name that only a directory server knows shows as its
 * number. */
static void use_passwd_files(void)
{
#if defined(STATIC_BUILD) && defined(__GLIBC__)
	__nss_configure_lookup("passwd", "files");
	__nss_configure_lookup("group", "files");
#endif
}

int main(int argc, char *argv[])
{
	use_passwd_files();
	claim_standard_fds();
	signal(SIGPIPE, SIG_IGN); /* a reader that left is a write error */
	signal(SIGXFSZ, SIG_IGN); /* likewise a file at its size limit */
	signal(SIGCHLD, SIG_DFL); /* a parent may have left it ignored: then wait() finds nobody */
	return check_stdout(dispatch(argc, argv));
}
