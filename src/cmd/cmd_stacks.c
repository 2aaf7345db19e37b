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
		"A line for each function: the faults of its own instructions, and with CALLERS those\n"
		"of what it called besides. WHERE is its source line, or its file; MOSTLY the kind and\n"
		"mapping that it faulted in most. Instructions are exact for every program. Callers are\n"
		"found by frame pointers; where these lack, some stacks are copied and unwound, and the\n"
		"call paths found so share the faults out. The last lines say how much of the faults has\n"
		"whole stacks, and how much is shared out. A name counts only within its function's\n"
		"size: what is in none is file+offset.\n"
		"\n"
		"Without COMMAND it attaches, until -d SECONDS are over, at Ctrl-C, or when all of --pid\n"
		"have ended. With --folded, --pprof and --flame, - is standard output. The exit status is\n"
		"as of faultmap run.",
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
