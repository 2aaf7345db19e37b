// SPDX-License-Identifier: GPL-2.0-only
#include "base/nearest.h"

#include <string.h>

#include "base/util.h"

/* Commands and flags are shorter. */
#define LONGEST 31

/* The Levenshtein distance, but two letters that changed places count one. Both words have at most
 * LONGEST bytes. */
static size_t distance_of(const char *left, const char *right)
{
	size_t length = strlen(right), rows[3][LONGEST + 1];

	for (size_t i = 0; i <= length; i++)
		rows[0][i] = i;
	for (size_t at = 1; at <= strlen(left); at++) {
		const size_t *before = rows[(at - 1) % 3], *earlier = rows[(at + 1) % 3];
		size_t *row = rows[at % 3];

		row[0] = at;
		for (size_t i = 1; i <= length; i++) {
			row[i] = min_of(min_of(row[i - 1], before[i]) + 1,
					before[i - 1] + (left[at - 1] != right[i - 1]));
			if (at > 1 && i > 1 && left[at - 1] == right[i - 2] &&
			    left[at - 2] == right[i - 1])
				row[i] = min_of(row[i], earlier[i - 2] + 1);
		}
	}
	return rows[strlen(left) % 3][length];
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
