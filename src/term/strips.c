// SPDX-License-Identifier: GPL-2.0-only
#include "term/strips.h"

#include <string.h>

#include "base/util.h"

void strip_heat(char text[CELL_LEN], const struct line *line, const struct column_context *context)
{
	static const char *const shades[] = { "·", "░", "▒", "▓", "█" };
	static const char *const plain[] = { ".", "-", "+", "*", "#" };
	double most = 0;

	*text = '\0';
	for (size_t i = 0; line->heat && i < HEAT_CELLS; i++)
		most = line->heat[i] > most ? line->heat[i] : most;
	for (size_t i = 0; line->heat && i < HEAT_CELLS; i++) {
		size_t shade = line->heat[i] > 0 ? 1 + (size_t)(line->heat[i] * 3 / most + 0.5) : 0;

		strcat(text, context->ascii ? plain[shade] : shades[shade]);
	}
}

/* A minute of half seconds; each takes up to 3 bytes. */
#define TIME_CELLS 120

/* How many digits a count has in base 2: rare long stalls are seen beside many short ones. */
static unsigned int magnitude(int64_t count)
{
	unsigned int digits = 0;

	for (; count > 0; count /= 2)
		digits++;
	return digits;
}

static unsigned int most_in_time(const struct trend *trend, size_t cells)
{
	unsigned int most = 0;

	for (size_t back = 0; back < cells; back++)
		for (unsigned int bucket = 0; bucket <= LATENCY_BUCKETS; bucket++)
			most = (unsigned int)max_of(most,
						    magnitude(trend_latency(trend, bucket, back)));
	return most;
}

void strip_time(char text[CELL_LEN], const struct line *line, const struct column_context *context)
{
	static const char *const shades[] = { "·", "░", "▒", "▓", "█" };
	static const char *const plain[] = { ".", "-", "+", "*", "#" };
	size_t cells = (size_t)min_of(context->width, TIME_CELLS);
	unsigned int most = context->trend ? most_in_time(context->trend, cells) : 0;

	*text = '\0';
	for (size_t i = 0; most && i < cells; i++) {
		int64_t count = trend_latency(context->trend, line->bucket, cells - 1 - i);
		size_t shade = count > 0 ? 1 + (magnitude(count) * 6 / most + 1) / 2 : 0;

		strcat(text, count < 0 ? " " : context->ascii ? plain[shade] : shades[shade]);
	}
}
