/* SPDX-License-Identifier: GPL-2.0-only */
/* The subcommands as main.c sees them, and what they share. */
#ifndef FAULTMAP_CMD_H
#define FAULTMAP_CMD_H

#include "base/exit_status.h"
#include "base/options.h"

struct command {
	const struct command_spec *spec;
	/* argv[0] is the subcommand; returns the exit status */
	int (*main)(int argc, char *argv[]);
};

extern const struct command cmd_run;
extern const struct command cmd_top;
extern const struct command cmd_log;
extern const struct command cmd_daemon;
extern const struct command cmd_report;
extern const struct command cmd_explain;
extern const struct command cmd_guard;
extern const struct command cmd_check;
extern const struct command cmd_stacks;

/*
 * What every command does first: parses its flags into config (which starts with struct
 * common_options), sets the log level, answers --help. True when the command shall go on;
 * otherwise *ret_status is the exit status to leave with.
 */
bool cmd_begin(const struct command *command, void *config, int argc, char *argv[],
	       int *ret_operand, int *ret_status);

/* Output of a few KiB is written all at once, so that what fails is told with its reason. */
void cmd_buffer_stdout(void);

/*
 * Writes the text to standard output; the exit status. A reader that left early, as in
 * `report | head`, is no failure.
 */
int cmd_write_stdout(const char *text, size_t size);

/* The log level for a number of -v flags. */
void cmd_set_verbosity(unsigned int verbose);

/* Columns of the terminal that fd is, or COLUMNS says; 0 where it is none. */
unsigned int cmd_terminal_width(int fd);

/* The exit status for a collector error: 77 where this machine cannot run it, else 1. */
int cmd_status_of(int error);

#endif
