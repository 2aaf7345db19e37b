/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts that come from outside (paths, cgroups), each kept once, within a budget of bytes of which
 * no user gets all: whoever runs programs chooses what their files are called. While a user has
 * used less than three quarters of his share, texts are kept whole; then only short ones are, and
 * of longer ones what tells most; and when the share is used up, "..." stands for all that are new.
 * Each that was cut is counted.
 */
#ifndef FAULTMAP_STRINGS_H
#define FAULTMAP_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strings;

/* With their share of malloc() and of the tree that finds them. Root has most of them: the system
 * runs as root, and who is root need not be kept from using memory. */
#define STRINGS_BYTES (8 << 20)
#define STRINGS_BYTES_ROOT (6 << 20)
#define STRINGS_BYTES_USER (3 << 19)
/* Of such a number: the part in which all texts are whole. */
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

/* How often a text was cut, here or by who made it and says so. */
uint64_t strings_cut(const struct strings *strings);
void strings_count_cut(struct strings *strings);
/* What they take. */
size_t strings_bytes(const struct strings *strings);

#endif
