// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include "model/unit_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = fuzz_text(data, size);
	struct unit_name name;

	memset(&name, 0xa5, sizeof(name));
	unit_name_of(&name, path);
	FUZZ_ASSERT(memchr(name.name, 0, sizeof(name.name)) && name.name[0]);
	FUZZ_ASSERT(memchr(name.container_id, 0, sizeof(name.container_id)));
	FUZZ_ASSERT(memchr(name.pod_uid, 0, sizeof(name.pod_uid)));
	FUZZ_ASSERT(name.runtime || !name.container_id[0]);
	free(path);
	return 0;
}
