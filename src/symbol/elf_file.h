/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions and source lines of an ELF file, by elfutils. Such files are not trusted: this is only
  * called in helper processes, which may crash.
 */
#ifndef FAULTMAP_ELF_FILE_H
#define FAULTMAP_ELF_FILE_H

#include <stddef.h>
#include <stdint.h>

struct elf_file;

/* What is at an offset in the file. */
struct elf_place {
	const char *function; /* demangled; NULL: no symbol's size reaches there */
	const char *source;   /* NULL: no debug information; else the last part of its path */
	unsigned int line;
};

struct debug_files;

/* The descriptor stays the caller's. `debug` is asked where the file has no debug information of its
 * own; NULL: nobody is. NULL: no ELF file, or no memory. */
struct elf_file *elf_file_open(int fd, struct debug_files *debug);
void elf_file_close(struct elf_file *file);
/* Texts live until the next call. */
struct elf_place elf_file_find(struct elf_file *file, uint64_t offset);

#endif
