// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory: each scenario runs once for each of its allocations, which fails. One of our own code has
 * to be told, unless the module does without; one of a library may be (stdio goes on without a buffer).
 * Nothing may be left allocated in either case.
 */
#include <crypt.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/cgroups.h"
#include "../../src/config_file.h"
#include "../../src/groups.h"
#include "../../src/http.h"
#include "../../src/login.h"
#include "../../src/loop.h"
#include "../../src/names.h"
#include "../../src/outlet.h"
#include "../../src/sink_prometheus.h"
#include "../../src/sink_slices.h"
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

/* Three processes with rows, some of them slices, in two ticks, made before anything fails; the last tick is sealed. */
static struct snapshot *picture;

static struct row *make_slice(struct snapshot *snapshot, uint32_t slice)
{
	struct row *row = snapshot_slice_row(snapshot, snapshot_process(snapshot, 1, 1000, NULL),
					     100 + slice % 2, slice, KIND_SHMEM, ACCESS_READ,
					     MODE_USER, NULL);

	row->mapping = snapshot_intern(snapshot, "/memfd:x");
	row->map_end = 16 * 4096;
	row->slice_start = slice * 4096;
	row->slice_end = row->slice_start + 4096;
	return row;
}

static int make_picture(void **state)
{
	(void)state;
	picture = snapshot_new();
	for (uint64_t tick = 0; tick < 2; tick++) {
		snapshot_begin(picture);
		for (uint32_t i = 1; i < 12; i++)
			make_row(picture, i / 4 + 1, i)->now.minor += i;
		for (uint32_t i = 1; i < 12; i++)
			make_slice(picture, i)->now.minor += i;
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

static int slices_scenario(void)
{
	const struct slices_options wanted = { .page_size = 4096,
					       .slice_bytes = 4096,
					       .slices_max = 64 };
	struct slices *slices = slices_new(&wanted);
	int result = slices ? slices_add(slices, picture) : -ENOMEM;

	if (!result)
		result = slices_print(slices, null_stream);
	slices_free(slices);
	return result;
}

static size_t cost_of_group(const struct group *group)
{
	(void)group;
	return 10;
}

static uint64_t faults_of(const struct group *group)
{
	uint64_t sum = 0;

	for (size_t kind = 0; group->counts && kind < KIND_COUNT; kind++)
		sum += group->counts->faults[kind][SEVERITY_MINOR];
	return sum;
}

/* What a group finds no memory for is in `other`: nothing is lost. */
static int groups_scenario(void)
{
	struct groups groups;
	int result = groups_init(&groups, GROUP_BY_PID, 2, cost_of_group, cost_of_group,
				 picture->ts);
	uint64_t added = 0, counted = 0;

	if (result)
		return result;
	for (uint64_t tick = 0; tick < 3; tick++) {
		groups_begin(&groups, picture);
		for (size_t i = 0; i < picture->n_touched; i++) {
			struct fault_counts delta = row_delta(picture->rows[i]);

			groups_row(&groups, picture->rows[i], &delta);
			added += delta.minor;
		}
		for (size_t i = 0; i < picture->n_processes; i++)
			groups_process(&groups, picture->processes[i]);
		groups_settle(&groups, tick < 2 ? 1000 : 30, picture->ts);
	}
	for (size_t i = 0; i < groups.n_groups; i++)
		counted += faults_of(groups.groups[i]);
	counted += faults_of(groups.other);
	groups_clear(&groups);
	assert_int_equal(counted, added);
	return 0;
}

/* A line without memory is lost as a whole, and counted; the next one may have some again. */
static int outlet_scenario(void)
{
	static const char part[4000];
	struct outlet *outlet = NULL;
	struct error error = { "" };
	int result = outlet_open(&outlet, "/dev/null", OUTLET_REPLACE, &error), first = result;
	uint64_t n_refused = 0;

	assert_true(!result == !error.text[0]);
	for (int line = 0; line < 30 && !first; line++) {
		for (int i = 0; i < 10; i++)
			outlet_add(outlet, part, sizeof(part));
		if (outlet_end_line(outlet, false)) {
			result = -ENOMEM;
			n_refused++;
		}
	}
	assert_true(first || outlet_lost(outlet) == n_refused);
	if (!first)
		assert_int_equal(outlet_drain(outlet, 0), 0);
	outlet_free(outlet);
	return result;
}

static struct loop *scenario_loop;

static int give_up(void *context)
{
	(void)context;
	is_armed = false;
	fail_msg("no answer within a minute");
	return 0;
}

/* The loop is there before anything fails: it has its own scenario. */
static int make_loop(void **state)
{
	(void)state;
	return loop_new(&scenario_loop) || loop_add_timer(scenario_loop, 60000, give_up, NULL);
}

static int free_loop(void **state)
{
	(void)state;
	loop_free(scenario_loop);
	return 0;
}

static void take_login(void *who, bool granted)
{
	*(bool *)who = granted;
	loop_quit(scenario_loop);
}

/* "secret", at the lowest cost. */
static char *make_hash(void)
{
	static struct crypt_data data;

	return crypt_r("secret", "$2b$04$abcdefghijklmnopqrstuu", &data);
}

static int login_scenario(void)
{
	static char hash[64];
	struct login *login = NULL;
	bool granted = false;
	int result;

	if (!hash[0])
		strcpy(hash, make_hash());
	result = login_new(&login, scenario_loop, take_login);
	if (result)
		return result;
	if (login_check(login, hash, "secret", true, &granted) == LOGIN_PENDING)
		assert_int_equal(loop_run(scenario_loop), 0);
	login_free(login);
	return granted ? 0 : -ENOMEM;
}

static int answer(void *context, unsigned int type, struct http_body *ret_body)
{
	(void)context;
	(void)type;
	ret_body->text = calloc(1, 2048);
	ret_body->size = 2048;
	return ret_body->text ? 0 : -ENOMEM;
}

static const char *const types[] = { "text/plain" };
static const struct http_page page = {
	.path = "/", .types = types, .n_types = 1, .answer = answer
};
static struct listeners listeners;
static struct sockaddr_un address;
static socklen_t address_length = sizeof(address);
static int client;
static bool is_answered;

static int make_listener(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address.sun_family = AF_UNIX; /* a name of the kernel's choice */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &address_length), 0);
	listeners = (struct listeners){ .all = { { .fd = fd } }, .count = 1 };
	return make_loop(state);
}

static int free_listener(void **state)
{
	close(listeners.all[0].fd);
	return free_loop(state);
}

static int receive(void *context, uint32_t events)
{
	char response[4096];
	ssize_t n = read(client, response, sizeof(response));

	(void)context;
	(void)events;
	is_answered |= n > 12 && !memcmp(response + 9, "200", 3);
	if (n <= 0)
		loop_quit(scenario_loop);
	return 0;
}

static void get(const char *request)
{
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	is_answered = false;
	assert_int_equal(connect(client, (struct sockaddr *)&address, address_length), 0);
	assert_int_equal(write(client, request, strlen(request)), strlen(request));
	assert_int_equal(loop_add_fd(scenario_loop, client, EPOLLIN, receive, NULL), 0);
	assert_int_equal(loop_run(scenario_loop), 0);
	loop_remove_fd(scenario_loop, client);
	close(client);
}

static struct web_config *make_web_config(void)
{
	struct web_config *config = calloc(1, sizeof(*config));
	struct web_user *user = config ? calloc(1, sizeof(*user)) : NULL;

	if (user) {
		config->users = user;
		config->n_users = 1;
		user->name = strdup("user");
		user->hash = strdup(make_hash());
	}
	if (user && user->name && user->hash)
		return config;
	web_config_free(config);
	return NULL;
}

/* A request without memory is answered with a failure or cut, and the next one is answered. */
static int http_scenario(void)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				      "Accept-Encoding: gzip\r\n"
				      "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n";
	const struct http_site site = { &page, 1, NULL };
	struct web_config *config = make_web_config();
	struct http *http = NULL;
	struct error error = { "" };
	int result;

	if (!config)
		return -ENOMEM;
	result = http_open(&http, scenario_loop, &listeners, &site, config, &error);
	assert_true(!result == !error.text[0]);
	if (result)
		return result;
	get(request);
	result = is_answered ? 0 : -ENOMEM;
	get(request);
	assert_true(is_answered || !result);
	http_close(http);
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
TELLS(slices)
DOES_WITHOUT(groups)
TELLS(outlet)

/* Not libraries': GnuTLS keeps what it allocates with its first random number. */
static void login_tells(void **state)
{
	(void)state;
	assert_true(fail_each(login_scenario, OURS, true) >= 4);
}

static void http_goes_on(void **state)
{
	(void)state;
	assert_true(fail_each(http_scenario, OURS, false) >= 10);
}

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
		cmocka_unit_test_setup_teardown(slices_tells, make_picture, free_picture),
		cmocka_unit_test_setup_teardown(groups_does_without, make_picture, free_picture),
		cmocka_unit_test(outlet_tells),
		cmocka_unit_test_setup_teardown(login_tells, make_loop, free_loop),
		cmocka_unit_test_setup_teardown(http_goes_on, make_listener, free_listener),
	};

#ifdef __SANITIZE_ADDRESS__
	puts("1..1\nok 1 - nomem # SKIP AddressSanitizer has its own malloc");
	return 0;
#endif
	null_stream = fopen("/dev/null", "we");
	return cmocka_run_group_tests_name("nomem", tests, NULL, NULL);
}
