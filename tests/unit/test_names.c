// SPDX-License-Identifier: GPL-2.0-only
/* Names of mappings from records made by hand, as name_step() in bpf/name.bpf.h makes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collect/names.h"

#define ID 42
/* More than names.c keeps; the test of the full table would not end without a bound. */
#define MORE_THAN_FITS 1000000

static struct name_record record; /* too large for the stack */

static int set_up(void **state)
{
	*state = names_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	names_free(*state);
	return 0;
}

/* A record of these components, from the leaf to the root; returns its size. */
static size_t make(uint64_t id, uint32_t flags, const char *const *components)
{
	memset(&record, 0x55, sizeof(record));
	record.record.type = RECORD_NAME;
	record.id = id;
	record.flags = flags;
	record.length = 0;
	for (; *components; components++) {
		strcpy(record.text + record.length, *components);
		record.length += strlen(*components) + 1;
	}
	record.record.size = NAME_HEADER_SIZE + record.length;
	return record.record.size;
}

#define MAKE(id, flags, ...) make(id, flags, (const char *const[]){ __VA_ARGS__, NULL })

/* What a mapping of this class is called when its name is this record. */
static void assert_named(void **state, size_t size, enum mapping_class class, const char *want)
{
	char buffer[NAMES_TEXT_MAX];
	uint64_t id = record.id;
	bool known = false;

	assert_int_equal(names_add(*state, &record, size), 0);
	memset(&record, 0x55, sizeof(record)); /* the ring reuses it */
	assert_string_equal(names_of_mapping(*state, class, id, buffer, &known), want);
	assert_true(known);
}

static void path_is_joined_from_the_root(void **state)
{
	assert_named(state, MAKE(1, NAME_PATH, "libc.so.6", "lib", "usr"), MAPPING_FILE,
		     "/usr/lib/libc.so.6");
	assert_named(state, MAKE(2, NAME_PATH, "init"), MAPPING_FILE, "/init");
	assert_named(state, MAKE(3, NAME_PATH, "a \xff\n", "b"), MAPPING_FILE, "/b/a \xff\n");
	assert_named(state, MAKE(4, NAME_PATH, "null", "dev"), MAPPING_DEVICE, "/dev/null");
}

static void deleted_file_says_so(void **state)
{
	assert_named(state, MAKE(1, NAME_PATH | NAME_DELETED, "data", "tmp"), MAPPING_FILE,
		     "/tmp/data (deleted)");
}

static void cut_path_says_so(void **state)
{
	assert_named(state, MAKE(1, NAME_PATH | NAME_CUT, "leaf", "near"), MAPPING_FILE,
		     ".../near/leaf");
	assert_named(state, MAKE(2, NAME_PATH | NAME_CUT | NAME_DELETED, "leaf", "near"),
		     MAPPING_FILE, ".../near/leaf (deleted)");
}

/* As many components as fit, each as long as can be: nothing is written behind the buffers. */
static void longest_path_fits(void **state)
{
	char component[NAME_COMPONENT_MAX], buffer[NAMES_TEXT_MAX];
	size_t size, length = 0;

	memset(component, 'x', sizeof(component) - 1);
	component[sizeof(component) - 1] = '\0';
	record = (struct name_record){ .id = ID, .flags = NAME_PATH | NAME_CUT | NAME_DELETED };
	for (; length <= NAME_MAX_BYTES - NAME_COMPONENT_MAX; length += sizeof(component))
		memcpy(record.text + length, component, sizeof(component));
	record.length = length;
	size = NAME_HEADER_SIZE + length;
	assert_int_equal(names_add(*state, &record, size), 0);
	names_of_mapping(*state, MAPPING_FILE, ID, buffer, NULL);
	assert_int_equal(strlen(buffer), strlen(".../") + length - 1 + strlen(" (deleted)"));
	assert_memory_equal(buffer, ".../xxx", 7);
}

static void memory_without_a_directory(void **state)
{
	assert_named(state, MAKE(1, 0, "memfd:jit"), MAPPING_SHMEM, "/memfd:jit");
	assert_named(state, MAKE(2, 0, "SYSV0000002a"), MAPPING_SHMEM, "/SYSV0000002a");
	assert_named(state, MAKE(3, 0, "dev/zero"), MAPPING_SHMEM, "[anon_shmem]");
	assert_named(state, MAKE(4, 0, "anon_hugepage"), MAPPING_HUGETLB, "anon_hugepage");
	assert_named(state, MAKE(5, 0, "[io_uring]"), MAPPING_DEVICE, "anon_inode:[io_uring]");
	assert_named(state, MAKE(6, 0, "[vdso]"), MAPPING_SPECIAL, "[vdso]");
	assert_named(state, MAKE(7, 0, "my arena"), MAPPING_ANON_NAMED, "[anon:my arena]");
	/* A file may be called so too. */
	assert_named(state, MAKE(8, NAME_PATH, "memfd:x", "tmp"), MAPPING_FILE, "/tmp/memfd:x");
}

static void class_alone_names_these(void **state)
{
	static const struct {
		enum mapping_class class;
		const char *name;
	} cases[] = {
		{ MAPPING_UNRESOLVED, "[unresolved]" },
		{ MAPPING_NONE, "[unmapped]" },
		{ MAPPING_ANON, "[anon]" },
		{ MAPPING_HEAP, "[heap]" },
		{ MAPPING_STACK, "[stack]" },
	};
	char buffer[NAMES_TEXT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool known = false;

		assert_string_equal(names_of_mapping(*state, cases[i].class, 0, buffer, &known),
				    cases[i].name);
		assert_true(known);
	}
}

static void name_that_has_not_come_is_unknown(void **state)
{
	char buffer[NAMES_TEXT_MAX];
	bool known = true;

	assert_string_equal(names_of_mapping(*state, MAPPING_FILE, ID, buffer, &known),
			    "[unnamed]");
	assert_false(known);
	known = true;
	names_of_mapping(*state, MAPPING_CLASS_COUNT, 0, buffer, &known);
	assert_string_equal(buffer, "[unnamed]");
	assert_false(known);
	assert_named(state, MAKE(ID, NAME_PATH, "late"), MAPPING_FILE, "/late");
}

/* The kernel side may send a name twice: the first stays. */
static void same_id_twice_is_no_error(void **state)
{
	assert_named(state, MAKE(ID, NAME_PATH, "first"), MAPPING_FILE, "/first");
	assert_named(state, MAKE(ID, NAME_PATH, "second"), MAPPING_FILE, "/first");
}

static void malformed_records_are_refused(void **state)
{
	char buffer[NAMES_TEXT_MAX];
	size_t size = MAKE(ID, NAME_PATH, "leaf", "dir");
	bool known;

	assert_int_equal(names_add(*state, &record, 0), -EBADMSG);
	assert_int_equal(names_add(*state, &record, NAME_HEADER_SIZE - 1), -EBADMSG);
	assert_int_equal(names_add(*state, &record, size - 1), -EBADMSG);
	record.length--; /* no NUL at the end */
	assert_int_equal(names_add(*state, &record, size), -EBADMSG);
	record.length = UINT32_MAX;
	assert_int_equal(names_add(*state, &record, size), -EBADMSG);
	record.length = sizeof(record.text) + 1;
	assert_int_equal(names_add(*state, &record, 2 * sizeof(record)), -EBADMSG);
	names_of_mapping(*state, MAPPING_FILE, ID, buffer, &known);
	assert_false(known);
}

static void empty_components_are_kept(void **state)
{
	assert_named(state, MAKE(1, 0, ""), MAPPING_SHMEM, "");
	assert_named(state, MAKE(2, NAME_PATH, "", "a"), MAPPING_FILE, "/a/");
	assert_named(state, MAKE(3, NAME_PATH, NULL), MAPPING_FILE, "/");
}

static void count_forgotten(void *context, uint64_t id)
{
	uint64_t *sum = context;

	sum[0]++;
	sum[1] += id;
}

static bool is_known(void **state, uint64_t id)
{
	char buffer[NAMES_TEXT_MAX];
	bool known;

	names_of_mapping(*state, MAPPING_FILE, id, buffer, &known);
	return known;
}

/* Names from this id on until there is no room; returns how many. */
static uint64_t fill(void **state, uint64_t id, uint64_t *ret_sum)
{
	size_t size = MAKE(1, NAME_PATH, "leaf", "dir");
	uint64_t count = 0;
	int result = 0;

	for (*ret_sum = 0; count < MORE_THAN_FITS && !result;) {
		record.id = id + count;
		result = names_add(*state, &record, size);
		if (!result) {
			*ret_sum += record.id;
			count++;
		}
	}
	assert_int_equal(result, -ENOSPC);
	return count;
}

static void full_table_is_told_and_forgets_the_older_half(void **state)
{
	uint64_t forgotten[2] = {}, sum, count = fill(state, 1, &sum), other_sum;
	size_t size = MAKE(1, NAME_PATH, "leaf", "dir");

	assert_true(count >= 16384); /* what the kernel side remembers to have sent */
	record.id = 1;               /* what is there needs no room */
	assert_int_equal(names_add(*state, &record, size), 0);

	names_forget(*state, count_forgotten, forgotten);
	assert_int_equal(forgotten[0], 0);
	assert_true(is_known(state, 1));
	assert_int_equal(fill(state, count + 1, &other_sum), count);
	assert_true(is_known(state, 1) && is_known(state, 2 * count));

	names_forget(*state, count_forgotten, forgotten);
	assert_int_equal(forgotten[0], count);
	assert_int_equal(forgotten[1], sum);
	assert_false(is_known(state, 1));
	assert_true(is_known(state, count + 1));
	assert_named(state, MAKE(1, NAME_PATH, "again"), MAPPING_FILE, "/again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(path_is_joined_from_the_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deleted_file_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cut_path_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(longest_path_fits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_without_a_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(class_alone_names_these, set_up, tear_down),
		cmocka_unit_test_setup_teardown(name_that_has_not_come_is_unknown, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(same_id_twice_is_no_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_records_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(empty_components_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_table_is_told_and_forgets_the_older_half,
						set_up, tear_down),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
