// SPDX-License-Identifier: GPL-2.0-only
/* A record of the ring, whose size is what the ring says: more or less than the record itself does. */
#include "fuzz.h"

#include "collect/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names *names = names_new();
	/* Aligned, and no longer than what the ring gave. */
	struct name_record *record = malloc(size ? size : 1);
	char text[NAMES_TEXT_MAX];
	bool known;

	FUZZ_ASSERT(names && record);
	if (size)
		memcpy(record, data, size);
	if (!names_add(names, record, size)) {
		for (int class = 0; class <= MAPPING_CLASS_COUNT; class ++) {
			names_of_mapping(names, class, record->id, text, &known);
			FUZZ_ASSERT(strlen(text) < NAMES_TEXT_MAX);
		}
	}
	free(record);
	names_free(names);
	return 0;
}
