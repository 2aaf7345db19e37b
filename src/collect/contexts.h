/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contexts of rows as the kernel side sent them: id -> who executed what. In generations, of
 * which the current one and the one before are kept: the same as of names (names.h), which their
 * texts are taken from as they come.
 */
#ifndef FAULTMAP_CONTEXTS_H
#define FAULTMAP_CONTEXTS_H

#include "base/build_id_source.h"
#include "collect/kernel_names.h"
#include "collect/names.h"
#include "model/context.h"

struct contexts;

/* The most contexts of a generation: some 8 MiB. */
#define CONTEXTS_MAX 65536
/* After this many contexts a new generation begins. */
#define CONTEXTS_TURN_AT 16384

/* All are borrowed and have to live longer, as every context of theirs; build_ids may be NULL. NULL
 * when out of memory. */
struct contexts *contexts_new(const struct names *names, struct kernel_names *kernel_names,
			      const struct build_id_source *build_ids);
/* Of the place's file, as the process sees it; NULL: not known, or not asked for. */
const char *contexts_build_id(const struct contexts *contexts, const struct code_place *place,
			      uint32_t tgid);
void contexts_free(struct contexts *contexts);

/* Takes in a record of `size` bytes from the ring. 0, also where there is no room, -EBADMSG when it
 * is malformed, -ENOMEM. */
int contexts_add(struct contexts *contexts, const struct context_record *record, size_t size);
/* The same for the kernel's part of a context that came before; ignores it if that did not. */
int contexts_add_kernel(struct contexts *contexts, const struct kernel_path_record *record,
			size_t size);
/* NULL: it has not come. The caller holds it to keep it. */
struct context *contexts_find(const struct contexts *contexts, uint64_t id);
/* Whether the next generation should begin. */
bool contexts_want_turn(const struct contexts *contexts);
/* Begins generation `number`, unless it is the current one, and drops the oldest. */
void contexts_turn(struct contexts *contexts, uint32_t number);

#endif
