/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call path of one fault, from a copy of its stack that was unwound, as frame pointers did not
 * give it. Rows count the faults of the instruction exactly; the sampled paths say how to
 * distribute these faults over call paths.
 */
#ifndef FAULTMAP_SAMPLED_PATH_H
#define FAULTMAP_SAMPLED_PATH_H

#include <stdint.h>

#include "model/context.h"

struct sampled_path {
	uint64_t start_ns; /* of the process */
	uint32_t tgid;
	const char *mapping; /* that it faulted in: one of the strings, held */
	uint64_t row_stack;  /* stack_id of the fault's row, as frame pointers tell; 0: not known */
	struct context *context; /* held; the first place is the instruction */
};

#endif
