// SPDX-License-Identifier: GPL-2.0-only
/* What /proc/PID/smaps says of memory that is used, as the kernel writes it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/referenced.h"

#define MIB (1UL << 20)

struct seen {
	char text[512];
	uint64_t resident, referenced; /* of all */
};

static int add(void *context, const struct mapping_use *use)
{
	struct seen *seen = context;
	size_t length = strlen(seen->text);

	snprintf(seen->text + length, sizeof(seen->text) - length, "%s %lu %lu\n", use->mapping,
		 (unsigned long)use->resident_bytes, (unsigned long)use->referenced_bytes);
	seen->resident += use->resident_bytes;
	seen->referenced += use->referenced_bytes;
	return 0;
}

static int parse(const char *text, struct seen *seen)
{
	struct mapping_use use = {};
	FILE *smaps = fmemopen((char *)text, strlen(text), "r");
	int result;

	*seen = (struct seen){};
	assert_non_null(smaps);
	result = referenced_parse(smaps, &use, add, seen);
	fclose(smaps);
	return result;
}

/* Files count where they are locked, and no mapping without memory. */
static void names_are_those_of_rows(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(
		parse("55d0c0a00000-55d0c0b00000 rw-p 00000000 00:00 0                          "
		      "[heap]\nSize: 1024 kB\nRss: 1000 kB\nPss: 1 kB\nReferenced: 8 kB\n"
		      "VmFlags: rd wr mr\n"
		      "7f00a0000000-7f00b0000000 rw-p 00000000 00:00 0 \nRss: 64 kB\n"
		      "Referenced: 0 kB\nVmFlags: rd wr lo\n"
		      "7f00b0000000-7f00b0100000 rw-s 00000000 00:01 12      /dev/zero (deleted)\n"
		      "Rss: 4 kB\nReferenced: 4 kB\nVmFlags: rd wr sh\n"
		      "7f00c0000000-7f00c0100000 r--p 00001000 fe:00 1234      /data/a file\n"
		      "Rss: 16 kB\nReferenced: 0 kB\nVmFlags: rd mr \n"
		      "7f00d0000000-7f00d0100000 r--p 00001000 fe:00 1234      /data/a file\n"
		      "Rss: 12 kB\nReferenced: 0 kB\nVmFlags: rd mr lo\n"
		      "7f00e0000000-7f00e0100000 ---p 00000000 00:00 0 \nRss: 0 kB\n"
		      "Referenced: 0 kB\nVmFlags: mr\n",
		      &seen),
		0);
	assert_string_equal(seen.text,
			    "[heap] 1024000 8192\n[anon] 65536 0\n[anon_shmem] 4096 4096\n"
			    "/data/a file 12288 0\n");
}

static void what_has_ended_has_none(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(parse("\n", &seen), -ESRCH);
}

static void our_own_is_referenced_once_it_is_touched(void **state)
{
	volatile char *memory = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct referenced *referenced;
	struct seen seen = {};
	struct error error;

	(void)state;
	if (access("/proc/self/clear_refs", W_OK) ||
	    referenced_begin((uint32_t)getpid(), &referenced, &error) < 0)
		skip();
	for (size_t i = 0; i < 48 * MIB; i += 4096)
		memory[i] = 1;
	assert_int_equal(referenced_end(referenced, add, &seen), 0);
	assert_true(seen.resident >= 64 * MIB);
	assert_true(seen.referenced >= 48 * MIB);
	assert_true(seen.resident - seen.referenced >= 14 * MIB);
	referenced_free(referenced);
}

static void a_process_that_is_none_is_an_error(void **state)
{
	struct referenced *referenced;
	struct error error;

	(void)state;
	assert_int_equal(referenced_begin(0x7fffffff, &referenced, &error), -ENOENT);
	assert_non_null(strstr(error.text, "CONFIG_PROC_PAGE_MONITOR"));
	referenced_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_rows),
		cmocka_unit_test(what_has_ended_has_none),
		cmocka_unit_test(our_own_is_referenced_once_it_is_touched),
		cmocka_unit_test(a_process_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
