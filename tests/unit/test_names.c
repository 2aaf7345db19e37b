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
#include "range.h"

#define ID 42
#define USER 1000

static struct name_record record; /* too large for the stack */
static struct strings *strings;

static int set_up(void **state)
{
	strings = strings_new();
	*state = strings ? names_new(strings) : NULL;
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	names_free(*state);
	strings_sweep(strings);
	assert_int_equal(strings_bytes(strings), 0); /* none is held any more */
	strings_free(strings);
	return 0;
}

/* A record of these components, from the leaf to the root; returns its size. */
static size_t make(uint64_t id, uint32_t flags, const char *const *components)
{
	memset(&record, 0x55, sizeof(record));
	record.record.type = RECORD_NAME;
	record.id = id;
	record.flags = flags;
	record.uid = USER;
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
	uint64_t id = record.id;
	bool known = false;

	assert_int_equal(names_add(*state, &record, size), 0);
	memset(&record, 0x55, sizeof(record)); /* the ring reuses it */
	assert_string_equal(names_of_mapping(*state, class, id, USER, &known), want);
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
	char component[NAME_COMPONENT_MAX];
	size_t size, length = 0;
	const char *name;
	bool known;

	memset(component, 'x', sizeof(component) - 1);
	component[sizeof(component) - 1] = '\0';
	record = (struct name_record){ .id = ID, .flags = NAME_PATH | NAME_CUT | NAME_DELETED };
	for (; length <= NAME_MAX_BYTES - NAME_COMPONENT_MAX; length += sizeof(component))
		memcpy(record.text + length, component, sizeof(component));
	record.length = length;
	size = NAME_HEADER_SIZE + length;
	assert_int_equal(names_add(*state, &record, size), 0);
	name = names_of_mapping(*state, MAPPING_FILE, ID, USER, &known);
	assert_int_equal(strlen(name), strlen(".../") + length - 1 + strlen(" (deleted)"));
	assert_memory_equal(name, ".../xxx", 7);
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

static void assert_cgroup(void **state, size_t size, const char *want)
{
	uint64_t id = record.id;
	bool known = true;

	assert_string_equal(names_of_cgroup(*state, id, &known), "");
	assert_false(known);
	assert_int_equal(names_add(*state, &record, size), 0);
	memset(&record, 0x55, sizeof(record)); /* the ring reuses it */
	assert_string_equal(names_of_cgroup(*state, id, &known), want);
	assert_true(known);
}

static void cgroups_are_paths_too(void **state)
{
	assert_cgroup(state, MAKE(1, NAME_CGROUP | NAME_PATH, "cron.service", "system.slice"),
		      "/system.slice/cron.service");
	assert_cgroup(state, MAKE(2, NAME_CGROUP | NAME_PATH, NULL), "/");
	/* Not below the root that faultmap sees: known to be in no path. */
	assert_cgroup(state, MAKE(3, NAME_CGROUP, NULL), "");
}

/* Of a cgroup the first components tell most: the user's own manager, and so the unit. */
static void a_long_cgroup_is_cut_at_its_end(void **state)
{
	static char component[200];

	memset(component, 'x', sizeof(component) - 1);
	for (uint64_t id = 1; id <= STRINGS_BYTES_USER / 200; id++) {
		sprintf(component + 150, "%lu", id);
		assert_int_equal(names_add(*state, &record,
					   MAKE(id, NAME_PATH, component, "other")),
				 0);
	}
	assert_cgroup(state,
		      MAKE(ID + STRINGS_BYTES_USER, NAME_CGROUP | NAME_PATH, component,
			   "user-1000.slice", "user.slice"),
		      "/user.slice/user-1000.slice/...");
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

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool known = false;

		assert_string_equal(names_of_mapping(*state, cases[i].class, 0, USER, &known),
				    cases[i].name);
		assert_true(known);
	}
}

static void name_that_has_not_come_is_unknown(void **state)
{
	bool known = true;

	assert_string_equal(names_of_mapping(*state, MAPPING_FILE, ID, USER, &known), "[unnamed]");
	assert_false(known);
	known = true;
	assert_string_equal(names_of_mapping(*state, MAPPING_CLASS_COUNT, 0, USER, &known),
			    "[unnamed]");
	assert_false(known);
	assert_named(state, MAKE(ID, NAME_PATH, "late"), MAPPING_FILE, "/late");
}

/* The kernel side may send a name twice, the first time cut. */
static void the_later_of_two_is_right(void **state)
{
	assert_named(state, MAKE(ID, NAME_PATH | NAME_CUT, "leaf"), MAPPING_FILE, ".../leaf");
	assert_int_equal(strings_cut(strings), 1);
	assert_named(state, MAKE(ID, NAME_PATH, "leaf", "dir"), MAPPING_FILE, "/dir/leaf");
	assert_int_equal(strings_cut(strings), 1);
}

/* With a blank for each NUL, and none for those at the end; as it was where it was cut. */
static void a_command_line_is_words(void **state)
{
	static const char words[] = "sh\0-c\0a \tb\0\0c\0";
	char longest[NAME_COMMAND_MAX];

	make(ID, NAME_COMMAND, (const char *const[]){ NULL });
	memcpy(record.text, words, sizeof(words));
	record.length = sizeof(words);
	assert_int_equal(names_add(*state, &record, NAME_HEADER_SIZE + record.length), 0);
	assert_string_equal(names_of_program(*state, ID), "sh -c a \tb  c");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(names_add(*state, &record, MAKE(ID + 1, NAME_COMMAND, longest)), 0);
	assert_string_equal(names_of_program(*state, ID + 1), longest);
	assert_null(names_of_program(*state, ID + 2));
	assert_null(names_of_program(*state, 0));
}

static void malformed_records_are_refused(void **state)
{
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
	names_of_mapping(*state, MAPPING_FILE, ID, USER, &known);
	assert_false(known);
}

static void empty_components_are_kept(void **state)
{
	assert_named(state, MAKE(1, 0, ""), MAPPING_SHMEM, "");
	assert_named(state, MAKE(2, NAME_PATH, "", "a"), MAPPING_FILE, "/a/");
	assert_named(state, MAKE(3, NAME_PATH, NULL), MAPPING_FILE, "/");
}

static bool is_known(void **state, uint64_t id)
{
	bool known;

	names_of_mapping(*state, MAPPING_FILE, id, USER, &known);
	return known;
}

/* Adds the names first to first + count - 1 of this user, which are all called alike. */
static void add_many(void **state, uint32_t uid, uint64_t first, uint64_t count)
{
	size_t size = MAKE(1, NAME_PATH, "leaf", "dir");

	record.uid = uid;
	for (record.id = first; record.id < first + count; record.id++)
		assert_int_equal(names_add(*state, &record, size), 0);
}

static uint64_t count_known(void **state, uint64_t first, uint64_t count)
{
	uint64_t known = 0;

	for (uint64_t id = first; id < first + count; id++)
		known += is_known(state, id);
	return known;
}

/* What the kernel side takes for sent (of this generation) is known still at the turn after, when
 * the rows have been read that refer to it. */
static void names_go_by_generations(void **state)
{
	uint32_t generation;

	add_many(state, USER, 1, NAMES_TURN_AT - 1);
	generation = names_turn(*state);
	assert_int_equal(names_turn(*state), generation); /* too few for another one */
	add_many(state, USER, NAMES_TURN_AT, 1);
	assert_int_equal(names_turn(*state), generation + 1);
	assert_int_equal(count_known(state, 1, NAMES_TURN_AT), NAMES_TURN_AT);
	assert_int_equal(names_turn(*state), generation + 1);
	add_many(state, USER, 1 + NAMES_TURN_AT, NAMES_TURN_AT);
	assert_int_equal(count_known(state, 1, 2 * NAMES_TURN_AT), 2 * NAMES_TURN_AT);
	assert_int_equal(names_turn(*state), generation + 2);
	assert_int_equal(count_known(state, 1, NAMES_TURN_AT), 0);
	assert_int_equal(count_known(state, 1 + NAMES_TURN_AT, NAMES_TURN_AT), NAMES_TURN_AT);
	assert_named(state, MAKE(1, NAME_PATH, "again"), MAPPING_FILE, "/again");
}

/* One that is sent again is as young as its last time. */
static void a_name_that_is_sent_again_stays(void **state)
{
	for (uint64_t turn = 0; turn < 5; turn++) {
		assert_named(state, MAKE(ID, NAME_PATH, "libc.so.6"), MAPPING_FILE, "/libc.so.6");
		add_many(state, USER, 1000 + turn * NAMES_TURN_AT, NAMES_TURN_AT);
		names_turn(*state);
		assert_true(is_known(state, ID));
	}
}

/* Between two readings there can be a new name for each row of the kernel's table. */
static void one_generation_has_a_maximum(void **state)
{
	add_many(state, USER, 1, NAMES_MAX);
	assert_int_equal(count_known(state, 1, NAMES_MAX), NAMES_MAX / 4 * 3);
	add_many(state, 0, 1 + NAMES_MAX, NAMES_MAX); /* root's names find room after that */
	assert_int_equal(count_known(state, 1 + NAMES_MAX, NAMES_MAX), NAMES_MAX / 4);
	assert_named(state, MAKE(1, NAME_PATH, "other"), MAPPING_FILE, "/other");
}

/* The attack in tests/live/names_budget.sh: paths of 3.9 KiB, each in a row of its own. */
static void long_names_stay_within_a_budget(void **state)
{
	static char component[NAME_COMPONENT_MAX - 10], leaf[32];
	const char *components[17] = { leaf };
	bool known;

	memset(component, 'd', sizeof(component) - 1);
	for (size_t i = 1; i < 16; i++)
		components[i] = component;
	for (uint64_t id = 1; id <= 20000; id++) {
		size_t size;

		snprintf(leaf, sizeof(leaf), "file%lu", id);
		size = make(id, NAME_PATH, components);
		assert_int_equal(names_add(*state, &record, size), 0);
		names_turn(*state);
	}
	assert_in_range(strings_bytes(strings), STRINGS_WHOLE(STRINGS_BYTES_USER),
			STRINGS_BYTES_USER + 1024);
	assert_int_equal(strlen(names_of_mapping(*state, MAPPING_FILE, 20000, USER, &known)), 3);
	/* Who came before, another user and the fixed names still have theirs. */
	assert_named(state, MAKE(20001, 0, "x"), MAPPING_ANON_NAMED, "...");
	record.uid = 0;
	assert_string_equal(names_of_mapping(*state, MAPPING_HEAP, 0, USER, &known), "[heap]");
	make(20002, NAME_PATH, (const char *const[]){ "libc.so.6", "lib", NULL });
	record.uid = USER + 1;
	assert_named(state, record.record.size, MAPPING_FILE, "/lib/libc.so.6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(path_is_joined_from_the_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deleted_file_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cut_path_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(longest_path_fits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_without_a_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cgroups_are_paths_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_long_cgroup_is_cut_at_its_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(class_alone_names_these, set_up, tear_down),
		cmocka_unit_test_setup_teardown(name_that_has_not_come_is_unknown, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_later_of_two_is_right, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_command_line_is_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_records_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(empty_components_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_go_by_generations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_name_that_is_sent_again_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_generation_has_a_maximum, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_names_stay_within_a_budget, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
