/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Out of memory: each scenario runs once for each of its allocations, which fails. One of our own code has
 * to be told, unless the module does without; one of a library may be (stdio goes on without a buffer).
 * Nothing may be left allocated in either case.
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/cgroups.h"
#include "../../src/config_file.h"
#include "../../src/loop.h"
#include "../../src/names.h"
#include "../../src/sink_prometheus.h"
#include "../../src/sink_summary.h"
#include "../../src/sink_table.h"
#include "../../src/snapshot.h"
#include "../../src/table.h"
#include "../../src/text.h"
#include "../../src/util.h"
#include "../../src/web_config.h"

#define HASH "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
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
static bool has_failed;
static size_t n_left; /* allocations until the one that fails; while armed */
static long n_live;   /* allocated since arm() and not freed */

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

static int table_scenario(void)
{
	static uint64_t values[200];
	struct table table;
	int result = 0;

	table_init(&table, 0, sizeof(uint64_t));
	for (size_t i = 0; i < ARRAY_SIZE(values) && !result; i++) {
		values[i] = i;
		result = table_add(&table, &values[i]);
		assert_true(result || table_get(&table, &values[i]) == &values[i]);
	}
	table_clear(&table);
	return result;
}

static int text_scenario(void)
{
	char *text = text_escape("a\xff\n");
	int result = text ? 0 : -ENOMEM;

	free(text);
	return result;
}

static int names_scenario(void)
{
	static struct name_record record = { .flags = NAME_PATH, .length = 5, .text = "leaf" };
	struct names *names = names_new();
	int result = names ? 0 : -ENOMEM;

	for (record.id = 1; record.id < 50 && !result; record.id++)
		result = names_add(names, &record, NAME_HEADER_SIZE + record.length);
	names_free(names);
	return result;
}

/* A path that cannot be kept is one that is not known. */
static int cgroups_scenario(void)
{
	struct cgroups *cgroups = cgroups_new();
	int result = cgroups ? 0 : -ENOMEM;

	if (!result)
		assert_non_null(cgroups_path(cgroups, 1));
	cgroups_free(cgroups);
	return result;
}

static int loop_scenario(void)
{
	struct loop *loop = NULL;
	int result = loop_new(&loop);

	loop_free(loop);
	return result;
}

static struct row *make_row(struct snapshot *snapshot, uint32_t tgid, uint64_t id)
{
	struct process *process = snapshot_process(snapshot, tgid, 1000UL * tgid, NULL);
	struct row *row;

	if (!process)
		return NULL;
	process->cgroup = snapshot_intern(snapshot, "/system.slice/a.service");
	row = snapshot_row(snapshot, process, id, KIND_DEMAND_ZERO, ACCESS_WRITE, MODE_USER, NULL);
	if (row)
		row->mapping = snapshot_intern(snapshot, "/usr/lib/libc.so.6");
	return row && row->mapping && process->cgroup ? row : NULL;
}

static void seal(struct snapshot *snapshot, uint64_t tick)
{
	snapshot->tick = tick;
	snapshot_seal(snapshot, (struct timespec){ 1795342136, 0 }, 1000000000);
}

static int snapshot_scenario(void)
{
	struct snapshot *snapshot = snapshot_new();
	int result = snapshot ? 0 : -ENOMEM;

	for (uint64_t tick = 0; tick < 2 && !result; tick++) {
		snapshot_begin(snapshot);
		for (uint32_t i = 1; i < 60 && !result; i++)
			result = make_row(snapshot, i / 4 + 1, i) ? 0 : -ENOMEM;
		seal(snapshot, tick);
	}
	snapshot_free(snapshot);
	return result;
}

/* A file in memory, made before anything fails. */
static const char *file_of(const char *text)
{
	static char path[32];
	static FILE *stream;

	if (!stream)
		stream = tmpfile();
	assert_non_null(stream);
	rewind(stream);
	assert_int_equal(ftruncate(fileno(stream), 0), 0);
	assert_int_equal(pwrite(fileno(stream), text, strlen(text), 0), strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(stream));
	return path;
}

static int web_config_scenario(void)
{
	struct web_config *config = NULL;
	struct error error = { "" };
	int result = web_config_load(&config,
				     file_of("http_server_config:\n  headers:\n"
					     "    X-Frame-Options: deny\n"
					     "basic_auth_users:\n  a: " HASH "\n  b: " HASH "\n"),
				     &error);

	assert_true(!result == !error.text[0]);
	web_config_free(config);
	/* libyaml does not tell no memory from no YAML. */
	return result ? -ENOMEM : 0;
}

struct config {
	struct option_list list;
};

static const struct option_spec options[] = {
	{ .name = "list", .argument = "TEXT", .help = "h", .type = OPTION_LIST }
};

static int config_file_scenario(void)
{
	static const struct command_spec command = { .name = "test",
						     .options = options,
						     .n_options = 1 };
	struct config_file *file = NULL;
	struct config config = { 0 };
	struct error error = { "" };
	int result = config_file_read(&file, file_of("list = a\nlist = b\n"), &command, &config,
				      &error);

	assert_true(!result == !error.text[0]);
	config_file_free(file);
	return result ? -ENOMEM : 0;
}

/* Three processes with rows in two ticks, made before anything fails; the last tick is sealed. */
static struct snapshot *picture;

static int make_picture(void **state)
{
	(void)state;
	picture = snapshot_new();
	for (uint64_t tick = 0; tick < 2; tick++) {
		snapshot_begin(picture);
		for (uint32_t i = 1; i < 12; i++)
			make_row(picture, i / 4 + 1, i)->now.minor += i;
		seal(picture, tick);
	}
	return 0;
}

static int free_picture(void **state)
{
	(void)state;
	snapshot_free(picture);
	return 0;
}

static int prometheus_scenario(void)
{
	const struct prometheus_options wanted = { .top_mappings = 3, .max_series = 5000 };
	struct sink_prometheus *sink = sink_prometheus_new(&wanted);
	const struct self_figures self = { .tick_ns = 1 };
	int result = sink ? 0 : -ENOMEM;
	char *text = NULL;
	size_t size;

	if (sink) {
		sink_prometheus_tick(sink, picture, &self);
		result = sink_prometheus_render(sink, EXPOSITION_TEXT, &text, &size);
		free(text);
	}
	sink_prometheus_free(sink);
	return result;
}

static FILE *null_stream;

static int table_sink_scenario(void)
{
	struct sink_table *sink = sink_table_new(&(struct sink_table_options){ .rows = 10 });
	int result = sink ? sink_table_print(sink, picture, null_stream) : -ENOMEM;

	sink_table_free(sink);
	return result;
}

static int summary_scenario(void)
{
	struct summary *summary = summary_new(&(struct summary_options){ .page_size = 4096 });
	int result = summary ? summary_add(summary, picture) : -ENOMEM;

	if (!result)
		result = summary_print(summary, null_stream);
	summary_free(summary);
	return result;
}

/* Fails each of these allocations of the scenario in turn. Returns how many they are. `tells`: each of
 * them must be answered with -ENOMEM; else it may go on without. */
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

TELLS(table)
TELLS(text)
TELLS(names)
DOES_WITHOUT(cgroups)
TELLS(loop)
TELLS(snapshot)
TELLS(web_config)
TELLS(config_file)
DOES_WITHOUT(prometheus)
/* Not libc's: without memory for /etc/passwd it loads another NSS module, and keeps that. */
static void table_sink_tells(void **state)
{
	(void)state;
	assert_true(fail_each(table_sink_scenario, OURS, true) >= 1);
}

TELLS(summary)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_tells),
		cmocka_unit_test(text_tells),
		cmocka_unit_test(names_tells),
		cmocka_unit_test(cgroups_does_without),
		cmocka_unit_test(loop_tells),
		cmocka_unit_test(snapshot_tells),
		cmocka_unit_test(web_config_tells),
		cmocka_unit_test(config_file_tells),
		cmocka_unit_test_setup_teardown(prometheus_does_without, make_picture,
						free_picture),
		cmocka_unit_test_setup_teardown(table_sink_tells, make_picture, free_picture),
		cmocka_unit_test_setup_teardown(summary_tells, make_picture, free_picture),
	};

#ifdef __SANITIZE_ADDRESS__
	puts("1..1\nok 1 - nomem # SKIP AddressSanitizer has its own malloc");
	return 0;
#endif
	null_stream = fopen("/dev/null", "we");
	return cmocka_run_group_tests_name("nomem", tests, NULL, NULL);
}
