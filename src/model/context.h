/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who executed what when faults came, of rows that are counted apart by it: the thread (--threads),
 * the instruction (--code). Equal contexts are one, which everything that refers to it holds
  * (context_hold). It is freed with the last reference, and so are its texts.
 */
#ifndef FAULTMAP_CONTEXT_H
#define FAULTMAP_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

/* A place in a program. */
struct code_place {
	const char *file; /* "/usr/lib/libc.so.6", "[vdso]", "[anon]": code that is in no file */
	uint64_t offset;  /* in the file; the address where it is none */
	bool in_file;
	/* Of the file, in hex; NULL: not known. Lives as long as who set it: it is not held. */
	const char *build_id;
};

struct context {
	uint64_t id; /* first: the key */
	size_t holders;
	bool has_thread;
	bool has_code;
	bool has_stack;    /* the places behind the first are its callers, where their calls end */
	bool is_whole;     /* up to the thread's start, as far as frame pointers tell */
	uint64_t stack_id; /* a hash of the places, even if there is only one, and of `kernel` */
	uint32_t tid;
	char thread[COMM_LEN]; /* raw bytes, NUL-terminated */
	/* What the kernel was at for this code, the place where it faulted first: names of
	 * functions, which live as long as who set them: they are not held. To be freed as a list. */
	const char **kernel;
	size_t n_kernel;
	size_t n_places; /* the first is the instruction */
	struct code_place places[];
};

/* A new context with room for n_places, all zero, held once. NULL when out of memory. */
struct context *context_new(size_t n_places);
/* Sets the place and holds its text, which is one of struct strings. */
void context_set_place(struct context *context, size_t number, struct code_place place);
/* Sets the kernel's part. Copies the list. 0 or -ENOMEM. */
int context_set_kernel(struct context *context, const char *const *names, size_t count);
/* Sets stack_id, once all places and the kernel's part are set. */
void context_set_stack_id(struct context *context);
/* Both accept NULL. */
struct context *context_hold(struct context *context);
void context_drop(struct context *context);

#endif
