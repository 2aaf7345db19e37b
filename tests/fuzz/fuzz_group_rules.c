// SPDX-License-Identifier: GPL-2.0-only
/* The file of --group-rules, and the groups that its rules make of a text. */
#include "fuzz.h"

#include "metrics/group_rules.h"

static const char *text_of(void *context, enum rule_field field, char buffer[RULE_TEXT_LEN])
{
	(void)field;
	(void)buffer;
	return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	const char *path = fuzz_file(data, size);
	struct group_rules *rules;
	struct error error = {};
	char name[32];
	int result = group_rules_read(&rules, path, &error);

	FUZZ_ASSERT(!result || error.text[0]);
	memset(name, 0xa5, sizeof(name));
	if (!result) {
		if (group_rules_match(rules, text_of, text, name, sizeof(name)))
			FUZZ_ASSERT(memchr(name, 0, sizeof(name)) && name[0]);
		group_rules_free(rules);
	}
	free(text);
	return 0;
}
