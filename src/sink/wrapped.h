/* SPDX-License-Identifier: GPL-2.0-only */
/* Prose below and above tables: wraps lines that are wider than the terminal. */
#ifndef FAULTMAP_WRAPPED_H
#define FAULTMAP_WRAPPED_H

#include <stdio.h>

/* If the width of the output is not known. */
#define WRAPPED_WIDTH 80

struct wrapped {
	FILE *lines; /* to print to */
	char *text;
	size_t size;
};

/* 0, or -ENOMEM. wrapped_end() must be called in either case. */
int wrapped_begin(struct wrapped *wrapped);
/* Prints what was printed to `lines`, in lines of at most `width` columns (0: unchanged); only a single
 * word may be wider. Continued lines are indented by two more columns. 0, or -ENOMEM. */
int wrapped_end(struct wrapped *wrapped, unsigned int width, FILE *stream);

#endif
