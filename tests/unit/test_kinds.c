// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every enum value of bpf/abi.h has a word of its own, fit for a Prometheus label and a JSON key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/kinds.h"

static const char *name_of_kind(unsigned int value)
{
	return kind_name((enum fault_kind)value);
}

static const char *name_of_access(unsigned int value)
{
	return access_name((enum fault_access)value);
}

static const char *name_of_mode(unsigned int value)
{
	return mode_name((enum fault_mode)value);
}

static void assert_distinct_words(const char *(*name)(unsigned int), unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		assert_true(strlen(name(i)) > 0);
		assert_int_equal(strspn(name(i), "abcdefghijklmnopqrstuvwxyz_"), strlen(name(i)));
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(name(i), name(j));
	}
	assert_string_equal(name(count), "unknown");
	assert_string_equal(name(UINT32_MAX), "unknown");
}

static void every_value_has_its_own_word(void **state)
{
	(void)state;
	assert_distinct_words(name_of_kind, KIND_COUNT);
	assert_distinct_words(name_of_access, ACCESS_COUNT);
	assert_distinct_words(name_of_mode, MODE_COUNT);
}

static void only_unknown_is_called_unknown(void **state)
{
	(void)state;
	assert_string_equal(kind_name(KIND_UNKNOWN), "unknown");
	assert_string_equal(access_name(ACCESS_UNKNOWN), "unknown");
}

/* Words that dashboards and scripts rely on: a change of them is a change of schema. */
static void words_are_those_of_the_schema(void **state)
{
	(void)state;
	assert_string_equal(kind_name(KIND_DEMAND_ZERO), "demand_zero");
	assert_string_equal(kind_name(KIND_COW), "cow");
	assert_string_equal(kind_name(KIND_FILE_MAP), "file_map");
	assert_string_equal(kind_name(KIND_STACK_GROWTH), "stack_growth");
	assert_string_equal(kind_name(KIND_DENIED_UNMAPPED), "denied_unmapped");
	assert_string_equal(access_name(ACCESS_READ), "read");
	assert_string_equal(access_name(ACCESS_WRITE), "write");
	assert_string_equal(access_name(ACCESS_EXEC), "exec");
	assert_string_equal(mode_name(MODE_USER), "user");
	assert_string_equal(mode_name(MODE_KERNEL), "kernel");
}

static void denied_is_what_its_name_says(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KIND_COUNT; i++) {
		enum fault_kind kind = (enum fault_kind)i;

		assert_int_equal(kind >= KIND_FIRST_DENIED,
				 strncmp(kind_name(kind), "denied_", strlen("denied_")) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_own_word),
		cmocka_unit_test(only_unknown_is_called_unknown),
		cmocka_unit_test(words_are_those_of_the_schema),
		cmocka_unit_test(denied_is_what_its_name_says),
	};

	return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
