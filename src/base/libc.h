// SPDX-License-Identifier: GPL-2.0-only
#ifndef BASE_LIBC_H
#define BASE_LIBC_H

/*
 * What glibc has and musl, the C library of Alpine, lacks: with musl a number takes the place of a
 * name, and the heap is left to its allocator, which has no settings.
 */

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* "EPERM" of an errno; NULL where it has no name here. */
static inline const char *libc_error_name(int errnum)
{
#ifdef __GLIBC__
	return strerrorname_np(errnum);
#else
	(void)errnum;
	return NULL;
#endif
}

/* "SIGSEGV", or "SIG11" where it has no name here. Returns the buffer. */
static inline const char *libc_signal_name(int number, char buffer[16])
{
#ifdef __GLIBC__
	const char *name = sigabbrev_np(number);

	if (name) {
		snprintf(buffer, 16, "SIG%s", name);
		return buffer;
	}
#endif
	snprintf(buffer, 16, "SIG%d", number);
	return buffer;
}

/* A block of this size has a mapping of its own: pages of it that nobody touches take no memory, and
 * all of it goes back when it is freed. */
#define LIBC_LARGE_BYTES (128 << 10)
/* So much may stay free at the heap's end. */
#define LIBC_KEPT_BYTES (256 << 10)

/*
 * For a process that runs for long: all its threads allocate from one heap, which gives memory back.
 * To be called before the first of them starts. Both sizes are glibc's own at first; unless they are
 * set they grow to 5 and 11 MiB as soon as the kernel's types have been freed, which libbpf reads.
 */
static inline void libc_keep_heap_small(void)
{
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LIBC_LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, LIBC_KEPT_BYTES);
#endif
}

/* Whether the heap holds more free bytes than that; where nobody can tell, no. */
static inline bool libc_heap_has_free(size_t bytes)
{
#ifdef __GLIBC__
	return mallinfo2().fordblks > bytes;
#else
	(void)bytes;
	return false;
#endif
}

/* Gives the heap's free pages to the kernel. It takes some 10 ms. */
static inline void libc_trim_heap(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

#endif
