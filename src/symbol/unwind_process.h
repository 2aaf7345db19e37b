/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes as libdwfl sees them, in the process that unwinds; nobody else includes it but its fuzz
 * target. */
#ifndef FAULTMAP_UNWIND_PROCESS_H
#define FAULTMAP_UNWIND_PROCESS_H

#include <libelf.h>

#include "symbol/unwind_queue.h"

/* A file of code. */
struct unwind_file {
	uint32_t number;
	int fd;
	Elf *elf;        /* NULL: not opened yet */
	bool is_foreign; /* no ELF file of this machine */
};

struct unwind_files {
	struct unwind_file *list;
	size_t count;
};

struct unwind_processes;

/* The files are borrowed; more may come. NULL when out of memory. */
struct unwind_processes *unwind_processes_new(struct unwind_files *files);
/* NULL is fine. The files stay. */
void unwind_processes_free(struct unwind_processes *processes);
/* The call path of one stack: the instruction at least. */
void unwind_stack(struct unwind_processes *processes, const struct queue_slot *slot,
		  struct unwind_answer *ret_answer);

#endif
