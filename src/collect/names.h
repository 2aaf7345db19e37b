/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of mappings and cgroups, as the kernel side sent them: id -> text. The texts are in a
 * struct strings, which keeps them within its budget. Names are in generations, of which the
 * current and the former one are kept. The kernel side sends a name again if it was sent in a
 * former generation: so the names of rows that are about to be read are always there.
 */
#ifndef FAULTMAP_NAMES_H
#define FAULTMAP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "model/strings.h"

struct names;

/* The most names of a generation: as many as there can be new rows between two ticks. The last
 * quarter is for root. */
#define NAMES_MAX 65536
/* After this many names a new generation begins. */
#define NAMES_TURN_AT 8192

/* The texts go to `strings`, which has to live longer. NULL when out of memory. */
struct names *names_new(struct strings *strings);
void names_free(struct names *names);

/* Takes in a record of `size` bytes from the ring; a text that came before is replaced. 0, also
 * where there is no room, -EBADMSG when it is malformed, -ENOMEM. */
int names_add(struct names *names, const struct name_record *record, size_t size);
/* For after all rows were read: begins the next generation if this one is large enough, and drops
 * the oldest. Returns the number of the current one, which the kernel side has to be told. */
uint32_t names_turn(struct names *names);
/* The same however large this one is. */
uint32_t names_turn_now(struct names *names);
/* The number of the current one. */
uint32_t names_generation(const struct names *names);

/* The path of a cgroup: "/" for the root, "/system.slice/cron.service", "" of one that is not below
 * the root that faultmap sees, or where it has not arrived (*ret_known is false then). NULL: no
 * memory. */
const char *names_of_cgroup(const struct names *names, uint64_t name_id, bool *ret_known);
/* The path of a program's file, or a command line, words with blanks between. One of the strings;
 * NULL: not known, or not any more. */
const char *names_of_program(const struct names *names, uint64_t name_id);
/*
 * The name of a mapping of this user's as users see it: "[heap]", "[anon:NAME]", a path,
 * "[unnamed]" where the name has not arrived (*ret_known is false then). One of the strings; NULL:
 * no memory.
 */
const char *names_of_mapping(const struct names *names, enum mapping_class class, uint64_t name_id,
			     uint32_t uid, bool *ret_known);

#endif
