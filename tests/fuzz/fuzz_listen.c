// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include <sys/un.h>

#include "serve/listen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct listen_address address = { 0 };
	struct error error = { "" };

	if (listen_parse(text, &address, &error)) {
		FUZZ_ASSERT(strlen(error.text) > 0);
	} else {
		FUZZ_ASSERT(!strcmp(address.text, text));
		FUZZ_ASSERT(address.length <= sizeof(address.address));
		FUZZ_ASSERT(address.length || !strcmp(text, "fd://"));
	}
	free(text);
	return 0;
}
