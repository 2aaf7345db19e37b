/* SPDX-License-Identifier: GPL-2.0-only */
/* What the unwinder and its process share; nobody else includes it. */
#ifndef FAULTMAP_UNWIND_QUEUE_H
#define FAULTMAP_UNWIND_QUEUE_H

#include <stdatomic.h>

#include "base/unwind.h"

/* Stacks that wait: as many as come at once from the kernel. */
#define QUEUE_SLOTS 512
#define NO_FILE UINT32_MAX
/* Of an answer that is none: the process has begun, and knows no file yet. */
#define NUMBER_OF_START UINT64_MAX

struct queue_area {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint32_t file; /* as the message of its descriptor numbered it; NO_FILE */
	uint32_t pad;
};

struct queue_slot {
	uint64_t number;
	uint64_t areas_id;
	uint32_t tgid;
	uint32_t n_areas;
	uint32_t n_registers;
	uint32_t stack_size;
	uint64_t stack_start;
	uint64_t registers[UNWIND_REGISTERS_MAX];
	struct queue_area areas[UNWIND_AREAS_MAX];
	uint8_t stack[UNWIND_STACK_MAX];
};

/* One writes, the other reads; both only count up. */
struct unwind_queue {
	_Atomic uint64_t written;
	_Atomic uint64_t read;
	struct queue_slot slots[QUEUE_SLOTS];
};

/* A message to the process: of a file's number, with its descriptor; or NO_FILE, to wake it. */
struct unwind_message {
	uint32_t file;
};

/* The process, from its start to its end, with its end of the socket. */
_Noreturn void unwind_worker(struct unwind_queue *queue, int socket);

#endif
