/* SPDX-License-Identifier: GPL-2.0-only */
/* A set of texts: equal ones share one copy, so that they can be told apart by their address. */
#ifndef FAULTMAP_INTERNED_H
#define FAULTMAP_INTERNED_H

/* All zero: empty. Owns its copies. */
struct interned {
	void *tree; /* tsearch(3) */
};

/* The copy of this text; NULL: there is none. */
const char *interned_find(const struct interned *set, const char *text);
/* The copy of this text, made if need be; NULL: out of memory. */
const char *interned_add(struct interned *set, const char *text);
/* Frees all copies. */
void interned_clear(struct interned *set);

#endif
