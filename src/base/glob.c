// SPDX-License-Identifier: GPL-2.0-only
#include "base/glob.h"

#include <stddef.h>

/* After a mismatch only the last * can take one byte more: no recursion, no long backtracking. */
bool glob_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = text;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
