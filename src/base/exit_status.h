/* SPDX-License-Identifier: GPL-2.0-only */
/* The exit statuses that the commands share. */
#ifndef FAULTMAP_EXIT_STATUS_H
#define FAULTMAP_EXIT_STATUS_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_OVER_BUDGET = 3,      /* `run --budget`: it is broken */
	EXIT_CANNOT_RUN = 77,      /* this kernel, machine or privilege cannot do it at all */
	EXIT_NOT_EXECUTABLE = 126, /* `run`: as a shell does */
	EXIT_NOT_FOUND = 127,
};

#endif
