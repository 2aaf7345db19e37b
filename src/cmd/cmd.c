// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/cmd.h"

#include <errno.h>

#include "base/log.h"

static enum log_level level_of(unsigned int verbose)
{
	unsigned int most = LOG_LEVEL_DEBUG - LOG_LEVEL_WARNING;

	return LOG_LEVEL_WARNING + (verbose < most ? verbose : most);
}

void cmd_set_verbosity(unsigned int verbose)
{
	log_set_level(level_of(verbose));
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
		options_print_help(command->spec, stdout);
		*ret_status = EXIT_DONE;
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
