// SPDX-License-Identifier: GPL-2.0-only
/* An untrusted ELF file, as the worker process that finds names reads it. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#ifdef WITHOUT_SYMBOL
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}
#else
#include "symbol/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct elf_file *file;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	file = elf_file_open(fd, NULL);
	for (uint64_t offset = 0; file && offset <= size; offset += 16)
		elf_file_find(file, offset);
	elf_file_close(file);
	close(fd);
	return 0;
}
#endif
