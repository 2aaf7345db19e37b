/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that unwind the stacks that --stacks copies, and that find debug information. */
#ifndef FAULTMAP_UNWINDING_H
#define FAULTMAP_UNWINDING_H

#include "cmd/privileges.h"
#include "cmd/watch.h"
#include "symbol/build_ids.h"
#include "symbol/debug_files.h"
#include "symbol/unwinder.h"

/* If the flags ask for it: makes it, before the collector, and says so in the collector's options.
 * `user`: whom the process becomes; NULL: the default of --user. Where it cannot be made, there is a
 * warning and the command goes on without. To be freed with unwinder_free() after the collector. */
void unwinding_open(struct unwinder **ret_unwinder, const struct watch_options *watch,
		    const struct privileges_user *user, const struct option_list *disabled,
		    struct collector_options *options);

/* The same for the build ids of files of code. To be freed with build_ids_free() after the
 * collector and the sinks. */
void build_ids_open(struct build_ids **ret_build_ids, const struct watch_options *watch,
		    struct collector_options *options);

/* Where to look for debug information: here, and at the servers of --debuginfod (NULL: none). If
 * they cannot be asked there is a warning. `disabled` is borrowed. */
struct debug_files_options debug_files_of(const char *servers, const struct option_list *disabled);

/* The flag, of the commands that name code. */
#define DEBUGINFOD_OPTION(config, member)                                                        \
	{                                                                                        \
		.name = "debuginfod", .argument = "URL",                                         \
		.help = "ask this debuginfod server for debug information of code that has\n"    \
			"none here, and so for the names of functions and lines; several URLs\n" \
			"separated by blanks (default: no server is asked)",                     \
		.type = OPTION_STRING, .offset = offsetof(config, member),                       \
		.check = debug_files_check                                                       \
	}

#endif
