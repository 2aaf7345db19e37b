/* SPDX-License-Identifier: GPL-2.0-only */
/* Where this program's own code is in its file. */
#ifndef FAULTMAP_TEST_OWN_CODE_H
#define FAULTMAP_TEST_OWN_CODE_H

#include <link.h>

/* Of an address of this program: its offset in the file. */
static int find_offset(struct dl_phdr_info *info, size_t size, void *context)
{
	uint64_t *address = context;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_LOAD && *address >= start &&
		    *address < start + header->p_filesz) {
			*address = *address - start + header->p_offset;
			return 1;
		}
	}
	return 0;
}

static uint64_t offset_of(uint64_t address)
{
	assert_int_equal(dl_iterate_phdr(find_offset, &address), 1);
	return address;
}

#endif
