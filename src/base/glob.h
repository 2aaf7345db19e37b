/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patterns for names of mappings, units and programs. Such names contain brackets and backslashes
 * ([heap], system-getty.slice/dev\x2dsda.service), which fnmatch(3) takes for sets and escapes; it
 * has no flag that turns off sets. Without these both match the same: tests/unit/test_glob.c.
 */
#ifndef FAULTMAP_GLOB_H
#define FAULTMAP_GLOB_H

#include <stdbool.h>

/* True if the whole text matches: * is any number of bytes, ? any one byte, all else is itself. */
bool glob_matches(const char *pattern, const char *text);

#endif
