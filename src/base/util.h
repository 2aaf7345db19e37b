/* SPDX-License-Identifier: GPL-2.0-only */
/* Cleanup attributes and the few helpers that every module needs. */
#ifndef FAULTMAP_UTIL_H
#define FAULTMAP_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Built with ASan, whose runtime makes system calls of all sorts. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

/* Owning locals: `autofree char *text = ...;`, `autoclose int fd = ...;`, `autofclose FILE *f`. */
static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **stream)
{
	if (*stream)
		fclose(*stream);
}

#define autofree __attribute__((cleanup(cleanup_free)))
#define autoclose __attribute__((cleanup(cleanup_close)))
#define autofclose __attribute__((cleanup(cleanup_fclose)))

/* Takes the value out of an owning local so that its cleanup has nothing to do. */
#define TAKE_PTR(pointer)                           \
	({                                          \
		typeof(pointer) taken_ = (pointer); \
		(pointer) = NULL;                   \
		taken_;                             \
	})
#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

static inline uint64_t max_of(uint64_t left, uint64_t right)
{
	return left > right ? left : right;
}

static inline uint64_t min_of(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

/* For the comparisons of qsort(3): what is smaller comes first. */
static inline int compare_u64(uint64_t left, uint64_t right)
{
	return (left > right) - (left < right);
}

/* For qsort(3) and tsearch(3) of texts. */
static inline int compare_texts(const void *left, const void *right)
{
	return strcmp(left, right);
}

static inline uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The clock of births and ends of processes: it goes on while the machine sleeps. */
static inline uint64_t boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

#endif
