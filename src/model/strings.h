/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts that come from outside (paths, cgroups), each kept once, within a budget of bytes. No user
 * gets the whole budget, as every user may choose names of files. Until a user has used three
 * quarters of the share, texts are kept whole; then long ones are cut to their most telling end;
 * and when the share is used up, each new text is "...". Each text that was cut is counted.
 */
#ifndef FAULTMAP_STRINGS_H
#define FAULTMAP_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strings;

/* The budget, which includes the overhead of malloc() and of the tree that finds texts. Root has
 * the largest share: the system runs as root, and root need not be kept from using memory. */
#define STRINGS_BYTES (8 << 20)
#define STRINGS_BYTES_ROOT (6 << 20)
#define STRINGS_BYTES_USER (3 << 19)
/* The part of a share in which texts are kept whole. */
#define STRINGS_WHOLE(bytes) ((bytes) / 4 * 3)
/* What is left of a text that is cut, its NUL included. */
#define STRINGS_SHORT 64

/* Which end of a text tells most: the last component of a path, the first ones of a cgroup. */
enum strings_end { STRINGS_LAST, STRINGS_FIRST };

/* NULL when out of memory. */
struct strings *strings_new(void);
void strings_free(struct strings *strings);

/* A copy of the text; equal texts share one. Stays until a sweep finds it neither marked nor held.
 * NULL: no memory. */
const char *strings_get(struct strings *strings, const char *text);
/* The same within the budget and the user's share: maybe cut. */
const char *strings_get_for(struct strings *strings, const char *text, uint32_t uid,
			    enum strings_end end);
/* For what strings_get*() gave: keeps it through sweeps, as often as it is held. */
void strings_hold(const char *text);
void strings_drop(const char *text);

/* Whether enough has come since the last sweep to be worth one, or it was asked for. */
bool strings_want_sweep(const struct strings *strings);
void strings_ask_sweep(struct strings *strings);
/* To be kept by the sweep that comes next. */
void strings_mark(const char *text);
/* Frees what is neither marked nor held, and takes the marks away. Returns how many bytes. */
size_t strings_sweep(struct strings *strings);

/* How many texts were cut, here or before they came here. */
uint64_t strings_cut(const struct strings *strings);
void strings_count_cut(struct strings *strings);
/* What they take. */
size_t strings_bytes(const struct strings *strings);

#endif
