/* SPDX-License-Identifier: GPL-2.0-only */
/* Prose below and above tables: lines that are wider than the terminal go on in the next one. */
#ifndef FAULTMAP_WRAPPED_H
#define FAULTMAP_WRAPPED_H

#include <stdio.h>

/* Where nothing says how wide the output is. */
#define WRAPPED_WIDTH 80

struct wrapped {
	FILE *lines; /* to print to */
	char *text;
	size_t size;
};

/* 0, or -ENOMEM. Whatever comes of it, wrapped_end() is called. */
int wrapped_begin(struct wrapped *wrapped);
/* Prints what was printed to `lines`, in lines of at most `width` columns (0: as they are), but for
 * words that are wider themselves. What goes on is two columns further in. 0, or -ENOMEM. */
int wrapped_end(struct wrapped *wrapped, unsigned int width, FILE *stream);

#endif
