/* SPDX-License-Identifier: GPL-2.0-only */
#include "losses.h"

#include "text.h"
#include "util.h"

void losses_print(const struct totals *totals, const char *label, FILE *stream)
{
	const struct {
		const char *what;
		uint64_t count;
	} losses[] = {
		{ "aborted", totals->aborted },
		{ "without an exception (GUP)", totals->gup },
		{ "completions lost", totals->lost_completions },
		{ "in \"other\" rows (map full)", totals->map_full },
		{ "without a mapping", totals->unresolved },
		{ "names lost", totals->names_lost },
		{ "exits lost", totals->exits_lost },
	};
	bool is_first = true;
	char text[TEXT_COUNT_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		if (!losses[i].count)
			continue;
		fprintf(stream, "%s%s %s", is_first ? label : ", ",
			text_count(text, losses[i].count), losses[i].what);
		is_first = false;
	}
	if (!is_first)
		fputc('\n', stream);
}
