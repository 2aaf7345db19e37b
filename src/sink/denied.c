// SPDX-License-Identifier: GPL-2.0-only
#include "sink/denied.h"

#include "base/text.h"
#include "model/kinds.h"

void denied_print(const struct tally *total, FILE *stream)
{
	static const char *const why[KIND_COUNT] = {
		[KIND_DENIED_UNMAPPED] = "SIGSEGV or EFAULT, no mapping at the address",
		[KIND_DENIED_ACCESS] = "SIGSEGV or EFAULT, the mapping does not allow it",
		[KIND_DENIED_PKEY] = "SIGSEGV or EFAULT, a protection key forbids it",
		[KIND_DENIED_BUS] = "SIGBUS or EFAULT, no page there (beyond the end of a file)",
	};
	char count[TEXT_COUNT_LEN];

	for (unsigned int kind = KIND_FIRST_DENIED; kind < KIND_COUNT; kind++)
		if (total->by_kind[kind])
			fprintf(stream, "denied: %s %s: %s\n",
				text_count(count, total->by_kind[kind]), kind_name(kind),
				why[kind]);
}
