// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include "base/statm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	uint64_t vsz = 1, rss = 1;

	/* In pages of one byte, what was not read stays. */
	if (statm_parse(text, 1, &vsz, &rss))
		FUZZ_ASSERT(vsz == 1 && rss == 1);
	else
		FUZZ_ASSERT(vsz > 0);
	free(text);
	return 0;
}
