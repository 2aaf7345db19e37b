// SPDX-License-Identifier: GPL-2.0-only
#include "base/nearest.h"

#include <string.h>

#include "base/util.h"

/* Commands and flags are shorter. */
#define LONGEST 31

/* The Levenshtein distance; both are at most LONGEST bytes. */
static size_t distance_of(const char *left, const char *right)
{
	size_t length = strlen(right), row[LONGEST + 1];

	for (size_t i = 0; i <= length; i++)
		row[i] = i;
	for (size_t at = 0; left[at]; at++) {
		size_t corner = row[0];

		row[0] = at + 1;
		for (size_t i = 0; i < length; i++) {
			size_t changed = corner + (left[at] != right[i]);

			corner = row[i + 1];
			row[i + 1] = min_of(min_of(row[i], corner) + 1, changed);
		}
	}
	return row[length];
}

void nearest_try(struct nearest *nearest, const char *word, const char *candidate)
{
	size_t length = strlen(word), letters = strlen(candidate);
	size_t most = letters < 4 ? 1 : max_of(letters / 3, 2), distance;

	if (!length || length > LONGEST || letters > LONGEST)
		return;
	distance = strncmp(word, candidate, length) ? distance_of(word, candidate) : 1;
	if (distance > most || (nearest->word && distance >= nearest->distance))
		return;
	*nearest = (struct nearest){ .word = candidate, .distance = distance };
}
