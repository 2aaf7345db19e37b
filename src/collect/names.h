/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of mappings, as the kernel side sent them: id -> text. Owns the texts. Bounded: when full it
 * forgets the older half, and the caller makes the kernel side send that again. The younger half stays, since
 * rows that are about to be read need it.
 */
#ifndef FAULTMAP_NAMES_H
#define FAULTMAP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct names;

/* NULL when out of memory. */
struct names *names_new(void);
void names_free(struct names *names);

/* Takes in a record of `size` bytes from the ring. 0, -EBADMSG when it is malformed, -ENOMEM,
 * -ENOSPC when there is no room: names_forget() and have them sent again. */
int names_add(struct names *names, const struct name_record *record, size_t size);
/* Drops the names that were there at the last call, calling back with each id before; there is room then. */
void names_forget(struct names *names, void (*forget)(void *context, uint64_t id), void *context);

#define NAMES_TEXT_MAX (NAME_MAX_BYTES + 2 * NAME_COMPONENT_MAX)
/*
 * The name of a mapping as users see it, into buffer (returned): "[heap]", "[anon:NAME]", a path,
 * "[unnamed]" where the name has not arrived (*ret_known, may be NULL, is false then).
 */
const char *names_of_mapping(const struct names *names, enum mapping_class class, uint64_t name_id,
			     char buffer[NAMES_TEXT_MAX], bool *ret_known);

#endif
