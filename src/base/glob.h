/* SPDX-License-Identifier: GPL-2.0-only */
/* Patterns for names that have brackets of their own ([heap]), which fnmatch(3) takes for sets. */
#ifndef FAULTMAP_GLOB_H
#define FAULTMAP_GLOB_H

#include <stdbool.h>

/* The whole text matches: * is any number of bytes, ? any one, all else is itself. */
bool glob_matches(const char *pattern, const char *text);

#endif
