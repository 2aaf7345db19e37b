/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Out of memory: each scenario runs once for each of its allocations, which fails. One of our own
 * code has to be told, unless the module does without; one of a library may be (stdio goes on
 * without a buffer). Nothing may be left allocated in either case. A test that includes this has
 * its malloc() replaced.
 */
#ifndef FAULTMAP_TEST_FAILING_MALLOC_H
#define FAULTMAP_TEST_FAILING_MALLOC_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* No scenario comes near; one that never ends does not hang the test. */
#define MOST_ALLOCATIONS 20000

/* glibc's own, which the ones below replace for the whole program. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

/* Of this program, from the linker. */
extern const char __executable_start, etext;

enum whose { OURS, EVERYBODYS };

static bool is_armed;
static enum whose victims;
static atomic_bool has_failed;
static atomic_size_t n_left; /* allocations until the one that fails; while armed */
static atomic_long n_live;   /* allocated since then and not freed; login.c has a thread */

static bool fails(const void *caller)
{
	bool is_ours = (const char *)caller >= &__executable_start && (const char *)caller < &etext;

	if (!is_armed || has_failed || (victims == OURS && !is_ours) || --n_left)
		return false;
	has_failed = true;
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory)
{
	if (is_armed && memory)
		n_live++;
	return memory;
}

#ifndef __SANITIZE_ADDRESS__ /* it has its own */
void *malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : counted(__libc_calloc(n, size));
}

void *realloc(void *old, size_t size)
{
	/* What shrinks does not fail. */
	bool shrinks = old && malloc_usable_size(old) >= size;

	if (!shrinks && fails(__builtin_return_address(0)))
		return NULL;
	return old ? __libc_realloc(old, size) : counted(__libc_realloc(NULL, size));
}

char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy;

	if (fails(__builtin_return_address(0)))
		return NULL;
	copy = counted(__libc_malloc(size));
	return copy ? memcpy(copy, text, size) : NULL;
}

void free(void *memory)
{
	if (is_armed && memory)
		n_live--;
	__libc_free(memory);
}
#endif

/* 0, or a negative errno: what the module answered. */
typedef int (*scenario_fn)(void);

/* Fails each of these allocations of the scenario in turn. Returns how many they are. `tells`: each
 * of them must be answered with -ENOMEM; else it may go on without. */
static size_t fail_each(scenario_fn scenario, enum whose whose, bool tells)
{
	size_t n = 0;
	int result;

	assert_int_equal(scenario(), 0); /* what libraries keep for ever is there now */
	victims = whose;
	do {
		n_left = ++n;
		n_live = 0;
		has_failed = false;
		is_armed = true;
		result = scenario();
		is_armed = false;
		if (n_live)
			fail_msg("allocation %zu failed: %ld are left", n, n_live);
		if (has_failed && tells && result != -ENOMEM)
			fail_msg("allocation %zu failed: the answer is %d", n, result);
		if (result && result != -ENOMEM)
			fail_msg("allocation %zu: the answer is %d", n, result);
	} while (has_failed && n < MOST_ALLOCATIONS);
	assert_int_equal(result, 0);
	assert_false(has_failed);
	return n - 1;
}

#define TELLS(module)                                                       \
	static void module##_tells(void **state)                            \
	{                                                                   \
		(void)state;                                                \
		assert_true(fail_each(module##_scenario, OURS, true) >= 1); \
		fail_each(module##_scenario, EVERYBODYS, false);            \
	}
#define DOES_WITHOUT(module)                                                 \
	static void module##_does_without(void **state)                      \
	{                                                                    \
		(void)state;                                                 \
		assert_true(fail_each(module##_scenario, OURS, false) >= 1); \
	}

/* For main(): cmocka's, unless no allocation can fail. */
#ifdef __SANITIZE_ADDRESS__
#define RUN_NOMEM_TESTS(name, tests) \
	((void)(tests), puts("1..1\nok 1 - " name " # SKIP AddressSanitizer has its own malloc"), 0)
#else
#define RUN_NOMEM_TESTS(name, tests) cmocka_run_group_tests_name(name, tests, NULL, NULL)
#endif

#endif
