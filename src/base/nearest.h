/* SPDX-License-Identifier: GPL-2.0-only */
/* What somebody who mistyped a word may have meant. */
#ifndef FAULTMAP_NEAREST_H
#define FAULTMAP_NEAREST_H

#include <stddef.h>

/* The best match so far. All zero: none. */
struct nearest {
	const char *word; /* borrowed; NULL: nothing is near */
	size_t distance;
};

/* Takes `candidate` if `word` is its beginning, or if the two differ by few letters and by fewer
 * than the best match so far. Few is one of three letters, two of up to eight, then a third. A
 * letter that is left out, added or changed counts one, and so do two that changed places. */
void nearest_try(struct nearest *nearest, const char *word, const char *candidate);

#endif
