/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A copy of a thread's registers and stack, and the call path that is made of it: the interface of
  * collect/, which has the copies, and symbol/, which unwinds them.
 */
#ifndef FAULTMAP_UNWIND_H
#define FAULTMAP_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNWIND_AREAS_MAX 256
#define UNWIND_REGISTERS_MAX 33
#define UNWIND_STACK_MAX 16384
#define UNWIND_FRAMES_MAX 64

/* Where the process has code mapped. */
struct unwind_area {
	uint64_t start;
	uint64_t end;
	uint64_t offset;  /* of start in the file */
	const char *file; /* as the process sees it; NULL: in no file */
};

struct unwind_request {
	uint64_t number;   /* the answer has it */
	uint64_t areas_id; /* the same as long as the areas are */
	uint32_t tgid;     /* may have ended */
	const struct unwind_area *areas;
	size_t n_areas;
	const uint64_t
		*registers; /* as DWARF numbers them; the last is the instruction's address */
	size_t n_registers;
	const uint8_t *stack;
	size_t stack_size;
	uint64_t stack_start; /* address of its first byte */
};

struct unwind_answer {
	uint64_t number;
	bool is_whole; /* up to where the thread began */
	size_t n_frames;
	/* The instruction; then where its callers' calls end, less 1. */
	uint64_t addresses[UNWIND_FRAMES_MAX];
};

/* Who unwinds. */
struct unwinding {
	/* Takes a copy of it. 0, or a negative errno: it is lost. Never waits. */
	int (*ask)(void *context, const struct unwind_request *request);
	/* The next answer, in the order of the questions, some of which may have none; false: there
	 * is none yet. Never waits. */
	bool (*answer)(void *context, struct unwind_answer *ret_answer);
	void *context;
};

#endif
