/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of metrics for the textfile collector of node_exporter, which may read it at any time:
 * each version is written to another file, which is then renamed to it.
 */
#ifndef FAULTMAP_TEXTFILE_H
#define FAULTMAP_TEXTFILE_H

#include "base/error.h"
#include "model/guard_fault.h"

/* Whether a collector would read a file of this name. 0 or -EINVAL with the error set. */
int textfile_check(const char *path, struct error *error);
/* 0 or a negative errno with the error set; what was there stays then. */
int textfile_write(const char *path, const char *name, const struct guard_totals *totals,
		   struct timespec since, struct error *error);

#endif
