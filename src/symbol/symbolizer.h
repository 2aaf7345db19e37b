/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for code: the function and the source line of an offset in a file. Files are opened when
 * they are first seen, so that a program that is deleted by the end still has names. They are read
 * at the end, in a process of its own with limits of time and memory, as a file may be made to
 * crash its reader: then only its names are lost.
 */
#ifndef FAULTMAP_SYMBOLIZER_H
#define FAULTMAP_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/debug_files.h"

struct symbolizer;

/* Files that are kept open: half of what most systems let a process have. Those beyond are opened
 * when they are read. */
#define SYMBOL_FILES_MAX 512

/* A place, and what is there. */
struct symbol {
	/* The path, as processes see it, or the name that symbolizer_see_map() was given; the
	 * caller's. */
	const char *file;
	uint64_t offset; /* in the file; the address in a map */
	char *function;  /* NULL: not known; else to be freed, as source is */
	char *source;    /* "main.c" */
	unsigned int line;
	bool is_gone; /* there was no such file when it was looked for */
};

/* Whether this faultmap was built with it. */
bool symbolizer_is_built(void);
/* `confine` is called in the helper process, before it reads a file: there it gives up all but
 * reading and opening files; NULL: nothing. NULL when out of memory. */
struct symbolizer *symbolizer_new(void (*confine)(const void *context), const void *context);
/* Where else to look for debug information, which is copied; without this call nowhere. */
void symbolizer_use_debug_files(struct symbolizer *symbolizer,
				const struct debug_files_options *options);
void symbolizer_free(struct symbolizer *symbolizer);
/* Opens the file as the process `tgid` sees it (0: as this one does), if it is not known yet. */
void symbolizer_see(struct symbolizer *symbolizer, const char *file, uint32_t tgid);
/* The same for what a just-in-time compiler in the process says of its code (perf_map.h), in its
 * own root and by its own number; tried again each time until it is there. The name has no
 * slash. */
void symbolizer_see_map(struct symbolizer *symbolizer, const char *name, uint32_t tgid);
/* Finds what it can of all of them, which it sorts by file and offset. */
void symbolizer_find(struct symbolizer *symbolizer, struct symbol *symbols, size_t count);
/* Frees the texts of all. */
void symbols_clear(struct symbol *symbols, size_t count);

#endif
