/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patterns for names of mappings, units and programs. They have brackets and backslashes of their
 * own ([heap], system-getty.slice/dev\x2dsda.service), which fnmatch(3) takes for sets and escapes,
 * and no flag of it turns off sets. Without these it says the same: tests/unit/test_glob.c.
 */
#ifndef FAULTMAP_GLOB_H
#define FAULTMAP_GLOB_H

#include <stdbool.h>

/* The whole text matches: * is any number of bytes, ? any one, all else is itself. */
bool glob_matches(const char *pattern, const char *text);

#endif
