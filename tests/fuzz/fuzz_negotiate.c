// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include "serve/negotiate.h"

static const char *const types[] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
	"text/html",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *header = fuzz_text(data, size);
	int type = negotiate_type(header, types, 3);
	enum coding coding = negotiate_coding(header);

	FUZZ_ASSERT(type >= -1 && type < 3);
	FUZZ_ASSERT(coding == CODING_IDENTITY || coding == CODING_GZIP || coding == CODING_NONE);
	/* Fewer to choose from: what is left is chosen, or nothing. */
	if (type == 0)
		FUZZ_ASSERT(negotiate_type(header, types, 1) == 0);
	free(header);
	return 0;
}
