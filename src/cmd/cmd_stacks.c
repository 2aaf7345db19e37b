// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap stacks`: which code faults. As `run --stacks`, with its table of functions alone. */
#include "cmd/run.h"

#include "base/util.h"

static const struct option_spec stacks_options[] = {
	STACK_OPTIONS(struct run_config, stacks),
	STACK_SAMPLES_OPTION(struct run_config, watch),
	{ .name = "all",
	  .help = "show every function, not only the 20 that faulted most",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_config, table.all) },
	RUN_OPTIONS,
	WATCH_OPTIONS(struct run_config, watch, "full"),
	COMMON_OPTIONS(struct run_config, common),
};

static const struct command_spec stacks_spec = {
	.name = "stacks",
	.synopsis = "[options] -- COMMAND [ARG...] | -p PID[,PID...] | --unit UNIT ... | -a",
	.summary = "show which code faults, and who called it",
	.details =
		"Prints a line for each function: the faults of its own instructions, and under CALLERS\n"
		"these and the faults of what it called. WHERE is its source line, or its file; MOSTLY is\n"
		"the kind and mapping that it faulted in most. Instructions are exact for every program.\n"
		"Callers are found by frame pointers. Code without frame pointers has some of its stacks\n"
		"copied and unwound, and its faults are distributed over the call paths found there. The\n"
		"last lines say how many of the faults have whole stacks, and how many were distributed.\n"
		"An address outside of every known function is shown as file+offset.\n"
		"\n"
		"Without COMMAND it attaches to running processes until -d SECONDS are over, Ctrl-C is\n"
		"pressed, or all processes of --pid have ended. With --folded, --pprof and --flame, - is\n"
		"standard output. The exit status is that of `faultmap run`.",
	.options = stacks_options,
	.n_options = ARRAY_SIZE(stacks_options),
};

static int main_of_stacks(int argc, char *argv[])
{
	struct run_config config = { .watch = { .detail = DETAIL_FULL,
						.code = true,
						.stacks = true,
						.stack_samples = STACK_SAMPLES_DEFAULT },
				     .table = TABLE_DEFAULTS,
				     .only_code = true };

	return run_main(&cmd_stacks, &config, argc, argv);
}

const struct command cmd_stacks = { .spec = &stacks_spec, .main = main_of_stacks };
