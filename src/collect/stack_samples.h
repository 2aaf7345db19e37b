/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passes copies of stacks from the kernel side to the unwinder, and the call paths that come back
 * to the snapshot. Records of where a process has code mapped come before its first stack, and
 * again in each generation of names (names.h).
 */
#ifndef FAULTMAP_STACK_SAMPLES_H
#define FAULTMAP_STACK_SAMPLES_H

#include "base/unwind.h"
#include "collect/contexts.h"
#include "model/snapshot.h"

struct stack_samples;

/* All are borrowed and have to live longer. `drain` takes in names that are on their way. NULL when
 * out of memory. */
struct stack_samples *stack_samples_new(const struct unwinding *unwinding,
					const struct names *names, const struct contexts *contexts,
					int (*drain)(void *context), void *context);
void stack_samples_free(struct stack_samples *samples);

/* Take in a record of `size` bytes from the ring. 0, -EBADMSG when it is malformed, -ENOMEM. */
int stack_samples_add_area(struct stack_samples *samples, const struct code_area_record *record,
			   size_t size);
int stack_samples_add_stack(struct stack_samples *samples, const struct stack_sample_record *record,
			    size_t size);
/* Adds the call paths that have come back to the snapshot. 0 or -ENOMEM. */
int stack_samples_take(struct stack_samples *samples, struct snapshot *snapshot);
/* Stacks that are being unwound. */
size_t stack_samples_pending(const struct stack_samples *samples);
/* Begins a new generation: areas of the one before the last are forgotten. */
void stack_samples_turn(struct stack_samples *samples, uint32_t number);
/* Stacks whose call path is known, and that were lost on the way. */
uint64_t stack_samples_unwound(const struct stack_samples *samples);
uint64_t stack_samples_lost(const struct stack_samples *samples);

#endif
