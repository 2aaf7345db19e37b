// SPDX-License-Identifier: GPL-2.0-only
/* The build id of an untrusted ELF file, which faultmap reads in its own process. */
#include "fuzz.h"

#include "symbol/build_ids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	char text[BUILD_ID_LEN];

	FUZZ_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (build_id_read(fd, text)) {
		size_t length = strspn(text, "0123456789abcdef");

		FUZZ_ASSERT(length && length % 2 == 0 && length < BUILD_ID_LEN && !text[length]);
	}
	close(fd);
	return 0;
}
