/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What regcomp() takes, but neither compiling nor matching ends soon. glibc copies what is repeated,
 * and goes through all ways to match nothing: `((a*)*){20}` would take years.
 */
#ifndef FAULTMAP_GROUP_REGEX_H
#define FAULTMAP_GROUP_REGEX_H

#include "base/error.h"

/*
 * Whether a POSIX extended regex of less than 1024 bytes compiles within 50 ms and matches a text of
 * 1 KiB within as many. 0, or -EINVAL with the error saying what there is too much of. What is no
 * regex at all may pass: regcomp() tells that.
 */
int group_regex_check(const char *regex, struct error *error);

#endif
