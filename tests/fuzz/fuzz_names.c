// SPDX-License-Identifier: GPL-2.0-only
/* A record of the ring. The ring says its size, which may differ from the size that the record claims. */
#include "fuzz.h"

#include "collect/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strings *strings = strings_new();
	struct names *names = names_new(strings);
	/* Aligned, and no longer than what the ring gave. */
	struct name_record *record = malloc(size ? size : 1);
	bool known;

	FUZZ_ASSERT(strings && names && record);
	if (size)
		memcpy(record, data, size);
	if (!names_add(names, record, size)) {
		for (int class = 0; class <= MAPPING_CLASS_COUNT; class ++) {
			const char *text = names_of_mapping(names, class, record->id, 1000, &known);

			FUZZ_ASSERT(text && strlen(text) < NAME_MAX_BYTES + 2 * NAME_COMPONENT_MAX);
		}
	}
	free(record);
	names_free(names);
	strings_free(strings);
	return 0;
}
