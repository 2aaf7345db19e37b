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

/* Takes `candidate` if `word` is its beginning, or it differs by few of its letters (one of
 * three, two of up to eight, then a third; one left out, put in or changed is one, as two are that
 * changed places), and by less than what was found before. */
void nearest_try(struct nearest *nearest, const char *word, const char *candidate);

#endif
