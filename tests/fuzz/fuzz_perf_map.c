// SPDX-License-Identifier: GPL-2.0-only
/* Names of code in a file as just-in-time compilers write it: anybody may write one. */
#include "fuzz.h"

#include "symbol/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_map *map = perf_map_parse((const char *)data, size);

	for (uint64_t address = 0; map && address < 1 << 16; address += 0x123)
		perf_map_find(map, address);
	perf_map_free(map);
	return 0;
}
