/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A configuration file in INI's form: KEY = VALUE a line, where the keys are a command's long flags
 * without dashes (options.h), a list's key as often as wanted, ; and # begin comments, no sections.
 * The values that config borrows live as long as the struct config_file.
 */
#ifndef FAULTMAP_CONFIG_FILE_H
#define FAULTMAP_CONFIG_FILE_H

#include "base/error.h"
#include "base/options.h"

struct config_file;

/* Sets in config what the file says. 0, -EINVAL with the error naming file, line and reason, or
 * another negative errno: it cannot be read (-ENOENT: not there). */
int config_file_read(struct config_file **ret_file, const char *path,
		     const struct command_spec *command, void *config, struct error *error);
/* NULL is fine. */
void config_file_free(struct config_file *file);

#endif
